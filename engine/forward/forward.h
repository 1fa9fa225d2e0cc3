// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Forward: the one loop over the layers, for prefill and decode alike. Nothing runs a layer anywhere else,
// so nothing goes unrecorded.
#pragma once

#include "engine/core/progress.h"
#include "engine/forward/batch.h"
#include "engine/forward/forward_observer.h"
#include "engine/forward/kept_layers.h"
#include "engine/forward/model.h"
#include "engine/routing/steering_log.h"

namespace expertscope {

class Forward {
public:
    /// All must outlive this; overrides, observer and log may be null.
    Forward(const Model &model, Backend &backend, const StageOverrides *overrides, ForwardObserver *observer, SteeringLog *log = nullptr);

    /// Runs a batch through all layers; returns [T, H] after the final norm, valid until the next run. Spans with a cache slot
    /// need `cache`, which holds the layers of cachedLayers(). Reports rows done as layers pass; throws Cancelled between layers.
    /// kept (may be null; not together with a cache): what is kept of a run of the same batch is not run again, and the observer hears
    /// only onRouting() of it, with an empty input; what is found unchanged on the way is kept.
    Tensor run(const Batch &batch, KvCache *cache, const Progress &progress, KeptBatch *kept = nullptr);

private:
    /// Activations, allocated once for the largest batch so far.
    struct Workspace {
        std::int64_t rows = 0;
        Buffer hidden, normed, block; ///< [T, H]
        Buffer q, attended; ///< [T, nH*D] of the widest layer
        Buffer k, v; ///< [T, nKV*D]
        Buffer logits; ///< [T, E]
        Buffer gate; ///< [T, 1]
    };

    void reserve(std::int64_t rows);
    /// The layers before the first that may change, as far as they are kept; returns the first to run.
    int replay(const Batch &batch, const KeptBatch &kept);
    void runLayer(const Batch &batch, int layer, int cacheLayer, int repeat, KvCache *cache, KeptBatch *keep);
    void runAttention(const Batch &batch, int layer, int cacheLayer, KvCache *cache);
    void runDense(const Batch &batch, int layer);
    void runMoe(const Batch &batch, int layer, int repeat, const MoeFfn &moe, KeptBatch *keep);
    void runSharedExpert(const Batch &batch, int layer, const MoeFfn &moe);
    /// The first rows * width values of a workspace buffer as [rows, width].
    static Tensor part(const Buffer &buffer, std::int64_t rows, std::int64_t width);

    const Model &m_model;
    Backend &m_backend;
    const StageOverrides *m_overrides;
    ForwardObserver *m_observer;
    SteeringLog *m_log;
    Workspace m_work;
    std::vector<RoutingPlace> m_places; ///< [T]
    std::vector<float> m_logits, m_otherLogits; ///< [T, E]
};

/// The model's layers and, behind them, one more for each time that a layer is repeated: what a KV cache of this run holds.
ModelConfig cachedLayers(const ModelConfig &config, const StageOverrides *overrides);

} // namespace expertscope
