// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/model_config.h"

#include <algorithm>

namespace expertscope {

std::vector<int> ModelConfig::moeLayers() const
{
    std::vector<int> numbers;
    for (std::size_t l = 0; l < layers.size(); ++l)
        if (layers[l].moe())
            numbers.push_back(static_cast<int>(l));
    return numbers;
}

int ModelConfig::maxTopK() const
{
    int k = 0;
    for (const LayerConfig &layer : layers)
        if (const MoeFfn *moe = layer.moe())
            k = std::max(k, moe->topK);
    return k;
}

int ModelConfig::maxExperts() const
{
    int e = 0;
    for (const LayerConfig &layer : layers)
        if (const MoeFfn *moe = layer.moe())
            e = std::max(e, moe->experts);
    return e;
}

} // namespace expertscope
