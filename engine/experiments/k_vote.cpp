// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/k_vote.h"

#include "engine/core/error.h"
#include "engine/experiments/metrics.h"
#include "engine/experiments/paired_comparison.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

namespace expertscope {

namespace {

/// [items]; nothing where the model gave no number.
using Answers = std::vector<std::optional<std::string>>;

Answers answersOf(EvalKind kind, std::span<const ItemScore> scores)
{
    Answers answers;
    for (const ItemScore &score : scores)
        answers.push_back(answerOf(kind, score));
    return answers;
}

/// What most of them answer; of as many votes the model's own answer, then that of the smallest k.
std::optional<std::string> voted(const std::optional<std::string> &own, std::span<const Answers> each, std::size_t item)
{
    std::map<std::string, std::size_t> votes;
    std::size_t most = 0;
    for (const Answers &answers : each) {
        if (!answers[item])
            return {};
        most = std::max(most, ++votes[*answers[item]]);
    }
    if (own && votes.contains(*own) && votes.at(*own) == most)
        return own;
    for (const Answers &answers : each)
        if (votes.at(*answers[item]) == most)
            return answers[item];
    return {};
}

MetricValues rightOf(const EvalData &data, const Answers &answers)
{
    MetricValues values;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        values.sum.push_back(answers[i] ? (isRight(data.kind, data.tasks[i], *answers[i]) ? 1.0 : 0.0) : noNumber);
        values.weight.push_back(1);
    }
    return values;
}

/// Items of the units that both answer rightly, as a share of those that either does.
double jaccardOfSolved(const MetricValues &a, const MetricValues &b, const Units &units)
{
    double both = 0, either = 0;
    for (const auto &unit : units)
        for (const std::size_t i : unit) {
            both += a.sum[i] == 1 && b.sum[i] == 1;
            either += a.sum[i] == 1 || b.sum[i] == 1;
        }
    return either > 0 ? both / either : noNumber;
}

} // namespace

Table kAnswersTable(const EvalData &data, std::span<const ItemScore> own, std::span<const KAnswers> answers, const Params &settings)
{
    if (data.kind == EvalKind::Text)
        throw Error{ErrorKind::Usage, "texts have no answer to vote on", data.corpus.source,
            "Give questions with choices or prompts with answers as questions, and texts as the corpus"};
    const Answers ownAnswers = answersOf(data.kind, own);
    std::vector<Answers> each;
    for (const KAnswers &one : answers)
        each.push_back(answersOf(data.kind, one.scores));
    Answers majority;
    for (std::size_t i = 0; i < own.size(); ++i)
        majority.push_back(voted(ownAnswers[i], each, i));

    Units units;
    for (std::size_t i = 0; i < own.size(); ++i)
        if (ownAnswers[i] && majority[i])
            units.push_back({i});
    const auto resamples = static_cast<std::size_t>(settings.integer("bootstrap"));
    const auto permutations = static_cast<std::size_t>(settings.integer("permutations"));
    const auto seed = static_cast<std::uint64_t>(settings.integer("seed"));
    const MetricValues ownRight = rightOf(data, ownAnswers);
    std::vector<std::string> who;
    std::vector<double> accuracy, low, high, difference, differenceLow, differenceHigh, p, same;
    std::vector<std::int64_t> n;
    const auto add = [&](std::string name, const Answers &given) {
        const MetricValues right = rightOf(data, given);
        const MetricEstimate value = estimate(right, units, resamples, seed);
        const PairedDifference against = compare(ownRight, right, units, true, resamples, permutations, seed);
        who.push_back(std::move(name));
        accuracy.push_back(value.value);
        low.push_back(value.interval.low);
        high.push_back(value.interval.high);
        difference.push_back(against.difference);
        differenceLow.push_back(against.interval.low);
        differenceHigh.push_back(against.interval.high);
        p.push_back(against.p);
        same.push_back(jaccardOfSolved(ownRight, right, units));
        n.push_back(value.items);
    };
    add("own", ownAnswers);
    for (std::size_t i = 0; i < answers.size(); ++i)
        add(std::to_string(answers[i].k), each[i]);
    add("vote", majority);
    return {"answers", "Questions answered rightly with k experts a token, and by vote",
        {{"k", "experts", "A token gets in every MoE layer; own: the model's own routing; vote: the answer most values of k give", who},
            {"accuracy", "1", "Share of items answered rightly", accuracy}, {"low", "1", "Lower end of its 95 % interval", low},
            {"high", "1", "Upper end", high}, {"difference", "1", "Accuracy less that of the model's own routing", difference},
            {"difference_low", "1", "Lower end of its 95 % interval", differenceLow}, {"difference_high", "1", "Upper end", differenceHigh},
            {"p", "1", "Two-sided, McNemar's exact test against the model's own routing", p},
            {"jaccard", "1", "Items that both this and the model's own routing answer rightly, as a share of those that either does", same},
            {"n", "items", "Answered under every k", n}}};
}

} // namespace expertscope
