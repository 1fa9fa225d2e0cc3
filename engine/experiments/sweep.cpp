// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/sweep.h"

#include "engine/analysis/parallel_texts.h"
#include "engine/core/error.h"
#include "engine/experiments/item_groups.h"
#include "engine/experiments/metrics.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>

namespace expertscope {

namespace {

SweepCondition condition(const std::string &kind, const std::string &op, const std::string &strength, double tau, const std::string &window,
    const ExpertSet &set, const SweepExperts &experts)
{
    SweepCondition result;
    result.kind = kind;
    result.op = op;
    result.strength = strength;
    result.tau = tau;
    result.window = window;
    result.recipe.model = recipeModel(experts.model);
    result.recipe.edits = {editOf(op, strength, set, experts.model.topK)};
    result.experts = result.recipe.edits.front().experts;
    result.id = kind + '_' + op + (strength.empty() ? "" : '_' + strength) + "_tau" + shortNumber(tau) + '_' + window;
    return result;
}

/// Op and strength, once for an op without strengths.
std::vector<std::pair<std::string, std::string>> treatments(const std::vector<std::string> &ops, const std::vector<double> &strengths)
{
    std::vector<std::pair<std::string, std::string>> all;
    for (const std::string &op : ops) {
        if (!opHasStrength(op)) {
            all.emplace_back(op, "");
            continue;
        }
        for (const double strength : strengths)
            all.emplace_back(op, shortNumber(strength));
    }
    return all;
}

} // namespace

std::string shortNumber(double value)
{
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

LayerWindow layersOf(const std::string &name, const SweepExperts &experts)
{
    const std::vector<int> &layers = experts.scores.layers;
    if (name == "suggested")
        return experts.suggested.window;
    return name == "all" ? LayerWindow{layers.front(), layers.back()} : givenWindow(name, layers).window;
}

SweepExperts sweepExperts(
    const TracePtr &trace, std::size_t targets, std::size_t baselines, const SweepPlan &plan, const Progress &progress)
{
    const TraceMeta &meta = trace->meta();
    const auto range = [](std::size_t begin, std::size_t end) {
        std::vector<int> list(end - begin);
        std::iota(list.begin(), list.end(), static_cast<int>(begin));
        return list;
    };
    const std::size_t parallel = targets + baselines;
    if ((plan.method == "task" && (targets == 0 || baselines == 0)) || meta.sequences.size() <= parallel)
        throw Error{ErrorKind::Check, "target, baseline or parallel texts have no rows in the open half", plan.name,
            "Choose more texts, or hold out fewer"};

    std::map<std::string, std::vector<int>> byLanguage;
    for (const int s : range(parallel, meta.sequences.size()))
        byLanguage[meta.sequences[static_cast<std::size_t>(s)].language].push_back(s);
    if (!byLanguage.contains(plan.pivot) || byLanguage.size() < 2)
        throw Error{ErrorKind::Check, "the parallel texts lack the pivot or another language", plan.pivot, "Name a language they have"};
    std::vector<std::vector<int>> sets{
        range(0, targets), range(targets, parallel), range(0, meta.sequences.size()), byLanguage[plan.pivot]};
    for (const auto &[language, sequences] : byLanguage)
        if (language != plan.pivot)
            sets.push_back(sequences);
    const std::vector<ExpertScores> shares = activationShares(*trace, sets, progress);

    SweepExperts experts;
    experts.language = largestDifference({shares.begin() + 4, shares.end()}, shares[3]);
    experts.scores = plan.method == "task" ? difference(shares[0], shares[1]) : experts.language;
    experts.load = shares[2];
    experts.suggested = windowOf("auto", trace, plan.pivot, progress);
    experts.model = meta.model;
    return experts;
}

std::vector<SweepCondition> gridConditions(const SweepPlan &plan, const SweepExperts &experts, std::vector<std::string> &notes)
{
    std::vector<SweepCondition> grid;
    const auto all = treatments(plan.ops, plan.strengths);
    for (std::size_t t = 0; t < all.size(); ++t)
        for (const std::string &window : plan.windows)
            for (const double tau : plan.tau) {
                const ExpertSet set = above(experts.scores, tau, layersOf(window, experts));
                if (set.empty()) {
                    if (t == 0)
                        notes.push_back("No expert has a score above " + shortNumber(tau) + " in the window " + window + ".");
                    continue;
                }
                SweepCondition next = condition("task", all[t].first, all[t].second, tau, window, set, experts);
                if (std::none_of(grid.begin(), grid.end(), [&](const SweepCondition &other) { return other.recipe == next.recipe; }))
                    grid.push_back(std::move(next));
            }
    if (grid.empty())
        throw Error{ErrorKind::Check, "no expert is chosen by any threshold in any window", plan.name, "Lower tau, or widen the windows"};
    return grid;
}

std::vector<SweepCondition> reportConditions(const SweepPlan &plan, const SweepExperts &experts, const SweepCondition &chosen)
{
    std::vector<SweepCondition> all;
    const auto add = [&](SweepCondition next, const std::string &suffix = {}) {
        next.id += suffix;
        if (std::none_of(all.begin(), all.end(), [&](const SweepCondition &other) { return other.id == next.id; }))
            all.push_back(std::move(next));
    };
    const auto sets = [&](const std::string &op, const std::string &strength) {
        const auto of = [&](const std::string &kind, const ExpertSet &set) {
            return condition(kind, op, strength, chosen.tau, chosen.window, set, experts);
        };
        const ExpertSet own = above(experts.scores, chosen.tau, layersOf(chosen.window, experts));
        add(of("task", own));
        for (int r = 1; r <= plan.randomSets; ++r)
            add(of("random", randomLike(own, experts.scores.experts, plan.seed + static_cast<std::uint64_t>(r))),
                "_set" + std::to_string(r));
        if (plan.sameLoad)
            add(of("same-load", sameLoadLike(own, experts.load)));
        if (plan.languageExperts && plan.method != "language")
            add(of("language", highestLike(own, experts.language)));
    };
    sets(chosen.op, chosen.strength);
    for (const std::string &window : plan.otherWindows) {
        const ExpertSet set = above(experts.scores, chosen.tau, layersOf(window, experts));
        if (!set.empty())
            add(condition("window", chosen.op, chosen.strength, chosen.tau, window, set, experts));
    }
    if (plan.deactivate)
        add(condition("deactivate", "force-min", "", chosen.tau, chosen.window, chosen.experts, experts));
    for (const auto &[op, strength] : treatments(plan.ops, plan.dose))
        sets(op, strength);
    return all;
}

bool isControl(const SweepCondition &chosen, const SweepCondition &of)
{
    return of.kind == "deactivate" || (of.op == chosen.op && of.strength == chosen.strength);
}

PairedDifference targetDifference(
    const EvalData &data, std::span<const ItemScore> baseline, std::span<const ItemScore> scores, const SweepPlan &plan)
{
    const Metric &metric = mainMetric(data.kind);
    std::vector<std::size_t> items;
    for (std::size_t i = 0; i < data.corpus.rows.size(); ++i)
        if (data.corpus.rows[i].language != plan.pivot)
            items.push_back(i);
    return compare(metricValues(metric, data, baseline), metricValues(metric, data, scores), unitsOf(data.corpus, items), metric.binary,
        static_cast<std::size_t>(plan.bootstrap), static_cast<std::size_t>(plan.permutations), plan.seed);
}

std::size_t bestCondition(const EvalData &data, std::span<const PairedDifference> differences)
{
    const double sign = mainMetric(data.kind).lowerIsBetter ? 1 : -1;
    const auto worse = [&](const PairedDifference &a, const PairedDifference &b) { return sign * a.difference < sign * b.difference; };
    return static_cast<std::size_t>(std::min_element(differences.begin(), differences.end(), worse) - differences.begin());
}

} // namespace expertscope
