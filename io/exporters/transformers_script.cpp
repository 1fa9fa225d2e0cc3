// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/exporters/transformers_script.h"

#include "engine/core/error.h"
#include "io/exporters/transformers_parts.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace expertscope {

namespace {

constexpr std::size_t longestLine = 118;

[[noreturn]] void cannot(const std::string &what, const std::string &why)
{
    throw Error{ErrorKind::Check, "a transformers script cannot hold " + what + ": " + why, "export",
        "Switch it off, or use the recipe in Expertscope"};
}

const PythonPart *find(std::span<const PythonPart> parts, std::string_view id)
{
    const auto found = std::find_if(parts.begin(), parts.end(), [&](const PythonPart &part) { return part.id == id; });
    return found == parts.end() ? nullptr : &*found;
}

template<typename Number>
std::string shortest(Number value)
{
    char text[64];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// A literal; JSON's and Python's strings are the same where no character is escaped beyond ASCII.
std::string quoted(const std::string &text)
{
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// A setting: a number where it is one. It is written anew, since Python does not take all that C++ does.
std::string literal(const std::string &text)
{
    const char *end = text.data() + text.size();
    std::int64_t whole = 0;
    if (const auto [at, error] = std::from_chars(text.data(), end, whole); error == std::errc{} && at == end)
        return std::to_string(whole);
    double real = 0;
    if (const auto [at, error] = std::from_chars(text.data(), end, real); error == std::errc{} && at == end && std::isfinite(real))
        return shortest(real);
    return quoted(text);
}

template<typename List, typename Text>
std::string joined(const List &list, const Text &text)
{
    std::string out;
    for (const auto &item : list)
        out += (out.empty() ? "" : ", ") + text(item);
    return '[' + out + ']';
}

std::string spanFields(const TokenSpan &tokens, RunPhase phase, const std::string &name)
{
    std::string out;
    switch (tokens.kind) {
    case TokenSpan::Kind::All:
        break;
    case TokenSpan::Kind::Prompt:
        out += R"(, "tokens": "prompt")";
        break;
    case TokenSpan::Kind::Generated:
        out += R"(, "tokens": "generated")";
        break;
    case TokenSpan::Kind::Label:
        out += R"(, "tokens": {"label": )" + quoted(tokens.label) + R"(, "is": )" + quoted(tokens.value) + '}';
        break;
    case TokenSpan::Kind::Position:
        cannot(name + " for the token at one position", "a hook is not told where in its text a token is");
    case TokenSpan::Kind::Pattern:
        cannot(name + " for tokens that match a pattern", "a hook sees numbers, not text");
    }
    if (phase != RunPhase::Both)
        out += phase == RunPhase::Decode ? R"(, "phase": "decode")" : R"(, "phase": "prefill")";
    return out;
}

std::string settingFields(const ParamValues &settings)
{
    std::string out;
    for (const auto &[id, value] : settings)
        if (id != "extra") // already taken into account in the lists
            out += ", " + quoted(id) + ": " + literal(value);
    return out;
}

/// {"op": "soft", "layers": {3: [1, 5], 4: [0]}, "strength": 0.5}; a layer a line where it gets long.
std::string entry(const Edit &edit, const std::string &name)
{
    std::vector<std::string> layers;
    for (const LayerExperts &at : edit.experts)
        layers.push_back(std::to_string(at.layer) + ": " + joined(at.experts, [](int e) { return std::to_string(e); }));
    for (const auto &[layer, vector] : edit.vectors)
        layers.push_back(std::to_string(layer) + ": " + joined(vector, [](float v) { return shortest(v); }));
    const std::string rest = settingFields(edit.settings) + spanFields(edit.tokens, edit.phase, name) + '}';
    std::size_t width = rest.size() + edit.op.size();
    for (const std::string &layer : layers)
        width += layer.size() + 2;
    const bool isLong = width + 30 > longestLine;
    std::string inside;
    for (const std::string &layer : layers)
        inside += isLong ? "\n        " + layer + ',' : (inside.empty() ? "" : ", ") + layer;
    return R"({"op": )" + quoted(edit.op) + R"(, "layers": {)" + inside + (isLong ? "\n    }" : "}") + rest;
}

std::string sumOf(const PolicySetting &policy, const PythonPart &part)
{
    if (!part.sum.empty())
        return R"(, "sum": ")" + std::string{part.sum} + '"';
    for (const auto &[id, value] : policy.settings)
        if (id == "variant")
            return value == "include-raw" ? R"(, "sum": "raw")" : R"(, "sum": "renormalise")";
    return {};
}

std::string entry(const PolicySetting &policy, const std::string &name, const PythonPart *part)
{
    return R"({"policy": )" + quoted(policy.policy) + R"(, "layers": )"
        + joined(policy.layers, [](int layer) { return std::to_string(layer); }) + settingFields(policy.settings)
        + (part ? sumOf(policy, *part) : "") + spanFields(policy.tokens, policy.phase, name) + '}';
}

/// A list or table of the script, an entry a line.
std::string assigned(const std::string &name, const std::vector<std::string> &entries, char open = '[', char close = ']')
{
    std::string out = name + " = " + open;
    for (const std::string &text : entries)
        out += "\n    " + text + ',';
    return out + (entries.empty() ? "" : "\n") + close + '\n';
}

/// Collects the parts of one recipe.
class Script {
public:
    Script(const Recipe &recipe, const ModelConfig &config)
        : m_recipe{recipe}
    {
        checkFamily(config);
        for (const Edit &edit : recipe.edits)
            add(edit);
        for (const PolicySetting &policy : recipe.policies)
            add(policy);
    }

    std::string text(const ModelConfig &config) const
    {
        const MoeFfn &rule = *config.layers[static_cast<std::size_t>(config.moeLayers().front())].moe();
        std::string out = "#!/usr/bin/env python3\n" + docstring(config) + std::string{pythonImports};
        out +=
            "NAME = " + quoted(m_recipe.name) + "\nNOTES = " + quoted(m_recipe.notes) + "\nMODEL = " + quoted(m_recipe.model.id) + "\n\n";
        out += "TOP_K = " + std::to_string(rule.topK) + "  # experts a token takes by the model's own rule\n";
        out += std::string{"NORMALISE = "} + (rule.normalise ? "True" : "False") + "  # whether their weights are made to sum to 1\n";
        out += "LAYERS = " + joined(m_layers, [](int layer) { return std::to_string(layer); }) + "  # whose routers are hooked\n\n";
        out += assigned("TEMPERATURES", m_temperatures) + assigned("LOGIT_EDITS", m_logitEdits) + assigned("EXCLUSIONS", m_exclusions)
            + assigned("WEIGHT_EDITS", m_weightEdits) + assigned("POLICIES", m_policies);
        if (!m_skips.empty())
            out += assigned("SKIPS", m_skips);
        out += pythonRun;
        out += "\n\n# Edits of router logits z [T, E]; `before` are those before all edits\n";
        out += code("LOGIT_CODE", pythonLogitEdits());
        out += "\n\n# Edits of weights [T, K]; `named` are the experts of the edit\n";
        out += code("WEIGHT_CODE", pythonWeightEdits());
        if (m_policies.empty())
            out += "\n" + std::string{m_exclusions.empty() ? pythonRoute : pythonRouteWithExclusions};
        else {
            out += "\n" + std::string{pythonPlaces};
            out += "\n# Policies: which experts [T, E] are kept, given their probabilities from the largest to the smallest\n";
            out += code("POLICY_CODE", pythonPolicies()) + "\n" + std::string{pythonRouteWithPolicies};
        }
        if (!m_skips.empty())
            out += "\n" + std::string{pythonSkip};
        out += "\n" + std::string{pythonSteer};
        if (!m_skips.empty())
            out += pythonSteerSkips;
        return out + std::string{pythonMain};
    }

private:
    static void checkFamily(const ModelConfig &config)
    {
        const std::vector<int> layers = config.moeLayers();
        const auto rule = [&](int layer) -> const MoeFfn & { return *config.layers[static_cast<std::size_t>(layer)].moe(); };
        const bool isPlain = !layers.empty() && std::all_of(layers.begin(), layers.end(), [&](int layer) {
            const MoeFfn &moe = rule(layer);
            const MoeFfn &first = rule(layers.front());
            return moe.score == ScoreFunction::Softmax && !moe.selectionBias && moe.groups == 1 && std::abs(moe.scale - 1) < 1e-12
                && moe.topK == first.topK && moe.normalise == first.normalise;
        });
        if (!isPlain)
            cannot("a recipe for the family " + config.family, "its routers do more than a softmax and a choice of the k largest");
    }

    /// Where the entries of an op stand.
    std::vector<std::string> &listOf(const std::string &op)
    {
        if (op == "exclude")
            return m_exclusions;
        if (find(pythonLogitEdits(), op))
            return m_logitEdits;
        if (!find(pythonWeightEdits(), op))
            cannot("the op \"" + op + '"', "the exporter does not know it");
        return m_weightEdits;
    }

    void add(const Edit &edit)
    {
        listOf(edit.op).push_back(entry(edit, "the op \"" + edit.op + '"'));
        m_used.insert(edit.op);
        for (const LayerExperts &at : edit.experts)
            m_layers.insert(at.layer);
        for (const auto &[layer, vector] : edit.vectors)
            m_layers.insert(layer);
    }

    void add(const PolicySetting &policy)
    {
        const std::string name = "the policy \"" + policy.policy + '"';
        if (const PythonPart *refused = find(policiesWithoutScript(), policy.policy))
            cannot(name, std::string{refused->code});
        if (policy.policy == "skip-layer") {
            m_skips.push_back(entry(policy, name, nullptr));
            return;
        }
        m_layers.insert(policy.layers.begin(), policy.layers.end());
        if (policy.policy == "temperature") {
            m_temperatures.push_back(entry(policy, name, nullptr));
            return;
        }
        const PythonPart *part = find(pythonPolicies(), policy.policy);
        if (!part)
            cannot(name, "the exporter does not know it");
        for (int layer : policy.layers)
            if (!m_chosenBy.insert(layer).second)
                cannot(name, "another policy already chooses or weighs the experts of layer " + std::to_string(layer));
        if (!m_exclusions.empty())
            cannot(name, "the script chooses by a policy or without the experts of \"exclude\", not both");
        m_policies.push_back(entry(policy, name, part));
        m_used.insert(policy.policy);
    }

    static std::string docstring(const ModelConfig &config)
    {
        const std::vector<int> layers = config.moeLayers();
        const MoeFfn &rule = *config.layers[static_cast<std::size_t>(layers.front())].moe();
        return "\"\"\"Steers the routers of a Mixture-of-Experts model in Hugging Face transformers; made by "
               "Expertscope " EXPERTSCOPE_VERSION ".\n\nFor models of the family "
            + config.family + " with " + std::to_string(config.layers.size()) + " layers and " + std::to_string(rule.experts)
            + " experts in each. To see the difference it makes:\n\n    python THIS.py MODEL \"A prompt\"\n\n"
              "In your own code:\n\n    with steer(model):\n        model.generate(...)\n\n"
              "The tokens of a forward call with an empty cache are the prompt, those of later calls count as generated.\n\"\"\"\n";
    }

    /// The functions of a list that this recipe needs, and the table that finds them.
    std::string code(const std::string &table, std::span<const PythonPart> parts) const
    {
        std::string out;
        std::vector<std::string> names;
        for (const PythonPart &part : parts) {
            if (!m_used.contains(std::string{part.id}))
                continue;
            out += (out.empty() ? "" : "\n\n") + std::string{part.code};
            std::string function{part.id};
            std::replace(function.begin(), function.end(), '-', '_');
            names.push_back(quoted(std::string{part.id}) + ": " + function);
        }
        return out + (out.empty() ? "" : "\n\n") + assigned(table, names, '{', '}');
    }

    const Recipe &m_recipe;
    std::set<int> m_layers, m_chosenBy;
    std::set<std::string> m_used; ///< ops and policies
    std::vector<std::string> m_temperatures, m_logitEdits, m_exclusions, m_weightEdits, m_policies, m_skips;
};

} // namespace

std::string transformersScript(const Recipe &recipe, const ModelConfig &config)
{
    return Script{recipe, config}.text(config);
}

} // namespace expertscope
