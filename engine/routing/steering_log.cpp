// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/routing/steering_log.h"

#include <numeric>

namespace expertscope {

void SteeringLog::add(int layer, const RoutedBatch &routed)
{
    LayerChange &sums = layers[layer];
    sums.tokens += routed.assignments.tokens;
    sums.changedSlots = std::accumulate(routed.changed.begin(), routed.changed.end(), sums.changedSlots);
    sums.activeExperts = std::accumulate(routed.assignments.count.begin(), routed.assignments.count.end(), sums.activeExperts);
}

} // namespace expertscope
