// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RoutedBatch: what routing a batch in one layer gave. The pipeline of engine/routing makes it, or a Backend that routes by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace expertscope {

/// The experts a batch goes to: row t uses expert[t*K+s] with weight[t*K+s] for s < count[t]. Counts may vary per row.
struct Assignments {
    std::int64_t tokens = 0; ///< T
    int slotCount = 0; ///< K (Qt makes "slots" a macro)
    std::vector<std::int32_t> expert; ///< [T, K]
    std::vector<float> weight; ///< [T, K]
    std::vector<std::int32_t> count; ///< [T]
};

/// What routing a batch gave.
struct RoutedBatch {
    Assignments assignments; ///< slot 0 has the largest weight
    std::vector<float> softmax; ///< [T, E] full softmax of the unedited logits
    std::vector<float> choice; ///< [T, E] S3, what selection compared; empty where that is the softmax itself
    std::vector<std::int32_t> changed; ///< [T] of the experts the rule takes by itself, how many were not taken; empty without overrides
};

/// A number that is not finite.
struct RoutingFault {
    std::int64_t row = 0; ///< of the batch, the first
    std::int32_t expert = -1; ///< the one whose weight it is; -1 = a router logit
};

/// What of a layer's routing its reader wants besides experts, weights and counts.
struct RoutingNeeds {
    bool logits = true; ///< S0
    bool scores = true; ///< RoutedBatch::softmax and choice
    bool softmaxSums = false; ///< the softmax summed over the rows of each sequence, where it is not wanted itself
    bool expertNorms = false; ///< L2 norm of each chosen expert's unweighted output
};

/// A RoutedBatch that was made elsewhere, with what was wanted beside it; what was not is empty.
struct CollectedRouting {
    RoutedBatch routed;
    std::vector<float> logits; ///< [T, E]
    std::vector<float> expertNorms; ///< [T, K]
    std::vector<double> softmaxSums; ///< [spans of the batch, E]
    std::optional<RoutingFault> fault; ///< the rest means nothing then
};

} // namespace expertscope
