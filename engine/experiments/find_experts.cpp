// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/find_experts.h"

#include "engine/analysis/analyses.h"
#include "engine/analysis/language_divergence.h"
#include "engine/analysis/sequence_counts.h"
#include "engine/core/error.h"
#include "engine/steering/interventions.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace expertscope {

namespace {

constexpr double standardTau = 0.3;
constexpr std::size_t replicates = 200; ///< of the divergence curve's interval and null

/// Language experts as in Bandarkar et al.: the largest difference of any language from the pivot.
Result languageContrast(const RoutingTrace &trace, const std::string &pivot, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    Result result;
    const SequenceGroups groups = groupSequences(meta, "language");
    if (groups.names.size() < 2)
        throw Error{ErrorKind::Check, "the trace has fewer than two languages", "language", "Give a corpus with languages"};
    const std::size_t pivotAt = pivotLanguage(groups.names, pivot, result.notes);
    std::vector<std::vector<int>> sets(groups.names.size());
    for (std::size_t s = 0; s < groups.of.size(); ++s)
        if (groups.of[s] >= 0)
            sets[static_cast<std::size_t>(groups.of[s])].push_back(static_cast<int>(s));
    std::vector<ExpertScores> shares = activationShares(trace, sets, progress);
    const ExpertScores ofPivot = shares[pivotAt];
    shares.erase(shares.begin() + static_cast<std::ptrdiff_t>(pivotAt));
    const ExpertScores scores = largestDifference(shares, ofPivot);
    result.matrices.push_back(matrixOfScores(
        scores, "contrast-map", "Largest difference of frequency of a language from " + groups.names[pivotAt], "Difference of frequency"));
    return result;
}

const AnalysisKind &languageContrastKind()
{
    static const AnalysisKind kind{.id = "language-contrast",
        .title = "Language experts",
        .help = "Which experts does any language use more than the pivot?",
        .definition =
            "The largest, over the languages, of the mean share of a text's tokens that chose the expert minus the same of the pivot "
            "language; every text counts the same.",
        .source = "Bandarkar et al. 2025, arXiv 2510.04694, eq. 3",
        .params = {},
        .run = nullptr};
    return kind;
}

int layerNumber(std::string_view text, const std::string &whole)
{
    int number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc{} || end != text.data() + text.size() || number < 0)
        throw Error{ErrorKind::Usage, "this is no window of layers", whole, "Write auto, all, or first-last, such as 8-35"};
    return number;
}

std::string foundJson(const FindRequest &request, const FindMethod &method, const FoundExperts &found, const TraceMeta &meta)
{
    nlohmann::ordered_json json{{"method", method.id}, {"source", method.source}};
    for (const auto &[id, value] : found.result.settings)
        json["settings"][id] = value;
    json["pivot"] = request.pivot;
    if (request.top > 0 || request.bottom > 0) {
        json["top"] = request.top;
        json["bottom"] = request.bottom;
    } else {
        json["tau"] = request.tau.value_or(standardTau);
    }
    json["window"] = {found.window.window.first, found.window.window.last};
    json["window_because"] = found.window.words;
    json["experts"] = sizeOf(found.raised) + sizeOf(found.lowered);
    json["texts"] = meta.sequences.size();
    json["corpus"] = meta.title;
    json["engine"] = "Expertscope " EXPERTSCOPE_VERSION;
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Curve curveOf(Curve::Role role, std::string name, std::vector<double> y, const std::vector<Interval> &intervals)
{
    Curve curve{role, std::move(name), std::move(y), {}, {}};
    for (const Interval &interval : intervals) {
        curve.low.push_back(interval.low);
        curve.high.push_back(interval.high);
    }
    return curve;
}

Series divergenceSeries(const std::vector<int> &layers, const LanguageDivergence &divergence)
{
    std::vector<double> value, chance;
    std::vector<Interval> interval, band;
    for (const LayerDivergence &layer : divergence.layers) {
        value.push_back(layer.mean);
        interval.push_back(interval95(layer.replicates));
        chance.push_back(mean(layer.nullReplicates));
        band.push_back(interval95(layer.nullReplicates));
    }
    return {.id = "divergence",
        .title = "Routing divergence from " + divergence.languages[divergence.pivot],
        .xTitle = "Layer",
        .yTitle = "Routing divergence",
        .unit = "1",
        .x = std::vector<double>(layers.begin(), layers.end()),
        .curves = {curveOf(Curve::Role::Data, "mean of " + std::to_string(divergence.languages.size() - 1) + " languages", value, interval),
            curveOf(Curve::Role::Chance, "label permutation", chance, band)},
        .names = {}};
}

/// Without the task's texts named, the contrast would be one of languages.
void checkTask(const FindMethod &method, const Params &settings)
{
    if (method.id == "task" && settings.text("target").empty() && settings.text("baseline").empty())
        throw Error{ErrorKind::Usage, "nothing says which texts are the task's", "target, baseline",
            "Name their group, for example grouping=domain target=code baseline=prose; for experts of languages use the method language"};
}

/// The threshold is the analysis' own as well, where it has one.
Params paramsOf(const AnalysisKind &kind, const FindRequest &request)
{
    auto settings = request.settings;
    const bool has = std::any_of(kind.params.begin(), kind.params.end(), [](const ParamKind &param) { return param.id == "tau"; });
    if (has && request.tau)
        settings.emplace_back("tau", std::to_string(*request.tau));
    return {kind.params, settings};
}

} // namespace

