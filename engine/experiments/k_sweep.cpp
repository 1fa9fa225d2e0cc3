// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/k_sweep.h"

#include "engine/core/error.h"
#include "engine/experiments/loss_sink.h"
#include "engine/steering/compiled_recipe.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace expertscope {

namespace {

double agreement(std::span<const std::int32_t> a, std::span<const std::int32_t> b)
{
    std::size_t same = 0;
    for (std::size_t t = 0; t < a.size(); ++t)
        same += a[t] == b[t];
    return static_cast<double>(same) / static_cast<double>(a.size());
}

} // namespace

const AnalysisKind &kSweepKind()
{
    static const auto params =
        joined(std::array{ParamKind{"from", "Smallest k", "Experts a token", ParamKind::Type::Integer, "1", 1, 65535},
                   ParamKind{"to", "Largest k", "0 = twice the model's own, or all experts", ParamKind::Type::Integer, "0", 0, 65535},
                   ParamKind{"sum", "Sum of weights",
                       "What the weights of a token sum to: what the model's rule makes of them, 1, or what they summed to before",
                       ParamKind::Type::Choice, "as-model", 0, 0, "as-model|renormalise|rescale"}},
            lossParams);
    static const AnalysisKind kind{.id = "k-sweep",
        .title = "More or fewer experts a token",
        .help = "How well does the model predict these texts with another number of experts?",
        .definition =
            "The loss in nats per predicted token with k experts in every MoE layer, less that of the model with its own k: above 0 "
            "it is worse. Intervals are 95 % percentile intervals of a paired bootstrap over sequences, p is of sign flips of the "
            "sequences' differences. Agreement is the share of tokens after which the likeliest token is the same. Questions are "
            "answered with each k (the choice likeliest per byte, or the greedy continuation); the vote is the answer that most values of "
            "k "
            "give, the model's own among equals.",
        .source = "Dynamic Experts Search, arXiv:2509.22572, without its search and verifier",
        .params = params,
        .run = nullptr};
    return kind;
}

std::vector<int> triedK(const ModelConfig &config, const Params &settings)
{
    int fewest = config.maxExperts();
    for (int layer : config.moeLayers())
        fewest = std::min(fewest, config.layers[static_cast<std::size_t>(layer)].moe()->experts);
    const auto first = static_cast<int>(settings.integer("from"));
    const auto wanted = static_cast<int>(settings.integer("to"));
    const int last = wanted > 0 ? wanted : std::min(2 * config.maxTopK(), fewest);
    if (first > last || last > fewest)
        throw Error{ErrorKind::Usage, "there is no k from " + std::to_string(first) + " to " + std::to_string(last), "k-sweep",
            "Give 1 to " + std::to_string(fewest) + ", the experts of a layer"};
    std::vector<int> tried(static_cast<std::size_t>(last - first) + 1);
    std::iota(tried.begin(), tried.end(), first);
    return tried;
}

Recipe withK(int k, const Params &settings)
{
    PolicySetting policy;
    policy.policy = "top-k";
    policy.settings = {{"k", std::to_string(k)}, {"sum", settings.text("sum")}};
    Recipe recipe;
    recipe.policies = {policy};
    return recipe;
}

std::vector<KSweepPoint> sweepK(
    const Model &model, Backend &backend, std::span<const TokenSequence> sequences, const Params &settings, const Progress &progress)
{
    const std::vector<int> tried = triedK(model.config(), settings);
    const Progress quiet{progress.stopToken()};
    const LossSink own = lossOf(model, backend, sequences, settings, {}, quiet);
    std::vector<KSweepPoint> points;
    for (const int k : tried) {
        progress.report(std::ssize(points), std::ssize(tried), "values of k");
        CompiledRecipe recipe{withK(k, settings), model, backend, nullptr};
        const LossSink with = lossOf(model, backend, sequences, settings, recipe.steering(), quiet);
        points.push_back({k, compareLosses(own, with, settings), agreement(own.predicted(), with.predicted())});
    }
    return points;
}

Result kSweepResult(std::span<const KSweepPoint> points, const Params &settings)
{
    std::vector<std::int64_t> k, sequences;
    std::vector<double> loss, agreed, p;
    Curve curve{.role = Curve::Role::Data, .name = "Loss with k, less with the model's own", .y = {}, .low = {}, .high = {}};
    Series series{.id = "loss-over-k",
        .title = "Loss with more or fewer experts",
        .xTitle = "Experts a token",
        .yTitle = "Difference of the loss",
        .unit = "nats",
        .x = {},
        .curves = {},
        .bars = false,
        .names = {}};
    for (const KSweepPoint &point : points) {
        k.push_back(point.k);
        series.x.push_back(point.k);
        loss.push_back(point.loss.value);
        curve.y.push_back(point.loss.difference);
        curve.low.push_back(point.loss.interval.low);
        curve.high.push_back(point.loss.interval.high);
        p.push_back(point.loss.p);
        agreed.push_back(point.agreement);
        sequences.push_back(point.loss.units);
    }
    Result result;
    result.analysis = kSweepKind().id;
    result.title = kSweepKind().title;
    result.settings = settings.all();
    if (points.empty())
        return result;
    result.tables.push_back({"k-sweep", "Loss with k experts a token",
        {{"k", "experts", "A token gets in every MoE layer", k}, {"loss", "nats", "Per predicted token with this k", loss},
            {"value", "nats", "That less the loss with the model's own k", curve.y},
            {"low", "nats", "Lower end of the 95 % interval of the difference", curve.low}, {"high", "nats", "Upper end", curve.high},
            {"p", "1", "Two-sided, of sign flips of the sequences' differences", p},
            {"agreement", "1", "Share of tokens after which the likeliest token is the same", agreed},
            {"n", "sequences", "Compared in pairs", sequences}}});
    series.curves.push_back(std::move(curve));
    result.series.push_back(std::move(series));
    return result;
}

} // namespace expertscope
