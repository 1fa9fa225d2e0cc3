// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "plain_backend.h"

#include "engine/core/error.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace expertscope {

namespace {

using Row = std::vector<float>;

struct PlainWeight final : Weight {
    explicit PlainWeight(const Tensor &t)
        : stored{t}
    {
    }
    std::int64_t rows() const override { return stored.shape[0]; }
    std::int64_t cols() const override { return stored.shape[1]; }
    Tensor stored;
};

struct PlainExperts final : ExpertWeights {
    std::vector<GatedMlp> mlps;
};

const Tensor &stored(const Weight &weight)
{
    return static_cast<const PlainWeight &>(weight).stored;
}

/// y = W x for one row x [in].
Row product(const float *x, const Weight &weight)
{
    const Tensor &w = stored(weight);
    Row y(static_cast<std::size_t>(w.shape[0]));
    for (std::int64_t o = 0; o < w.shape[0]; ++o) {
        double sum = 0;
        for (std::int64_t i = 0; i < w.shape[1]; ++i)
            sum += static_cast<double>(x[i]) * valueAt(w, o * w.shape[1] + i);
        y[static_cast<std::size_t>(o)] = static_cast<float>(sum);
    }
    return y;
}

double sigmoid(double x)
{
    return 1 / (1 + std::exp(-x));
}

Row swiglu(const float *x, const GatedMlp &mlp)
{
    Row gate = product(x, *mlp.gate);
    const Row up = product(x, *mlp.up);
    for (std::size_t i = 0; i < gate.size(); ++i)
        gate[i] = static_cast<float>(gate[i] * sigmoid(gate[i]) * up[i]);
    return product(gate.data(), *mlp.down);
}

/// Rows of k and v per layer and sequence, in order of position.
struct PlainKvCache final : KvCache {
    struct Lane {
        std::vector<float> k, v; ///< [length, nKV*D]
    };
    std::vector<std::vector<Lane>> lanes; ///< [layer][slot]
    std::vector<std::int64_t> width; ///< [layer] nKV*D
    std::int64_t capacity = 0;

    std::int64_t capacityTokens() const override { return capacity; }
    void truncate(int slot, std::int64_t length) override
    {
        for (std::size_t l = 0; l < lanes.size(); ++l) {
            Lane &lane = lanes[l][static_cast<std::size_t>(slot)];
            const auto keep = std::min(lane.k.size(), static_cast<std::size_t>(length * width[l]));
            lane.k.resize(keep);
            lane.v.resize(keep);
        }
    }
};

/// One query head over keys [n, stride]; the query sits at key n - 1.
void attendOne(
    const float *q, const float *keys, const float *values, std::int64_t n, std::int64_t stride, const AttentionConfig &config, float *out)
{
    const std::int64_t first = config.slidingWindow > 0 ? std::max<std::int64_t>(0, n - config.slidingWindow) : 0;
    const double scale = 1 / std::sqrt(static_cast<double>(config.headDim));
    std::vector<double> score(static_cast<std::size_t>(n - first));
    for (std::int64_t j = first; j < n; ++j) {
        double dot = 0;
        for (int d = 0; d < config.headDim; ++d)
            dot += static_cast<double>(q[d]) * keys[j * stride + d];
        score[static_cast<std::size_t>(j - first)] = dot * scale;
    }
    const double top = *std::max_element(score.begin(), score.end());
    double sum = 0;
    for (double &s : score)
        sum += s = std::exp(s - top);
    for (int d = 0; d < config.headDim; ++d) {
        double mix = 0;
        for (std::int64_t j = first; j < n; ++j)
            mix += score[static_cast<std::size_t>(j - first)] * values[j * stride + d];
        out[d] = static_cast<float>(mix / sum);
    }
}

} // namespace

BackendInfo PlainBackend::info() const
{
    return {"plain", "one thread, plain loops", 0, 0};
}

Buffer PlainBackend::allocate(DType type, Shape shape)
{
    return hostBuffer(type, shape);
}

void PlainBackend::upload(std::span<const float> from, const Tensor &to)
{
    std::copy(from.begin(), from.end(), to.f32());
}

void PlainBackend::download(const Tensor &from, std::span<float> to)
{
    std::copy_n(from.f32(), to.size(), to.begin());
}

WeightPtr PlainBackend::prepare(const Tensor &stored, Products)
{
    return std::make_shared<PlainWeight>(stored);
}

Buffer PlainBackend::prepareVector(const Tensor &stored)
{
    Buffer out = hostBuffer(DType::F32, stored.shape);
    for (std::int64_t i = 0; i < stored.count(); ++i)
        out.tensor().f32()[i] = valueAt(stored, i);
    return out;
}

