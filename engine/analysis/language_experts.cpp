// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Which experts belong to one language and which are shared: classes from the most frequent experts of each language.
#include "engine/analysis/analyses.h"
#include "engine/analysis/group_means.h"
#include "engine/analysis/parallel_texts.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/statistics.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr std::array<ParamKind, 8> params{{
    {"top", "Experts kept", "The most frequent experts of each language and layer that are kept (K)", ParamKind::Type::Integer, "15", 1,
        1e5},
    {"threshold", "Threshold", "Share among the languages from which on an expert is exclusive to one", ParamKind::Type::Real, "0.4", 0, 1},
    {"languages", "Languages", "Language codes between commas; empty = all", ParamKind::Type::Text, ""},
    {"first-layer", "From layer", "First layer that counts, by the model's own number", ParamKind::Type::Integer, "0", 0, 1e6},
    {"last-layer", "To layer", "Last layer that counts; -1 = to the end", ParamKind::Type::Integer, "-1", -1, 1e6},
    {"bootstrap", "Bootstrap replicates", "Resamplings of the sequences for the stability of each class; 0 leaves it out",
        ParamKind::Type::Integer, "100", 0, 1e4},
    {"permutations", "Permutations", "Of the languages over the sequences, for the chance level; 0 leaves it out", ParamKind::Type::Integer,
        "100", 0, 1e4},
    {"seed", "Seed", "Of bootstrap and permutations", ParamKind::Type::Integer, "42", 0, 9e15},
}};

struct ExpertClass {
    bool kept = false; ///< for any language
    std::vector<std::size_t> exclusiveTo; ///< languages whose share reaches the threshold: two may, where it is at most a half
    std::size_t language = 0; ///< of the largest share
    bool shared() const { return kept && exclusiveTo.empty(); }
    bool operator==(const ExpertClass &other) const { return kept == other.kept && exclusiveTo == other.exclusiveTo; }
};

/// The languages' shares n[g] of what is kept of each expert of a layer, and the class that follows.
struct Classes {
    std::vector<double> shares; ///< [G, E]
    std::vector<ExpertClass> experts; ///< [E]
};

/// frequencies: [G, E] of one layer. Ties among the most frequent go to the lower expert.
Classes classify(const std::vector<double> &frequencies, std::size_t experts, std::size_t top, double threshold)
{
    const std::size_t languages = frequencies.size() / experts;
    std::vector<double> sums(experts, 0.0);
    Classes classes{.shares = std::vector<double>(frequencies.size(), 0.0), .experts = std::vector<ExpertClass>(experts)};
    std::vector<std::size_t> order(experts);
    for (std::size_t g = 0; g < languages; ++g) {
        const double *of = frequencies.data() + g * experts;
        std::iota(order.begin(), order.end(), std::size_t{0});
        const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(top, experts));
        std::partial_sort(
            order.begin(), end, order.end(), [&](std::size_t a, std::size_t b) { return of[a] != of[b] ? of[a] > of[b] : a < b; });
        std::for_each(order.begin(), end, [&](std::size_t e) {
            classes.shares[g * experts + e] = of[e];
            sums[e] += of[e];
        });
    }
    for (std::size_t e = 0; e < experts; ++e) {
        if (!(sums[e] > 0))
            continue;
        ExpertClass &expert = classes.experts[e];
        expert.kept = true;
        for (std::size_t g = 0; g < languages; ++g) {
            double &share = classes.shares[g * experts + e];
            share /= sums[e];
            if (share > classes.shares[expert.language * experts + e])
                expert.language = g;
            if (share >= threshold && share > 0)
                expert.exclusiveTo.push_back(g);
        }
    }
    return classes;
}

/// How often each sequence counts and for which language: the trace as it is, a bootstrap draw, or a relabelling.
struct Draw {
    std::vector<std::uint32_t> times; ///< [S]
    std::vector<int> language; ///< [S], -1 = left out
};

/// counts: [S, E] of one layer; tokens: [S]. [G, E]
std::vector<double> frequenciesOf(std::span<const std::uint32_t> counts, const std::vector<std::int64_t> &tokens, const Draw &draw,
    std::size_t languages, std::size_t experts)
{
    std::vector<double> frequencies(languages * experts, 0.0), total(languages, 0.0);
    for (std::size_t s = 0; s < tokens.size(); ++s) {
        if (draw.language[s] < 0 || draw.times[s] == 0)
            continue;
        const auto g = static_cast<std::size_t>(draw.language[s]);
        const double times = draw.times[s];
        total[g] += times * static_cast<double>(tokens[s]);
        for (std::size_t e = 0; e < experts; ++e)
            frequencies[g * experts + e] += times * counts[s * experts + e];
    }
    for (std::size_t i = 0; i < frequencies.size(); ++i)
        frequencies[i] /= std::max(1.0, total[i / experts]);
    return frequencies;
}

