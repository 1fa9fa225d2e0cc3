// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/error.h"
#include "engine/core/json_depth.h"
#include "engine/core/recipe_json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

namespace expertscope {

namespace {

using Json = nlohmann::ordered_json;

constexpr int largestNumber = 65535; ///< of a layer or an expert

constexpr std::array phaseNames{
    std::pair{RunPhase::Both, "both"}, std::pair{RunPhase::Prefill, "prefill"}, std::pair{RunPhase::Decode, "decode"}};

/// Reads one document; every error names the field it is in.
class Reader {
public:
    explicit Reader(std::string where)
        : m_where{std::move(where)}
    {
    }

    Recipe read(std::string_view text) const
    {
        const Json json = parse(text);
        only(json, "", {"expertscope_recipe", "name", "notes", "model", "edits", "policies", "found", "measured"});
        if (!json.contains("expertscope_recipe"))
            fail("", "it is not a routing recipe: \"expertscope_recipe\" is missing");
        if (json.at("expertscope_recipe") != 1)
            fail("expertscope_recipe", "this version reads recipes of schema 1", "Open it with the version of Expertscope that wrote it");
        Recipe recipe;
        recipe.name = textOr(json, "name", "");
        recipe.notes = textOr(json, "notes", "");
        if (json.contains("model"))
            recipe.model = model(json.at("model"));
        for (std::size_t i = 0; i < list(json, "edits").size(); ++i)
            recipe.edits.push_back(edit(json.at("edits")[i], "edits[" + std::to_string(i) + ']'));
        for (std::size_t i = 0; i < list(json, "policies").size(); ++i)
            recipe.policies.push_back(policy(json.at("policies")[i], "policies[" + std::to_string(i) + ']'));
        recipe.foundJson = freeObject(json, "found");
        recipe.measuredJson = freeObject(json, "measured");
        return recipe;
    }

private:
    [[noreturn]] void fail(const std::string &field, const std::string &what,
        const std::string &remedy = "Correct it; docs/recipes.md describes the fields") const
    {
        throw Error{ErrorKind::Input, what, field.empty() ? m_where : m_where + ", " + field, remedy};
    }

    Json parse(std::string_view text) const
    {
        if (isNestedTooDeeply(text))
            fail("", "lists and objects are nested too deeply for a recipe");
        std::vector<std::set<std::string>> open; // keys of each object that is open
        std::string twice;
        const auto watch = [&](int, Json::parse_event_t event, const Json &parsed) {
            if (event == Json::parse_event_t::object_start)
                open.emplace_back();
            else if (event == Json::parse_event_t::object_end)
                open.pop_back();
            else if (event == Json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second && twice.empty())
                twice = parsed.get<std::string>();
            return true;
        };
        Json json = Json::parse(text.begin(), text.end(), watch, false);
        if (json.is_discarded() || !json.is_object())
            fail("", "it is not a JSON object");
        if (!twice.empty())
            fail("\"" + twice + '"', "the field occurs twice in one object");
        return json;
    }

    void only(const Json &object, const std::string &field, std::initializer_list<std::string_view> known) const
    {
        for (const auto &[key, value] : object.items())
            if (std::find(known.begin(), known.end(), key) == known.end())
                fail(under(field, key), "there is no field of that name");
    }

    static std::string under(const std::string &field, const std::string &key) { return field.empty() ? key : field + '.' + key; }

    const Json &objectAt(const Json &json, const std::string &field) const
    {
        if (!json.is_object())
            fail(field, "it is not an object");
        return json;
    }

    const Json &list(const Json &object, const char *key) const
    {
        static const Json none = Json::array();
        if (!object.contains(key))
            return none;
        if (!object.at(key).is_array())
            fail(key, "it is not a list");
        return object.at(key);
    }

    std::string textAt(const Json &value, const std::string &field) const
    {
        if (!value.is_string())
            fail(field, "it is not a text");
        return value.get<std::string>();
    }
    std::string textOr(const Json &object, const char *key, const char *standard, const std::string &field = {}) const
    {
        return object.contains(key) ? textAt(object.at(key), under(field, key)) : standard;
    }
    std::string requiredText(const Json &object, const char *key, const std::string &field) const
    {
        if (!object.contains(key))
            fail(field, "\"" + std::string{key} + "\" is missing");
        return textAt(object.at(key), under(field, key));
    }

    bool flagOr(const Json &object, const char *key, bool standard, const std::string &field) const
    {
        if (!object.contains(key))
            return standard;
        if (!object.at(key).is_boolean())
            fail(under(field, key), "it is not true or false");
        return object.at(key).get<bool>();
    }

    int number(const Json &value, const std::string &field) const
    {
        if (!value.is_number_integer()
            || (value.is_number_unsigned() ? value.get<std::uint64_t>() > std::uint64_t{largestNumber}
                                           : value.get<std::int64_t>() < 0 || value.get<std::int64_t>() > largestNumber))
            fail(field, "it is not a whole number from 0 to " + std::to_string(largestNumber));
        return value.get<int>();
    }

    int layerNumber(const std::string &key, const std::string &field) const
    {
        int layer = 0;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), layer);
        if (error != std::errc{} || end != key.data() + key.size() || layer < 0 || layer > largestNumber || std::to_string(layer) != key)
            fail(under(field, key), "a layer is named by its number or by \"*\"");
        return layer;
    }

    std::string freeObject(const Json &json, const char *key) const
    {
        return json.contains(key) ? objectAt(json.at(key), key).dump() : std::string{};
    }