std::span<const FindMethod> findMethods()
{
    static constexpr std::array methods{
        FindMethod{"task", "Experts that texts of a task choose more than other texts (settings: grouping, target, baseline)",
            "Bandarkar et al. 2025, arXiv 2510.04694, eq. 3", "expert-contrast", "contrast-map", "soft", "0.5", "soft"},
        FindMethod{"language", "Experts that any language chooses more than the pivot", "Bandarkar et al. 2025, arXiv 2510.04694, eq. 3",
            "", "contrast-map", "soft", "0.5", "soft"},
        FindMethod{"rice", "Experts that go with marker tokens, by nPMI (settings: tokens)", "RICE, arXiv 2505.14681", "token-pmi",
            "token-pmi-map", "weight-scale", "4", "weight-scale"},
        FindMethod{"risk-difference", "Experts that one side of paired texts chooses more (settings: column, side-1, side-2, span)",
            "SteerMoE, arXiv 2509.09660", "risk-difference", "risk-difference-map", "log-max", "", "log-min"},
    };
    return methods;
}

const FindMethod &findMethod(std::string_view id)
{
    const auto all = findMethods();
    const auto at = std::find_if(all.begin(), all.end(), [&](const FindMethod &method) { return method.id == id; });
    if (at != all.end())
        return *at;
    std::string known;
    for (const FindMethod &method : all)
        known += (known.empty() ? "" : ", ") + std::string{method.id};
    throw Error{ErrorKind::Usage, "there is no way to find experts of that name", std::string{id}, "There are " + known};
}

const AnalysisKind &findKind(const FindMethod &method)
{
    return method.analysis.empty() ? languageContrastKind() : analysisKind(method.analysis);
}

SuggestedWindow windowOf(const std::string &text, const TracePtr &trace, const std::string &pivot, const Progress &progress)
{
    const std::vector<int> &layers = trace->meta().layers;
    if (text == "all")
        return {{layers.front(), layers.back()}, "All layers.", {}};
    if (text == "auto") {
        const AnalysisKind &kind = analysisKind("routing-divergence");
        const Params params{kind.params, std::vector<std::pair<std::string, std::string>>{{"pivot", pivot}}};
        if (!missing(kind, {{trace}, {}}, params).empty()) {
            SuggestedWindow middle = suggestWindow(layers, {}, {});
            middle.words =
                "No two languages of the texts share a text, so there is no divergence curve, and the window is the middle half of "
                "the layers.";
            return middle;
        }
        const LanguageDivergence divergence =
            languageDivergence(*trace, params, {.bootstrap = replicates, .null = replicates, .allPairs = false}, progress);
        std::vector<double> curve;
        std::vector<std::vector<double>> drawn, null;
        for (const LayerDivergence &layer : divergence.layers) {
            curve.push_back(layer.mean);
            drawn.push_back(layer.replicates);
            null.push_back(layer.nullReplicates);
        }
        SuggestedWindow suggested = suggestWindow(layers, curve, curveShape(curve, drawn, null, layers));
        suggested.divergence = divergenceSeries(layers, divergence);
        return suggested;
    }
    return givenWindow(text, layers);
}

