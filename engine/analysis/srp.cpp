// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Local routing consistency: whether the experts of a stretch of text stay the same.
#include "engine/analysis/analyses.h"
#include "engine/analysis/number_list.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/segment_windows.h"
#include "engine/analysis/statistics.h"
#include "engine/analysis/trace_pass.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"windows", "Windows", "Lengths of the windows in tokens, separated by commas", ParamKind::Type::Text, "4,16,64,256"},
    {"bootstrap", "Bootstrap replicates", "Draws of whole sequences for the intervals; 0 leaves them out", ParamKind::Type::Integer, "1000",
        0, 10000},
    {"min-count", "Least choices", "Experts with fewer choices in all windows' tokens are left out of the table of experts",
        ParamKind::Type::Integer, "20", 1, 1e9},
    {"seed", "Seed", "Of the bootstrap", ParamKind::Type::Integer, "42", 0, 9e15},
};

constexpr std::int64_t longestWindow = 4096;
constexpr std::size_t mostUnits = 1000; ///< of the bootstrap: more sequences are drawn in runs of neighbours
constexpr std::size_t drawnTogether = 8; ///< replicates of the bootstrap: a unit's histogram is read once for all of them

struct Scored {
    Srp srp;
    Interval interval;
    double chance = noNumber;
    std::int64_t windows = 0;
};

struct ExpertScore {
    int expert;
    std::size_t window; ///< index
    Srp srp;
    double chance;
    std::int64_t windows;
};

/// Histograms of windows, pooled over experts, for every unit of the bootstrap and every window length beside each other.
struct Pooled {
    std::vector<std::size_t> offset; ///< [W + 1] first bin of each window length
    std::vector<std::int64_t> counts; ///< [units, bins]
    std::vector<double> shuffled; ///< [bins] expected if the tokens of each expert came in random order

    std::size_t bins() const { return offset.back(); }
    std::span<std::int64_t> of(std::size_t unit, std::size_t window)
    {
        return std::span{counts}.subspan(unit * bins() + offset[window], offset[window + 1] - offset[window]);
    }
    void add(const Pooled &other)
    {
        std::transform(counts.begin(), counts.end(), other.counts.begin(), counts.begin(), std::plus{});
        std::transform(shuffled.begin(), shuffled.end(), other.shuffled.begin(), shuffled.begin(), std::plus{});
    }
};

Pooled emptyPool(std::span<const std::int64_t> windows, std::size_t units)
{
    Pooled pool{.offset = {0}, .counts = {}, .shuffled = {}};
    for (const std::int64_t m : windows)
        pool.offset.push_back(pool.offset.back() + static_cast<std::size_t>(m) + 1);
    pool.counts.resize(units * pool.bins());
    pool.shuffled.resize(pool.bins());
    return pool;
}

/// [W] scores of one layer or of the whole model, with basic bootstrap intervals (2 estimate - quantile, as the paper has them).
std::vector<Scored> score(const Pooled &pool, std::size_t units, std::size_t experts, std::span<const std::uint32_t> draws)
{
    const std::size_t bins = pool.bins(), windows = pool.offset.size() - 1;
    const auto part = [&](std::span<const double> all, std::size_t w) {
        return all.subspan(pool.offset[w], pool.offset[w + 1] - pool.offset[w]);
    };
    const std::vector<double> counts(pool.counts.begin(), pool.counts.end());
    std::vector<double> sum(bins, 0.0), drawn(drawnTogether * bins);
    for (std::size_t i = 0; i < counts.size(); ++i)
        sum[i % bins] += counts[i];
    std::vector<Scored> scores(windows);
    std::vector<std::vector<double>> replicates(windows);
    for (std::size_t first = 0; units > 1 && first * units < draws.size(); first += drawnTogether) {
        const std::size_t together = std::min(drawnTogether, draws.size() / units - first);
        std::fill(drawn.begin(), drawn.end(), 0.0);
        for (std::size_t u = 0; u < units; ++u)
            for (std::size_t r = 0; r < together; ++r)
                if (const auto times = static_cast<double>(draws[(first + r) * units + u]); times > 0)
                    for (std::size_t b = 0; b < bins; ++b)
                        drawn[r * bins + b] += times * counts[u * bins + b];
        for (std::size_t r = 0; r < together; ++r)
            for (std::size_t w = 0; w < windows; ++w)
                replicates[w].push_back(srpOf(part(std::span{drawn}.subspan(r * bins, bins), w)).value);
    }
    for (std::size_t w = 0; w < windows; ++w) {
        scores[w].srp = srpOf(part(sum, w));
        scores[w].chance = srpOf(part(pool.shuffled, w)).value;
        const Interval percentile = interval95(replicates[w]);
        scores[w].interval = {2 * scores[w].srp.value - percentile.high, 2 * scores[w].srp.value - percentile.low};
        double all = 0;
        for (const double n : part(sum, w))
            all += n;
        scores[w].windows = static_cast<std::int64_t>(all / static_cast<double>(experts));
    }
    return scores;
}

