// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/language_divergence.h"

#include "engine/analysis/distribution.h"
#include "engine/analysis/routing_profile.h"
#include "engine/analysis/token_filter.h"
#include "engine/core/parallel.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr std::size_t leastNullPairs = 2000;

/// The profiles of one layer and their entropies, for comparing any two.
struct LayerProfiles {
    std::span<const float> q; ///< [U, E]
    std::size_t experts;
    std::vector<double> entropies; ///< [U]

    LayerProfiles(std::span<const float> q, std::size_t experts)
        : q{q}
        , experts{experts}
    {
        for (std::size_t u = 0; u * experts < q.size(); ++u)
            entropies.push_back(entropy(of(u)));
    }
    std::span<const float> of(std::size_t unit) const { return q.subspan(unit * experts, experts); }
    Divergence between(int a, int b) const
    {
        const auto x = static_cast<std::size_t>(a), y = static_cast<std::size_t>(b);
        return divergence(of(x), of(y), entropies[x], entropies[y]);
    }
};

/// D_HJS of the translations [P] of one pair of languages; NaN where either lacks the text.
std::vector<double> ofTexts(const ParallelTexts &texts, const LayerProfiles &profiles, std::size_t a, std::size_t b, double &jsd)
{
    std::vector<double> values(texts.ids.size(), noNumber), raw(texts.ids.size(), noNumber);
    for (std::size_t p = 0; p < values.size(); ++p)
        if (texts.unitOf(a, p) >= 0 && texts.unitOf(b, p) >= 0) {
            const Divergence d = profiles.between(texts.unitOf(a, p), texts.unitOf(b, p));
            values[p] = d.normalised;
            raw[p] = d.jsd;
        }
    jsd = mean(raw);
    return values;
}

/// Means over as many random pairs as there are texts, out of all sequences that the two languages have of the texts they share.
/// Swapping labels inside a translation pair would change nothing (the divergence is symmetric), so labels are shuffled over all.
std::vector<double> nullMeans(
    const ParallelTexts &texts, const LayerProfiles &profiles, std::size_t a, std::size_t b, const DivergenceRequest &request)
{
    std::vector<int> units;
    for (std::size_t p = 0; p < texts.ids.size(); ++p)
        if (texts.unitOf(a, p) >= 0 && texts.unitOf(b, p) >= 0) {
            units.push_back(texts.unitOf(a, p));
            units.push_back(texts.unitOf(b, p));
        }
    const std::size_t n = units.size() / 2;
    if (n < 2 || request.null == 0)
        return {};
    // the same pairs at every layer: a replicate is a curve, not a heap of unrelated points
    Random random{request.seed ^ 0x6c61626c, b};
    std::vector<double> pool(std::max(leastNullPairs, 4 * n));
    for (double &d : pool) {
        const auto first = random.below(units.size());
        const auto second = (first + 1 + random.below(units.size() - 1)) % units.size();
        d = profiles.between(units[first], units[second]).normalised;
    }
    std::vector<double> means;
    std::vector<double> drawn(n);
    for (std::size_t r = 0; r < request.null; ++r) {
        for (double &d : drawn)
            d = pool[random.below(pool.size())];
        means.push_back(mean(drawn));
    }
    return means;
}

/// Mean over the languages [.] of replicates [R]; empty where a language has none, since its spread is then unknown.
std::vector<double> meanReplicates(const std::vector<std::vector<double>> &ofLanguages)
{
    std::vector<double> means;
    std::vector<double> values(ofLanguages.size());
    for (std::size_t r = 0; !ofLanguages.empty() && r < ofLanguages.front().size(); ++r) {
        for (std::size_t g = 0; g < values.size(); ++g) {
            if (ofLanguages[g].size() <= r)
                return {};
            values[g] = ofLanguages[g][r];
        }
        means.push_back(mean(values));
    }
    return means;
}

