// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/metrics.h"

#include "engine/core/utf8.h"
#include "engine/text/unicode.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace expertscope {

namespace {

using Part = std::pair<double, double>;

double bits(const TextScore &score)
{
    return -score.logprob / std::numbers::ln2;
}

Part lossOf(const TextScore &score)
{
    return {bits(score), static_cast<double>(score.bytes)};
}

/// The choice with the largest value, the first of equal ones; nothing where one has no number.
template<typename Value>
std::optional<std::size_t> bestChoice(const ItemScore &score, const Value &value)
{
    std::size_t best = 0;
    for (std::size_t c = 0; c < score.texts.size(); ++c) {
        if (!std::isfinite(score.texts[c].logprob))
            return {};
        if (value(score.texts[c]) > value(score.texts[best]))
            best = c;
    }
    return best;
}

/// 1 where the right choice is the best.
template<typename Value>
Part accuracy(const EvalTask *task, const ItemScore &score, const Value &value)
{
    const std::optional<std::size_t> best = bestChoice(score, value);
    return {!best ? noNumber : *best == task->answer ? 1 : 0, 1};
}

double perByte(const TextScore &text)
{
    return text.logprob / static_cast<double>(text.bytes);
}

Part plainAccuracy(const EvalTask *task, const ItemScore &score)
{
    return accuracy(task, score, [](const TextScore &text) { return text.logprob; });
}

Part accuracyPerByte(const EvalTask *task, const ItemScore &score)
{
    return accuracy(task, score, perByte);
}

Part accuracyPerToken(const EvalTask *task, const ItemScore &score)
{
    return accuracy(
        task, score, [](const TextScore &text) { return text.logprob / static_cast<double>(std::max<std::int64_t>(text.tokens, 1)); });
}

Part textLoss(const EvalTask *, const ItemScore &score)
{
    return lossOf(score.texts.front());
}

Part answerLoss(const EvalTask *task, const ItemScore &score)
{
    return lossOf(score.texts[task->answer]);
}

Part exactMatch(const EvalTask *task, const ItemScore &score)
{
    return {isRight(EvalKind::Generation, *task, normalisedAnswer(score.output)) ? 1 : 0, 1};
}

} // namespace

std::span<const Metric> metrics()
{
    static constexpr Metric list[] = {
        {"bits-per-byte", "Loss", "bits per byte", EvalKind::Text, false, true, textLoss},
        {"accuracy-per-byte", "Accuracy, log-probability per byte", "1", EvalKind::Choice, true, false, accuracyPerByte},
        {"accuracy-per-token", "Accuracy, log-probability per token", "1", EvalKind::Choice, true, false, accuracyPerToken},
        {"accuracy", "Accuracy, plain log-probability", "1", EvalKind::Choice, true, false, plainAccuracy},
        {"answer-bits-per-byte", "Loss of the right choice", "bits per byte", EvalKind::Choice, false, true, answerLoss},
        {"exact-match", "Exact match", "1", EvalKind::Generation, true, false, exactMatch},
    };
    return list;
}

const Metric &mainMetric(EvalKind kind)
{
    return *std::find_if(metrics().begin(), metrics().end(), [&](const Metric &metric) { return metric.kind == kind; });
}

MetricValues metricValues(const Metric &metric, const EvalData &data, std::span<const ItemScore> scores)
{
    MetricValues values;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const auto [sum, weight] = metric.of(data.tasks.empty() ? nullptr : &data.tasks[i], scores[i]);
        values.sum.push_back(std::isfinite(sum) ? sum : noNumber);
        values.weight.push_back(weight);
    }
    return values;
}

std::optional<std::string> answerOf(EvalKind kind, const ItemScore &score)
{
    if (kind == EvalKind::Generation)
        return normalisedAnswer(score.output);
    const std::optional<std::size_t> best = kind == EvalKind::Choice ? bestChoice(score, perByte) : std::nullopt;
    return best ? std::optional{std::to_string(*best)} : std::nullopt;
}

bool isRight(EvalKind kind, const EvalTask &task, const std::string &answer)
{
    if (kind == EvalKind::Choice)
        return answer == std::to_string(task.answer);
    return std::any_of(
        task.answers.begin(), task.answers.end(), [&](const std::string &accepted) { return normalisedAnswer(accepted) == answer; });
}

std::string normalisedAnswer(const std::string &text)
{
    const std::string whole = wellFormedUtf8(text);
    const std::size_t begin = whole.find_first_not_of(" \t\r\n");
    if (begin == std::string::npos)
        return {};
    const std::string line = lowerCase(normalise(std::string_view{whole}.substr(begin, whole.find('\n', begin) - begin), NormalForm::Nfkc));
    std::string out;
    for (std::size_t at = 0; at < line.size(); at += utf8Length(line, at))
        if (!isWhiteSpace(codePointAt(line, at)))
            out += line.substr(at, utf8Length(line, at));
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    const auto last = out.find_last_not_of(" .");
    out.resize(last == std::string::npos ? 0 : last + 1);
    return out;
}

} // namespace expertscope
