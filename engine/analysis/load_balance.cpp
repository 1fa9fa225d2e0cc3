// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How evenly the tokens spread over the experts of each layer. Shape of every analysis: settings, kind, a pass, a Result.
#include "engine/analysis/analyses.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/statistics.h"
#include "engine/analysis/trace_pass.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <span>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"batch", "Tokens per batch", "Consecutive tokens that make a batch for the batch MaxVio; 0 leaves it out", ParamKind::Type::Integer,
        "64", 0, 1e9},
    {"dead-below", "Dead below", "An expert counts as dead when its load is below this share of the uniform load", ParamKind::Type::Real,
        "0.01", 0, 1},
    {"layer", "Layer of the load curves", "The model's own number; -1: the mean over layers, each sorted by itself",
        ParamKind::Type::Integer, "-1", -1, 1e6},
    {"grouping", "Group by", "language, domain or a label column: adds a table with the balance of each group; empty leaves it out",
        ParamKind::Type::Text, ""},
};

/// The measures of one layer, all of the counts of its experts.
struct Balance {
    double cv = noNumber, maxOverMean = noNumber, minOverMean = noNumber, gini = noNumber, entropy = noNumber, effective = noNumber;
    double topTenth = noNumber; ///< share of the load on the busiest tenth of the experts
    std::int64_t never = 0, dead = 0;
};

Balance balanceOf(std::vector<double> load, double deadBelow)
{
    std::sort(load.begin(), load.end());
    const auto experts = static_cast<double>(load.size());
    const double sum = std::accumulate(load.begin(), load.end(), 0.0);
    Balance b;
    b.never = std::count(load.begin(), load.end(), 0.0);
    const double mean = sum / experts;
    b.dead = std::count_if(load.begin(), load.end(), [&](double x) { return x < deadBelow * mean || x == 0; });
    if (!(sum > 0))
        return b;
    double squares = 0, ranked = 0, entropy = 0;
    for (std::size_t i = 0; i < load.size(); ++i) {
        squares += (load[i] - mean) * (load[i] - mean);
        ranked += static_cast<double>(i + 1) * load[i];
        if (load[i] > 0)
            entropy -= load[i] / sum * std::log(load[i] / sum);
    }
    b.cv = std::sqrt(squares / experts) / mean;
    b.maxOverMean = load.back() / mean;
    b.minOverMean = load.front() / mean;
    b.gini = 2 * ranked / (experts * sum) - (experts + 1) / experts;
    b.entropy = load.size() > 1 ? entropy / std::log(experts) : noNumber;
    b.effective = std::exp(entropy);
    const auto tenth = std::max<std::size_t>(1, load.size() / 10);
    b.topTenth = std::accumulate(load.end() - static_cast<std::ptrdiff_t>(tenth), load.end(), 0.0) / sum;
    return b;
}

/// Mean over the whole batches of `batch` consecutive tokens of largest load / mean load - 1, per layer; NaN without a whole batch.
std::vector<double> batchViolation(const RoutingTrace &trace, std::int64_t batch, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    struct State {
        std::vector<std::int64_t> counts;
        std::int64_t tokens = 0, batches = 0;
        double sum = 0;
    };
    std::vector<State> states(meta.layers.size());
    const auto slots = static_cast<std::size_t>(meta.slotCount);
    forEachBlock(trace, {}, progress, [&](const LayerBlock &block) {
        State &state = states[static_cast<std::size_t>(block.layer)];
        state.counts.resize(static_cast<std::size_t>(meta.experts));
        for (std::size_t row = 0; row * slots < block.ids.size(); ++row) {
            for (const ExpertId id : block.ids.subspan(row * slots, slots))
                if (id != noExpert)
                    ++state.counts[id];
            if (++state.tokens < batch)
                continue;
            const auto chosen = std::accumulate(state.counts.begin(), state.counts.end(), std::int64_t{0});
            if (chosen > 0) {
                const double mean = static_cast<double>(chosen) / static_cast<double>(meta.experts);
                state.sum += static_cast<double>(*std::max_element(state.counts.begin(), state.counts.end())) / mean - 1;
                ++state.batches;
            }
            std::fill(state.counts.begin(), state.counts.end(), 0);
            state.tokens = 0;
        }
    });
    std::vector<double> mean;
    for (const State &state : states)
        mean.push_back(state.batches ? state.sum / static_cast<double>(state.batches) : noNumber);
    return mean;
}

/// cv of an even router: each token takes k of E at random, so a count is binomial(T, k/E).
double evenCv(std::span<const double> counts, std::int64_t tokens)
{
    const auto experts = static_cast<double>(counts.size()), n = static_cast<double>(std::max<std::int64_t>(1, tokens));
    const double perToken = std::accumulate(counts.begin(), counts.end(), 0.0) / n;
    return perToken > 0 ? std::sqrt(std::max(0.0, experts - perToken) / (perToken * n)) : noNumber;
}