/// draws: [bootstrap, P].
LayerDivergence compareLanguages(const ParallelTexts &texts, std::size_t pivot, const LayerProfiles &profiles,
    std::span<const std::uint32_t> draws, const DivergenceRequest &request, const Progress &progress)
{
    const std::size_t languages = texts.languages.size(), ids = texts.ids.size();
    LayerDivergence layer;
    layer.value.assign(languages, noNumber);
    layer.jsd = layer.nullMean = layer.p = layer.value;
    layer.n.assign(languages, 0);
    layer.interval.resize(languages);
    layer.null.resize(languages);
    layer.pairs.assign(languages * languages, noNumber);
    layer.pairTexts.assign(languages * languages, 0);
    std::vector<std::vector<double>> replicatesOf, nullOf; // of each language compared with the pivot
    for (std::size_t a = 0; a < languages; ++a) {
        layer.pairs[a * languages + a] = 0;
        for (std::size_t b = a + 1; b < languages; ++b) {
            const bool withPivot = a == pivot || b == pivot;
            if (!withPivot && !request.allPairs)
                continue;
            progress.check();
            double jsd = noNumber;
            const std::vector<double> values = ofTexts(texts, profiles, a, b, jsd);
            const auto n = std::count_if(values.begin(), values.end(), [](double x) { return !std::isnan(x); });
            layer.pairs[a * languages + b] = layer.pairs[b * languages + a] = mean(values);
            layer.pairTexts[a * languages + b] = layer.pairTexts[b * languages + a] = n;
            if (!withPivot || n == 0)
                continue;
            const std::size_t g = a == pivot ? b : a;
            layer.value[g] = mean(values);
            layer.jsd[g] = jsd;
            layer.n[g] = n;
            std::vector<double> &replicates = replicatesOf.emplace_back();
            for (std::size_t r = 0; r < request.bootstrap && n > 1; ++r)
                replicates.push_back(resampledMean(values, draws.subspan(r * ids, ids)));
            const std::vector<double> &null = nullOf.emplace_back(nullMeans(texts, profiles, pivot, g, request));
            layer.p[g] = twoSidedP(layer.value[g], null);
            layer.nullMean[g] = mean(null);
            layer.interval[g] = interval95(replicates);
            layer.null[g] = interval95(null);
        }
    }
    layer.mean = mean(layer.value);
    layer.replicates = meanReplicates(replicatesOf);
    layer.nullReplicates = meanReplicates(nullOf);
    return layer;
}

LanguageDivergence ofCounts(const RoutingSummary &counts, const Params &params, const DivergenceRequest &request, const Progress &progress)
{
    if (!translationFilter(params).all())
        throw Error{ErrorKind::Check, "imported counts cannot be counted again by token", "",
            "Leave special tokens, phase, positions, shared tokens and lengths as they are"};
    LanguageDivergence result;
    const std::vector<std::string> wanted = commaList(params.text("languages"));
    ParallelTexts texts{.languages = {}, .ids = {""}, .sequences = {}, .unit = {}};
    for (std::size_t g = 0; g < counts.groups.size(); ++g)
        if (wanted.empty() || std::find(wanted.begin(), wanted.end(), counts.groups[g]) != wanted.end()) {
            texts.languages.push_back(counts.groups[g]);
            texts.unit.push_back(static_cast<int>(g));
        }
    result.languages = texts.languages;
    result.pivot = pivotLanguage(result.languages, params.text("pivot"), result.notes);
    DivergenceRequest without = request;
    without.bootstrap = without.null = 0;
    for (const std::vector<float> &q : profilesOfCounts(counts, params.text("from"), result.notes))
        result.layers.push_back(
            compareLanguages(texts, result.pivot, LayerProfiles{q, static_cast<std::size_t>(counts.experts)}, {}, without, progress));
    return result;
}

} // namespace

LanguageDivergence languageDivergence(
    const RoutingTrace &trace, const Params &params, const DivergenceRequest &request, const Progress &progress)
{
    if (const auto counts = trace.importedCounts())
        return ofCounts(*counts, params, request, progress);
    const TraceMeta &meta = trace.meta();
    if (meta.tokens == 0)
        throw Error{ErrorKind::Check, "the trace holds no token", meta.title, "Record the corpus first"};
    LanguageDivergence result;
    const ParallelTexts texts = parallelTexts(meta, params.text("languages"), result.notes);
    if (texts.languages.size() < 2)
        throw Error{
            ErrorKind::Usage, "the chosen languages share no text", params.text("languages"), "Choose languages with parallel texts"};
    result.languages = texts.languages;
    result.texts = std::ssize(texts.ids);
    result.pivot = pivotLanguage(result.languages, params.text("pivot"), result.notes);

    ProfileRequest profiles;
    profiles.sequences = texts.sequences;
    profiles.counted = countedTokens(trace, translationFilter(params), texts, progress, result.notes);
    profiles.source = profileSource(meta.fields, params.text("from"), !profiles.counted.empty(), result.notes);
    if (profiles.source == ProfileSource::Softmax && !meta.model.scoreFunction.empty() && meta.model.scoreFunction != "softmax")
        result.notes.push_back("The router of this model scores by " + meta.model.scoreFunction
            + "; profiles are the softmax of its logits all the same, as for other models.");
    const std::vector<std::uint32_t> draws = bootstrapDraws(request.bootstrap, texts.ids.size(), request.seed);
    result.layers.resize(meta.layers.size());
    forEachLayerProfile(trace, profiles, progress, [&](int layer, std::span<const float> q) {
        const LayerProfiles of{q, static_cast<std::size_t>(meta.experts)};
        result.layers[static_cast<std::size_t>(layer)] = compareLanguages(texts, result.pivot, of, draws, request, progress);
    });
    return result;
}

} // namespace expertscope
