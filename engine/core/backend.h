// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Backend: the dozen operations a forward pass is made of. cpu/ and cuda/ implement it; cpu is the reference.
// Activations are f32 tensors allocated by the backend; weights stay in their stored type.
#pragma once

#include "engine/core/model_config.h"
#include "engine/core/progress.h"
#include "engine/core/routed_batch.h"
#include "engine/core/routing_changes.h"
#include "engine/core/tensor.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace expertscope {

struct BackendInfo {
    std::string name; ///< "cpu", "cuda"
    std::string device; ///< "AMD EPYC ..., 2 threads, AVX-512 BF16"
    std::int64_t memoryTotalBytes = 0;
    std::int64_t memoryFreeBytes = 0; ///< what a model may take: the system's file cache counts as free; 0 = unknown
    std::int64_t batchTokens = 2048; ///< a batch of more tokens is no faster
    std::string experts = {}; ///< how many uses found their expert on the device, and bytes brought; empty where all are there
};

/// How exact the products with a weight must be. Near-ties decide routing, so routers are Exact.
enum class Products {
    Fast, ///< activations may be rounded to the weight's stored type; sums stay f32
    Exact, ///< activations stay f32
};

/// A matrix [out, in] as the backend wants it for products (mapped, packed, or on the device).
class Weight {
public:
    virtual ~Weight() = default;
    virtual std::int64_t rows() const = 0; ///< out
    virtual std::int64_t cols() const = 0; ///< in
};
using WeightPtr = std::shared_ptr<const Weight>;

/// A SwiGLU MLP: down( silu(gate(x)) * up(x) ).
struct GatedMlp {
    WeightPtr gate; ///< [I, H]
    WeightPtr up; ///< [I, H]
    WeightPtr down; ///< [H, I]
};

/// A norm of each head's D values.
struct HeadNorm {
    Tensor weight; ///< [D]
    float eps = 0;
};

/// Rows of a packed batch that belong to one sequence.
struct BatchSpan {
    std::int64_t firstRow = 0;
    std::int64_t rows = 0;
    std::int64_t past = 0; ///< tokens of the sequence already in the cache
    int cacheSlot = -1; ///< which sequence of the KvCache; -1 = keep nothing
};

/// Keys and values of running sequences; the backend's own layout.
class KvCache {
public:
    virtual ~KvCache() = default;
    virtual std::int64_t capacityTokens() const = 0; ///< per sequence
    /// Forgets everything of a sequence from token `length` on.
    virtual void truncate(int slot, std::int64_t length) = 0;
};

/// The matrices of a GatedMlp as they are stored.
struct StoredMlp {
    Tensor gate, up, down;
};

/// The experts of one layer, as the backend wants them together.
class ExpertWeights {
public:
    virtual ~ExpertWeights() = default;
    /// They are brought to where the backend computes as they are used: it helps to say which will be (PendingRouting::announce).
    virtual bool comeOnDemand() const { return false; }
};
using ExpertWeightsPtr = std::shared_ptr<const ExpertWeights>;

/// What routing must know of a batch's rows.
struct RoutingRows {
    std::span<const BatchSpan> sequences; ///< RoutingNeeds::softmaxSums has a row for each
    std::span<const std::uint64_t> spans; ///< [T] bit s: the row is in span s of the layer's RoutingChanges; empty without any
};

/// A batch that was routed in the backend's memory. Nothing is waited for before collect(); what is not collected is dropped.
class PendingRouting {
public:
    virtual ~PendingRouting() = default;
    /// Backend::experts() with what was chosen; once.
    virtual void runExperts(const Tensor &x, const ExpertWeights &experts, const Tensor &out) = 0;
    /// Instead: experts of a layer to come will probably run with what was chosen, so that they can be brought beside the experts that
    /// run next. Results are the same whatever is announced.
    virtual void announce(const ExpertWeights &) { }
    /// Waits for the copy of what was wanted; once, after runExperts(). Of a kept step: once after each Step::run().
    virtual CollectedRouting collect() = 0;
};

/// Stages S1-S7 of one layer, done by the backend itself.
class Router {
public:
    virtual ~Router() = default;
    /// logits [T, E] may change as soon as this returns and the backend is given more work.
    virtual std::unique_ptr<PendingRouting> route(const Tensor &logits, const RoutingRows &rows, const RoutingNeeds &needs) = 0;
};

/// What the host says of a batch that takes running sequences a row further each. Nothing else may differ from step to step.
struct StepInputs {
    std::span<const std::int32_t> tokens; ///< [T]
    std::span<const std::int32_t> positions; ///< [T]
    std::span<const BatchSpan> spans; ///< [T], each with a slot of the cache
    std::span<const std::uint64_t> routingSpans; ///< RoutingRows::spans
    KvCache &cache;
};

/// The work of a batch that a backend has kept, to do it again without being told of each operation.
class Step {
public:
    virtual ~Step() = default;
    /// Does it with these inputs, in the tensors that it was kept with. False, and nothing is done, where they do not fit it: another
    /// number of rows, a cache of another shape.
    virtual bool run(const StepInputs &inputs) = 0;
};

