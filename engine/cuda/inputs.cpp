// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/inputs.h"

#include "engine/cuda/context.h"

#include <algorithm>

namespace expertscope::cuda {

const void *Inputs::place(Context &context, Place &place, std::span<const std::byte> content)
{
    if (place.memory && std::equal(content.begin(), content.end(), place.content.begin(), place.content.end()))
        return place.memory->data();
    if (!place.memory || content.size() > place.bytes) {
        place.bytes = std::max<std::size_t>(content.size(), 256);
        place.memory =
            std::make_unique<Scratch<std::byte>>(context, static_cast<std::int64_t>(place.bytes), "a batch's token ids and positions");
    }
    context.staging().upload(place.memory->data(), content.data(), content.size());
    place.content.assign(content.begin(), content.end());
    return place.memory->data();
}

const float *Inputs::constants(Context &context, std::span<const float> numbers)
{
    std::unique_ptr<Scratch<float>> &memory = m_constants[std::vector<float>(numbers.begin(), numbers.end())];
    if (!memory) {
        memory = std::make_unique<Scratch<float>>(context, std::ssize(numbers), "a model's constants");
        context.staging().upload(memory->data(), numbers.data(), numbers.size_bytes());
    }
    return memory->data();
}

} // namespace expertscope::cuda