void PlainBackend::embed(const Weight &table, std::span<const std::int32_t> ids, const Tensor &out)
{
    const std::int64_t width = table.cols();
    for (std::size_t t = 0; t < ids.size(); ++t)
        for (std::int64_t i = 0; i < width; ++i)
            out.f32()[static_cast<std::int64_t>(t) * width + i] = valueAt(stored(table), ids[t] * width + i);
}

void PlainBackend::rmsNorm(const Tensor &x, const Tensor &weight, float eps, const Tensor &out)
{
    const std::int64_t n = weight.count();
    for (std::int64_t t = 0; t < x.count() / n; ++t) {
        const float *from = x.f32() + t * n;
        double squares = 0;
        for (std::int64_t i = 0; i < n; ++i)
            squares += static_cast<double>(from[i]) * from[i];
        const double factor = 1 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(eps));
        for (std::int64_t i = 0; i < n; ++i)
            out.f32()[t * n + i] = static_cast<float>(from[i] * factor * weight.f32()[i]);
    }
}

void PlainBackend::linear(const Tensor &x, const Weight &weight, const Tensor *bias, const Tensor &out)
{
    const std::int64_t rows = x.count() / weight.cols();
    for (std::int64_t t = 0; t < rows; ++t) {
        const Row y = product(x.f32() + t * weight.cols(), weight);
        for (std::int64_t o = 0; o < weight.rows(); ++o)
            out.f32()[t * weight.rows() + o] = y[static_cast<std::size_t>(o)] + (bias ? bias->f32()[o] : 0.0f);
    }
}

void PlainBackend::add(const Tensor &x, const Tensor &y)
{
    for (std::int64_t i = 0; i < x.count(); ++i)
        x.f32()[i] += y.f32()[i];
}

void PlainBackend::clamp(const Tensor &x, float limit)
{
    for (std::int64_t i = 0; i < x.count(); ++i)
        x.f32()[i] = std::clamp(x.f32()[i], -limit, limit);
}

void PlainBackend::rope(const Tensor &x, const HeadNorm *norm, std::span<const std::int32_t> positions, const AttentionConfig &config)
{
    if (norm)
        rmsNorm(x, norm->weight, norm->eps, x);
    const std::int64_t heads = x.shape[1];
    const std::int64_t half = x.shape[2] / 2;
    for (std::size_t t = 0; t < positions.size(); ++t)
        for (std::int64_t h = 0; h < heads; ++h) {
            float *head = x.f32() + (static_cast<std::int64_t>(t) * heads + h) * 2 * half;
            for (std::int64_t d = 0; d < half; ++d) {
                // the angle is rounded to f32, as the reference does: at long contexts that is what the model was trained with
                const float angle = static_cast<float>(positions[t]) * config.ropeInvFreq[static_cast<std::size_t>(d)];
                const double c = std::cos(static_cast<double>(angle)) * static_cast<double>(config.ropeScale);
                const double s = std::sin(static_cast<double>(angle)) * static_cast<double>(config.ropeScale);
                const double a = head[d];
                const double b = head[d + half];
                head[d] = static_cast<float>(a * c - b * s);
                head[d + half] = static_cast<float>(b * c + a * s);
            }
        }
}

void PlainBackend::attention(const Tensor &q, const Tensor &k, const Tensor &v, std::span<const BatchSpan> spans,
    const AttentionConfig &config, KvCache *cache, int layer, const Tensor &out)
{
    const std::int64_t qWidth = static_cast<std::int64_t>(config.heads) * config.headDim;
    const std::int64_t kvWidth = static_cast<std::int64_t>(config.kvHeads) * config.headDim;
    const int shared = config.heads / config.kvHeads; // query heads per key head
    for (const BatchSpan &span : spans) {
        const float *keys = k.f32() + span.firstRow * kvWidth;
        const float *values = v.f32() + span.firstRow * kvWidth;
        if (cache && span.cacheSlot >= 0) {
            auto &lane =
                static_cast<PlainKvCache *>(cache)->lanes[static_cast<std::size_t>(layer)][static_cast<std::size_t>(span.cacheSlot)];
            const auto total = static_cast<std::size_t>((span.past + span.rows) * kvWidth);
            lane.k.resize(static_cast<std::size_t>(span.past * kvWidth));
            lane.v.resize(static_cast<std::size_t>(span.past * kvWidth));
            lane.k.insert(lane.k.end(), keys, keys + span.rows * kvWidth);
            lane.v.insert(lane.v.end(), values, values + span.rows * kvWidth);
            if (lane.k.size() != total || span.past + span.rows > cache->capacityTokens())
                throw Error{ErrorKind::Device, "the key-value cache is too small", {}, "Make it for the longest sequence"};
            keys = lane.k.data();
            values = lane.v.data();
        }
        for (std::int64_t r = 0; r < span.rows; ++r)
            for (int h = 0; h < config.heads; ++h) {
                const std::int64_t offset = static_cast<std::int64_t>(h / shared) * config.headDim;
                const std::int64_t at = (span.firstRow + r) * qWidth + static_cast<std::int64_t>(h) * config.headDim;
                attendOne(q.f32() + at, keys + offset, values + offset, span.past + r + 1, kvWidth, config, out.f32() + at);
            }
    }
}

