// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The experts that expert-specialised fine-tuning would train for a task, and how far the sets of different tasks overlap.
#include "engine/analysis/analyses.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/sequence_counts.h"
#include "engine/analysis/statistics.h"
#include "engine/analysis/trace_pass.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"score", "Score", "token: share of the task's choices; gate: mean gate weight over the task's tokens", ParamKind::Type::Choice,
        "token", 0, 0, "token|gate"},
    {"p", "Threshold p", "Experts are added, best first, until their scores sum to p (paper: 0.2 for token, 0.1 for gate)",
        ParamKind::Type::Real, "0.2", 0, 1},
    {"grouping", "Tasks are", "domain, language, sequence or a label column; auto takes the first that tells sequences apart",
        ParamKind::Type::Text, "auto"},
    {"bootstrap", "Bootstrap replicates", "Draws of whole sequences for the intervals of the scores; 0 leaves them out",
        ParamKind::Type::Integer, "200", 0, 10000},
    {"seed", "Seed", "Of the bootstrap", ParamKind::Type::Integer, "42", 0, 9e15},
};

struct Scores {
    std::vector<double> value; ///< [E]
    std::vector<Interval> interval; ///< [E]
    std::vector<double> stability; ///< [E] share of draws in which the expert is in the set
    std::vector<std::size_t> chosen; ///< best first
};

/// Stable order by falling score, so that of equals the lower id comes first; the expert that reaches p is the last one in.
std::vector<std::size_t> chooseUpTo(std::span<const double> scores, double p)
{
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    double sum = 0;
    std::size_t taken = 0;
    while (taken < order.size() && sum < p && scores[order[taken]] > 0)
        sum += scores[order[taken++]];
    order.resize(taken);
    return order;
}

struct Task {
    std::string name;
    std::int64_t tokens = 0;
    std::vector<std::size_t> members; ///< sequences; empty for imported counts
};

/// Scores of one task in one layer; times [members] is how often each sequence counts, empty = once.
std::vector<double> scoresOf(
    const Task &task, const std::vector<double> &bySequence, const TraceMeta &meta, bool gate, std::span<const std::uint32_t> times)
{
    const auto experts = static_cast<std::size_t>(meta.experts);
    std::vector<double> sums(experts);
    double tokens = 0;
    for (std::size_t i = 0; i < task.members.size(); ++i) {
        const double factor = times.empty() ? 1.0 : times[i];
        if (factor == 0)
            continue;
        tokens += factor * static_cast<double>(meta.sequences[task.members[i]].range().count());
        for (std::size_t e = 0; e < experts; ++e)
            sums[e] += factor * bySequence[task.members[i] * experts + e];
    }
    const double of = gate ? tokens : std::accumulate(sums.begin(), sums.end(), 0.0);
    for (double &x : sums)
        x = of > 0 ? x / of : 0.0;
    return sums;
}

Scores judge(const Task &task, const std::vector<double> &bySequence, const TraceMeta &meta, const Params &given)
{
    const bool gate = given.text("score") == "gate";
    Scores scores{.value = scoresOf(task, bySequence, meta, gate, {}), .interval = {}, .stability = {}, .chosen = {}};
    scores.chosen = chooseUpTo(scores.value, given.real("p"));
    scores.interval.resize(scores.value.size());
    scores.stability.assign(scores.value.size(), noNumber);
    const auto replicates = static_cast<std::size_t>(given.integer("bootstrap"));
    if (replicates == 0 || task.members.size() < 2)
        return scores;
    std::vector<std::vector<double>> drawn(scores.value.size());
    std::vector<std::uint32_t> times(task.members.size());
    scores.stability.assign(scores.value.size(), 0);
    for (std::size_t r = 0; r < replicates; ++r) {
        Random random{static_cast<std::uint64_t>(given.integer("seed")), r};
        resample(times, random);
        const std::vector<double> replicate = scoresOf(task, bySequence, meta, gate, times);
        for (std::size_t e = 0; e < replicate.size(); ++e)
            drawn[e].push_back(replicate[e]);
        for (const std::size_t e : chooseUpTo(replicate, given.real("p")))
            scores.stability[e] += 1.0 / static_cast<double>(replicates);
    }
    for (std::size_t e = 0; e < drawn.size(); ++e)
        scores.interval[e] = interval95(std::move(drawn[e]));
    return scores;
}