struct LayerClasses {
    Classes classes;
    std::vector<double> frequencies; ///< [G, E]
    std::vector<double> stability; ///< [E] share of the bootstrap draws with the same class
    std::vector<std::vector<double>> nullExclusive; ///< [P] of [G]
    std::vector<double> nullShared; ///< [P]
};

struct Setting {
    std::size_t top = 15;
    double threshold = 0.4;
    std::size_t languages = 0, experts = 0;
};

LayerClasses layerClasses(std::vector<double> frequencies, const Setting &setting)
{
    LayerClasses layer;
    layer.classes = classify(frequencies, setting.experts, setting.top, setting.threshold);
    layer.frequencies = std::move(frequencies);
    return layer;
}

LayerClasses layerClasses(std::span<const std::uint32_t> counts, const std::vector<std::int64_t> &tokens, const Draw &whole,
    const std::vector<Draw> &bootstrap, const std::vector<Draw> &permuted, const Setting &setting, const Progress &progress)
{
    const auto classesOf = [&](const Draw &draw) {
        progress.check();
        return classify(
            frequenciesOf(counts, tokens, draw, setting.languages, setting.experts), setting.experts, setting.top, setting.threshold)
            .experts;
    };
    LayerClasses layer = layerClasses(frequenciesOf(counts, tokens, whole, setting.languages, setting.experts), setting);
    layer.stability.assign(bootstrap.empty() ? 0 : setting.experts, 0.0);
    for (const Draw &draw : bootstrap) {
        const std::vector<ExpertClass> drawn = classesOf(draw);
        for (std::size_t e = 0; e < setting.experts; ++e)
            layer.stability[e] += (drawn[e] == layer.classes.experts[e] ? 1.0 : 0.0) / static_cast<double>(bootstrap.size());
    }
    for (const Draw &draw : permuted) {
        std::vector<double> &exclusive = layer.nullExclusive.emplace_back(setting.languages, 0.0);
        double shared = 0;
        for (const ExpertClass &of : classesOf(draw)) {
            for (const std::size_t g : of.exclusiveTo)
                ++exclusive[g];
            shared += of.shared();
        }
        layer.nullShared.push_back(shared);
    }
    return layer;
}

/// Of the sequences of each language; a language of one sequence always draws it.
std::vector<Draw> bootstrapOf(const Draw &whole, std::size_t languages, std::size_t replicates, std::uint64_t seed)
{
    std::vector<std::vector<std::size_t>> members(languages);
    for (std::size_t s = 0; s < whole.language.size(); ++s)
        if (whole.language[s] >= 0)
            members[static_cast<std::size_t>(whole.language[s])].push_back(s);
    std::vector<Draw> draws(replicates, whole);
    for (std::size_t r = 0; r < replicates; ++r) {
        Random random{seed, r};
        for (const std::vector<std::size_t> &of : members) {
            std::vector<std::uint32_t> times(of.size());
            resample(times, random);
            for (std::size_t i = 0; i < of.size(); ++i)
                draws[r].times[of[i]] = times[i];
        }
    }
    return draws;
}

std::vector<Draw> permutationsOf(const Draw &whole, std::size_t replicates, std::uint64_t seed)
{
    std::vector<std::size_t> members;
    for (std::size_t s = 0; s < whole.language.size(); ++s)
        if (whole.language[s] >= 0)
            members.push_back(s);
    std::vector<Draw> draws(replicates, whole);
    for (std::size_t r = 0; r < replicates; ++r) {
        Random random{seed + 1, r};
        std::vector<int> labels;
        for (const std::size_t s : members)
            labels.push_back(whole.language[s]);
        random.shuffle(std::span{labels});
        for (std::size_t i = 0; i < members.size(); ++i)
            draws[r].language[members[i]] = labels[i];
    }
    return draws;
}

