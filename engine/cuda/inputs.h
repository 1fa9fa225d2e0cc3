// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the host tells the kernels of a batch: token ids, positions, spans. Each has its place on the device, which stays while it
// is large enough, and goes there once a batch: what every layer asks for again is compared, not sent again. A kept step has places of
// its own, and copies to them by itself.
#pragma once

#include "engine/cuda/memory.h"

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace expertscope::cuda {

class Context;

enum class Input { TokenIds, Positions, AttentionPlan, CachePages, RowSpans, SumChunks, SumSequences, Count };
constexpr auto inputCount = static_cast<std::size_t>(Input::Count);

class Inputs {
public:
    /// The numbers in device memory, valid until other numbers are given for the same input.
    template<class T>
    const T *place(Context &context, Input input, std::span<const T> numbers)
    {
        return static_cast<const T *>(place(context, input, std::as_bytes(numbers)));
    }
    /// Numbers that never change, such as a model's rotary frequencies; kept for good.
    const float *constants(Context &context, std::span<const float> numbers);

private:
    struct Place {
        std::vector<std::byte> content;
        std::unique_ptr<Scratch<std::byte>> memory; // not shared: it must not keep the context that keeps it
        std::size_t bytes = 0;
    };
    const void *place(Context &context, Input input, std::span<const std::byte> content);

    std::array<Place, inputCount> m_places;
    std::map<std::vector<float>, std::unique_ptr<Scratch<float>>> m_constants;
};

} // namespace expertscope::cuda