class Backend {
public:
    virtual ~Backend() = default;
    virtual BackendInfo info() const = 0;

    virtual Buffer allocate(DType type, Shape shape) = 0;
    virtual void upload(std::span<const float> from, const Tensor &to) = 0;
    virtual void download(const Tensor &from, std::span<float> to) = 0;

    /// Makes a stored matrix [out, in] (F32, F16, BF16; host memory that outlives the result) ready for products.
    virtual WeightPtr prepare(const Tensor &stored, Products products) = 0;
    /// Makes a stored vector (norm weight, bias) an f32 tensor of the backend.
    virtual Buffer prepareVector(const Tensor &stored) = 0;

    /// out[t] = table[ids[t]]; out [T, H].
    virtual void embed(const Weight &table, std::span<const std::int32_t> ids, const Tensor &out) = 0;
    /// out = x * rsqrt(mean(x^2) + eps) * weight over the last axis; x, out [T, N]; may be in place.
    virtual void rmsNorm(const Tensor &x, const Tensor &weight, float eps, const Tensor &out) = 0;
    /// out = x W^T (+ bias); x [T, in], out [T, out]; bias [out] or empty.
    virtual void linear(const Tensor &x, const Weight &weight, const Tensor *bias, const Tensor &out) = 0;
    /// x += y.
    virtual void add(const Tensor &x, const Tensor &y) = 0;
    /// x = clamp(x, -limit, limit).
    virtual void clamp(const Tensor &x, float limit) = 0;
    /// Each head in place: rmsNorm() with the norm, if there is one, then half-split pairs are rotated; x [T, heads, D], positions [T].
    virtual void rope(const Tensor &x, const HeadNorm *norm, std::span<const std::int32_t> positions, const AttentionConfig &config) = 0;
    /// Causal GQA softmax attention inside each span; q, out [T, nH, D], k and v [T, nKV, D].
    /// With a cache, k and v of each span with a slot are appended to it for this layer, and the past is attended to.
    virtual void attention(const Tensor &q, const Tensor &k, const Tensor &v, std::span<const BatchSpan> spans,
        const AttentionConfig &config, KvCache *cache, int layer, const Tensor &out) = 0;
    virtual std::unique_ptr<KvCache> makeKvCache(const ModelConfig &config, int sequences, std::int64_t capacityTokens) = 0;
    /// out = mlp(x); x, out [T, H].
    virtual void gatedMlp(const Tensor &x, const GatedMlp &mlp, const Tensor &out) = 0;
    /// x[t] *= sigmoid(g[t]); x [T, H], g [T, 1].
    virtual void scaleRowsBySigmoid(const Tensor &x, const Tensor &g) = 0;
    /// Before a model's weights are prepared: makes room for them. layers: the experts of each MoE layer, in the order they will be
    /// prepared; otherBytes: of all other weights; atOnce: the most experts a token goes to. False where all must fit in memoryFreeBytes,
    /// which the caller sees to. Throws Error (Device) with the sizes where the model cannot run here.
    virtual bool makeRoom(std::int64_t /*otherBytes*/, std::span<const std::vector<StoredMlp>> /*layers*/, int /*atOnce*/) { return false; }
    /// Makes the experts of a layer ready; the same host memory as with prepare().
    virtual ExpertWeightsPtr prepareExperts(std::span<const StoredMlp> stored) = 0;
    /// out[t] += sum_s weight * experts[expert](x[t]), in slot order whatever the number of threads, so results repeat bit for bit.
    /// outNorm [T, K] gets the L2 norm of each unweighted expert output, if not null; slots that are not used get 0 or stay as they were.
    virtual void experts(
        const Tensor &x, const Assignments &assignments, const ExpertWeights &experts, const Tensor &out, const Tensor *outNorm) = 0;
    /// Null where the backend leaves routing to the host. selectionBias [E] or empty; changes may be null, else outlives the router.
    virtual std::unique_ptr<Router> makeRouter(const MoeFfn &, std::span<const float> /*selectionBias*/, const RoutingChanges *)
    {
        return nullptr;
    }
    /// Keeps what `work` asks of this backend, instead of doing it. Tensors, routers and pending routings that it uses must outlive the
    /// step. Null where the backend keeps nothing, or not this: where the host has a part in it. Throws what `work` throws.
    virtual std::unique_ptr<Step> keep(const StepInputs &, const std::function<void()> & /*work*/) { return nullptr; }
    /// For row r: logprob[r] = log softmax(x W^T)[target[r]] (NaN where target is -1) and best[r] = argmax; never holds [T, V] at once.
    virtual void logProbs(const Tensor &x, const Weight &head, std::span<const std::int32_t> target, std::span<float> logprob,
        std::span<std::int32_t> best) = 0;
};

/// The CPU backend; always there.
std::unique_ptr<Backend> makeCpuBackend();
/// The CUDA backend; throws Error (Device) saying why where there is no usable GPU (no_cuda/ always does).
std::unique_ptr<Backend> makeCudaBackend();

} // namespace expertscope