void addClasses(Result &result, const std::vector<LayerClasses> &found, const std::vector<int> &layers,
    const std::vector<std::string> &languages, const std::vector<std::int64_t> &n, const std::string &of)
{
    const std::size_t permutations = found.empty() ? 0 : found.front().nullShared.size();
    std::vector<double> exclusive(languages.size(), 0.0), nullShared(permutations, 0.0), nullAll(permutations, 0.0);
    std::vector<std::vector<double>> null(languages.size(), std::vector<double>(permutations, 0.0));
    double shared = 0;
    Series byLayer = layerSeries("classes-by-layer", "Exclusive and shared experts", "Experts", "experts", layers);
    byLayer.curves.resize(languages.size() + 1);
    std::vector<std::int64_t> layerColumn, expertColumn;
    std::vector<std::string> kinds, languageColumn;
    std::vector<double> share, frequency, stability;
    for (std::size_t m = 0; m < found.size(); ++m) {
        std::vector<double> here(languages.size() + 1, 0.0);
        const std::size_t experts = found[m].classes.experts.size();
        for (std::size_t e = 0; e < experts; ++e) {
            const ExpertClass &expert = found[m].classes.experts[e];
            const auto add = [&](const char *kind, std::size_t g, double &counter) {
                ++counter;
                layerColumn.push_back(layers[m]);
                expertColumn.push_back(static_cast<std::int64_t>(e));
                kinds.emplace_back(kind);
                languageColumn.push_back(languages[g]);
                share.push_back(found[m].classes.shares[g * experts + e]);
                frequency.push_back(found[m].frequencies[g * experts + e]);
                stability.push_back(found[m].stability.empty() ? noNumber : found[m].stability[e]);
            };
            for (const std::size_t g : expert.exclusiveTo)
                add("exclusive", g, here[g]);
            if (expert.shared())
                add("shared", expert.language, here.back());
        }
        for (std::size_t g = 0; g < here.size(); ++g)
            byLayer.curves[g].y.push_back(here[g]);
        for (std::size_t g = 0; g < languages.size(); ++g) {
            byLayer.curves[g].name = languages[g];
            exclusive[g] += here[g];
        }
        shared += here.back();
        for (std::size_t r = 0; r < permutations; ++r) {
            nullShared[r] += found[m].nullShared[r];
            for (std::size_t g = 0; g < languages.size(); ++g) {
                null[g][r] += found[m].nullExclusive[r][g];
                nullAll[r] += found[m].nullExclusive[r][g];
            }
        }
    }
    byLayer.curves.back().name = "shared";
    std::vector<double> chance, nullLow, nullHigh, p;
    for (std::size_t g = 0; g < languages.size(); ++g) {
        const Interval band = interval95(null[g]);
        chance.push_back(mean(null[g]));
        nullLow.push_back(band.low);
        nullHigh.push_back(band.high);
        p.push_back(upperP(exclusive[g], null[g]));
    }
    const std::vector<std::int64_t> flags = significant(p);
    result.tables.push_back({.id = "exclusive",
        .title = "Experts exclusive to a language",
        .columns = {{"language", "", "Language", languages}, {"value", "experts", "Experts of all layers exclusive to it", exclusive},
            {"chance", "experts", "Mean with the languages permuted over the sequences", chance},
            {"null_low", "experts", "2.5 % quantile of it", nullLow}, {"null_high", "experts", "97.5 % quantile of it", nullHigh},
            {"p", "1", "Permutation probability of as many or more", p},
            {"significant", "", "1 where the false discovery rate over the languages is at most 5 % (Benjamini-Hochberg)", flags},
            {"n", of, "Counted over", n}}});
    result.tables.push_back({.id = "experts",
        .title = "Class of each expert",
        .columns = {{"layer", "", "The model's own number of the layer", layerColumn}, {"expert", "", "Expert", expertColumn},
            {"class", "",
                "exclusive (one row per language it is exclusive to) or shared; experts among the most frequent of no language are left "
                "out",
                kinds},
            {"language", "", "The language it is exclusive to, or of the largest share", languageColumn},
            {"value", "1", "Its share of the expert's kept frequency over all languages", share},
            {"frequency", "1", "Share of its tokens that chose the expert", frequency},
            {"stability", "1", "Share of the bootstrap draws of sequences in which the expert has the same class", stability}}});
    result.series.push_back(std::move(byLayer));
    const auto all = std::accumulate(n.begin(), n.end(), std::int64_t{0});
    result.numbers.push_back({.id = "exclusive_experts",
        .title = "Experts exclusive to a language, summed over languages",
        .unit = "experts",
        .value = std::accumulate(exclusive.begin(), exclusive.end(), 0.0),
        .chance = mean(nullAll),
        .n = all,
        .of = of});
    result.numbers.push_back({.id = "shared_experts",
        .title = "Experts shared by languages",
        .unit = "experts",
        .value = shared,
        .chance = mean(nullShared),
        .n = all,
        .of = of});
    if (permutations > 0)
        result.notes.push_back(
            "The chance level is what the same rule finds with the languages permuted over the sequences: also then some experts "
            "pass the threshold.");
}

