// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "op_checks.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

namespace expertscope {

namespace {

using Values = OpChecker::Values;

constexpr double exact = 1e-5; ///< f32 arithmetic in another order
constexpr double rounded = 1e-2; ///< activations rounded to bf16
constexpr double sharesRounded = 6e-3; ///< attention of numbers that are bf16 already
constexpr std::array<DType, 3> storedTypes{DType::F32, DType::F16, DType::BF16};

double worst(const Values &got, const Values &expected)
{
    if (got.size() != expected.size())
        return std::numeric_limits<double>::infinity();
    double top = 1e-30;
    double largest = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        if (std::isnan(expected[i]) != std::isnan(got[i]))
            return std::numeric_limits<double>::infinity();
        if (std::isnan(expected[i]))
            continue;
        top = std::max(top, static_cast<double>(std::abs(expected[i])));
        largest = std::max(largest, static_cast<double>(std::abs(got[i] - expected[i])));
    }
    return largest / top;
}

/// Not a number anywhere: what an operation does not write shows.
Buffer poisoned(Backend &backend, Shape shape)
{
    return put(backend, Values(static_cast<std::size_t>(shape.count()), std::numeric_limits<float>::quiet_NaN()), shape);
}

std::string shapeText(DType type, int rows, int in, int out)
{
    return std::string{name(type)} + ", " + std::to_string(rows) + " rows, " + std::to_string(in) + " to " + std::to_string(out);
}

void checkEmbed(OpChecker &check)
{
    for (DType type : storedTypes)
        for (const auto &[rows, width] : {std::pair{5, 64}, std::pair{1, 33}, std::pair{300, 7}}) {
            const Tensor table = check.matrix(type, 40, width);
            std::vector<std::int32_t> ids;
            for (int t = 0; t < rows; ++t)
                ids.push_back(check.below(40));
            check.compare("embed, " + shapeText(type, rows, 40, width), 0, [&, rows = rows, width = width](Backend &backend) {
                const Buffer y = poisoned(backend, {rows, width});
                backend.embed(*backend.prepare(table, Products::Fast), ids, y);
                return take(backend, y);
            });
        }
}

void checkNorm(OpChecker &check)
{
    for (int width : {1, 15, 64, 129, 512, 513, 2048}) {
        const Values x = check.normals(19 * width);
        const Values weight = check.normals(width);
        check.compare("rmsNorm, " + std::to_string(width), exact, [&](Backend &backend) {
            const Buffer y = put(backend, x, {19, width});
            backend.rmsNorm(y, put(backend, weight, {width}), 1e-5f, y);
            return take(backend, y);
        });
    }
}

void checkLinear(OpChecker &check)
{
    constexpr std::array<std::array<int, 3>, 13> shapes{{{1, 64, 32}, {1, 33, 7}, {2, 100, 65}, {3, 257, 31}, {5, 31, 33}, {8, 600, 60},
        {9, 64, 24}, {16, 96, 100}, {17, 130, 40}, {33, 300, 65}, {100, 257, 129}, {7, 1, 1}, {4, 8, 500}}};
    for (DType type : storedTypes)
        for (const auto &[rows, in, out] : shapes) {
            const Tensor stored = check.matrix(type, out, in);
            const Values x = check.normals(rows * in);
            const Values bias = check.normals(out);
            for (Products products : {Products::Exact, Products::Fast}) {
                const bool rounds = products == Products::Fast && type == DType::BF16 && rows > 8;
                const auto run = [&, rows = rows, in = in, out = out](Backend &backend, bool biased) {
                    const Buffer shift = put(backend, bias, {out});
                    const Buffer y = poisoned(backend, {rows, out});
                    backend.linear(put(backend, x, {rows, in}), *backend.prepare(stored, products), biased ? &shift.tensor() : nullptr, y);
                    return take(backend, y);
                };
                const std::string what = shapeText(type, rows, in, out) + (products == Products::Exact ? ", exact" : ", fast");
                check.compare("linear, " + what, rounds ? rounded : exact, [&](Backend &backend) { return run(backend, false); });
                check.compare("linear with bias, " + what, rounds ? rounded : exact, [&](Backend &backend) { return run(backend, true); });
            }
        }
}

void checkElementwise(OpChecker &check)
{
    for (int width : {1, 3, 100, 5000}) {
        const Values x = check.normals(20 * width);
        const Values y = check.normals(20 * width);
        const Values g = check.normals(20, 4);
        const auto run = [&](const char *what, const std::function<void(Backend &, const Tensor &)> &change) {
            check.compare(std::string{what} + ", " + std::to_string(width), 1e-6, [&](Backend &backend) {
                const Buffer z = put(backend, x, {20, width});
                change(backend, z);
                return take(backend, z);
            });
        };
        run("add", [&](Backend &backend, const Tensor &z) { backend.add(z, put(backend, y, {20, width})); });
        run("clamp", [&](Backend &backend, const Tensor &z) { backend.clamp(z, 0.5f); });
        run("scaleRowsBySigmoid", [&](Backend &backend, const Tensor &z) { backend.scaleRowsBySigmoid(z, put(backend, g, {20, 1})); });
    }
}

void checkRope(OpChecker &check)
{
    for (int depth : {2, 6, 64, 128}) {
        AttentionConfig config;
        config.headDim = depth;
        config.ropeScale = 1.25f;
        for (int d = 0; d < depth / 2; ++d)
            config.ropeInvFreq.push_back(std::pow(10000.0f, -2.0f * static_cast<float>(d) / static_cast<float>(depth)));
        for (const std::vector<std::int32_t> &positions : {std::vector<std::int32_t>{0, 1, 2, 3, 4}, {7, 100000, 3, 0, 2047}})
            for (int heads : {1, 3, 20}) {
                const Values x = check.normals(5 * heads * depth);
                check.compare("rope, " + std::to_string(heads) + " heads of " + std::to_string(depth), exact, [&](Backend &backend) {
                    const Buffer z = put(backend, x, {5, heads, depth});
                    backend.rope(z, nullptr, positions, config);
                    return take(backend, z);
                });
                const Values weight = check.normals(depth);
                const std::string what = "norm and rope, " + std::to_string(heads) + " heads of " + std::to_string(depth);
                check.compare(what, exact, [&](Backend &backend) {
                    const Buffer z = put(backend, x, {5, heads, depth});
                    const Buffer there = put(backend, weight, {depth});
                    const HeadNorm norm{there, 1e-6f};
                    backend.rope(z, &norm, positions, config);
                    return take(backend, z);
                });
            }
    }
}

struct AttentionCase {
    const char *name;
    int heads, kvHeads, depth, window;
    bool bf16 = false;
};

void checkAttention(OpChecker &check)
{
    constexpr std::array<AttentionCase, 13> cases{{{"one head", 1, 1, 8, 0}, {"multi-head", 2, 2, 64, 0}, {"grouped", 4, 2, 20, 0},
        {"multi-query, many heads", 5, 1, 12, 0}, {"sliding window", 4, 2, 16, 10}, {"window of one", 2, 1, 16, 1},
        {"window of 70", 2, 1, 32, 70}, {"heads of 128", 2, 1, 128, 0}, {"heads of 80", 1, 1, 80, 0}, {"bf16, grouped", 4, 2, 64, 0, true},
        {"bf16, window", 1, 1, 16, 10, true}, {"bf16, heads of 80", 1, 1, 80, 70, true}, {"bf16, heads of 128", 2, 1, 128, 0, true}}};
    // Two cached sequences grow in unequal steps, beside one that is not kept.
    const std::vector<std::vector<BatchSpan>> steps{{{0, 70, 0, 0}, {70, 1, 0, 1}, {71, 40, 0, -1}}, {{0, 1, 70, 0}, {1, 1, 1, 1}},
        {{0, 5, 2, 1}, {5, 130, 71, 0}}, {{0, 3, 7, 1}, {3, 1, 201, 0}}};
    for (const AttentionCase &of : cases) {
        AttentionConfig config;
        config.heads = of.heads;
        config.kvHeads = of.kvHeads;
        config.headDim = of.depth;
        config.slidingWindow = of.window;
        config.bf16Weights = of.bf16;
        ModelConfig model;
        model.layers.resize(2);
        for (LayerConfig &layer : model.layers)
            layer.attention = config;
        std::vector<std::array<Values, 3>> inputs;
        for (const auto &spans : steps) {
            std::int64_t rows = 0;
            for (const BatchSpan &span : spans)
                rows += span.rows;
            inputs.push_back({check.normals(rows * of.heads * of.depth, 2), check.normals(rows * of.kvHeads * of.depth, 2),
                check.normals(rows * of.kvHeads * of.depth)});
        }
        if (of.bf16)
            for (std::array<Values, 3> &step : inputs)
                for (Values &values : step)
                    for (float &value : values)
                        value = bf16ToF32(f32ToBf16(value));
        for (bool cached : {true, false})
            check.compare(std::string{"attention, "} + of.name + (cached ? "" : ", no cache"), of.bf16 ? sharesRounded : exact,
                [&](Backend &backend) {
                    const auto cache = backend.makeKvCache(model, 2, 3000); // more than needed: keys are split
                    Values all;
                    for (std::size_t s = 0; s < (cached ? steps.size() : 1); ++s)
                        for (int layer : {0, 1}) {
                            const auto &[q, k, v] = inputs[s];
                            const std::int64_t rows = std::ssize(q) / (of.heads * of.depth);
                            const Shape keys{rows, of.kvHeads, of.depth};
                            const Buffer out = poisoned(backend, {rows, of.heads, of.depth});
                            backend.attention(put(backend, q, out.tensor().shape), put(backend, k, keys), put(backend, v, keys), steps[s],
                                config, cached ? cache.get() : nullptr, layer, out);
                            const Values values = take(backend, out);
                            all.insert(all.end(), values.begin(), values.end());
                        }
                    return all;
                });
    }
}

void checkMlp(OpChecker &check)
{
    for (DType type : storedTypes)
        for (const auto &[rows, in, out] : {std::array{1, 64, 32}, std::array{2, 31, 45}, std::array{70, 96, 64}, std::array{20, 33, 65}}) {
            const Tensor gate = check.matrix(type, out, in);
            const Tensor up = check.matrix(DType::F32, out, in); // types may differ within one MLP
            const Tensor down = check.matrix(type, in, out);
            const Values x = check.normals(rows * in);
            check.compare("gatedMlp, " + shapeText(type, rows, in, out), type == DType::BF16 && rows > 8 ? rounded : exact,
                [&, rows = rows, in = in](Backend &backend) {
                    const GatedMlp mlp{
                        backend.prepare(gate, Products::Fast), backend.prepare(up, Products::Fast), backend.prepare(down, Products::Fast)};
                    const Buffer y = poisoned(backend, {rows, in});
                    backend.gatedMlp(put(backend, x, {rows, in}), mlp, y);
                    return take(backend, y);
                });
        }
}

void checkLogProbs(OpChecker &check)
{
    for (DType type : storedTypes)
        for (const auto &[rows, in, out] :
            {std::array{1, 64, 400}, std::array{3, 65, 33}, std::array{20, 48, 700}, std::array{9, 8, 9000}}) {
            const Tensor head = check.matrix(type, out, in);
            const Values x = check.normals(rows * in, 5);
            std::vector<std::int32_t> target;
            for (int t = 0; t < rows; ++t)
                target.push_back(t % 5 == 2 ? -1 : check.below(out));
            const bool rounds = type == DType::BF16 && rows > 8;
            check.compare(
                "logProbs, " + shapeText(type, rows, in, out), rounds ? rounded : exact, [&, rows = rows, in = in](Backend &backend) {
                    Values all(static_cast<std::size_t>(rows));
                    std::vector<std::int32_t> best(static_cast<std::size_t>(rows));
                    backend.logProbs(put(backend, x, {rows, in}), *backend.prepare(head, Products::Fast), target, all, best);
                    if (!rounds) // rounding may well change which of two close logits is larger
                        all.insert(all.end(), best.begin(), best.end());
                    return all;
                });
        }
}

/// Unequal loads: the first expert has most rows, the last none; counts vary, and an expert may come twice.
Assignments unevenly(OpChecker &check, int rows, int slotCount, int experts)
{
    Assignments to{rows, slotCount, {}, {}, {}};
    for (int t = 0; t < rows; ++t) {
        to.count.push_back(t % 7 == 6 ? t % slotCount : slotCount);
        for (int s = 0; s < slotCount; ++s) {
            to.expert.push_back(s == 0 ? 0 : check.below(experts - 1));
            to.weight.push_back(0.1f * static_cast<float>(1 + check.below(9)));
        }
    }
    return to;
}

void checkExperts(OpChecker &check)
{
    constexpr int slotCount = 4;
    for (DType type : storedTypes)
        for (const auto &[rows, hidden, width, experts] :
            std::initializer_list<std::array<int, 4>>{{1, 64, 32, 9}, {3, 300, 17, 20}, {33, 44, 20, 3}, {36, 72, 72, 2}}) {
            std::vector<StoredMlp> stored;
            for (int e = 0; e < experts; ++e)
                stored.push_back({check.matrix(type, width, hidden), check.matrix(type, width, hidden), check.matrix(type, hidden, width)});
            const Assignments to = unevenly(check, rows, slotCount, experts);
            const Values x = check.normals(rows * hidden);
            const Values before = check.normals(rows * hidden);
            const bool rounds = type == DType::BF16 && rows * slotCount > 4 * experts; // tiles
            const auto run = [&, rows = rows, hidden = hidden](Backend &backend, bool wantsNorms) {
                const Buffer out = put(backend, before, {rows, hidden});
                const Buffer norms = poisoned(backend, {rows, slotCount});
                backend.experts(
                    put(backend, x, {rows, hidden}), to, *backend.prepareExperts(stored), out, wantsNorms ? &norms.tensor() : nullptr);
                if (!wantsNorms)
                    return take(backend, out);
                Values values = take(backend, norms);
                for (std::size_t i = 0; i < values.size(); ++i)
                    if (static_cast<std::int32_t>(i % slotCount) >= to.count[i / slotCount])
                        values[i] = 0; // of slots that are not used
                return values;
            };
            const std::string what = shapeText(type, rows, hidden, width) + ", " + std::to_string(experts) + " experts";
            check.compare("experts, " + what, rounds ? rounded : exact, [&](Backend &backend) { return run(backend, false); });
            check.compare("norms of experts, " + what, rounds ? rounded : exact, [&](Backend &backend) { return run(backend, true); });
        }
}

} // namespace

