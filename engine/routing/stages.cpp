// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/routing/stages.h"

namespace expertscope {

int StageOverrides::slotCount(int, const MoeFfn &rule) const
{
    return rule.topK;
}

void StageOverrides::editLogits(const RoutingPlace &, std::span<float>) const { }

bool StageOverrides::score(const RoutingPlace &, std::span<const float>, std::span<float>) const
{
    return false;
}

bool StageOverrides::choiceScore(const RoutingPlace &, std::span<const float>, std::span<float>) const
{
    return false;
}

bool StageOverrides::select(const RoutingPlace &, std::span<const float>, std::vector<std::int32_t> &) const
{
    return false;
}

bool StageOverrides::rawWeights(const RoutingPlace &, std::span<const float>, std::span<const std::int32_t>, std::span<float>) const
{
    return false;
}

bool StageOverrides::normalise(const RoutingPlace &, std::span<float>) const
{
    return false;
}

void StageOverrides::editWeights(const RoutingPlace &, std::span<const std::int32_t>, std::span<float>) const { }

} // namespace expertscope