struct Found {
    std::vector<Task> tasks;
    std::vector<int> layers;
    std::size_t experts = 0;
    std::vector<std::vector<Scores>> scores; ///< [M][tasks]
};

Found fromCounts(const RoutingTrace &trace, const Params &given, const Progress &progress)
{
    const auto imported = trace.importedCounts();
    const RoutingSummary summary =
        summarise(trace, given.text("grouping") == "auto" ? imported->grouping : given.text("grouping"), {}, progress);
    const bool gate = given.text("score") == "gate";
    if (gate && summary.gateMass.empty())
        throw Error{
            ErrorKind::Check, "the imported counts hold no gate weights", trace.meta().title, "Use the token score (setting score)"};
    Found found{.tasks = {}, .layers = summary.layers, .experts = static_cast<std::size_t>(summary.experts), .scores = {}};
    for (std::size_t g = 0; g < summary.groups.size(); ++g)
        found.tasks.push_back({summary.groups[g], summary.tokens[g], {}});
    for (int m = 0; m < summary.moeLayers(); ++m) {
        std::vector<Scores> ofLayer;
        for (std::size_t g = 0; g < found.tasks.size(); ++g) {
            Scores scores;
            for (int e = 0; e < summary.experts; ++e) {
                const std::size_t at = summary.index(static_cast<int>(g), m, e);
                scores.value.push_back(gate ? summary.gateMass[at] : static_cast<double>(summary.counts[at]));
            }
            const double of =
                gate ? static_cast<double>(found.tasks[g].tokens) : std::accumulate(scores.value.begin(), scores.value.end(), 0.0);
            for (double &x : scores.value)
                x = of > 0 ? x / of : 0.0;
            scores.chosen = chooseUpTo(scores.value, given.real("p"));
            scores.interval.resize(scores.value.size());
            scores.stability.assign(scores.value.size(), noNumber);
            ofLayer.push_back(std::move(scores));
        }
        found.scores.push_back(std::move(ofLayer));
    }
    return found;
}

Found fromTokens(const RoutingTrace &trace, const Params &given, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    const bool gate = given.text("score") == "gate";
    if (gate && !meta.fields.gateWeight)
        throw Error{ErrorKind::Check, "the trace holds no gate weights", meta.title, "Use the token score (setting score)"};
    SequenceGroups groups = groupSequences(meta, given.text("grouping"));
    if (groups.names.empty()) { // one task without a name
        groups.names = {"all"};
        groups.tokens = {meta.tokens};
        for (std::size_t s = 0; s < meta.sequences.size(); ++s)
            groups.of[s] = meta.sequences[s].range().count() > 0 ? 0 : -1;
    }
    Found found{.tasks = {}, .layers = meta.layers, .experts = static_cast<std::size_t>(meta.experts), .scores = {}};
    for (std::size_t g = 0; g < groups.names.size(); ++g)
        found.tasks.push_back({groups.names[g], groups.tokens[g], {}});
    for (std::size_t s = 0; s < groups.of.size(); ++s)
        if (groups.of[s] >= 0)
            found.tasks[static_cast<std::size_t>(groups.of[s])].members.push_back(s);
    found.scores.resize(meta.layers.size());
    const auto width = static_cast<std::size_t>(meta.slotCount);
    std::vector<std::vector<double>> sums(meta.layers.size()); // of the layers under way only
    PassFields fields;
    fields.weights = gate;
    forEachBlock(trace, fields, progress, [&](const LayerBlock &block) {
        std::vector<double> &bySequence = sums[static_cast<std::size_t>(block.layer)];
        if (block.range.begin == 0)
            bySequence.assign(meta.sequences.size() * found.experts, 0);
        auto sequence = static_cast<std::size_t>(std::max(0, meta.sequenceOf(block.range.begin)));
        for (std::size_t i = 0; i < block.ids.size(); ++i) {
            const std::int64_t row = block.range.begin + static_cast<std::int64_t>(i / width);
            while (sequence + 1 < meta.sequences.size() && row >= meta.sequences[sequence].range().end)
                ++sequence;
            if (block.ids[i] != noExpert)
                bySequence[sequence * found.experts + block.ids[i]] += gate ? static_cast<double>(block.weights[i]) : 1.0;
        }
        if (block.range.end == meta.tokens) {
            for (const Task &task : found.tasks)
                found.scores[static_cast<std::size_t>(block.layer)].push_back(judge(task, bySequence, meta, given));
            bySequence = {};
        }
    });
    return found;
}

