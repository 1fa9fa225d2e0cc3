// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/core/random_trace.h"

#include "engine/core/softmax.h"
#include "engine/core/tensor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace expertscope::test {

namespace {

using Random = std::mt19937_64;

int below(Random &random, int limit)
{
    return static_cast<int>(random() % static_cast<std::uint64_t>(limit));
}

float normal(Random &random)
{
    return std::normal_distribution<float>{}(random);
}

} // namespace

TraceMeta metaOf(const TraceShape &shape)
{
    TraceMeta meta;
    meta.title = "random trace";
    meta.history = "made by a test";
    meta.dateCreated = "2026-01-02T03:04:05Z";
    meta.producer = "test";
    meta.producerVersion = "9.9";
    meta.model = {"tiny", "olmoe", "abc", "0123", "safetensors", "none", "4567", "softmax", shape.layers.back() + 1, shape.experts,
        shape.slotCount, 1, true, 2.5, 2, 1};
    meta.engine = {"engine", "0.1", "cpu", "a machine", "f32", "test --seed 7", 0xffffffffffffffffull};
    meta.routing.recipe = R"({"policy":"none"})";
    meta.routing.interventions = {{shape.layers.front(), 0, "mask", -1}, {shape.layers.back(), shape.experts - 1, "add_bias", 0.5}};
    meta.expertNotes = {{shape.layers.back(), 0, "likes commas \xe2\x80\x94 and dashes"}};
    meta.fields = shape.fields;
    meta.slotCount = shape.slotCount;
    meta.experts = shape.experts;
    meta.layers = shape.layers;
    meta.labelColumns = {"source", "grade"};
    return meta;
}