std::unique_ptr<KvCache> PlainBackend::makeKvCache(const ModelConfig &config, int sequences, std::int64_t capacityTokens)
{
    auto cache = std::make_unique<PlainKvCache>();
    cache->capacity = capacityTokens;
    for (const LayerConfig &layer : config.layers) {
        cache->lanes.emplace_back(static_cast<std::size_t>(sequences));
        cache->width.push_back(static_cast<std::int64_t>(layer.attention.kvHeads) * layer.attention.headDim);
    }
    return cache;
}

void PlainBackend::gatedMlp(const Tensor &x, const GatedMlp &mlp, const Tensor &out)
{
    const std::int64_t width = mlp.down->rows();
    for (std::int64_t t = 0; t < x.shape[0]; ++t) {
        const Row y = swiglu(x.f32() + t * width, mlp);
        std::copy(y.begin(), y.end(), out.f32() + t * width);
    }
}

void PlainBackend::scaleRowsBySigmoid(const Tensor &x, const Tensor &g)
{
    for (std::int64_t t = 0; t < x.shape[0]; ++t)
        for (std::int64_t i = 0; i < x.shape[1]; ++i)
            x.f32()[t * x.shape[1] + i] = static_cast<float>(x.f32()[t * x.shape[1] + i] * sigmoid(g.f32()[t]));
}

ExpertWeightsPtr PlainBackend::prepareExperts(std::span<const StoredMlp> stored)
{
    auto set = std::make_shared<PlainExperts>();
    for (const StoredMlp &mlp : stored)
        set->mlps.push_back({prepare(mlp.gate, Products::Fast), prepare(mlp.up, Products::Fast), prepare(mlp.down, Products::Fast)});
    return set;
}

void PlainBackend::experts(
    const Tensor &x, const Assignments &assignments, const ExpertWeights &set, const Tensor &out, const Tensor *outNorm)
{
    const std::vector<GatedMlp> &experts = static_cast<const PlainExperts &>(set).mlps;
    const std::int64_t width = x.shape[1];
    for (std::int64_t t = 0; t < assignments.tokens; ++t)
        for (int s = 0; s < assignments.count[static_cast<std::size_t>(t)]; ++s) {
            const std::int64_t at = t * assignments.slotCount + s;
            const Row y = swiglu(x.f32() + t * width, experts[static_cast<std::size_t>(assignments.expert[static_cast<std::size_t>(at)])]);
            double squares = 0;
            for (std::int64_t i = 0; i < width; ++i) {
                const float value = y[static_cast<std::size_t>(i)];
                squares += static_cast<double>(value) * value;
                out.f32()[t * width + i] += assignments.weight[static_cast<std::size_t>(at)] * value;
            }
            if (outNorm)
                outNorm->f32()[at] = static_cast<float>(std::sqrt(squares));
        }
}

void PlainBackend::logProbs(
    const Tensor &x, const Weight &head, std::span<const std::int32_t> target, std::span<float> logprob, std::span<std::int32_t> best)
{
    for (std::size_t t = 0; t < target.size(); ++t) {
        const Row logits = product(x.f32() + static_cast<std::int64_t>(t) * head.cols(), head);
        const auto top = std::max_element(logits.begin(), logits.end());
        double sum = 0;
        for (float z : logits)
            sum += std::exp(static_cast<double>(z) - static_cast<double>(*top));
        best[t] = static_cast<std::int32_t>(top - logits.begin());
        logprob[t] = target[t] < 0 ? std::numeric_limits<float>::quiet_NaN()
                                   : static_cast<float>(static_cast<double>(logits[static_cast<std::size_t>(target[t])])
                                       - static_cast<double>(*top) - std::log(sum));
    }
}

} // namespace expertscope