/// Rows of one table of scores: all columns but the first ones, which say of what.
struct ScoreColumns {
    std::vector<double> value, low, high, chance, lowerBound, rho, rate;
    std::vector<std::int64_t> window, alpha, n;

    void add(std::int64_t m, const Scored &scored)
    {
        window.push_back(m);
        value.push_back(scored.srp.value);
        low.push_back(scored.interval.low);
        high.push_back(scored.interval.high);
        chance.push_back(scored.chance);
        lowerBound.push_back(scored.srp.lowerBound);
        alpha.push_back(scored.srp.alpha);
        rho.push_back(scored.srp.rho);
        rate.push_back(scored.srp.rate);
        n.push_back(scored.windows);
    }
    void appendTo(Table &table)
    {
        auto &columns = table.columns;
        columns.push_back({"window", "tokens", "Length m of the window", std::move(window)});
        columns.push_back({"value", "1", "SRP: the best F1 of predicting an expert on or off for whole windows", std::move(value)});
        columns.push_back({"low", "1", "95 % basic bootstrap interval over sequences", std::move(low)});
        columns.push_back({"high", "1", "95 % basic bootstrap interval over sequences", std::move(high)});
        columns.push_back({"chance", "1", "SRP if the tokens came in random order", std::move(chance)});
        columns.push_back({"lower_bound", "1", "2 r / (1 + r), what predicting always on gives", std::move(lowerBound)});
        columns.push_back({"alpha", "tokens", "Choices in a window from which on it is predicted on", std::move(alpha)});
        columns.push_back({"rho", "1", "Choices predicted over choices made: how many more experts the predictor keeps", std::move(rho)});
        columns.push_back({"act_rate", "1", "r: share of the windows' tokens that choose an expert, mean over experts", std::move(rate)});
        columns.push_back({"n", "windows", "Windows of each expert", std::move(n)});
    }
};

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    const std::vector<std::int64_t> windows = numberList(given.text("windows"), "windows", 1, longestWindow);
    const auto experts = static_cast<std::size_t>(meta.experts), slotCount = static_cast<std::size_t>(meta.slotCount);
    const std::size_t units = std::min(meta.sequences.size(), mostUnits);
    const std::vector<std::uint32_t> draws =
        bootstrapDraws(static_cast<std::size_t>(given.integer("bootstrap")), units, static_cast<std::uint64_t>(given.integer("seed")));

    struct State {
        std::vector<SegmentWindows> counts; ///< [W]
        Pooled pool;
        std::size_t unit = 0; ///< the one under way
        void endUnit()
        {
            for (std::size_t w = 0; w < counts.size(); ++w)
                counts[w].endUnit(pool.of(unit, w));
        }
    };
    std::vector<std::unique_ptr<State>> states(meta.layers.size());
    std::vector<std::vector<Scored>> byLayer(meta.layers.size(), std::vector<Scored>(windows.size()));
    std::vector<std::vector<ExpertScore>> byExpert(meta.layers.size());
    std::vector<std::vector<double>> shuffled(meta.layers.size());
    Pooled model = emptyPool(windows, units);
    std::mutex adding;
    forEachWholeSequence(
        trace, progress,
        [&](int layer, int sequence, std::span<const ExpertId> ids) {
            auto &state = states[static_cast<std::size_t>(layer)];
            if (!state) {
                state = std::make_unique<State>();
                state->pool = emptyPool(windows, units);
                for (const std::int64_t m : windows)
                    state->counts.emplace_back(static_cast<int>(m), meta.experts);
            }
            const std::size_t unit = static_cast<std::size_t>(sequence) * units / meta.sequences.size();
            if (unit != state->unit)
                state->endUnit();
            state->unit = unit;
            for (SegmentWindows &counts : state->counts)
                counts.addSequence(ids, slotCount);
        },
        [&](int layer) {
            const std::unique_ptr<State> state = std::move(states[static_cast<std::size_t>(layer)]);
            if (!state)
                return;
            state->endUnit();
            for (std::size_t w = 0; w < windows.size(); ++w)
                for (int e = 0; e < meta.experts; ++e) {
                    const std::span<const std::int64_t> counts = state->counts[w].ofExpert(e);
                    const std::vector<double> random = shuffledWindows(counts);
                    for (std::size_t f = 0; f < random.size(); ++f)
                        state->pool.shuffled[state->pool.offset[w] + f] += random[f];
                    std::int64_t all = 0, choices = 0;
                    for (std::size_t f = 0; f < counts.size(); ++f) {
                        all += counts[f];
                        choices += static_cast<std::int64_t>(f) * counts[f];
                    }
                    if (choices >= given.integer("min-count") * windows[w]) // each choice is in m windows
                        byExpert[static_cast<std::size_t>(layer)].push_back({e, w, srpOf(counts), srpOf(random).value, all});
                }
            byLayer[static_cast<std::size_t>(layer)] = score(state->pool, units, experts, draws);
            shuffled[static_cast<std::size_t>(layer)] = std::move(state->pool.shuffled);
            state->pool.shuffled.assign(state->pool.bins(), 0.0);
            const std::lock_guard lock{adding};
            model.add(state->pool); // whole numbers: the order of the layers does not matter
        });
    for (const std::vector<double> &layer : shuffled) // in the order of the layers, whichever was done first
        for (std::size_t b = 0; b < layer.size(); ++b)
            model.shuffled[b] += layer[b];
    std::vector<Scored> whole = score(model, units, experts, draws);
    for (Scored &scored : whole)
        scored.windows /= std::max(1, meta.moeLayers());

    Result result;
    Table layerTable{.id = "srp", .title = "Local routing consistency of each layer", .columns = {}};
    std::vector<std::int64_t> layerColumn;
    ScoreColumns layerScores, modelScores;
    for (std::size_t m = 0; m < meta.layers.size(); ++m)
        for (std::size_t w = 0; w < windows.size(); ++w) {
            layerColumn.push_back(meta.layers[m]);
            layerScores.add(windows[w], byLayer[m][w]);
        }
    layerTable.columns.push_back({"layer", "", "The model's own number of the layer", std::move(layerColumn)});
    layerScores.appendTo(layerTable);
    Table modelTable{.id = "model", .title = "Local routing consistency of all layers, one threshold for all", .columns = {}};
    for (std::size_t w = 0; w < windows.size(); ++w)
        modelScores.add(windows[w], whole[w]);
    modelScores.appendTo(modelTable);
    Table expertTable{.id = "experts", .title = "Local routing consistency of each expert, each with its own threshold", .columns = {}};
    std::vector<std::int64_t> layerOfExpert, expert;
    ScoreColumns expertScores;
    for (std::size_t m = 0; m < meta.layers.size(); ++m)
        for (const ExpertScore &e : byExpert[m]) {
            layerOfExpert.push_back(meta.layers[m]);
            expert.push_back(e.expert);
            expertScores.add(windows[e.window], {e.srp, {}, e.chance, e.windows});
        }
    expertTable.columns.push_back({"layer", "", "The model's own number of the layer", std::move(layerOfExpert)});
    expertTable.columns.push_back({"expert", "", "Expert", std::move(expert)});
    expertScores.appendTo(expertTable);
    std::erase_if(expertTable.columns, [](const Column &column) { return column.name == "low" || column.name == "high"; });
    result.tables = {std::move(layerTable), std::move(modelTable), std::move(expertTable)};

    for (std::size_t w = 0; w < windows.size(); ++w) {
        const std::string m = std::to_string(windows[w]);
        Series lines = layerSeries("srp-" + m, "Local routing consistency, windows of " + m + " tokens", "SRP", "1", meta.layers);
        Curve data{.name = "SRP", .y = {}, .low = {}, .high = {}}, chance{Curve::Role::Chance, "tokens in random order", {}, {}, {}},
            bound{Curve::Role::Chance, "always on, 2r/(1+r)", {}, {}, {}};
        for (const std::vector<Scored> &layer : byLayer) {
            data.y.push_back(layer[w].srp.value);
            data.low.push_back(layer[w].interval.low);
            data.high.push_back(layer[w].interval.high);
            chance.y.push_back(layer[w].chance);
            bound.y.push_back(layer[w].srp.lowerBound);
        }
        lines.curves = {std::move(data), std::move(chance), std::move(bound)};
        result.series.push_back(std::move(lines));
        result.numbers.push_back({.id = "srp_" + m,
            .title = "Local routing consistency of all layers, windows of " + m + " tokens",
            .unit = "1",
            .value = whole[w].srp.value,
            .low = whole[w].interval.low,
            .high = whole[w].interval.high,
            .chance = whole[w].chance,
            .n = whole[w].windows,
            .of = "windows of each expert"});
        std::int64_t tooShort = 0;
        for (const SequenceInfo &sequence : meta.sequences)
            tooShort += sequence.range().count() < windows[w];
        if (tooShort > 0)
            result.notes.push_back(std::to_string(tooShort) + " of " + std::to_string(meta.sequences.size())
                + " sequences are shorter than " + m + " tokens and have no such window.");
    }
    if (meta.sequences.size() < 2)
        result.notes.push_back("The trace is a single sequence: there are no intervals.");
    if (meta.sequences.size() > mostUnits)
        result.notes.push_back("The bootstrap draws runs of neighbouring sequences, " + std::to_string(mostUnits) + " in all.");
    result.notes.push_back("With short windows the best threshold can fall to one choice and rho jump: read alpha and rho beside SRP.");
    return result;
}

} // namespace

AnalysisKind srp()
{
    return {.id = "srp",
        .title = "Local routing consistency (SRP)",
        .help = "Do the experts of a stretch of text stay the same?",
        .definition =
            "For every window of m consecutive tokens of a sequence (stride 1) and every expert, f = tokens that chose it. Predicting the "
            "expert "
            "on for windows with f >= alpha and off otherwise, F1 = 2 sum_{f>=alpha} f n_f / (m sum_{f>=alpha} n_f + sum f n_f); SRP is "
            "the "
            "largest F1 over alpha. A layer's and the model's value add the experts' histograms and share one alpha, as the released code "
            "does. rho = predicted / made choices. Lower bound 2r/(1+r); chance: each expert's tokens in random order (binomial windows). "
            "Interval: basic bootstrap over sequences. n is the number of windows of each expert.",
        .source = "Liang et al. 2025, arXiv 2505.16056, section 3.1; code ljcleo/moe-lrc",
        .params = params,
        .numbers = "srp_*",
        .traces = 1,
        .needs = {.tokens = true},
        .run = run};
}

} // namespace expertscope
