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

#include <deque>
#include <map>

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
    void locate(const Batch &batch);
    /// The layers before the first that may change, as far as they are kept; returns the first to run.
    int replay(const Batch &batch, const KeptBatch &kept);
    void runLayer(const Batch &batch, int layer, int cacheLayer, int repeat, KvCache *cache, KeptBatch *keep);
    void runAttention(const Batch &batch, int layer, int cacheLayer, KvCache *cache);
    void runDense(const Batch &batch, int layer);
    void runMoe(const Batch &batch, int layer, int repeat, const MoeFfn &moe, KeptBatch *keep);
    /// S0 to S8 where the pipeline of engine/routing is asked.
    void routeHere(const Batch &batch, int layer, int repeat, const MoeFfn &moe, KeptBatch *keep);
    /// S1 to S8 where the backend routes by itself; what it did is heard of when its copy is there.
    void routeThere(Router &router, const Batch &batch, int layer, int repeat, const MoeFfn &moe, KeptBatch *keep);
    /// The backend's router of a layer; null where it cannot do what the overrides want.
    Router *routerOf(int layer, const MoeFfn &moe);
    /// Tells of the routing that the backend has kept, until only `left` layers are pending.
    void deliver(const Batch &batch, std::size_t left);
    void tell(const Batch &batch, const RoutingTap &tap, KeptBatch *keep);
    void runSharedExpert(const Batch &batch, int layer, const MoeFfn &moe);
    /// The first rows * width values of a workspace buffer as [rows, width].
    static Tensor part(const Buffer &buffer, std::int64_t rows, std::int64_t width);

    const Model &m_model;
    Backend &m_backend;
    const StageOverrides *m_overrides;
    ForwardObserver *m_observer;
    SteeringLog *m_log;
    Workspace m_work;
    std::vector<RoutingPlace> m_places; ///< [T] of the running batch
    std::vector<float> m_logits, m_otherLogits; ///< [T, E]
    std::map<int, std::unique_ptr<Router>> m_routers; ///< by layer; made when first asked for
    std::vector<std::uint64_t> m_rowSpans; ///< [T] RoutingRows::spans of the running batch; empty until needed
    /// A layer that the backend has routed, and that nobody has heard of yet.
    struct PendingLayer {
        int layer, repeat, experts;
        KeptBatch *keep;
        std::unique_ptr<PendingRouting> routing;
    };
    std::deque<PendingLayer> m_pending;
};

/// The model's layers and, behind them, one more for each time that a layer is repeated: what a KV cache of this run holds.
ModelConfig cachedLayers(const ModelConfig &config, const StageOverrides *overrides);

} // namespace expertscope