SuggestedWindow givenWindow(const std::string &text, const std::vector<int> &layers)
{
    const std::size_t minus = text.find('-');
    const std::string_view all = text;
    const LayerWindow window{
        layerNumber(all.substr(0, minus), text), layerNumber(minus == std::string::npos ? all : all.substr(minus + 1), text)};
    if (std::none_of(layers.begin(), layers.end(), [&](int layer) { return window.holds(layer); }))
        throw Error{ErrorKind::Usage, "the window holds no layer with experts", text,
            "The model has such layers from " + std::to_string(layers.front()) + " to " + std::to_string(layers.back())};
    return {window, "Given.", {}};
}

bool opHasStrength(const std::string &op)
{
    const auto params = interventionKind(op).params;
    return std::any_of(params.begin(), params.end(), [](const ParamKind &param) { return param.id == "strength"; });
}

Edit editOf(const std::string &op, const std::string &strength, const ExpertSet &set, int topK)
{
    const InterventionKind &kind = interventionKind(op);
    Edit edit;
    edit.op = op;
    edit.experts = kind.forces ? cut(set, static_cast<std::size_t>(topK)) : set;
    if (!strength.empty() && opHasStrength(op))
        edit.settings.emplace_back("strength", strength);
    return edit;
}

RecipeModel recipeModel(const ModelInfo &info)
{
    return {.id = info.name, .family = info.family, .layers = info.nLayers, .experts = info.nExperts, .topK = info.topK};
}

void checkRequest(const FindRequest &request)
{
    const FindMethod &method = findMethod(request.method);
    if (request.tau && (request.top > 0 || request.bottom > 0))
        throw Error{ErrorKind::Usage, "experts are chosen by a threshold or by their number", "tau, top, bottom", "Give one of them"};
    if (!method.analysis.empty())
        checkTask(method, paramsOf(analysisKind(method.analysis), request));
    else if (!request.settings.empty())
        throw Error{ErrorKind::Usage, "this way to find experts has no settings", request.settings.front().first, "Leave --set out"};
}

FoundExperts findExperts(const TracePtr &trace, const std::function<std::string(std::int32_t)> &textOfToken, const FindRequest &request,
    const Progress &progress)
{
    const FindMethod &method = findMethod(request.method);
    checkRequest(request);
    const TraceMeta &meta = trace->meta();
    FoundExperts found;
    if (method.analysis.empty()) {
        found.result = languageContrast(*trace, request.pivot, progress);
    } else {
        const AnalysisKind &kind = analysisKind(method.analysis);
        found.result = runAnalysis(kind, {{trace}, textOfToken}, paramsOf(kind, request), progress);
    }
    found.scores = scoresOfMatrix(found.result.matrix(method.matrix), meta);
    found.window = windowOf(request.window, trace, request.pivot, progress);
    const LayerWindow &window = found.window.window;
    if (request.top == 0 && request.bottom == 0)
        found.raised = above(found.scores, request.tau.value_or(standardTau), window);
    found.raised = request.top > 0 ? highest(found.scores, request.top, window) : found.raised;
    found.lowered = lowest(found.scores, request.bottom, window);
    if (found.raised.empty() && found.lowered.empty())
        throw Error{
            ErrorKind::Check, "no expert is chosen", "tau, window", "Lower the threshold, give a number of experts, or widen the window"};

    found.result.numbers.insert(found.result.numbers.begin(),
        {.id = "recipe_experts",
            .title = "Experts of the recipe, layers " + std::to_string(window.first) + " to " + std::to_string(window.last),
            .unit = "experts",
            .value = static_cast<double>(sizeOf(found.raised) + sizeOf(found.lowered)),
            .of = {}});
    Recipe &recipe = found.recipe;
    recipe.name = std::string{method.id} + " experts";
    recipe.model = recipeModel(meta.model);
    const std::string op = request.op.empty() ? std::string{method.op} : request.op;
    const std::string strength = request.strength.empty() ? std::string{method.strength} : request.strength;
    if (!found.raised.empty())
        recipe.edits.push_back(editOf(op, strength, found.raised, meta.model.topK));
    if (!found.lowered.empty()) {
        const std::string lowerOp = request.lowerOp.empty() ? std::string{method.lowerOp} : request.lowerOp;
        const bool opposite = lowerOp == op && op == "soft";
        recipe.edits.push_back(editOf(lowerOp, opposite ? '-' + strength : strength, found.lowered, meta.model.topK));
    }
    recipe.foundJson = foundJson(request, method, found, meta);
    return found;
}

} // namespace expertscope