/// Indices of the chosen languages; Error (Usage) for one that is not there.
std::vector<std::size_t> chosenLanguages(const std::vector<std::string> &names, const std::string &wanted)
{
    std::vector<std::size_t> chosen;
    for (const std::string &name : wanted.empty() ? names : commaList(wanted)) {
        const auto at = std::find(names.begin(), names.end(), name);
        if (at == names.end())
            throw Error{ErrorKind::Usage, "the trace has no language \"" + name + "\"", "languages", "Leave languages empty to take all"};
        chosen.push_back(static_cast<std::size_t>(at - names.begin()));
    }
    if (chosen.size() < 2)
        throw Error{ErrorKind::Usage, "fewer than two languages to compare", "languages", "Choose at least two languages of the trace"};
    return chosen;
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    const auto counts = trace.importedCounts();
    const SequenceGroups groups = counts ? SequenceGroups{} : groupSequences(meta, "language");
    const std::vector<std::string> &names = counts ? counts->groups : groups.names;
    const std::vector<std::size_t> chosen = chosenLanguages(names, given.text("languages"));
    const Setting setting{
        static_cast<std::size_t>(given.integer("top")), given.real("threshold"), chosen.size(), static_cast<std::size_t>(meta.experts)};
    const std::int64_t last = given.integer("last-layer");
    const auto counted = [&](int layer) { return layer >= given.integer("first-layer") && (last < 0 || layer <= last); };

    std::vector<LayerClasses> found(meta.layers.size());
    std::vector<std::int64_t> n;
    Result result;
    if (counts) {
        for (const std::size_t g : chosen)
            n.push_back(counts->tokens[g]);
        for (std::size_t m = 0; m < found.size(); ++m) {
            std::vector<double> frequencies;
            for (const std::size_t g : chosen)
                for (int e = 0; e < meta.experts; ++e)
                    frequencies.push_back(counts->frequency(static_cast<int>(g), static_cast<int>(m), e));
            found[m] = layerClasses(frequencies, setting);
        }
        result.notes.push_back("The trace is imported counts: each language is one corpus, so there is no stability and no chance level.");
    } else {
        Draw whole;
        std::vector<std::int64_t> tokens;
        for (std::size_t s = 0; s < meta.sequences.size(); ++s) {
            const auto at = std::find(chosen.begin(), chosen.end(), static_cast<std::size_t>(groups.of[s]));
            whole.language.push_back(groups.of[s] < 0 || at == chosen.end() ? -1 : static_cast<int>(at - chosen.begin()));
            whole.times.push_back(1);
            tokens.push_back(meta.sequences[s].range().count());
        }
        for (const std::size_t g : chosen)
            n.push_back(groups.sequences[g]);
        const auto seed = static_cast<std::uint64_t>(given.integer("seed"));
        const auto bootstrap = bootstrapOf(whole, chosen.size(), static_cast<std::size_t>(given.integer("bootstrap")), seed);
        const auto permuted = permutationsOf(whole, static_cast<std::size_t>(given.integer("permutations")), seed);
        forEachLayerCounts(trace, {}, progress, [&](int layer, std::span<const std::uint32_t> layerCounts) {
            if (counted(meta.layers[static_cast<std::size_t>(layer)]))
                found[static_cast<std::size_t>(layer)] = layerClasses(layerCounts, tokens, whole, bootstrap, permuted, setting, progress);
        });
    }
    std::vector<LayerClasses> kept;
    std::vector<int> layers;
    for (std::size_t m = 0; m < found.size(); ++m)
        if (counted(meta.layers[m])) {
            kept.push_back(std::move(found[m]));
            layers.push_back(meta.layers[m]);
        }
    if (layers.empty())
        throw Error{ErrorKind::Usage, "the model has no MoE layer in that range", "first-layer, last-layer", "Choose layers the trace has"};
    std::vector<std::string> languages;
    for (const std::size_t g : chosen)
        languages.push_back(names[g]);
    addClasses(result, kept, layers, languages, n, counts ? "tokens" : "sequences");
    return result;
}

} // namespace

AnalysisKind languageExperts()
{
    return {.id = "language-experts",
        .title = "Exclusive and shared experts",
        .help = "Which experts serve one language, and which are shared?",
        .definition = "Frequency = share of a language's tokens that chose the expert. Of each language and layer the K most frequent "
                      "experts are kept; what is "
                      "kept of an expert is divided by its sum over the languages. The expert is exclusive to a language whose share "
                      "reaches the threshold, and "
                      "shared if it is kept for any language but exclusive to none. Chance: the same rule with the languages permuted over "
                      "sequences. Stability: "
                      "share of bootstrap draws of sequences that give the expert the same class.",
        .source = "Understanding Multilingualism in Mixture-of-Experts LLMs, arXiv 2601.14050 (its released code: K = 15, threshold 0.4)",
        .params = params,
        .numbers = "exclusive_experts|shared_experts",
        .traces = 1,
        .needs = {.languages = true},
        .run = run};
}

} // namespace expertscope
