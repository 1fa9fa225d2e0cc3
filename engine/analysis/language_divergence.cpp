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
#include <utility>

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

/// Label permutation of one language against the pivot: means over as many random pairs as there are texts, out of all sequences that the
/// two have of the texts they share. Swapping labels inside a translation pair would change nothing (the divergence is symmetric), so
/// labels are shuffled over all. The pairs are the same at every layer: a replicate is a curve, not a heap of unrelated points.
class LabelNull {
public:
    LabelNull(const ParallelTexts &texts, std::size_t pivot, std::size_t language, std::uint64_t seed, std::size_t layers)
        : m_layers{layers}
        , m_random{seed ^ 0x6c61626c, language}
    {
        std::vector<int> units;
        for (std::size_t p = 0; p < texts.ids.size(); ++p)
            if (texts.unitOf(pivot, p) >= 0 && texts.unitOf(language, p) >= 0) {
                units.push_back(texts.unitOf(pivot, p));
                units.push_back(texts.unitOf(language, p));
            }
        m_texts = units.size() / 2;
        if (m_texts < 2)
            return;
        m_pairs.resize(std::max(leastNullPairs, 4 * m_texts));
        for (auto &[a, b] : m_pairs) {
            const auto first = m_random.below(units.size());
            const auto second = (first + 1 + m_random.below(units.size() - 1)) % units.size();
            a = units[first];
            b = units[second];
        }
        m_values.resize(m_pairs.size() * layers);
    }

    /// From several threads, one a layer.
    void measure(std::size_t layer, const LayerProfiles &profiles)
    {
        for (std::size_t i = 0; i < m_pairs.size(); ++i)
            m_values[i * m_layers + layer] = profiles.between(m_pairs[i].first, m_pairs[i].second).normalised;
    }

    /// [M] of [replicates]; of none where fewer than two texts are shared. Once all layers are measured.
    std::vector<std::vector<double>> means(std::size_t replicates)
    {
        std::vector<std::vector<double>> means(m_layers);
        std::vector<double> sum(m_layers), n(m_layers);
        for (std::size_t r = 0; r < replicates && !m_pairs.empty(); ++r) {
            std::fill(sum.begin(), sum.end(), 0.0);
            std::fill(n.begin(), n.end(), 0.0);
            for (std::size_t i = 0; i < m_texts; ++i) {
                const double *values = m_values.data() + m_random.below(m_pairs.size()) * m_layers;
                for (std::size_t m = 0; m < m_layers; ++m) {
                    const bool counts = !std::isnan(values[m]);
                    sum[m] += counts ? values[m] : 0.0;
                    n[m] += counts ? 1.0 : 0.0;
                }
            }
            for (std::size_t m = 0; m < m_layers; ++m)
                means[m].push_back(n[m] > 0 ? sum[m] / n[m] : noNumber);
        }
        return means;
    }

private:
    std::size_t m_layers, m_texts = 0;
    Random m_random;
    std::vector<std::pair<int, int>> m_pairs;
    std::vector<double> m_values; ///< [pairs, M]
};

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
    layer.null.resize(languages);
    layer.n.assign(languages, 0);
    layer.interval.resize(languages);
    layer.pairs.assign(languages * languages, noNumber);
    layer.pairTexts.assign(languages * languages, 0);
    std::vector<std::vector<double>> replicatesOf; // of each language compared with the pivot
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
            layer.interval[g] = interval95(replicates);
        }
    }
    layer.mean = mean(layer.value);
    layer.replicates = meanReplicates(replicatesOf);
    return layer;
}

/// nulls: of the languages but the pivot, in order; all layers are measured.
void addNulls(LanguageDivergence &result, std::vector<LabelNull> &nulls, std::size_t replicates, const Progress &progress)
{
    std::vector<std::vector<std::vector<double>>> means(nulls.size()); // [G - 1] of [M] of [replicates]
    parallelFor(std::ssize(nulls), 1, [&](std::int64_t begin, std::int64_t end) {
        for (auto g = static_cast<std::size_t>(begin); g < static_cast<std::size_t>(end); ++g) {
            progress.check();
            means[g] = nulls[g].means(replicates);
        }
    });
    parallelFor(std::ssize(result.layers), 1, [&](std::int64_t begin, std::int64_t end) {
        for (auto m = static_cast<std::size_t>(begin); m < static_cast<std::size_t>(end); ++m) {
            progress.check();
            LayerDivergence &layer = result.layers[m];
            std::vector<std::vector<double>> nullOf;
            for (std::size_t i = 0; i < nulls.size(); ++i) {
                const std::size_t g = i < result.pivot ? i : i + 1;
                if (layer.n[g] == 0)
                    continue;
                const std::vector<double> &null = nullOf.emplace_back(std::move(means[i][m]));
                layer.p[g] = twoSidedP(layer.value[g], null);
                layer.nullMean[g] = mean(null);
                layer.null[g] = interval95(null);
            }
            layer.nullReplicates = meanReplicates(nullOf);
        }
    });
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
    std::vector<LabelNull> nulls;
    for (std::size_t g = 0; g < texts.languages.size() && request.null > 0; ++g)
        if (g != result.pivot)
            nulls.emplace_back(texts, result.pivot, g, request.seed, meta.layers.size());
    forEachLayerProfile(trace, profiles, progress, [&](int layer, std::span<const float> q) {
        const auto m = static_cast<std::size_t>(layer);
        const LayerProfiles of{q, static_cast<std::size_t>(meta.experts)};
        result.layers[m] = compareLanguages(texts, result.pivot, of, draws, request, progress);
        for (LabelNull &null : nulls)
            null.measure(m, of);
    });
    addNulls(result, nulls, request.null, progress);
    return result;
}

} // namespace expertscope
