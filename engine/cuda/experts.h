// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The experts of a layer on the device: rows sorted by expert, grouped products over the experts that have rows, the weighted sum
// of each token in slot order. Nothing here waits for the device: how many rows an expert has is known only there.
#pragma once

#include "engine/core/backend.h"
#include "engine/cuda/context.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace expertscope::cuda {

struct ExpertPointers {
    const void *gate; ///< [I, H], rows hiddenPitch apart
    const void *up;
    const void *down; ///< [H, I], rows widthPitch apart
};

/// Rows of weights are padded with zeros to a multiple of this, so that 16 bytes can always be read at once.
constexpr std::int64_t pitchStep = 8;

/// How an expert of a layer lies in device memory: gate, up, down, one behind the other.
struct ExpertLayout {
    DType type = DType::F32; ///< F32 or BF16, of all matrices
    std::int64_t experts = 0; ///< E
    std::int64_t hidden = 0, width = 0; ///< H, I
    std::int64_t hiddenPitch = 0, widthPitch = 0; ///< numbers from row to row
    std::size_t innerBytes() const { return static_cast<std::size_t>(width * hiddenPitch) * sizeBytes(type); } ///< gate, and up
    std::size_t bytes() const { return 2 * innerBytes() + static_cast<std::size_t>(hidden * widthPitch) * sizeBytes(type); }
    ExpertPointers at(std::byte *expert) const { return {expert, expert + innerBytes(), expert + 2 * innerBytes()}; }
};

/// BF16 stays what it is if all matrices are; else all become F32. Throws Error (Input) where shapes or types are none of experts.
ExpertLayout expertLayout(const Context &context, std::span<const StoredMlp> stored);
/// Brings an expert to ExpertLayout::bytes() of device memory.
void placeExpert(Context &context, const ExpertLayout &layout, const StoredMlp &stored, std::byte *to);

class ExpertStore;

struct CudaExpertWeights final : ExpertWeights {
    ExpertLayout layout;
    const ExpertPointers *pointers = nullptr; ///< [E] on the device; null where the experts come from a store
    std::shared_ptr<void> weights, table; ///< what owns them
    std::shared_ptr<ExpertStore> store; ///< null where all experts are on the device
    int layer = 0; ///< of the store
    bool comeOnDemand() const override { return store != nullptr; }
};

std::shared_ptr<const CudaExpertWeights> loadExperts(Context &context, std::span<const StoredMlp> stored);

/// Assignments on the device: -1 stands where a slot is not used.
struct DeviceAssignments {
    std::int64_t tokens = 0; ///< T
    int slots = 0; ///< K
    const std::int32_t *expert = nullptr; ///< [T, K]
    const float *weight = nullptr; ///< [T, K]
};

/// See Backend::experts; outNorm [T, K] or null: gets 0 where a slot is not used.
void runExperts(
    Context &context, const Tensor &x, const DeviceAssignments &to, const CudaExpertWeights &experts, const Tensor &out, float *outNorm);
/// The same with assignments that lie in host memory; throws Error (Check) on an expert that does not exist.
void experts(Context &context, const Tensor &x, const Assignments &assignments, const CudaExpertWeights &experts, const Tensor &out,
    const Tensor *outNorm);

} // namespace expertscope::cuda
