// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/score_lines.h"

#include "engine/analysis/result.h"
#include "engine/core/error.h"
#include "engine/core/json_depth.h"
#include "engine/core/utf8.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace expertscope {

namespace {

using Json = nlohmann::ordered_json;

const char *nameOf(EvalKind kind)
{
    return kind == EvalKind::Choice ? "choice" : kind == EvalKind::Generation ? "generation" : "text";
}

Json parsed(std::string_view line)
{
    return isNestedTooDeeply(line) ? Json(Json::value_t::discarded) : Json::parse(line, nullptr, false);
}

TextScore textScore(const Json &json)
{
    TextScore score{.logprob = json.at(0).is_null() ? noNumber : json.at(0).get<double>(),
        .tokens = json.at(1).get<std::int64_t>(),
        .bytes = json.at(2).get<std::int64_t>()};
    if (json.size() != 3 || score.tokens < 0 || score.bytes < 0)
        throw std::out_of_range{"counts"};
    return score;
}

} // namespace

std::string scoreHeader(const ScoreSource &source, const EvalData &data)
{
    Json header{{"expertscope_scores", 1}, {"engine", "Expertscope " EXPERTSCOPE_VERSION}, {"backend", source.backend},
        {"model", source.model.name}, {"model_sha256", source.model.sha256}, {"data_sha256", data.corpus.sha256},
        {"kind", nameOf(data.kind)}, {"items", data.corpus.rows.size()}, {"recipe_sha256", source.recipeSha256},
        {"batch_tokens", source.settings.batchTokens}};
    if (data.kind == EvalKind::Choice)
        header["separator"] = source.settings.separator;
    if (data.kind == EvalKind::Generation)
        header["max_new_tokens"] = source.settings.maxNewTokens;
    return header.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string headerDifference(std::string_view found, std::string_view wanted)
{
    const Json there = parsed(found), here = Json::parse(wanted);
    if (!there.is_object() || !there.contains("expertscope_scores"))
        return "this is not a file of scores";
    std::string different;
    for (const auto &[key, value] : here.items())
        if (!there.contains(key) || there.at(key) != value)
            different += (different.empty() ? "" : ", ") + key;
    return "the scores in this file are of something else: different in " + (different.empty() ? "their fields" : different);
}

std::string scoreLine(std::size_t item, const std::string &id, const ItemScore &score)
{
    Json line{{"item", item}, {"id", id}};
    if (score.texts.empty()) {
        line["output"] = wellFormedUtf8(score.output);
    } else {
        Json texts = Json::array();
        for (const TextScore &text : score.texts)
            texts.push_back(Json::array({std::isfinite(text.logprob) ? Json(text.logprob) : Json(nullptr), text.tokens, text.bytes}));
        line["texts"] = std::move(texts);
    }
    return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ItemScore scoreOfLine(std::string_view line, std::size_t item, const EvalData &data, const std::string &where)
{
    const std::size_t texts = data.kind == EvalKind::Choice ? data.tasks[item].choices.size() : data.kind == EvalKind::Text ? 1 : 0;
    try {
        const Json json = parsed(line);
        ItemScore score;
        if (json.at("item").get<std::size_t>() != item)
            throw std::out_of_range{"item"};
        if (data.kind == EvalKind::Generation)
            score.output = json.at("output").get<std::string>();
        else
            for (const Json &text : json.at("texts"))
                score.texts.push_back(textScore(text));
        if (score.texts.size() == texts)
            return score;
    } catch (const std::exception &) { // all of it means the same: not what was written
    }
    throw Error{ErrorKind::Input, "the line is not the score of item " + std::to_string(item + 1), where,
        "The file is damaged: delete it, and its items are scored again"};
}

} // namespace expertscope