TraceBlock randomBlock(const TraceMeta &meta, std::int64_t count, std::int32_t seqIndex, std::int32_t firstPosition, std::uint64_t seed)
{
    Random random{seed};
    const TraceFields &fields = meta.fields;
    TraceBlock block;
    block.count = count;
    for (std::int64_t t = 0; t < count; ++t) {
        const auto position = static_cast<std::int32_t>(firstPosition + t);
        const int id = below(random, 50'000);
        if (fields.tokenId)
            block.tokenId.push_back(id);
        block.position.push_back(position);
        block.seqIndex.push_back(seqIndex);
        block.phase.push_back(below(random, 4) ? Phase::Prefill : Phase::Decode);
        if (fields.predictedId)
            block.predictedId.push_back(below(random, 50'000));
        if (fields.logprob)
            block.logprob.push_back(position == 0 ? std::numeric_limits<float>::quiet_NaN() : -std::abs(normal(random)));
        if (fields.tokenText) // any bytes, also NUL and broken UTF-8
            block.bytes.push_back(id % 7 == 0
                    ? std::string{}
                    : std::string{"t\0\xe4", 3}.substr(static_cast<std::size_t>(id % 3)) + std::to_string(id % 100));
    }
    std::vector<float> logits(static_cast<std::size_t>(meta.experts));
    std::vector<ExpertId> order(logits.size());
    for (std::size_t row = 0; row < meta.layers.size() * static_cast<std::size_t>(count); ++row) {
        for (float &x : logits)
            x = f16ToF32(f32ToF16(2 * normal(random)));
        std::iota(order.begin(), order.end(), ExpertId{0});
        std::stable_sort(order.begin(), order.end(), [&](ExpertId a, ExpertId b) { return logits[a] > logits[b]; });
        std::vector<float> p = logits;
        softmaxInPlace(p);
        const int active = fields.nActive ? below(random, meta.slotCount + 1) : meta.slotCount;
        for (int slot = 0; slot < meta.slotCount; ++slot) {
            const ExpertId id = slot < active ? order[static_cast<std::size_t>(slot)] : noExpert;
            block.expertId.push_back(id);
            if (fields.gateWeight)
                block.gateWeight.push_back(id == noExpert ? 0 : p[id]);
            if (fields.expertOutNorm)
                block.expertOutNorm.push_back(f32ToF16(std::abs(normal(random))));
        }
        for (float x : logits) {
            if (fields.routerLogit)
                block.routerLogit.push_back(f32ToF16(x));
            if (fields.selectionScore)
                block.selectionScore.push_back(f32ToF16(x + 1));
        }
    }
    return block;
}

namespace {

/// Sends the blocks of one random length after the other, whatever sequences they belong to.
struct Packer {
    TraceSink &sink;
    TraceMeta meta;
    Random random;
    TraceBlock pending;

    void add(const TraceBlock &more)
    {
        TraceBlock joined;
        const std::int64_t n = pending.count, m = more.count;
        joined.count = n + m;
        const auto join = [&](auto column, std::size_t layers) {
            const auto &a = pending.*column;
            const auto &b = more.*column;
            auto &to = joined.*column;
            const std::size_t aRow = a.size() / layers, bRow = b.size() / layers;
            for (std::size_t l = 0; l < layers; ++l) {
                to.insert(
                    to.end(), a.begin() + static_cast<std::ptrdiff_t>(l * aRow), a.begin() + static_cast<std::ptrdiff_t>((l + 1) * aRow));
                to.insert(
                    to.end(), b.begin() + static_cast<std::ptrdiff_t>(l * bRow), b.begin() + static_cast<std::ptrdiff_t>((l + 1) * bRow));
            }
        };
        const std::size_t layers = meta.layers.size();
        join(&TraceBlock::tokenId, 1);
        join(&TraceBlock::position, 1);
        join(&TraceBlock::seqIndex, 1);
        join(&TraceBlock::predictedId, 1);
        join(&TraceBlock::phase, 1);
        join(&TraceBlock::logprob, 1);
        join(&TraceBlock::bytes, 1);
        join(&TraceBlock::expertId, layers);
        join(&TraceBlock::gateWeight, layers);
        join(&TraceBlock::routerLogit, layers);
        join(&TraceBlock::selectionScore, layers);
        join(&TraceBlock::expertOutNorm, layers);
        pending = std::move(joined);
    }
    void send()
    {
        sink.append(pending);
        pending = {};
    }
};

} // namespace

void record(TraceSink &sink, const TraceShape &shape, std::uint64_t seed)
{
    Packer packer{sink, metaOf(shape), Random{seed}, {}};
    const TraceMeta &meta = packer.meta;
    sink.begin(meta);
    std::int64_t sent = 0, made = 0;
    std::vector<std::pair<SequenceInfo, std::vector<float>>> open;
    const char *const languages[] = {"en", "de", "", "ar"};
    const char *const domains[] = {"code", "", "prose"};
    for (int s = 0; s < shape.sequences; ++s) {
        const int length = below(packer.random, shape.maxTokens + 1);
        SequenceInfo info;
        info.id = "seq-" + std::to_string(s);
        info.language = languages[below(packer.random, 4)];
        info.domain = domains[below(packer.random, 3)];
        info.parallelId = s % 3 == 0 ? "" : "p" + std::to_string(s / 2);
        info.labels = {"s\xc3\xa4" + std::to_string(s % 2), ""};
        info.sha256 = std::string(64, static_cast<char>('a' + s % 6));
        info.firstToken = made;
        info.nGenerated = length / 3;
        info.nPrompt = length - info.nGenerated;
        std::vector<float> mean;
        if (meta.fields.meanSoftmax)
            for (std::size_t i = 0; i < meta.layers.size() * static_cast<std::size_t>(meta.experts); ++i)
                mean.push_back(static_cast<float>(packer.random() % 1000) / 1000.0f);
        for (int done = 0; done < length;) {
            const int part = std::min(length - done, 1 + below(packer.random, 1 + shape.maxTokens / 2));
            packer.add(randomBlock(meta, part, s, done, packer.random()));
            done += part;
            if (below(packer.random, 3) == 0) {
                sent += packer.pending.count;
                packer.send();
            }
        }
        made += length;
        open.emplace_back(info, mean);
        if (below(packer.random, 2) == 0 || s + 1 == shape.sequences) {
            sent += packer.pending.count;
            packer.send();
        }
        while (!open.empty() && open.front().first.range().end <= sent) {
            sink.endSequence(open.front().first, open.front().second);
            open.erase(open.begin());
        }
    }
    const TraceCheck checks[] = {{"ids in range", "pass", 0, 0}, {"row sum", "warn", 0.5, 0.25}};
    sink.finish(checks);
}

TracePtr randomTrace(const TraceShape &shape, std::uint64_t seed)
{
    MemoryTrace trace;
    record(trace, shape, seed);
    return trace.snapshot();
}

namespace {

bool same(float a, float b)
{
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

template<typename T>
std::string compareColumn(const char *name, const std::vector<T> &a, const std::vector<T> &b)
{
    if (a.size() != b.size())
        return std::string{name} + ": " + std::to_string(a.size()) + " against " + std::to_string(b.size()) + " values";
    for (std::size_t i = 0; i < a.size(); ++i) {
        bool equal;
        if constexpr (std::is_same_v<T, float>)
            equal = same(a[i], b[i]);
        else
            equal = a[i] == b[i];
        if (!equal)
            return std::string{name} + " differs at " + std::to_string(i);
    }
    return {};
}

} // namespace

std::string difference(const RoutingTrace &a, const RoutingTrace &b)
{
    const TraceMeta &x = a.meta(), &y = b.meta();
    const auto bad = [](const char *what) { return std::string{"meta: "} + what; };
    if (x.title != y.title || x.history != y.history || x.dateCreated != y.dateCreated || x.producer != y.producer
        || x.producerVersion != y.producerVersion)
        return bad("title, history, date or producer");
    if (!(x.model == y.model))
        return bad("model");
    if (!(x.engine == y.engine))
        return bad("engine");
    if (x.routing.recipe != y.routing.recipe)
        return bad("recipe");
    if (x.routing.interventions != y.routing.interventions || x.expertNotes != y.expertNotes)
        return bad("interventions or notes");
    if (x.checks != y.checks)
        return bad("checks");
    if (!(x.fields == y.fields))
        return bad("fields");
    if (x.tokens != y.tokens || x.slotCount != y.slotCount || x.experts != y.experts || x.layers != y.layers)
        return bad("sizes");
    if (x.labelColumns != y.labelColumns)
        return bad("label columns");
    if (x.sequences != y.sequences)
        return bad("sequences");

    const TokenRange all{0, x.tokens};
    const TokenColumns s = a.tokens(all), t = b.tokens(all);
    std::string found;
    const auto check = [&](const char *name, const auto &p, const auto &q) {
        if (found.empty())
            found = compareColumn(name, p, q);
    };
    check("token_id", s.tokenId, t.tokenId);
    check("position", s.position, t.position);
    check("seq_index", s.seqIndex, t.seqIndex);
    check("predicted_id", s.predictedId, t.predictedId);
    check("phase", s.phase, t.phase);
    check("logprob", s.logprob, t.logprob);
    check("bytes", s.bytes, t.bytes);
    const auto n = static_cast<std::size_t>(x.tokens);
    const auto values = [&](const char *name, bool has, int width, auto read) {
        std::vector<float> p(has ? n * static_cast<std::size_t>(width) : 0), q(p.size());
        for (int layer = 0; has && layer < x.moeLayers(); ++layer) {
            (a.*read)(all, layer, p);
            (b.*read)(all, layer, q);
            check(name, p, q);
        }
    };
    std::vector<ExpertId> p(n * static_cast<std::size_t>(x.slotCount)), q(p.size());
    for (int layer = 0; layer < x.moeLayers(); ++layer) {
        a.expertIds(all, layer, p);
        b.expertIds(all, layer, q);
        check("expert_id", p, q);
    }
    values("gate_weight", x.fields.gateWeight, x.slotCount, &RoutingTrace::gateWeights);
    values("router_logit", x.fields.routerLogit, x.experts, &RoutingTrace::routerLogits);
    values("selection_score", x.fields.selectionScore, x.experts, &RoutingTrace::selectionScores);
    values("expert_out_norm", x.fields.expertOutNorm, x.slotCount, &RoutingTrace::expertOutNorms);
    if (x.fields.meanSoftmax)
        for (int sequence = 0; sequence < static_cast<int>(x.sequences.size()); ++sequence) {
            std::vector<float> u(x.layers.size() * static_cast<std::size_t>(x.experts)), v(u.size());
            a.meanSoftmax(sequence, u);
            b.meanSoftmax(sequence, v);
            check("mean_softmax", u, v);
        }
    check("load", a.load(), b.load());
    check("gate_mass", a.gateMass(), b.gateMass());
    return found;
}

} // namespace expertscope::test