/// z with P(Z < z) = p of a standard normal Z.
double normalQuantile(double p)
{
    double low = -40, high = 40;
    for (int step = 0; step < 80; ++step) {
        const double middle = (low + high) / 2;
        (std::erfc(-middle / std::numbers::sqrt2) / 2 < p ? low : high) = middle;
    }
    return (low + high) / 2;
}

/// Loads over their mean, largest first, and the cumulative share of the smallest ones; beside both what an even router shows on as many
/// tokens (Blom's approximation of normal order statistics, 1958).
void addLoadCurves(Result &result, const std::vector<std::vector<double>> &layers, double even, const std::string &of)
{
    const std::size_t experts = layers.empty() ? 0 : layers.front().size();
    const auto e = static_cast<double>(experts);
    std::vector<double> sorted(experts, 0.0), chance(experts), x(experts), share(experts + 1), lorenz(experts + 1),
        lorenzChance(experts + 1);
    double counted = 0;
    for (std::vector<double> load : layers) {
        const double mean = std::accumulate(load.begin(), load.end(), 0.0) / e;
        if (!(mean > 0))
            continue;
        std::sort(load.begin(), load.end(), std::greater{});
        for (std::size_t i = 0; i < experts; ++i)
            sorted[i] += load[i] / mean;
        ++counted;
    }
    for (std::size_t i = 0; i < experts; ++i) {
        x[i] = static_cast<double>(i + 1);
        sorted[i] = counted > 0 ? sorted[i] / counted : noNumber;
        chance[i] = std::isnan(even) ? noNumber : std::max(0.0, 1 - even * normalQuantile((x[i] - 0.375) / (e + 0.25)));
    }
    for (std::size_t i = 1; i <= experts; ++i) {
        share[i] = static_cast<double>(i) / e;
        lorenz[i] = lorenz[i - 1] + sorted[experts - i] / e;
        lorenzChance[i] = lorenzChance[i - 1] + chance[experts - i] / e;
    }
    result.series.push_back({.id = "sorted-load",
        .title = "Load of the experts, busiest first, " + of,
        .xTitle = "Rank of the expert",
        .yTitle = "Load over mean load",
        .unit = "1",
        .x = std::move(x),
        .curves = {{Curve::Role::Data, "load", std::move(sorted), {}, {}}, {Curve::Role::Chance, "even router", std::move(chance), {}, {}}},
        .names = {}});
    result.series.push_back({.id = "lorenz",
        .title = "Lorenz curve of the load, " + of,
        .xTitle = "Share of the experts, idlest first",
        .yTitle = "Share of the load",
        .unit = "1",
        .x = std::move(share),
        .curves = {{Curve::Role::Data, "load", std::move(lorenz), {}, {}},
            {Curve::Role::Chance, "even router", std::move(lorenzChance), {}, {}}},
        .names = {}});
}

