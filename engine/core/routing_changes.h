// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RoutingChanges: steering of one layer as a plain list, for a Backend that routes by itself. What the entries do is said, and done on
// the host, in engine/steering.
#pragma once

#include <cstdint>
#include <vector>

namespace expertscope {

/// Which rows an entry acts on: a bit of RoutingRows::spans.
inline constexpr int maxRoutingSpans = 64;

enum class RoutingOp {
    Add,
    Soft,
    ForceMax,
    ForceMin,
    LogMax,
    LogMin,
    ScaleAbs,
    Mask,
    Bias,
    Exclude,
    WeightScale,
    WeightSet,
    WeightRescale,
};

struct RoutingEdit {
    RoutingOp op = RoutingOp::Add;
    int span = 0;
    std::vector<std::int32_t> experts; ///< in the recipe's order
    std::vector<float> vector; ///< [E] of Bias, else empty
    float strength = 0;
    float epsilon = 0;
};

/// What becomes of the sum of weights when a policy takes more or fewer experts than the model.
enum class WeightSum {
    AsModel, ///< the family's own rule: normalised or not
    Raw, ///< the scores as they are
    Renormalise, ///< to 1
    Rescale, ///< to what the family's rule had for this token: keeps the size of the layer's output
};

struct RoutingPolicy {
    int span = 0;
    int take = 0; ///< so many of the best experts; 0 = the choice is left as it is
    WeightSum sum = WeightSum::AsModel; ///< with `take`
    bool equalWeights = false;
    float temperature = 1;
};

struct RoutingChanges {
    std::vector<RoutingPolicy> policies; ///< where two answer for the same stage of a row, the later one counts
    std::vector<RoutingEdit> edits; ///< in order; logits after the policies' temperatures
    int slotCount = 0; ///< the most experts a row may get
};

} // namespace expertscope