/// |a and b| / |a or b| of the chosen sets, and the mean of it for two random sets of these sizes (ratio of expectations).
std::pair<double, double> jaccard(const std::vector<std::size_t> &a, const std::vector<std::size_t> &b, std::size_t experts)
{
    const auto both =
        static_cast<double>(std::count_if(a.begin(), a.end(), [&](std::size_t e) { return std::find(b.begin(), b.end(), e) != b.end(); }));
    const auto sizes = static_cast<double>(a.size() + b.size());
    if (sizes == 0)
        return {noNumber, noNumber};
    const double expected = static_cast<double>(a.size()) * static_cast<double>(b.size()) / static_cast<double>(experts);
    return {both / (sizes - both), expected / (sizes - expected)};
}

void addOverlap(Result &result, const Found &found)
{
    if (found.tasks.size() < 2)
        return;
    Matrix overlap{.id = "overlap-map",
        .title = "Overlap of the tasks' sets, mean over layers",
        .valueTitle = "Jaccard index",
        .unit = "1",
        .rowTitle = "Task",
        .columnTitle = "Task",
        .rows = {},
        .columns = {},
        .values = {}};
    std::vector<std::string> first, second;
    std::vector<double> value, chance;
    std::vector<std::int64_t> layers;
    for (std::size_t a = 0; a < found.tasks.size(); ++a) {
        overlap.rows.push_back(found.tasks[a].name);
        overlap.columns.push_back(found.tasks[a].name);
        for (std::size_t b = 0; b < found.tasks.size(); ++b) {
            std::vector<double> values, expected;
            for (const auto &ofLayer : found.scores) {
                const auto [jaccardOfLayer, byChance] = jaccard(ofLayer[a].chosen, ofLayer[b].chosen, found.experts);
                values.push_back(jaccardOfLayer);
                expected.push_back(byChance);
            }
            overlap.values.push_back(mean(values));
            if (b <= a)
                continue;
            first.push_back(found.tasks[a].name);
            second.push_back(found.tasks[b].name);
            value.push_back(mean(values));
            chance.push_back(mean(expected));
            layers.push_back(std::ssize(values));
        }
    }
    Table table{.id = "overlap", .title = "Overlap of the tasks' sets", .columns = {}};
    table.columns = {{"group_a", "", "Task", first}, {"group_b", "", "Another task", second},
        {"value", "1", "Jaccard index of the chosen sets, mean over layers", value},
        {"chance", "1", "Of random sets of the same sizes (ratio of expectations)", chance}, {"n", "layers", "Layers", layers}};
    result.matrices.push_back(std::move(overlap));
    result.tables.push_back(std::move(table));
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const Found found = trace.importedCounts() ? fromCounts(trace, given, progress) : fromTokens(trace, given, progress);
    Result result;
    std::vector<std::int64_t> layer, expert, rank, n, setLayer, setSize, setTokens;
    std::vector<std::string> group, setGroup;
    std::vector<double> value, low, high, cumulative, chance, stability, total;
    Series sizes = layerSeries("chosen-by-layer", "Experts chosen in each layer", "Chosen experts", "experts", found.layers);
    for (std::size_t task = 0; task < found.tasks.size(); ++task) {
        Curve curve{Curve::Role::Data, found.tasks[task].name, {}, {}, {}};
        std::int64_t chosen = 0, most = 0;
        for (std::size_t m = 0; m < found.layers.size(); ++m) {
            const Scores &scores = found.scores[m][task];
            double sum = 0;
            const double all = std::accumulate(scores.value.begin(), scores.value.end(), 0.0);
            for (std::size_t i = 0; i < scores.chosen.size(); ++i) {
                const std::size_t e = scores.chosen[i];
                sum += scores.value[e];
                layer.push_back(found.layers[m]);
                group.push_back(found.tasks[task].name);
                rank.push_back(static_cast<std::int64_t>(i) + 1);
                expert.push_back(static_cast<std::int64_t>(e));
                value.push_back(scores.value[e]);
                low.push_back(scores.interval[e].low);
                high.push_back(scores.interval[e].high);
                chance.push_back(all / static_cast<double>(found.experts));
                cumulative.push_back(sum);
                stability.push_back(scores.stability[e]);
                n.push_back(found.tasks[task].tokens);
            }
            setLayer.push_back(found.layers[m]);
            setGroup.push_back(found.tasks[task].name);
            setSize.push_back(std::ssize(scores.chosen));
            total.push_back(all);
            setTokens.push_back(found.tasks[task].tokens);
            curve.y.push_back(static_cast<double>(scores.chosen.size()));
            chosen += std::ssize(scores.chosen);
            most = std::max(most, std::ssize(scores.chosen));
        }
        const auto layers = static_cast<double>(found.layers.size());
        result.numbers.push_back({.id = "chosen_" + found.tasks[task].name,
            .title = "Experts chosen per layer for " + found.tasks[task].name,
            .unit = "experts",
            .value = static_cast<double>(chosen) / layers,
            .n = found.tasks[task].tokens,
            .of = "tokens"});
        // what a server that gives every layer the largest set's room would leave empty (ExpertWeave, arXiv 2508.17624)
        result.numbers.push_back({.id = "sparsity_" + found.tasks[task].name,
            .title = "Room left empty if every layer had the largest set's, for " + found.tasks[task].name,
            .unit = "1",
            .value = most > 0 ? 1 - static_cast<double>(chosen) / (layers * static_cast<double>(most)) : noNumber,
            .n = found.tasks[task].tokens,
            .of = "tokens"});
        sizes.curves.push_back(std::move(curve));
    }
    Table chosenTable{.id = "esft", .title = "Chosen experts of each task and layer", .columns = {}};
    chosenTable.columns = {{"layer", "", "The model's own number of the layer", layer}, {"group", "", "Task", group},
        {"rank", "", "1 = largest score", rank}, {"expert", "", "Expert of that layer", expert},
        {"value", "1", "Score: share of the task's choices, or mean gate weight over its tokens", value},
        {"low", "1", "Lower end of the 95 % interval, bootstrap of the task's sequences", low},
        {"high", "1", "Upper end of that interval", high}, {"chance", "1", "Score if all experts were alike", chance},
        {"cumulative", "1", "Sum of the scores up to this rank; the last of a layer reaches p", cumulative},
        {"stability", "1", "Share of bootstrap draws in which the expert is in the set", stability},
        {"n", "tokens", "Tokens of the task", n}};
    Table sets{.id = "sets", .title = "Number of experts chosen", .columns = {}};
    sets.columns = {{"layer", "", "The model's own number of the layer", setLayer}, {"group", "", "Task", setGroup},
        {"value", "experts", "Experts chosen", setSize}, {"score_sum", "1", "Sum of the scores of all experts", total},
        {"n", "tokens", "Tokens of the task", setTokens}};
    result.tables.push_back(std::move(chosenTable));
    result.tables.push_back(std::move(sets));
    addOverlap(result, found);
    result.series.push_back(std::move(sizes));
    if (trace.importedCounts())
        result.notes.push_back("Only counts were imported: scores have no intervals.");
    result.notes.push_back(
        "Scores pool all tokens of a task, as the published score files do; the paper's text averages per sample first.");
    return result;
}

} // namespace

AnalysisKind esft()
{
    return {.id = "esft",
        .title = "Experts for fine-tuning (ESFT)",
        .help = "Which experts would expert-specialised fine-tuning train for a task, and do tasks share them?",
        .definition = "Token score of an expert = its choices over all choices of the task's tokens; gate score = sum of its gate weights "
                      "over the number "
                      "of tokens. In each layer experts are taken by falling score (of equals the lower number first) until the sum "
                      "reaches p; the one "
                      "that reaches it is in. chance = the mean score over experts. Intervals and stability: bootstrap of the task's "
                      "sequences. Overlap = "
                      "Jaccard index of two tasks' sets, mean over layers. n is tokens.",
        .source = "Wang et al. 2024, ESFT, arXiv 2407.01906, section 3, and the score files of its repository; sparsity: ExpertWeave, "
                  "arXiv 2508.17624",
        .params = params,
        .numbers = "chosen_*|sparsity_*",
        .traces = 1,
        .run = run};
}

} // namespace expertscope
