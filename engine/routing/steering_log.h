// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// SteeringLog: what steering really did to the choice of experts, summed per layer over the tokens of a run.
#pragma once

#include "engine/routing/pipeline.h"

#include <cstdint>
#include <map>

namespace expertscope {

/// Sums of one layer.
struct LayerChange {
    std::int64_t tokens = 0;
    std::int64_t changedSlots = 0; ///< of the experts the family's own rule takes, those that were not taken
    std::int64_t activeExperts = 0;
    double meanChanged() const { return tokens ? static_cast<double>(changedSlots) / static_cast<double>(tokens) : 0; }
    double meanActive() const { return tokens ? static_cast<double>(activeExperts) / static_cast<double>(tokens) : 0; }
    bool operator==(const LayerChange &) const = default;
};

struct SteeringLog {
    std::map<int, LayerChange> layers; ///< by the model's own layer number
    /// Adds the rows of a batch.
    void add(int layer, const RoutedBatch &routed);
};

} // namespace expertscope
