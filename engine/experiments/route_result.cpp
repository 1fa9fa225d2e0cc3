// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/route_result.h"

#include <array>
#include <cmath>

namespace expertscope {

namespace {

constexpr std::array params{ParamKind{"routes", "Routes", "Other sets of experts to try; every set where there are not more",
                                ParamKind::Type::Integer, "64", 1, 100000},
    ParamKind{"seed", "Seed", "Of the sets, where not all are tried", ParamKind::Type::Integer, "42", 0, 1e15}};

} // namespace

const AnalysisKind &routeKind()
{
    static const AnalysisKind kind{.id = "counterfactual-routes",
        .title = "Counterfactual routes of a token",
        .help = "What would other experts in this layer have made of the next token's probability?",
        .definition =
            "The token is run again with other sets of as many experts in one layer, weighed by the family's rule; all else is as it was. "
            "Utility is the log-probability of the token that follows, less that with the model's own set, in nats; regret is the "
            "largest utility, at least 0. The router's mass of a set is the sum of its experts' probabilities. Agreement is Kendall's "
            "tau-b of mass and log-probability over all sets: 1 where the router ranks them by what they do, 0 by chance. "
            "One token: nothing here is an estimate over texts, and with many sets the best of them looks good by chance as well.",
        .source = "When Are Experts Misrouted?, arXiv:2605.07260",
        .params = params,
        .run = nullptr};
    return kind;
}

CounterfactualSettings routeSettings(const Params &settings)
{
    return {static_cast<int>(settings.integer("routes")), static_cast<std::uint64_t>(settings.integer("seed"))};
}

std::string routeName(const Route &route)
{
    std::string text;
    for (const std::int32_t expert : route.experts)
        text += (text.empty() ? "" : " ") + std::to_string(expert);
    return text;
}

Result routeResult(const CounterfactualRoutes &routes, const Params &settings)
{
    std::vector<std::string> experts;
    std::vector<std::int64_t> chosen;
    std::vector<double> mass, logMass, probability, logprob, utility, own, others;
    const auto add = [&](const Route &route, bool isOwn) {
        experts.push_back(routeName(route));
        chosen.push_back(isOwn);
        mass.push_back(route.mass);
        logMass.push_back(std::log(route.mass));
        probability.push_back(std::exp(route.logprob));
        logprob.push_back(route.logprob);
        utility.push_back(route.utility);
        own.push_back(isOwn ? route.logprob : noNumber);
        others.push_back(isOwn ? noNumber : route.logprob);
    };
    add(routes.own, true);
    for (const Route &route : routes.others)
        add(route, false);

    Result result;
    result.analysis = routeKind().id;
    result.title = routeKind().title;
    result.settings = settings.all();
    const auto n = std::ssize(routes.others);
    const std::string of = routes.everySet ? "other sets, all of this size" : "other sets, drawn";
    result.numbers = {
        {.id = "better", .title = "Share of other sets that are better", .unit = "1", .value = routes.better, .n = n, .of = of},
        {.id = "regret", .title = "Regret", .unit = "nats", .value = routes.regret, .n = n, .of = of},
        {.id = "agreement",
            .title = "Agreement of router and effect (tau-b)",
            .unit = "1",
            .value = routes.rankAgreement,
            .chance = 0,
            .n = n + 1,
            .of = "sets"},
        {.id = "confidence",
            .title = "Router's mass of the model's own set",
            .unit = "1",
            .value = routes.own.mass,
            .n = 1,
            .of = "tokens"},
        {.id = "probability",
            .title = "Probability of the next token",
            .unit = "1",
            .value = std::exp(routes.own.logprob),
            .n = 1,
            .of = "tokens"}};
    result.series.push_back({.id = "routes",
        .title = "What other experts would have done",
        .xTitle = "ln of the router's mass of the set",
        .yTitle = "Log-probability of the next token",
        .unit = "nats",
        .x = std::move(logMass),
        .curves = {{Curve::Role::Data, "other sets", std::move(others), {}, {}},
            {Curve::Role::Data, "chosen by the model", std::move(own), {}, {}}},
        .dots = true,
        .names = experts});
    result.tables.push_back({"routes", "Sets of experts, the model's own first, then the best",
        {{"experts", "", "The set", std::move(experts)}, {"chosen", "1", "1 = by the model itself", std::move(chosen)},
            {"mass", "1", "Sum of the experts' probabilities, full softmax of the router", std::move(mass)},
            {"probability", "1", "Of the next token", std::move(probability)}, {"logprob", "nats", "Of the next token", std::move(logprob)},
            {"utility", "nats", "logprob less that of the model's own set", std::move(utility)}}});
    return result;
}

} // namespace expertscope
