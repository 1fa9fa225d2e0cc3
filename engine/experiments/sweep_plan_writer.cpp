// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/sweep_plan.h"

#include <nlohmann/json.hpp>

namespace expertscope {

namespace {

using Json = nlohmann::ordered_json;

/// A list of one stands as a single value, as a person would write it.
Json listJson(const std::vector<std::string> &values)
{
    return values.size() == 1 ? Json(values.front()) : Json(values);
}

Json choiceJson(const RowChoice &choice)
{
    Json json{{"data", choice.data}};
    for (const auto &[column, values] : choice.where)
        json[column] = listJson(values);
    return json;
}

} // namespace

std::string planJson(const SweepPlan &plan)
{
    Json json{{"expertscope_plan", 1}};
    if (!plan.name.empty())
        json["name"] = plan.name;
    if (!plan.notes.empty())
        json["notes"] = plan.notes;
    json["pivot"] = plan.pivot;
    json["seed"] = plan.seed;
    json["held_out"] = plan.heldOut;
    json["experts"] = {{"method", plan.method}};
    for (const auto &[field, choice] : {std::pair{"target", &plan.target}, std::pair{"baseline", &plan.baseline}})
        if (!choice->data.empty())
            json["experts"][field] = choiceJson(*choice);
    json["parallel"] = choiceJson(plan.parallel);
    json["evaluate"] = Json::array();
    for (const RowChoice &choice : plan.evaluate)
        json["evaluate"].push_back(choiceJson(choice));
    json["separator"] = plan.scoring.separator;
    json["max_new_tokens"] = plan.scoring.maxNewTokens;
    json["sweep"] = {{"tau", plan.tau}, {"windows", plan.windows}, {"ops", plan.ops}, {"strengths", plan.strengths}};
    json["dose"] = plan.dose;
    json["controls"] = {{"random", plan.randomSets}, {"same_load", plan.sameLoad}, {"language", plan.languageExperts},
        {"deactivate", plan.deactivate}, {"windows", plan.otherWindows}};
    json["bootstrap"] = plan.bootstrap;
    json["permutations"] = plan.permutations;
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace expertscope
