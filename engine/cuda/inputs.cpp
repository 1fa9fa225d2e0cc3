// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/inputs.h"

#include "engine/cuda/context.h"
#include "engine/cuda/kept_step.h"

#include <algorithm>

namespace expertscope::cuda {

const void *Inputs::place(Context &context, Input input, std::span<const std::byte> content)
{
    if (const KeptStep *const step = context.capturing())
        return step->place(input, content);
    Place &place = m_places[static_cast<std::size_t>(input)];
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
    std::vector<float> key(numbers.begin(), numbers.end());
    auto found = m_constants.find(key);
    if (found == m_constants.end()) {
        auto memory = std::make_unique<Scratch<float>>(context, std::ssize(numbers), "a model's constants");
        context.staging().upload(memory->data(), numbers.data(), numbers.size_bytes());
        found = m_constants.emplace(std::move(key), std::move(memory)).first;
    }
    return found->second->data();
}

} // namespace expertscope::cuda
