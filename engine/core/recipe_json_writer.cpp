// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/recipe_json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace expertscope {

namespace {

using Json = nlohmann::ordered_json;

/// The number that this text is, else the text; "on" and "off" are flags.
Json settingJson(const std::string &text)
{
    if (text == "on" || text == "off")
        return text == "on";
    Json number = Json::parse(text, nullptr, false);
    return number.is_number() && number.dump() == text ? number : Json(text);
}

/// The shortest decimal that is this float again.
Json floatJson(float value)
{
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return Json::parse(text.data(), end, nullptr, false);
}

std::string layerName(int layer)
{
    return layer == everyLayer ? "*" : std::to_string(layer);
}

void putSpan(Json &json, const TokenSpan &span, RunPhase phase)
{
    switch (span.kind) {
    case TokenSpan::Kind::All:
        break;
    case TokenSpan::Kind::Prompt:
        json["tokens"] = "prompt";
        break;
    case TokenSpan::Kind::Generated:
        json["tokens"] = "generated";
        break;
    case TokenSpan::Kind::Pattern:
        json["tokens"] = {{"pattern", span.pattern}};
        break;
    case TokenSpan::Kind::Label:
        json["tokens"] = {{"label", span.label}, {"is", span.value}};
        break;
    case TokenSpan::Kind::Position:
        json["tokens"] = {{"position", span.position}};
        break;
    }
    if (phase != RunPhase::Both)
        json["phase"] = phase == RunPhase::Prefill ? "prefill" : "decode";
}

Json toJson(const Edit &edit)
{
    Json json = {{"op", edit.op}};
    for (const auto &[key, text] : edit.settings)
        json[key] = settingJson(text);
    if (!edit.enabled)
        json["enabled"] = false;
    for (const LayerExperts &at : edit.experts)
        json["experts"][layerName(at.layer)] = at.all ? Json("*") : Json(at.experts);
    for (const auto &[layer, vector] : edit.vectors) {
        Json &list = json["vectors"][layerName(layer)] = Json::array();
        for (float value : vector)
            list.push_back(floatJson(value));
    }
    putSpan(json, edit.tokens, edit.phase);
    return json;
}

Json toJson(const PolicySetting &policy)
{
    Json json = {{"policy", policy.policy}};
    for (const auto &[key, text] : policy.settings)
        json[key] = settingJson(text);
    if (!policy.enabled)
        json["enabled"] = false;
    const bool every = std::find(policy.layers.begin(), policy.layers.end(), everyLayer) != policy.layers.end();
    json["layers"] = every ? Json("*") : Json(policy.layers);
    putSpan(json, policy.tokens, policy.phase);
    return json;
}

Json toJson(const Recipe &recipe)
{
    Json json = {{"expertscope_recipe", 1}};
    const auto put = [](Json &to, const char *key, const std::string &text) {
        if (!text.empty())
            to[key] = text;
    };
    put(json, "name", recipe.name);
    put(json, "notes", recipe.notes);
    if (recipe.model != RecipeModel{}) {
        Json &model = json["model"] = Json::object();
        put(model, "id", recipe.model.id);
        put(model, "family", recipe.model.family);
        for (const auto &[key, value] :
            {std::pair{"layers", recipe.model.layers}, {"experts", recipe.model.experts}, {"top_k", recipe.model.topK}})
            if (value != 0)
                model[key] = value;
    }
    json["edits"] = Json::array();
    for (const Edit &edit : recipe.edits)
        json["edits"].push_back(toJson(edit));
    json["policies"] = Json::array();
    for (const PolicySetting &policy : recipe.policies)
        json["policies"].push_back(toJson(policy));
    if (!recipe.foundJson.empty())
        json["found"] = Json::parse(recipe.foundJson);
    if (!recipe.measuredJson.empty())
        json["measured"] = Json::parse(recipe.measuredJson);
    return json;
}

/// Two blanks a level; a list of numbers or texts stays on one line.
void print(const Json &json, const std::string &margin, std::string &to)
{
    const bool flat = std::none_of(json.begin(), json.end(), [](const Json &value) { return value.is_structured(); });
    if (!json.is_structured() || json.empty() || (json.is_array() && flat)) {
        std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace);
        if (json.is_array() && std::none_of(json.begin(), json.end(), [](const Json &value) { return value.is_string(); }))
            for (std::size_t comma = 0; (comma = line.find(',', comma)) != std::string::npos; comma += 2)
                line.insert(comma + 1, 1, ' ');
        to += line;
        return;
    }
    to += json.is_array() ? '[' : '{';
    const char *separator = "\n";
    for (const auto &[key, value] : json.items()) {
        to += separator + margin + "  ";
        if (json.is_object())
            to += Json(key).dump(-1, ' ', false, Json::error_handler_t::replace) + ": ";
        print(value, margin + "  ", to);
        separator = ",\n";
    }
    to += '\n' + margin + (json.is_array() ? ']' : '}');
}

} // namespace

std::string recipeJson(const Recipe &recipe)
{
    std::string text;
    print(toJson(recipe), {}, text);
    return text + '\n';
}

std::string recipeDifference(const Recipe &from, const Recipe &to)
{
    const Json before = toJson(from);
    std::string text;
    for (const Json &step : Json::diff(before, toJson(to))) {
        const std::string path = step.at("path").get<std::string>();
        const std::string field = path.substr(1);
        if (step.at("op") == "add")
            text += "+ " + field + ": " + step.at("value").dump() + '\n';
        else if (step.at("op") == "remove")
            text += "- " + field + ": " + before.at(Json::json_pointer{path}).dump() + '\n';
        else
            text += field + ": " + before.at(Json::json_pointer{path}).dump() + " -> " + step.at("value").dump() + '\n';
    }
    return text;
}

} // namespace expertscope
