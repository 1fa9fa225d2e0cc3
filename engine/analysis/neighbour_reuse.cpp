// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How often a token chooses experts that a token a few steps before it chose too.
#include "engine/analysis/analyses.h"
#include "engine/analysis/ratio.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/trace_pass.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"distances", "Distances", "The largest distance between the two tokens", ParamKind::Type::Integer, "16", 1, 64},
};

/// Which of the last 64 tokens of the sequence named each expert.
class History {
public:
    explicit History(std::size_t experts)
        : m_last(experts, -1)
        , m_bits(experts, 0)
    {
    }
    void start() { std::fill(m_last.begin(), m_last.end(), -1); }
    /// Bit d - 1 of the result: token - d named the expert. Notes that `token` does.
    std::uint64_t see(ExpertId expert, std::int64_t token)
    {
        std::int64_t &last = m_last[expert];
        std::uint64_t &bits = m_bits[expert]; // bit i: token `last` - i
        const std::int64_t since = token - last;
        const std::uint64_t past = last < 0 || since > 64 ? 0 : bits << (since - 1);
        bits = past << 1 | 1;
        last = token;
        return past;
    }
    bool saw(ExpertId expert, std::int64_t token) const { return m_last[expert] == token; }

private:
    std::vector<std::int64_t> m_last;
    std::vector<std::uint64_t> m_bits;
};

/// What pairs of tokens at each distance have in common, [distances].
struct Counts {
    std::vector<std::int64_t> reused, chosen, sameFirst, firsts, anyShared, pairs;
    explicit Counts(std::size_t distances)
        : reused(distances)
        , chosen(distances)
        , sameFirst(distances)
        , firsts(distances)
        , anyShared(distances)
        , pairs(distances)
    {
    }
};

struct Layer {
    History experts, firsts;
    std::vector<Ratio> reuse, sameFirst, anyShared; ///< [distances]
    std::vector<std::int64_t> load, firstLoad; ///< [E]
    std::int64_t tokens = 0;

    Layer(std::size_t experts, std::size_t distances)
        : experts{experts}
        , firsts{experts}
        , reuse(distances)
        , sameFirst(distances)
        , anyShared(distances)
        , load(experts)
        , firstLoad(experts)
    {
    }

    void addSequence(std::span<const ExpertId> ids, std::size_t slotCount)
    {
        experts.start();
        firsts.start();
        Counts counts{reuse.size()};
        const auto count = [](std::vector<std::int64_t> &of, std::uint64_t distances) {
            for (; distances; distances &= distances - 1)
                if (const auto d = static_cast<std::size_t>(std::countr_zero(distances)); d < of.size())
                    ++of[d];
        };
        const auto length = static_cast<std::int64_t>(ids.size() / slotCount);
        tokens += length;
        for (std::int64_t t = 0; t < length; ++t) {
            const auto chosen = ids.subspan(static_cast<std::size_t>(t) * slotCount, slotCount);
            std::uint64_t shared = 0;
            std::int64_t distinct = 0;
            for (const ExpertId id : chosen) {
                if (id == noExpert || experts.saw(id, t))
                    continue;
                const std::uint64_t past = experts.see(id, t);
                count(counts.reused, past);
                shared |= past;
                ++distinct;
                ++load[id];
            }
            count(counts.anyShared, shared);
            const bool hasFirst = chosen.front() != noExpert;
            if (hasFirst) {
                count(counts.sameFirst, firsts.see(chosen.front(), t));
                ++firstLoad[chosen.front()];
            }
            const std::size_t before = std::min(static_cast<std::size_t>(t), counts.pairs.size());
            for (std::size_t d = 0; d < before; ++d) {
                counts.chosen[d] += distinct;
                counts.firsts[d] += hasFirst;
                ++counts.pairs[d];
            }
        }
        for (std::size_t d = 0; d < reuse.size(); ++d) {
            reuse[d].add(static_cast<double>(counts.reused[d]), static_cast<double>(counts.chosen[d]));
            sameFirst[d].add(static_cast<double>(counts.sameFirst[d]), static_cast<double>(counts.firsts[d]));
            anyShared[d].add(static_cast<double>(counts.anyShared[d]), static_cast<double>(counts.pairs[d]));
        }
    }
};

