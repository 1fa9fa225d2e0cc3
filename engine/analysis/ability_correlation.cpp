// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Whether languages that are routed like the pivot are those the model is good at: correlation over languages, layer by layer.
#include "engine/analysis/analyses.h"
#include "engine/analysis/language_ability.h"
#include "engine/analysis/language_divergence.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/routing_profile.h"
#include "engine/analysis/token_filter.h"

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr std::array<ParamKind, 3> ownParams{{
    {"scores", "Scores", "Score of each language, as de:0.71,fr:0.69; empty = the loss measured on the trace's own texts",
        ParamKind::Type::Text, ""},
    {"measure", "Measured loss",
        "Where no scores are given: bits per byte of text, or bits per text (the texts say the same in all languages)",
        ParamKind::Type::Choice, "bits-per-byte", 0, 0, "bits-per-byte|bits-per-text"},
    {"permutations", "Permutations", "Of the scores over the languages, for p; 0 leaves p out", ParamKind::Type::Integer, "5000", 0, 1e6},
}};
constexpr auto params = joined(ownParams, divergenceParams, profileParams, tokenFilterParams, translationFilterParams);
constexpr std::int64_t fewLanguages = 10; ///< below it Fisher's interval of r = 0.6 includes 0

/// p of the largest |r| of all layers: how often shuffled scores give one as large anywhere.
double largestP(const std::vector<std::vector<double>> &divergences, std::vector<double> scores, double largest, std::size_t permutations,
    std::uint64_t seed)
{
    std::vector<double> null;
    for (std::size_t k = 0; k < permutations; ++k) {
        Random random{seed, k};
        random.shuffle(std::span{scores});
        double most = 0;
        for (const std::vector<double> &layer : divergences)
            if (const double r = std::abs(pearson(layer, scores, 0, 0).r); r > most)
                most = r;
        null.push_back(most);
    }
    return upperP(largest * (1 - 1e-12), null);
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const std::vector<int> &layers = trace.meta().layers;
    const auto seed = static_cast<std::uint64_t>(given.integer("seed"));
    const auto permutations = static_cast<std::size_t>(given.integer("permutations"));
    const bool measured = given.text("scores").empty(), perByte = given.text("measure") == "bits-per-byte";
    if (measured && trace.importedCounts())
        throw Error{ErrorKind::Check, "imported counts have no log-probabilities to measure a loss by", "scores", "Give a table of scores"};
    const LanguageDivergence d = languageDivergence(trace, given, {.bootstrap = 0, .null = 0, .allPairs = false, .seed = seed}, progress);
    const std::string unit = !measured ? "1" : perByte ? "bits per byte" : "bits per text";
    const std::string scoreTitle = !measured ? "Score" : perByte ? "Loss in bits per byte" : "Loss in bits per text";
    std::vector<double> allScores =
        measured ? measuredLoss(trace, d.languages, perByte, progress) : givenScores(given.text("scores"), d.languages);

    // only languages that have both, so that every layer correlates the same ones
    std::vector<std::string> languages;
    std::vector<double> scores;
    std::vector<std::vector<double>> divergences(layers.size());
    for (std::size_t g = 0; g < d.languages.size(); ++g) {
        if (g == d.pivot || std::isnan(allScores[g]))
            continue;
        languages.push_back(d.languages[g]);
        scores.push_back(allScores[g]);
        for (std::size_t m = 0; m < layers.size(); ++m)
            divergences[m].push_back(d.layers[m].value[g]);
    }
    Result result;
    result.notes = d.notes;
    std::vector<double> r, low, high, p;
    std::vector<std::int64_t> n;
    std::size_t best = 0;
    for (std::size_t m = 0; m < layers.size(); ++m) {
        progress.check();
        const Correlation c = pearson(divergences[m], scores, permutations, seed);
        r.push_back(c.r);
        low.push_back(c.interval.low);
        high.push_back(c.interval.high);
        p.push_back(c.p);
        n.push_back(c.n);
        if (std::abs(c.r) > std::abs(r[best]) || std::isnan(r[best]))
            best = m;
    }
    const std::int64_t most = n.empty() ? 0 : *std::max_element(n.begin(), n.end());
    if (most < 3)
        result.notes.push_back(
            "Only " + std::to_string(most) + " languages besides the pivot have a divergence and a score: a correlation needs three.");
    else if (most < fewLanguages)
        result.notes.push_back("Only " + std::to_string(most)
            + " languages: the intervals are wide, and single languages decide the result. Take r as a hint at most.");
    if (measured)
        result.notes.push_back("The score is a loss (higher = worse), measured on the trace's own texts"
            + std::string{perByte ? ". Scripts differ in bytes per character, which bits per byte do not make up for." : "."});

    result.tables.push_back({.id = "correlation",
        .title = "Correlation of divergence from " + d.languages[d.pivot] + " and " + (measured ? "loss" : "score"),
        .columns = {{"layer", "", "The model's own number of the layer", std::vector<std::int64_t>(layers.begin(), layers.end())},
            {"value", "1", "Pearson's r over languages of divergence from the pivot and score", r},
            {"low", "1", "Lower end of the 95 % interval by Fisher's z", low}, {"high", "1", "Upper end of it", high},
            {"p", "1", "Two-sided, scores permuted over languages", p},
            {"significant", "", "1 where the false discovery rate over the layers is at most 5 % (Benjamini-Hochberg)", significant(p)},
            {"n", "languages", "Languages, the pivot left out", n}}});
    Series series = layerSeries("correlation-by-layer", result.tables.front().title, "Pearson's r", "1", layers);
    series.curves.push_back({Curve::Role::Data, "r over " + std::to_string(most) + " languages", r, low, high});
    series.curves.push_back({Curve::Role::Chance, "no correlation", std::vector<double>(layers.size(), 0.0), {}, {}});
    result.series.push_back(std::move(series));
    if (layers.empty() || std::isnan(r[best]))
        return result;

    result.tables.push_back({.id = "scatter",
        .title = "Divergence and score at layer " + std::to_string(layers[best]),
        .columns = {{"language", "", "Language", languages},
            {"divergence", "1", "Routing divergence from the pivot at the layer of the largest |r|", divergences[best]},
            {"score", unit, scoreTitle, scores}}});
    const double overall = permutations > 0 ? largestP(divergences, scores, std::abs(r[best]), permutations / 5, seed) : noNumber;
    char text[160];
    std::snprintf(text, sizeof text, "The largest |r| is %.3f at layer %d; shuffled scores give one as large at some layer with p = %.3g.",
        std::abs(r[best]), layers[best], overall);
    result.notes.insert(result.notes.begin(), text);
    const auto add = [&](const char *id, const char *title, double value, double from, double to) {
        result.numbers.push_back(
            {.id = id, .title = title, .unit = "1", .value = value, .low = from, .high = to, .chance = 0, .n = most, .of = "languages"});
    };
    add("best_r", "Correlation at the layer of the largest |r|", r[best], low[best], high[best]);
    result.numbers.push_back({.id = "best_layer",
        .title = "Layer of the largest |r|",
        .unit = "",
        .value = static_cast<double>(layers[best]),
        .n = most,
        .of = "languages"});
    result.numbers.push_back(
        {.id = "best_p", .title = "p of the largest |r| over all layers", .unit = "1", .value = overall, .n = most, .of = "languages"});
    return result;
}

} // namespace

AnalysisKind abilityCorrelation()
{
    return {.id = "ability-correlation",
        .title = "Divergence and ability",
        .help = "Is the model worse in languages that it routes differently from the pivot?",
        .definition = "Pearson's r over languages between their routing divergence from the pivot at a layer and their score: a table that "
                      "is given, or the loss "
                      "on the trace's own parallel texts. n is the number of languages, the pivot left out. Interval: Fisher's z. p: "
                      "scores permuted over "
                      "languages; for the largest |r| of all layers the largest of each permutation is compared, so that choosing the best "
                      "layer is allowed for.",
        .source = "Bandarkar et al. 2025, arXiv 2510.04694, finding 2",
        .params = params,
        .numbers = "best_r|best_layer|best_p",
        .traces = 1,
        .needs = {.translations = true},
        .run = run};
}

} // namespace expertscope
