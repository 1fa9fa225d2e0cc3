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
    /// Takes running sequences a row further each: run() and the model's head; returns the next-token logits [T, V], valid until the next
    /// step or run. After some steps of the same shape a backend that can keeps their work and does it again as a whole, with the same
    /// numbers; what needs the host or an observer in between (see ForwardObserver::readsTensors) it does not keep.
    Tensor step(const Batch &batch, KvCache &cache, const Progress &progress);
    /// Whether the last step was done as a whole.
    bool keepsStep() const { return m_kept != nullptr; }

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
    /// [T] RoutingRows::spans of the running batch; empty without overrides.
    std::span<const std::uint64_t> rowSpans();
    void runLayers(const Batch &batch, int first, KvCache *cache, const Progress &progress, KeptBatch *kept);
    /// A step as a whole; false if it is to be done operation by operation.
    bool stepAtOnce(const Batch &batch, KvCache &cache, const Tensor &logits, const Progress &progress);
    struct KeptWork;
    /// Null if the backend keeps it not.
    std::unique_ptr<KeptWork> keep(const Batch &batch, const StepInputs &inputs, const Tensor &logits, const Progress &progress);
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
    /// Where experts come on demand: those of the next MoE layer that its router would choose for the input of this one, which are most
    /// of those that it will choose (speculative loading: Eliseev and Mazur, arXiv 2312.17238, section 3.2). On the demo model, top-4 of
    /// 16, these are 85 % of them; 54 % are those of the token before, 25 % is chance.
    void announceNext(const Batch &batch, int layer);
    /// The backend's router of a layer; null where it cannot do what the overrides want.
    Router *routerOf(int layer, const MoeFfn &moe);
    /// Tells of the routing that the backend has kept, until only `left` layers are pending.
    void deliver(const Batch &batch, std::size_t left);
    struct PendingLayer;
    void collect(const Batch &batch, const PendingLayer &layer);
    /// Hears of tensors; null while a step is kept: nothing is computed then.
    ForwardObserver *watcher() const { return m_keeping ? nullptr : m_observer; }
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
    std::vector<std::uint64_t> m_rowSpans; ///< empty until needed
    /// A layer that the backend has routed, and that nobody has heard of yet.
    struct PendingLayer {
        int layer, repeat, experts;
        KeptBatch *keep;
        std::unique_ptr<PendingRouting> routing;
    };
    std::deque<PendingLayer> m_pending;
    bool m_keeping = false; ///< the backend keeps what it is asked, and does not do it
    /// A step that the backend has kept.
    struct KeptWork {
        std::deque<PendingLayer> layers;
        std::unique_ptr<Step> step; ///< goes before the layers
    };
    std::unique_ptr<KeptWork> m_kept;
    std::int64_t m_stepRows = 0; ///< of the last step
    int m_plainSteps = 0; ///< of so many rows, in a row
    bool m_neverKeeps = false; ///< the backend does not
    Buffer m_stepLogits; ///< [T, V] of the most rows so far
};

/// The model's layers and, behind them, one more for each time that a layer is repeated: what a KV cache of this run holds.
ModelConfig cachedLayers(const ModelConfig &config, const StageOverrides *overrides);

} // namespace expertscope
