// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Recipe: how a model's routing is changed, as a plain value: edits of logits and weights, and policies that replace a stage.
// engine/steering says what each op and policy does and checks a recipe; recipe_json reads and writes it as text. See docs/recipes.md.
#pragma once

#include "engine/core/params.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace expertscope {

/// Stands for every MoE layer of a model.
inline constexpr int everyLayer = -1;

/// Which tokens a change acts on.
struct TokenSpan {
    enum class Kind {
        All,
        Prompt, ///< the first nPrompt tokens of a sequence
        Generated, ///< what follows them, drawn or given
        Pattern, ///< tokens that share a byte with a match of `pattern` in the text of the sequence
        Label, ///< all tokens of the sequences whose `label` is `value`
        Position, ///< the token at `position` of each sequence
    };
    Kind kind = Kind::All;
    std::string pattern; ///< regular expression
    std::string label; ///< "id", "language", "domain", "parallel_id" or a label column of the corpus
    std::string value;
    std::int64_t position = 0; ///< from 0
    bool operator==(const TokenSpan &) const = default;
};

/// Given tokens are run in prefill, drawn ones in decode.
enum class RunPhase { Both, Prefill, Decode };

/// Experts of one layer.
struct LayerExperts {
    int layer = everyLayer; ///< the model's own number
    bool all = false; ///< every expert of the layer; `experts` is empty then
    std::vector<int> experts; ///< in the order that forcing ranks them
    bool operator==(const LayerExperts &) const = default;
};

/// An intervention: changes values of chosen experts, before selection or after it.
struct Edit {
    std::string op; ///< id of an InterventionKind
    bool enabled = true;
    std::vector<LayerExperts> experts;
    std::map<int, std::vector<float>> vectors; ///< of an op that adds a vector: layer -> [E]
    ParamValues settings; ///< "strength" and what else the op declares
    TokenSpan tokens;
    RunPhase phase = RunPhase::Both;
    bool operator==(const Edit &) const = default;
};

/// A policy: replaces a stage of routing in chosen layers.
struct PolicySetting {
    std::string policy; ///< id of a PolicyKind
    bool enabled = true;
    std::vector<int> layers{everyLayer};
    ParamValues settings;
    TokenSpan tokens;
    RunPhase phase = RunPhase::Both;
    bool operator==(const PolicySetting &) const = default;
};

/// The model a recipe was made for; 0 and empty = not said.
struct RecipeModel {
    std::string id, family;
    int layers = 0; ///< decoder layers, dense ones included
    int experts = 0, topK = 0;
    bool operator==(const RecipeModel &) const = default;
};

struct Recipe {
    std::string name, notes;
    RecipeModel model;
    std::vector<Edit> edits; ///< applied in order
    std::vector<PolicySetting> policies; ///< where two answer for the same stage of a row, the later one counts
    std::string foundJson; ///< a JSON object that says how it was found, kept as it is; empty = nothing
    std::string measuredJson; ///< a JSON object that says what it measured, kept as it is; empty = nothing
    bool operator==(const Recipe &) const = default;
};

} // namespace expertscope
