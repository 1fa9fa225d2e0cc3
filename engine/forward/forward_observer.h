// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ForwardObserver: hears what happens inside a forward pass. The recorder is one; tests and analyses of hidden states are others.
// Tensors are the backend's and valid only during the call.
#pragma once

#include "engine/forward/batch.h"
#include "engine/routing/pipeline.h"

#include <span>

namespace expertscope {

/// What one MoE block did with a batch.
struct RoutingTap {
    int layer; ///< the model's own layer number
    int repeat; ///< 0; counts on where a layer is run more than once
    int experts; ///< E of the layer
    std::span<const float> logits; ///< [T, E] S0; may be empty unless needed
    const RoutedBatch &routed; ///< softmax and choice may be empty unless needed
    std::span<const float> expertNorms; ///< [T, K] L2 norm of each chosen expert's unweighted output; empty unless needed
    std::span<const double> softmaxSums; ///< [spans of the batch, E]; empty where the softmax itself is there
};

class ForwardObserver {
public:
    virtual ~ForwardObserver() = default;
    /// What onRouting() reads besides experts, weights and counts. What is not needed may come all the same, but for the norms.
    virtual RoutingNeeds routingNeeds() const { return {}; }
    /// Whether any of these reads its tensor. If not, decode steps may be done without telling of each layer: then only onEmbedding(),
    /// onRouting() and onFinalNorm() are called, the first before the numbers are there.
    virtual bool readsTensors() const { return true; }
    virtual void onEmbedding(const Batch &, const Tensor &) { } ///< [T, H]
    virtual void onAttention(const Batch &, int, const Tensor &) { } ///< layer, [T, H] before it is added to the residual stream
    virtual void onMoeInput(const Batch &, int, const Tensor &) { } ///< layer, [T, H] what router and experts read
    /// In the order of the layers and before onFinalNorm(), but where the backend routes by itself a layer or two after onLayer().
    virtual void onRouting(const Batch &, const RoutingTap &) { }
    virtual void onLayer(const Batch &, int, const Tensor &) { } ///< layer, [T, H] residual stream after it
    virtual void onFinalNorm(const Batch &, const Tensor &) { } ///< [T, H] what the head reads
};

} // namespace expertscope
