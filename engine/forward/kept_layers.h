// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// KeptLayers: what runs of one model with the same sequences have in common, so that only the layers from the first steered one on are run
// again. For each batch the residual stream before each layer and what its router did: about 4 (H + 2 E) bytes per token and layer.
#pragma once

#include "engine/forward/forward_observer.h"

#include <deque>
#include <map>
#include <span>
#include <vector>

namespace expertscope {

/// One batch. Filled by Forward::run from layer 0 on without a gap.
class KeptBatch {
public:
    struct Routing {
        std::vector<float> logits; ///< [T, E]
        RoutedBatch routed;
        std::vector<float> expertNorms; ///< [T, K] or empty
    };

    /// Forgets what is kept of another batch, or without the expert norms that are now wanted.
    void beginBatch(const Batch &batch, bool expertNorms);
    /// The last layer before which the residual stream is kept; -1 = none.
    int lastLayer() const { return static_cast<int>(m_hidden.size()) - 1; }
    std::span<const float> hidden(int layer) const { return m_hidden[static_cast<std::size_t>(layer)]; } ///< [T, H] before it
    /// Null for a dense layer.
    const Routing *routing(int layer) const;

    void keepHidden(int layer, Backend &backend, const Tensor &hidden);
    void keepRouting(const RoutingTap &tap);

private:
    Batch m_batch;
    bool m_expertNorms = false;
    std::vector<std::vector<float>> m_hidden; ///< [layer] of [T, H]
    std::map<int, Routing> m_routing;
};

class KeptLayers {
public:
    KeptBatch &batch(std::size_t number);

private:
    std::deque<KeptBatch> m_batches; ///< references stay
};

} // namespace expertscope
