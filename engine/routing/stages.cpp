// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/routing/stages.h"

namespace expertscope {

void StageOverrides::begin(std::span<const TokenSequence>) { }

void StageOverrides::append(std::int32_t, std::int32_t) { }

int StageOverrides::runs(int) const
{
    return 1;
}

const Weight *StageOverrides::router(int) const
{
    return nullptr;
}

int StageOverrides::slotCount(int, const MoeFfn &rule) const
{
    return rule.topK;
}

bool StageOverrides::variesCount() const
{
    return true;
}

int StageOverrides::firstLayer() const
{
    return 0;
}

const RoutingChanges *StageOverrides::changes(int) const
{
    return nullptr;
}

std::uint64_t StageOverrides::spansOf(const RoutingPlace &) const
{
    return 0;
}

std::optional<RoutingPolicy> StageOverrides::asEntry(const MoeFfn &) const
{
    return std::nullopt;
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

void StageOverrides::editChoice(const RoutingPlace &, std::span<float>) const { }

bool StageOverrides::select(const RoutingRow &, std::vector<std::int32_t> &) const
{
    return false;
}

bool StageOverrides::rawWeights(const RoutingRow &, std::span<const std::int32_t>, std::span<float>) const
{
    return false;
}

bool StageOverrides::normalise(const RoutingRow &, std::span<float>) const
{
    return false;
}

void StageOverrides::editWeights(const RoutingPlace &, std::span<const std::int32_t>, std::span<float>) const { }

} // namespace expertscope
