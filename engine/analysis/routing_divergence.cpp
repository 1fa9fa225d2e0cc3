// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How differently two languages route the same sentence, layer by layer: curves, matrices, a map and a tree of languages.
#include "engine/analysis/analyses.h"
#include "engine/analysis/divergence_shape.h"
#include "engine/analysis/language_code.h"
#include "engine/analysis/language_divergence.h"
#include "engine/analysis/language_map.h"
#include "engine/analysis/linkage.h"
#include "engine/analysis/routing_profile.h"
#include "engine/analysis/token_filter.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace expertscope {

namespace {

constexpr std::array<ParamKind, 3> ownParams{{
    {"bootstrap", "Bootstrap replicates", "Resamplings of the parallel sentences for the intervals; 0 leaves the intervals out",
        ParamKind::Type::Integer, "1000", 0, 1e5},
    {"null", "Null replicates", "Label permutations for the chance band; 0 leaves the band out", ParamKind::Type::Integer, "1000", 0, 1e5},
    {"all-pairs", "All pairs", "Compare all languages with each other, for the matrices, the map and the tree", ParamKind::Type::Flag,
        "on"},
}};
constexpr auto params = joined(divergenceParams, ownParams, profileParams, tokenFilterParams, translationFilterParams);

struct Band {
    const char *id;
    std::string title;
    std::size_t first, end; ///< layers
};

/// Mean over layers [band) of the pairs' divergence; NaN for pairs without a common text.
std::vector<double> meanPairs(const LanguageDivergence &d, const Band &band)
{
    std::vector<double> matrix(d.languages.size() * d.languages.size(), noNumber), values;
    for (std::size_t i = 0; i < matrix.size(); ++i) {
        values.clear();
        for (std::size_t m = band.first; m < band.end; ++m)
            values.push_back(d.layers[m].pairs[i]);
        matrix[i] = mean(values);
    }
    return matrix;
}

Table divergenceTable(const LanguageDivergence &d, const std::vector<int> &layers)
{
    std::vector<std::int64_t> layer, n;
    std::vector<std::string> language;
    std::vector<double> value, low, high, chance, nullLow, nullHigh, p, jsd;
    for (std::size_t m = 0; m < layers.size(); ++m)
        for (std::size_t g = 0; g < d.languages.size(); ++g) {
            if (g == d.pivot)
                continue;
            const LayerDivergence &of = d.layers[m];
            layer.push_back(layers[m]);
            language.push_back(d.languages[g]);
            value.push_back(of.value[g]);
            low.push_back(of.interval[g].low);
            high.push_back(of.interval[g].high);
            chance.push_back(of.nullMean[g]);
            nullLow.push_back(of.null[g].low);
            nullHigh.push_back(of.null[g].high);
            p.push_back(of.p[g]);
            n.push_back(of.n[g]);
            jsd.push_back(of.jsd[g]);
        }
    std::vector<std::int64_t> flags = significant(p);
    return {.id = "divergence",
        .title = "Routing divergence from " + d.languages[d.pivot],
        .columns = {
            {"layer", "", "The model's own number of the layer", std::move(layer)},
            {"language", "", "Compared with " + d.languages[d.pivot], std::move(language)},
            {"value", "1", "Mean over parallel sentences of the entropy-normalised Jensen-Shannon divergence; 0 = same routing",
                std::move(value)},
            {"low", "1", "Lower end of the 95 % bootstrap interval over parallel sentences", std::move(low)},
            {"high", "1", "Upper end of it", std::move(high)},
            {"chance", "1", "Mean of the null: pairs of any two sentences of the two languages", std::move(chance)},
            {"null_low", "1", "2.5 % quantile of the null for as many pairs", std::move(nullLow)},
            {"null_high", "1", "97.5 % quantile of it", std::move(nullHigh)},
            {"p", "1", "Two-sided permutation p of value against the null", std::move(p)},
            {"significant", "", "1 where the false discovery rate over all rows is at most 5 % (Benjamini-Hochberg)", std::move(flags)},
            {"n", "parallel sentences", "Sentence pairs; 1 where whole corpora were compared", std::move(n)},
            {"jsd", "nats", "Mean of the plain Jensen-Shannon divergence", std::move(jsd)},
        }};
}

Table meanTable(const LanguageDivergence &d, const std::vector<int> &layers)
{
    std::vector<double> value, low, high, chance, nullLow, nullHigh;
    std::vector<std::int64_t> n;
    for (const LayerDivergence &of : d.layers) {
        const Interval interval = interval95(of.replicates), null = interval95(of.nullReplicates);
        value.push_back(of.mean);
        low.push_back(interval.low);
        high.push_back(interval.high);
        chance.push_back(mean(of.nullReplicates));
        nullLow.push_back(null.low);
        nullHigh.push_back(null.high);
        n.push_back(std::count_if(of.value.begin(), of.value.end(), [](double x) { return !std::isnan(x); }));
    }
    return {.id = "mean",
        .title = "Mean over languages",
        .columns = {
            {"layer", "", "The model's own number of the layer", std::vector<std::int64_t>(layers.begin(), layers.end())},
            {"value", "1", "Mean of the languages' divergences", std::move(value)},
            {"low", "1", "Lower end of the 95 % bootstrap interval", std::move(low)},
            {"high", "1", "Upper end of it", std::move(high)},
            {"chance", "1", "The same mean under the null", std::move(chance)},
            {"null_low", "1", "2.5 % quantile of the null", std::move(nullLow)},
            {"null_high", "1", "97.5 % quantile of it", std::move(nullHigh)},
            {"n", "languages", "Languages compared with the pivot", std::move(n)},
        }};
}

Table pairTable(const LanguageDivergence &d, const std::vector<int> &layers)
{
    std::vector<std::int64_t> layer, n;
    std::vector<std::string> first, second;
    std::vector<double> value;
    const std::size_t languages = d.languages.size();
    for (std::size_t m = 0; m < layers.size(); ++m)
        for (std::size_t a = 0; a < languages; ++a)
            for (std::size_t b = a + 1; b < languages; ++b) {
                if (d.layers[m].pairTexts[a * languages + b] == 0)
                    continue;
                layer.push_back(layers[m]);
                first.push_back(d.languages[a]);
                second.push_back(d.languages[b]);
                value.push_back(d.layers[m].pairs[a * languages + b]);
                n.push_back(d.layers[m].pairTexts[a * languages + b]);
            }
    return {.id = "pairs",
        .title = "Routing divergence of all pairs of languages",
        .columns = {
            {"layer", "", "The model's own number of the layer", std::move(layer)},
            {"language_a", "", "One language", std::move(first)},
            {"language_b", "", "The other", std::move(second)},
            {"value", "1", "Mean over their parallel sentences of the entropy-normalised divergence", std::move(value)},
            {"n", "parallel sentences", "Sentence pairs; 1 where whole corpora were compared", std::move(n)},
        }};
}

void addCurves(Result &result, const LanguageDivergence &d, const std::vector<int> &layers)
{
    Series byLanguage{.id = "divergence-by-layer",
        .title = "Routing divergence from " + d.languages[d.pivot],
        .xTitle = "Layer",
        .yTitle = "Routing divergence",
        .unit = "1",
        .x = std::vector<double>(layers.begin(), layers.end()),
        .curves = {},
        .names = {}};
    for (std::size_t g = 0; g < d.languages.size(); ++g) {
        if (g == d.pivot)
            continue;
        Curve &curve = byLanguage.curves.emplace_back();
        curve.name = d.languages[g];
        for (const LayerDivergence &of : d.layers) {
            curve.y.push_back(of.value[g]);
            if (of.replicates.empty())
                continue;
            curve.low.push_back(of.interval[g].low);
            curve.high.push_back(of.interval[g].high);
        }
    }
    const Table means = meanTable(d, layers);
    Series mean = byLanguage;
    mean.id = "mean-by-layer";
    mean.title += ", mean over languages";
    mean.curves = {{Curve::Role::Data, "mean of " + std::to_string(d.languages.size() - 1) + " languages", means.reals("value"),
        means.reals("low"), means.reals("high")}};
    if (!d.layers.empty() && !d.layers.front().nullReplicates.empty())
        for (Series *series : {&byLanguage, &mean})
            series->curves.push_back(
                {Curve::Role::Chance, "label permutation", means.reals("chance"), means.reals("null_low"), means.reals("null_high")});
    result.tables.push_back(means);
    result.series.push_back(std::move(byLanguage));
    result.series.push_back(std::move(mean));
}

Matrix languageMatrix(const LanguageDivergence &d, std::string id, std::string title, std::vector<double> values)
{
    return {.id = std::move(id),
        .title = std::move(title),
        .valueTitle = "Routing divergence",
        .unit = "1",
        .rowTitle = "Language",
        .columnTitle = "Language",
        .rows = d.languages,
        .columns = d.languages,
        .values = std::move(values)};
}

/// Matrices of all layers, of thirds of them, and of each; the map and the tree of the first.
void addPairs(Result &result, const LanguageDivergence &d, const std::vector<int> &layers)
{
    const std::size_t m = layers.size(), languages = d.languages.size();
    const auto name = [&](const char *what, std::size_t first, std::size_t end) {
        return std::string{what} + " layers (" + std::to_string(layers[first]) + " to " + std::to_string(layers[end - 1]) + ")";
    };
    std::vector<Band> bands{{"languages-all", name("All", 0, m), 0, m}};
    if (m >= 3) {
        bands.push_back({"languages-early", name("Early", 0, m / 3), 0, m / 3});
        bands.push_back({"languages-middle", name("Middle", m / 3, m - m / 3), m / 3, m - m / 3});
        bands.push_back({"languages-late", name("Late", m - m / 3, m), m - m / 3, m});
    }
    for (const Band &band : bands)
        result.matrices.push_back(languageMatrix(d, band.id, band.title, meanPairs(d, band)));
    for (std::size_t l = 0; l < m; ++l)
        result.matrices.push_back(
            languageMatrix(d, "languages-layer-" + std::to_string(layers[l]), "Layer " + std::to_string(layers[l]), d.layers[l].pairs));

    const std::vector<double> &distances = result.matrix("languages-all").values;
    if (std::any_of(distances.begin(), distances.end(), [](double x) { return std::isnan(x); })) {
        result.notes.push_back("Some pairs of languages share no text, so there is no map and no tree of the languages.");
        return;
    }
    const PlaneMap map = planeMap(distances, languages);
    char fit[120];
    std::snprintf(fit, sizeof fit, "The map of languages shows %.0f %% of what classical scaling can; its stress is %.3f.",
        100 * map.explained, map.stress);
    result.notes.push_back(fit);
    result.numbers.push_back({.id = "map_stress",
        .title = "Stress of the language map (Kruskal's stress-1)",
        .unit = "1",
        .value = map.stress,
        .n = static_cast<std::int64_t>(languages),
        .of = "languages"});
    result.tables.push_back({.id = "map",
        .title = "Map of the languages",
        .columns = {{"language", "", "Language", d.languages}, {"x", "1", "First axis of classical scaling of the mean divergences", map.x},
            {"y", "1", "Second axis", map.y}}});

    std::vector<std::int64_t> merge, a, b, size;
    std::vector<double> height;
    std::vector<std::string> members = d.languages;
    for (const Merge &step : averageLinkage(distances, languages)) {
        merge.push_back(std::ssize(merge));
        a.push_back(step.a);
        b.push_back(step.b);
        height.push_back(step.height);
        size.push_back(step.size);
        members.push_back(members[static_cast<std::size_t>(step.a)] + " " + members[static_cast<std::size_t>(step.b)]);
    }
    members.erase(members.begin(), members.begin() + static_cast<std::ptrdiff_t>(languages));
    result.tables.push_back({.id = "dendrogram",
        .title = "Tree of the languages (average linkage of the mean divergences)",
        .columns = {
            {"merge", "", "Number of the step", std::move(merge)},
            {"a", "", "A cluster: rows of the map are 0 to G-1, merge i makes cluster G + i", std::move(a)},
            {"b", "", "The other cluster", std::move(b)},
            {"height", "1", "Mean divergence between the two", std::move(height)},
            {"size", "languages", "Languages in the new cluster", std::move(size)},
            {"members", "", "Them, in the order of the tree", std::move(members)},
        }});
}

/// The same language in two scripts beside its relatives: is it the script or the language that routing follows?
void addScriptControl(Result &result, const LanguageDivergence &d)
{
    const std::size_t languages = d.languages.size();
    const std::vector<double> distances = meanPairs(d, {"", "", 0, d.layers.size()});
    std::vector<std::string> first, second, family;
    std::vector<double> value, mates;
    std::vector<std::int64_t> n;
    for (std::size_t a = 0; a < languages; ++a)
        for (std::size_t b = a + 1; b < languages; ++b) {
            if (!sameLanguageInTwoScripts(d.languages[a], d.languages[b]))
                continue;
            const std::string_view branch = languageFamily(d.languages[a]);
            std::vector<double> toMates;
            for (std::size_t c = 0; c < languages; ++c)
                if (c != a && c != b && !branch.empty() && languageFamily(d.languages[c]) == branch) {
                    toMates.push_back(distances[a * languages + c]);
                    toMates.push_back(distances[b * languages + c]);
                }
            first.push_back(d.languages[a]);
            second.push_back(d.languages[b]);
            value.push_back(distances[a * languages + b]);
            family.emplace_back(branch);
            mates.push_back(mean(toMates));
            n.push_back(std::ssize(toMates));
        }
    if (first.empty()) {
        result.notes.push_back("No language is there in two scripts, so script and language cannot be told apart.");
        return;
    }
    result.tables.push_back({.id = "script-control",
        .title = "One language in two scripts, beside its relatives",
        .columns = {
            {"language_a", "", "The language in one script", std::move(first)},
            {"language_b", "", "The language in the other", std::move(second)},
            {"value", "1", "Mean divergence of the two over layers", std::move(value)},
            {"family", "", "Branch of their language family", std::move(family)},
            {"relatives", "1", "Mean divergence of the two from other languages of the branch", std::move(mates)},
            {"n", "pairs", "Pairs with relatives", std::move(n)},
        }});
}

void addShape(Result &result, const LanguageDivergence &d, const std::vector<int> &layers)
{
    std::vector<double> curve;
    std::vector<std::vector<double>> replicates, null;
    for (const LayerDivergence &of : d.layers) {
        curve.push_back(of.mean);
        replicates.push_back(of.replicates);
        null.push_back(of.nullReplicates);
    }
    const CurveShape shape = curveShape(curve, replicates, null, layers);
    const auto layerAt = [&](double index) { return std::isnan(index) ? noNumber : layers[static_cast<std::size_t>(index)]; };
    const std::int64_t n = d.texts > 0 ? d.texts : std::ssize(d.languages) - 1;
    const std::string of = d.texts > 0 ? "parallel sentences" : "languages";
    const LayerDivergence &trough = d.layers[shape.trough];
    const std::size_t languages = d.languages.size() - 1;
    result.numbers.push_back({.id = "trough_layer",
        .title = "Layer of the smallest divergence",
        .unit = "",
        .value = static_cast<double>(layers[shape.trough]),
        .low = layerAt(shape.troughAt.low),
        .high = layerAt(shape.troughAt.high),
        .n = n,
        .of = of});
    result.numbers.push_back({.id = "trough_divergence",
        .title = "Divergence there, mean of " + std::to_string(languages) + " languages",
        .unit = "1",
        .value = shape.lowest,
        .low = shape.lowestInterval.low,
        .high = shape.lowestInterval.high,
        .chance = mean(trough.nullReplicates),
        .n = n,
        .of = of});
    result.numbers.push_back({.id = "edge_minus_trough",
        .title = "Lower of first and last layer, minus the trough",
        .unit = "1",
        .value = shape.depth,
        .low = shape.depthInterval.low,
        .high = shape.depthInterval.high,
        .chance = shape.nullDepth,
        .n = n,
        .of = of});
    result.notes.insert(result.notes.begin(), shape.words);
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const bool allPairs = given.flag("all-pairs");
    const LanguageDivergence d = languageDivergence(trace, given,
        {static_cast<std::size_t>(given.integer("bootstrap")), static_cast<std::size_t>(given.integer("null")), allPairs,
            static_cast<std::uint64_t>(given.integer("seed"))},
        progress);
    const std::vector<int> &layers = trace.meta().layers;
    Result result;
    result.notes = d.notes;
    result.tables.push_back(divergenceTable(d, layers));
    result.tables.push_back(pairTable(d, layers));
    addCurves(result, d, layers);
    addShape(result, d, layers);
    if (allPairs) {
        addPairs(result, d, layers);
        addScriptControl(result, d);
    }
    return result;
}

} // namespace

AnalysisKind routingDivergence()
{
    return {.id = "routing-divergence",
        .title = "Routing divergence",
        .help = "How differently do the layers route the same sentence in two languages?",
        .definition =
            "q = the mean over a sentence's tokens of the full softmax over experts. D = JSD(q, q') / (ln E - (H(q) + H(q')) / 2) of a "
            "sentence "
            "and its translation, from 0 (same routing) to 1, averaged over parallel sentences; n is their number. Intervals: percentile "
            "bootstrap over parallel sentences. Chance: label permutation, the same mean over pairs drawn at random from all sentences of "
            "the two languages. (Swapping the labels inside a translation pair would change nothing, since D is symmetric.) Below the band "
            "translations are routed more alike than unrelated sentences; above it language sets them apart more than content does. "
            "Where profiles are almost even, D divides by almost nothing and is mostly noise; the chance band rises there too.",
        .source = "Bandarkar et al. 2025, arXiv 2510.04694, section 4.3, eq. 1, 2 and 6-8",
        .params = params,
        .numbers = "trough_layer|trough_divergence|edge_minus_trough|map_stress",
        .traces = 1,
        .needs = {.translations = true},
        .run = run};
}

} // namespace expertscope