/// sum p^2 over the sum of p, p = load / tokens: the share of an expert's choices that another token picked at random makes too.
double randomToken(const std::vector<std::int64_t> &load, std::int64_t tokens)
{
    double squares = 0, sum = 0;
    for (const std::int64_t n : load) {
        squares += static_cast<double>(n) * static_cast<double>(n);
        sum += static_cast<double>(n);
    }
    return sum > 0 ? squares / sum / static_cast<double>(tokens) : noNumber;
}

/// 1 - C(E-k, k) / C(E, k): two even choices of k of E have an expert in common.
double anyOfEven(double experts, int k)
{
    double none = 1;
    for (int i = 0; i < k; ++i)
        none *= std::max(0.0, experts - k - i) / (experts - i);
    return 1 - none;
}

struct ShareColumns {
    std::vector<double> value, low, high, chance;
    void add(const Ratio &ratio, double byChance)
    {
        const Interval interval = ratio.interval();
        value.push_back(ratio.value());
        low.push_back(interval.low);
        high.push_back(interval.high);
        chance.push_back(byChance);
    }
    /// Every row of distance `d` (0-based) of `distances`.
    static std::vector<double> at(const std::vector<double> &column, std::size_t d, std::size_t distances)
    {
        std::vector<double> rows;
        for (std::size_t row = d; row < column.size(); row += distances)
            rows.push_back(column[row]);
        return rows;
    }
};

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    const auto distances = static_cast<std::size_t>(given.integer("distances"));
    const auto slotCount = static_cast<std::size_t>(meta.slotCount), experts = static_cast<std::size_t>(meta.experts);
    std::vector<Layer> layers(meta.layers.size(), Layer{experts, distances});
    forEachWholeSequence(
        trace, progress,
        [&](int layer, int, std::span<const ExpertId> ids) { layers[static_cast<std::size_t>(layer)].addSequence(ids, slotCount); },
        [](int) {});

    std::vector<std::int64_t> layerColumn, distance, n;
    std::vector<double> uniform;
    ShareColumns reuse, sameFirst, anyShared;
    for (std::size_t m = 0; m < layers.size(); ++m)
        for (std::size_t d = 0; d < distances; ++d) {
            const Layer &layer = layers[m];
            double choices = 0;
            for (const std::int64_t load : layer.load)
                choices += static_cast<double>(load);
            const double k = choices / static_cast<double>(layer.tokens);
            layerColumn.push_back(meta.layers[m]);
            distance.push_back(static_cast<std::int64_t>(d) + 1);
            reuse.add(layer.reuse[d], randomToken(layer.load, layer.tokens));
            uniform.push_back(k / static_cast<double>(experts));
            sameFirst.add(layer.sameFirst[d], randomToken(layer.firstLoad, layer.tokens));
            anyShared.add(layer.anyShared[d], anyOfEven(static_cast<double>(experts), meta.slotCount));
            n.push_back(static_cast<std::int64_t>(layer.anyShared[d].x));
        }

    Result result;
    const auto number = [&](const char *id, const char *title, const ShareColumns &columns) {
        result.numbers.push_back({.id = id,
            .title = title,
            .unit = "1",
            .value = mean(ShareColumns::at(columns.value, 0, distances)),
            .chance = mean(ShareColumns::at(columns.chance, 0, distances)),
            .n = n.empty() ? 0 : n.front(),
            .of = "pairs of neighbours"});
    };
    number("reuse", "Share of the previous token's experts chosen again, mean over layers", reuse);
    number("same_first", "Tokens with the first choice of the previous one, mean over layers", sameFirst);
    number("any_shared", "Tokens with any expert of the previous one, mean over layers", anyShared);

    const auto lines = [&](const char *id, const char *title, const char *yTitle, const ShareColumns &columns, const char *chance) {
        Series series = layerSeries(id, title, yTitle, "1", meta.layers);
        series.curves = {{Curve::Role::Data, "measured", ShareColumns::at(columns.value, 0, distances),
                             ShareColumns::at(columns.low, 0, distances), ShareColumns::at(columns.high, 0, distances)},
            {Curve::Role::Chance, chance, ShareColumns::at(columns.chance, 0, distances), {}, {}}};
        result.series.push_back(std::move(series));
    };
    lines("reuse-by-layer", "Experts of the previous token that are chosen again", "Share of choices", reuse, "tokens in random order");
    lines("first-by-layer", "Same first choice as the previous token", "Share of tokens", sameFirst, "tokens in random order");
    lines("any-by-layer", "Any expert in common with the previous token", "Share of tokens", anyShared, "even router");
    Series byDistance{.id = "reuse-by-distance",
        .title = "Experts chosen again, by distance",
        .xTitle = "Distance in tokens",
        .yTitle = "Share of choices, mean over layers",
        .unit = "1",
        .x = {},
        .curves = {{Curve::Role::Data, "measured", {}, {}, {}}, {Curve::Role::Chance, "tokens in random order", {}, {}, {}}},
        .names = {}};
    for (std::size_t d = 0; d < distances; ++d) {
        byDistance.x.push_back(static_cast<double>(d + 1));
        byDistance.curves[0].y.push_back(mean(ShareColumns::at(reuse.value, d, distances)));
        byDistance.curves[1].y.push_back(mean(ShareColumns::at(reuse.chance, d, distances)));
    }
    result.series.push_back(std::move(byDistance));

    const char *const interval = "95 % interval by the spread between sequences; empty for a single sequence";
    result.tables.push_back({.id = "reuse",
        .title = "Experts chosen again after a distance",
        .columns = {
            {"layer", "", "The model's own number of the layer", std::move(layerColumn)},
            {"distance", "tokens", "From the earlier token to the later one, in the same sequence", std::move(distance)},
            {"value", "1", "Share of the later token's experts that the earlier one chose too", std::move(reuse.value)},
            {"low", "1", interval, std::move(reuse.low)},
            {"high", "1", interval, std::move(reuse.high)},
            {"chance", "1", "value if the tokens came in random order: sum p^2 / k of the experts' loads", std::move(reuse.chance)},
            {"uniform", "1", "value of an even router: k/E", std::move(uniform)},
            {"same_first", "1", "Share of tokens whose first choice is the earlier one's first choice", std::move(sameFirst.value)},
            {"same_first_low", "1", interval, std::move(sameFirst.low)},
            {"same_first_high", "1", interval, std::move(sameFirst.high)},
            {"same_first_chance", "1", "same_first if the tokens came in random order", std::move(sameFirst.chance)},
            {"any_shared", "1", "Share of tokens with any expert in common with the earlier one", std::move(anyShared.value)},
            {"any_shared_low", "1", interval, std::move(anyShared.low)},
            {"any_shared_high", "1", interval, std::move(anyShared.high)},
            {"any_shared_chance", "1", "any_shared of an even router: 1 - C(E-k,k)/C(E,k)", std::move(anyShared.chance)},
            {"n", "pairs", "Pairs of tokens at that distance", std::move(n)},
        }});
    return result;
}

} // namespace

AnalysisKind neighbourReuse()
{
    return {.id = "neighbour-reuse",
        .title = "Neighbour reuse",
        .help = "Does a token choose the experts that the tokens just before it chose?",
        .definition = "For every two tokens of a sequence at distance d: |D_t and D_(t-d)| / |D_t|, pooled over pairs; share of pairs with "
                      "the same first "
                      "choice; share with any expert in common. Chance: two tokens of the layer picked at random (sum p^2 / k, from the "
                      "experts' loads), "
                      "for any expert in common an even router, 1 - C(E-k,k)/C(E,k). Interval by the spread between sequences. n is the "
                      "number of pairs.",
        .source = "Jiang et al. 2024 (Mixtral), arXiv 2401.04088, section 5; Song et al. 2025 (BlockFFN), arXiv 2507.08771",
        .params = params,
        .numbers = "reuse|same_first|any_shared",
        .traces = 1,
        .needs = {.tokens = true},
        .run = run};
}

} // namespace expertscope