/// The balance of each group by itself, in each layer.
Table groupTable(const RoutingSummary &summary, double deadBelow)
{
    std::vector<std::string> group;
    std::vector<std::int64_t> layer, never, dead, n;
    std::vector<double> cv, cvChance, maxOverMean, giniColumn, effective;
    const auto experts = static_cast<std::size_t>(summary.experts);
    for (std::size_t g = 0; g < summary.groups.size(); ++g)
        for (std::size_t m = 0; m < summary.layers.size(); ++m) {
            const auto from =
                summary.counts.begin() + static_cast<std::ptrdiff_t>(summary.index(static_cast<int>(g), static_cast<int>(m), 0));
            const std::vector<double> counts(from, from + static_cast<std::ptrdiff_t>(experts));
            const Balance b = balanceOf(counts, deadBelow);
            group.push_back(summary.groups[g]);
            layer.push_back(summary.layers[m]);
            cv.push_back(b.cv);
            cvChance.push_back(evenCv(counts, summary.tokens[g]));
            maxOverMean.push_back(b.maxOverMean);
            giniColumn.push_back(b.gini);
            effective.push_back(b.effective);
            never.push_back(b.never);
            dead.push_back(b.dead);
            n.push_back(summary.tokens[g]);
        }
    return {.id = "groups",
        .title = "Balance of each " + summary.grouping,
        .columns = {
            {"group", "", "Name of the group", std::move(group)},
            {"layer", "", "The model's own number of the layer", std::move(layer)},
            {"cv", "1", "Standard deviation of the experts' loads over their mean; 0 = even", std::move(cv)},
            {"cv_chance", "1", "The cv of an even router on as many tokens", std::move(cvChance)},
            {"max_over_mean", "1", "Load of the busiest expert over the mean load", std::move(maxOverMean)},
            {"gini", "1", "Gini coefficient of the loads", std::move(giniColumn)},
            {"effective_experts", "experts", "exp of the entropy of the loads", std::move(effective)},
            {"never_chosen", "experts", "Experts no token of the group chose", std::move(never)},
            {"dead", "experts", "Experts below the share of the uniform load that the setting says", std::move(dead)},
            {"n", "tokens", "Tokens of the group", std::move(n)},
        }};
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    const std::vector<std::int64_t> load = trace.load();
    const std::vector<double> mass = meta.fields.gateWeight ? trace.gateMass() : std::vector<double>{};
    const auto experts = static_cast<std::size_t>(meta.experts);
    const std::int64_t tokens = tokensCounted(trace);

    std::vector<std::int64_t> layerColumn, never, dead, n;
    std::vector<double> cv, cvChance, massCv, maxOverMean, maxVio, minOverMean, gini, entropy, effective, topTenth;
    Matrix shares{.id = "load",
        .title = "Load of each expert",
        .valueTitle = "Share of tokens",
        .unit = "1",
        .rowTitle = "Layer",
        .columnTitle = "Expert",
        .rows = {},
        .columns = {},
        .values = {}};
    for (std::size_t e = 0; e < experts; ++e)
        shares.columns.push_back(std::to_string(e));
    double cvSum = 0;
    std::int64_t neverSum = 0;
    const int shown = given.integer("layer") < 0 ? -1 : layerIndex(meta, given.integer("layer"));
    std::vector<std::vector<double>> shownLoads;
    std::vector<double> shownEven, neverChance;
    Matrix deadExperts = layerExpertMatrix("dead-experts", "Dead experts", "Dead", "1", meta.layers, meta.experts);
    std::vector<std::int64_t> deadLayer, deadExpert, deadCount, deadN;
    std::vector<double> deadShare;
    for (std::size_t m = 0; m < meta.layers.size(); ++m) {
        const std::vector<double> counts(
            load.begin() + static_cast<std::ptrdiff_t>(m * experts), load.begin() + static_cast<std::ptrdiff_t>((m + 1) * experts));
        const Balance b = balanceOf(counts, given.real("dead-below"));
        const double even = evenCv(counts, tokens);
        const double mean = std::accumulate(counts.begin(), counts.end(), 0.0) / static_cast<double>(experts);
        // an even router misses an expert with every token: (1 - k/E)^T
        neverChance.push_back(static_cast<double>(experts)
            * std::pow(1 - mean / static_cast<double>(std::max<std::int64_t>(1, tokens)), static_cast<double>(tokens)));
        if (shown < 0 || shown == static_cast<int>(m)) {
            shownLoads.push_back(counts);
            shownEven.push_back(even);
        }
        for (std::size_t e = 0; e < experts && mean > 0; ++e) {
            const bool isDead = counts[e] == 0 || counts[e] < given.real("dead-below") * mean;
            deadExperts.values[m * experts + e] = isDead;
            if (!isDead)
                continue;
            deadLayer.push_back(meta.layers[m]);
            deadExpert.push_back(static_cast<std::int64_t>(e));
            deadCount.push_back(static_cast<std::int64_t>(counts[e]));
            deadShare.push_back(counts[e] / mean);
            deadN.push_back(tokens);
        }
        layerColumn.push_back(meta.layers[m]);
        cv.push_back(b.cv);
        cvChance.push_back(even);
        if (!mass.empty()) {
            const std::vector<double> masses(
                mass.begin() + static_cast<std::ptrdiff_t>(m * experts), mass.begin() + static_cast<std::ptrdiff_t>((m + 1) * experts));
            massCv.push_back(balanceOf(masses, 0).cv);
        }
        maxOverMean.push_back(b.maxOverMean);
        maxVio.push_back(b.maxOverMean - 1);
        minOverMean.push_back(b.minOverMean);
        gini.push_back(b.gini);
        entropy.push_back(b.entropy);
        effective.push_back(b.effective);
        topTenth.push_back(b.topTenth);
        never.push_back(b.never);
        dead.push_back(b.dead);
        n.push_back(tokens);
        cvSum += b.cv;
        neverSum += b.never;
        shares.rows.push_back(std::to_string(meta.layers[m]));
        for (const double count : counts)
            shares.values.push_back(tokens > 0 ? count / static_cast<double>(tokens) : noNumber);
    }

    Result result;
    Table table{.id = "balance", .title = "Balance of each layer", .columns = {}};
    const auto add = [&](const char *name, const char *unit, const char *help, Column::Values values) {
        table.columns.push_back({name, unit, help, std::move(values)});
    };
    add("layer", "", "The model's own number of the layer", layerColumn);
    add("cv", "1", "Standard deviation of the experts' loads over their mean; 0 = even", cv);
    add("cv_chance", "1", "The cv of an even router on as many tokens: sqrt((E-k)/(k n))", cvChance);
    if (!massCv.empty())
        add("gate_mass_cv", "1", "The same of the sums of gate weights", massCv);
    add("max_over_mean", "1", "Load of the busiest expert over the mean load", maxOverMean);
    add("max_vio", "1", "max_over_mean - 1 over the whole trace (global MaxVio)", maxVio);
    if (given.integer("batch") > 0 && meta.tokens > 0)
        add("max_vio_batch", "1", "MaxVio of batches of consecutive tokens, averaged over batches",
            batchViolation(trace, given.integer("batch"), progress));
    add("min_over_mean", "1", "Load of the idlest expert over the mean load", minOverMean);
    add("gini", "1", "Gini coefficient of the loads; 0 = even, 1 = one expert has all", gini);
    add("entropy", "1", "Entropy of the loads over ln E; 1 = even", entropy);
    add("effective_experts", "experts", "exp of the entropy: as many even experts would be as uneven", effective);
    add("top_tenth_share", "1", "Share of all choices that go to the busiest tenth of the experts", topTenth);
    add("never_chosen", "experts", "Experts no token chose", never);
    add("never_chance", "experts", "Experts that as many tokens of an even router would miss: E (1 - k/E)^n", neverChance);
    add("dead", "experts", "Experts with a load below the share of the uniform load that the setting says", dead);
    add("n", "tokens", "Tokens counted", n);
    result.tables.push_back(std::move(table));
    result.tables.push_back({.id = "dead",
        .title = "Dead experts",
        .columns = {
            {"layer", "", "The model's own number of the layer", std::move(deadLayer)},
            {"expert", "", "Expert", std::move(deadExpert)},
            {"count", "tokens", "Tokens that chose it", std::move(deadCount)},
            {"value", "1", "Its load over the mean load of the layer", std::move(deadShare)},
            {"n", "tokens", "Tokens counted", std::move(deadN)},
        }});
    if (const std::string &grouping = given.text("grouping"); !grouping.empty())
        result.tables.push_back(groupTable(summarise(trace, grouping, groupBy(meta, grouping), progress), given.real("dead-below")));
    result.matrices.push_back(std::move(shares));
    result.matrices.push_back(std::move(deadExperts));
    addLoadCurves(result, shownLoads, mean(shownEven),
        shown < 0 ? "mean over layers" : "layer " + std::to_string(meta.layers[static_cast<std::size_t>(shown)]));

    Series lines{.id = "balance-by-layer",
        .title = "Imbalance by layer",
        .xTitle = "Layer",
        .yTitle = "Coefficient of variation",
        .unit = "1",
        .x = {},
        .curves = {},
        .names = {}};
    lines.x.assign(layerColumn.begin(), layerColumn.end());
    lines.curves.push_back({Curve::Role::Data, "cv of loads", cv, {}, {}});
    lines.curves.push_back({Curve::Role::Chance, "even router", cvChance, {}, {}});
    result.series.push_back(std::move(lines));

    const auto layers = static_cast<double>(meta.layers.size());
    result.numbers.push_back({.id = "mean_cv",
        .title = "Mean imbalance over layers (cv)",
        .unit = "1",
        .value = cvSum / layers,
        .chance = std::accumulate(cvChance.begin(), cvChance.end(), 0.0) / layers,
        .n = tokens,
        .of = "tokens"});
    result.numbers.push_back({.id = "never_chosen",
        .title = "Experts that were never chosen",
        .unit = "experts",
        .value = static_cast<double>(neverSum),
        .n = tokens,
        .of = "tokens"});
    return result;
}

} // namespace

AnalysisKind loadBalance()
{
    return {.id = "load-balance",
        .title = "Load balance",
        .help = "How evenly do the tokens spread over the experts of each layer?",
        .definition =
            "Load of an expert = tokens that chose it. Per layer: coefficient of variation (population standard deviation over mean), "
            "largest and smallest load over the mean, Gini coefficient, entropy over ln E, experts never chosen. n is the number of "
            "tokens. "
            "The chance line is what a perfectly even router shows on as many tokens, sqrt((E-k)/(k n)). An expert is dead when no token "
            "or too small a share of the uniform load chose it.",
        .source = "MaxVio: Wang et al. 2024, arXiv 2408.15664; importance cv: Shazeer et al. 2017, arXiv 1701.06538",
        .params = params,
        .numbers = "mean_cv|never_chosen",
        .traces = 1,
        .run = run};
}

} // namespace expertscope
