// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Stages S1-S7 on the device: a family's rule and a layer's RoutingChanges as flat device memory, and what comes out.
#pragma once

#include "engine/core/backend.h"
#include "engine/cuda/context.h"

#include <cstdint>
#include <span>
#include <vector>

namespace expertscope::cuda {

/// core's RoutingEdit; its lists lie in RoutingTable::editExperts and editVectors.
struct DeviceEdit {
    int op; ///< RoutingOp
    int span;
    int firstExpert;
    int expertCount;
    int firstOfVector;
    float strength;
    float epsilon;
};

/// core's RoutingPolicy.
struct DevicePolicy {
    int span;
    int take;
    int sum; ///< WeightSum
    int equalWeights;
    float temperature;
};

constexpr int maxRoutedExperts = 1024; ///< a lane marks up to 32

struct RoutingTable {
    int experts = 0; ///< E <= maxRoutedExperts
    int topK = 0;
    int slots = 0; ///< K
    int groups = 0;
    int topkGroups = 0;
    bool sigmoid = false;
    bool normalise = false;
    bool steered = false;
    float scale = 1;
    const float *bias = nullptr; ///< [E] or null
    const DevicePolicy *policies = nullptr;
    int policyCount = 0;
    const DeviceEdit *edits = nullptr;
    int editCount = 0;
    const std::int32_t *editExperts = nullptr;
    const float *editVectors = nullptr;
};

/// Where the results go; what may be null is not wanted then.
struct RoutingOutputs {
    unsigned long long *fault; ///< noFault before; the least faultKey() of all rows
    std::int32_t *expert; ///< [T, K]; -1 where a slot is not used
    float *weight; ///< [T, K]
    std::int32_t *count; ///< [T]
    std::int32_t *changed; ///< [T] or null
    float *logits; ///< [T, E] or null
    float *softmax; ///< [T, E] or null
    float *choice; ///< [T, E] or null
};

constexpr unsigned long long noFault = ~0ull;
/// Orders faults by row; of a row's, the logits before the weights. expert: -1 = a logit.
__host__ __device__ constexpr unsigned long long faultKey(std::int64_t row, int expert)
{
    return static_cast<unsigned long long>(row) << 16 | static_cast<unsigned long long>(expert + 1);
}

/// logits [T, E]; spans [T] as RoutingRows::spans, or null.
void routeRows(Context &context, const RoutingTable &table, const float *logits, std::int64_t rows, const std::uint64_t *spans,
    const RoutingOutputs &out);

/// Neighbours in a list.
struct Stretch {
    std::int64_t first;
    std::int64_t count;
    bool operator==(const Stretch &) const = default;
};
constexpr std::int64_t chunkRows = 64; ///< of a sequence, that one thread sums

struct SumLists {
    std::vector<Stretch> chunks; ///< rows of each, at most chunkRows
    std::vector<Stretch> sequences; ///< chunks of each
};
SumLists sumLists(std::span<const BatchSpan> sequences);

/// sums[s, e] = sum of softmax[r, e] over the chunks of sequence s, the same whatever else is in the batch; the lists on the device.
void sumSoftmax(Context &context, const float *softmax, int experts, const Stretch *chunks, std::int64_t chunkCount,
    const Stretch *sequences, std::int64_t sequenceCount, double *sums);

} // namespace expertscope::cuda