OpChecker::OpChecker(Backend &tested, Backend &reference, std::function<void(const OpCheck &)> done)
    : m_tested{tested}
    , m_reference{reference}
    , m_done{std::move(done)}
{
}

void OpChecker::compare(const std::string &name, double allowed, const std::function<Values(Backend &)> &operation)
{
    const Values expected = operation(m_reference);
    OpCheck check{name, 0, allowed, operation(m_tested)};
    check.error = worst(check.values, expected);
    m_done(check);
}

OpChecker::Values OpChecker::normals(std::int64_t count, float deviation)
{
    std::normal_distribution<float> normal{0, deviation};
    Values values(static_cast<std::size_t>(count));
    for (float &v : values)
        v = normal(m_random);
    return values;
}

int OpChecker::below(int end)
{
    return static_cast<int>(m_random() % static_cast<unsigned>(end));
}

Tensor OpChecker::matrix(DType type, std::int64_t rows, std::int64_t cols)
{
    const std::size_t size = sizeBytes(type);
    const Values values = normals(rows * cols, 1.0f / std::sqrt(static_cast<float>(cols)));
    std::vector<std::byte> &bytes = m_stored.emplace_back((values.size() + 1) * size);
    std::byte *at = bytes.data();
    for (float v : values) {
        at += size;
        const std::uint16_t half = type == DType::BF16 ? f32ToBf16(v) : f32ToF16(v);
        std::memcpy(at, type == DType::F32 ? static_cast<const void *>(&v) : &half, size);
    }
    return {bytes.data() + size, type, {rows, cols}};
}

std::vector<OpGroup> opGroups()
{
    return {{"embed", checkEmbed}, {"rmsNorm", checkNorm}, {"linear", checkLinear}, {"elementwise", checkElementwise}, {"rope", checkRope},
        {"attention", checkAttention}, {"gatedMlp", checkMlp}, {"experts", checkExperts}, {"logProbs", checkLogProbs}};
}

Buffer put(Backend &backend, const std::vector<float> &values, Shape shape)
{
    Buffer buffer = backend.allocate(DType::F32, shape);
    backend.upload(values, buffer);
    return buffer;
}

std::vector<float> take(Backend &backend, const Tensor &tensor)
{
    std::vector<float> values(static_cast<std::size_t>(tensor.count()));
    backend.download(tensor, values);
    return values;
}

} // namespace expertscope