    RecipeModel model(const Json &json) const
    {
        objectAt(json, "model");
        only(json, "model", {"id", "family", "layers", "experts", "top_k"});
        RecipeModel model{textOr(json, "id", "", "model"), textOr(json, "family", "", "model"), 0, 0, 0};
        const auto take = [&](const char *key, int &to) {
            if (json.contains(key))
                to = number(json.at(key), under("model", key));
        };
        take("layers", model.layers);
        take("experts", model.experts);
        take("top_k", model.topK);
        return model;
    }

    Edit edit(const Json &json, const std::string &field) const
    {
        objectAt(json, field);
        Edit edit;
        edit.op = requiredText(json, "op", field);
        edit.enabled = flagOr(json, "enabled", true, field);
        edit.tokens = tokens(json, field);
        edit.phase = phase(json, field);
        if (json.contains("experts"))
            for (const auto &[layer, experts] : objectAt(json.at("experts"), under(field, "experts")).items())
                edit.experts.push_back(layerExperts(layer, experts, under(field, "experts")));
        if (json.contains("vectors"))
            for (const auto &[layer, vector] : objectAt(json.at("vectors"), under(field, "vectors")).items())
                edit.vectors[layerNumber(layer, under(field, "vectors"))] = numbers(vector, under(under(field, "vectors"), layer));
        edit.settings = settings(json, field, {"op", "enabled", "tokens", "phase", "experts", "vectors"});
        return edit;
    }

    LayerExperts layerExperts(const std::string &layer, const Json &experts, const std::string &field) const
    {
        LayerExperts at;
        at.layer = layer == "*" ? everyLayer : layerNumber(layer, field);
        at.all = experts == "*";
        if (!at.all && !experts.is_array())
            fail(under(field, layer), "it is neither a list of experts nor \"*\"");
        if (!at.all)
            for (std::size_t i = 0; i < experts.size(); ++i)
                at.experts.push_back(number(experts[i], under(field, layer) + '[' + std::to_string(i) + ']'));
        return at;
    }

    std::vector<float> numbers(const Json &list, const std::string &field) const
    {
        if (!list.is_array())
            fail(field, "it is not a list of numbers");
        std::vector<float> out;
        for (const Json &value : list) {
            if (!value.is_number() || std::abs(value.get<double>()) > static_cast<double>(std::numeric_limits<float>::max()))
                fail(field + '[' + std::to_string(out.size()) + ']', "it is not a number");
            out.push_back(value.get<float>());
        }
        return out;
    }

    PolicySetting policy(const Json &json, const std::string &field) const
    {
        objectAt(json, field);
        PolicySetting policy;
        policy.policy = requiredText(json, "policy", field);
        policy.enabled = flagOr(json, "enabled", true, field);
        policy.tokens = tokens(json, field);
        policy.phase = phase(json, field);
        if (json.contains("layers") && json.at("layers") != "*") {
            const Json &layers = json.at("layers");
            if (!layers.is_array())
                fail(under(field, "layers"), "it is neither a list of layers nor \"*\"");
            policy.layers.clear();
            for (std::size_t i = 0; i < layers.size(); ++i)
                policy.layers.push_back(number(layers[i], under(field, "layers") + '[' + std::to_string(i) + ']'));
        }
        policy.settings = settings(json, field, {"policy", "enabled", "tokens", "phase", "layers"});
        return policy;
    }

    TokenSpan tokens(const Json &json, const std::string &field) const
    {
        TokenSpan span;
        if (!json.contains("tokens"))
            return span;
        const Json &what = json.at("tokens");
        const std::string here = under(field, "tokens");
        if (what == "all")
            return span;
        if (what == "prompt" || what == "generated") {
            span.kind = what == "prompt" ? TokenSpan::Kind::Prompt : TokenSpan::Kind::Generated;
        } else if (what.is_object() && what.contains("pattern")) {
            only(what, here, {"pattern"});
            span.kind = TokenSpan::Kind::Pattern;
            span.pattern = requiredText(what, "pattern", here);
        } else if (what.is_object() && what.contains("label")) {
            only(what, here, {"label", "is"});
            span.kind = TokenSpan::Kind::Label;
            span.label = requiredText(what, "label", here);
            span.value = requiredText(what, "is", here);
        } else if (what.is_object() && what.contains("position")) {
            only(what, here, {"position"});
            span.kind = TokenSpan::Kind::Position;
            span.position = number(what.at("position"), under(here, "position"));
        } else {
            fail(here, R"(tokens are "all", "prompt", "generated", {"pattern": ...}, {"label": ..., "is": ...} or {"position": ...})");
        }
        return span;
    }

    RunPhase phase(const Json &json, const std::string &field) const
    {
        if (!json.contains("phase"))
            return RunPhase::Both;
        for (const auto &[phase, name] : phaseNames)
            if (json.at("phase") == name)
                return phase;
        fail(under(field, "phase"), "a phase is \"both\", \"prefill\" or \"decode\"");
    }

    ParamValues settings(const Json &json, const std::string &field, std::initializer_list<std::string_view> fixed) const
    {
        ParamValues settings;
        for (const auto &[key, value] : json.items()) {
            if (std::find(fixed.begin(), fixed.end(), key) != fixed.end())
                continue;
            if (value.is_structured() || value.is_null())
                fail(under(field, key), "a setting is a number, a text, true or false");
            settings.emplace_back(key,
                value.is_string()        ? value.get<std::string>()
                    : value.is_boolean() ? (value.get<bool>() ? "on" : "off")
                                         : value.dump());
        }
        return settings;
    }

    std::string m_where;
};

} // namespace

Recipe parseRecipe(std::string_view json, const std::string &where)
{
    return Reader{where}.read(json);
}

} // namespace expertscope
