// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Counts per language, one JSON file each, named LANGUAGE.json:
// {layer: {expert: {"activation_tokens": int, "gate_values_sum": float}, "total_tokens": int}}.
// Written by github.com/conctsai/Multilingualism-in-Mixture-of-Experts-LLMs.
#include "engine/core/error.h"
#include "engine/core/summary.h"
#include "engine/core/utf8.h"
#include "io/importers/formats.h"
#include "io/importers/import_checks.h"
#include "io/importers/model_shape.h"
#include "io/input_file.h"
#include "io/json_events.h"
#include "io/utf8.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

namespace expertscope {

namespace {

constexpr std::uint64_t fileLimitBytes = 256 << 20;
constexpr int mostLayers = 4096;

struct ExpertCount {
    std::optional<std::int64_t> tokens;
    std::optional<double> gateSum;
};
struct LayerCounts {
    std::map<int, ExpertCount> experts;
    std::optional<std::int64_t> tokens;
};
using LanguageCounts = std::map<int, LayerCounts>;

class CountsReader final : public JsonEvents {
public:
    explicit CountsReader(const std::string &where)
        : JsonEvents{where, "Give files of counts: {layer: {expert: {\"activation_tokens\", \"gate_values_sum\"}, \"total_tokens\"}}", 3}
    {
    }
    LanguageCounts counts;

private:
    void opened(Container kind) override
    {
        if (kind == Container::Array)
            fail("there is a list among the counts");
        if (depth() == 2)
            m_layer = &counts[number(key(1), mostLayers)];
        if (depth() == 3)
            m_expert = &m_layer->experts[number(key(2), noExpert)];
    }
    void closing(Container) override
    {
        if (depth() == 3 && !m_expert->tokens)
            fail("expert " + shown(key(2)) + " has no activation_tokens");
    }
    void scalar(JsonScalar value) override
    {
        if (depth() == 2 && key(2) == "total_tokens")
            m_layer->tokens = count(value);
        else if (depth() == 3 && key(3) == "activation_tokens")
            m_expert->tokens = count(value);
        else if (depth() == 3 && key(3) == "gate_values_sum")
            m_expert->gateSum = real(value);
        else if (depth() < 3)
            fail("there is a value where a layer or an expert belongs");
    }
    int number(const std::string &text, int limit) const
    {
        int value = -1;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value >= limit)
            fail(shown(text) + " is not the number of a layer or an expert");
        return value;
    }
    std::int64_t count(const JsonScalar &value) const
    {
        if (const auto *whole = std::get_if<std::uint64_t>(&value); whole && *whole < std::uint64_t{1} << 53)
            return static_cast<std::int64_t>(*whole);
        fail("a number of tokens is not a whole number");
    }
    double real(const JsonScalar &value) const
    {
        double number = std::nan("");
        if (const auto *text = std::get_if<JsonFloat>(&value))
            std::from_chars(text->text.data(), text->text.data() + text->text.size(), number);
        else if (const auto *positive = std::get_if<std::uint64_t>(&value))
            number = static_cast<double>(*positive);
        else if (const auto *negative = std::get_if<std::int64_t>(&value))
            number = static_cast<double>(*negative);
        if (!std::isfinite(number))
            fail("a sum of gate values is not a number");
        return number;
    }

    LayerCounts *m_layer = nullptr;
    ExpertCount *m_expert = nullptr;
};

struct Language {
    std::string name;
    LanguageCounts layers;
};

std::vector<Language> readLanguages(std::span<const std::filesystem::path> files, const Progress &progress)
{
    std::vector<Language> languages;
    for (const std::filesystem::path &file : files) {
        progress.check();
        CountsReader reader{file.string()};
        reader.parse(readWholeFile(file, fileLimitBytes));
        const std::string name = file.stem().string();
        if (reader.counts.empty())
            throw Error{ErrorKind::Input, "there are no layers in the file", file.string(), "Leave it out"};
        if (name.empty() || firstInvalidUtf8(name)
            || std::any_of(languages.begin(), languages.end(), [&](const Language &known) { return known.name == name; }))
            throw Error{ErrorKind::Input, "the name of the file is not that of a language, or occurs twice", shown(file.string()),
                "Name each file after its language, such as en.json"};
        languages.push_back({name, std::move(reader.counts)});
        progress.report(std::ssize(languages), std::ssize(files), "files");
    }
    return languages;
}

/// All languages on the layers and experts of the first: the cells, and how many do not fit it.
struct Merged {
    RoutingSummary counts;
    std::int64_t missingCells = 0, unevenTokens = 0, overCounted = 0, negativeMass = 0;
    double worstTopK = 0; ///< largest distance of choices per token from topK
    double largestGateSum = 0; ///< of a token, averaged over those of a language and layer
};

Merged merge(const std::vector<Language> &languages)
{
    Merged merged;
    RoutingSummary &counts = merged.counts;
    counts.grouping = "language";
    bool hasGates = true;
    for (const auto &[layer, experts] : languages.front().layers) {
        counts.layers.push_back(layer);
        if (!experts.experts.empty())
            counts.experts = std::max(counts.experts, experts.experts.rbegin()->first + 1);
    }
    double choices = 0, tokens = 0;
    for (const Language &language : languages) {
        const std::int64_t total = language.layers.begin()->second.tokens.value_or(0);
        counts.groups.push_back(language.name);
        counts.tokens.push_back(total);
        merged.missingCells += static_cast<std::int64_t>(language.layers.size() > counts.layers.size());
        for (const int number : counts.layers) {
            const auto at = language.layers.find(number);
            const LayerCounts layer = at == language.layers.end() ? LayerCounts{} : at->second;
            merged.unevenTokens += layer.tokens != total;
            merged.missingCells += static_cast<std::int64_t>(!layer.experts.empty() && layer.experts.rbegin()->first >= counts.experts);
            for (int expert = 0; expert < counts.experts; ++expert) {
                const auto found = layer.experts.find(expert);
                const ExpertCount cell = found == layer.experts.end() ? ExpertCount{} : found->second;
                merged.missingCells += found == layer.experts.end();
                merged.overCounted += cell.tokens.value_or(0) > total;
                merged.negativeMass += cell.gateSum.value_or(0) < 0;
                hasGates = hasGates && cell.gateSum.has_value();
                counts.counts.push_back(cell.tokens.value_or(0));
                counts.gateMass.push_back(cell.gateSum.value_or(0));
                choices += static_cast<double>(counts.counts.back());
            }
            tokens += static_cast<double>(total);
        }
    }
    counts.topK = tokens > 0 ? static_cast<int>(std::lround(choices / tokens)) : 0;
    const auto experts = static_cast<std::size_t>(counts.experts);
    for (std::size_t at = 0; at < counts.counts.size(); at += experts) {
        const auto n = static_cast<double>(std::max<std::int64_t>(1, counts.tokens[at / (experts * counts.layers.size())]));
        double chosen = 0, mass = 0;
        for (std::size_t i = at; i < at + experts; ++i) {
            chosen += static_cast<double>(counts.counts[i]);
            mass += counts.gateMass[i];
        }
        merged.worstTopK = std::max(merged.worstTopK, std::abs(chosen / n - counts.topK));
        merged.largestGateSum = std::max(merged.largestGateSum, mass / n);
    }
    if (!hasGates)
        counts.gateMass.clear();
    return merged;
}

void read(std::span<const std::filesystem::path> files, const ImportOptions &options, TraceSink &sink, ImportReport &report,
    const Progress &progress)
{
    if (!options.physicalMap.empty() || !options.labels.empty())
        throw Error{ErrorKind::Usage, "counts have no sequences to label and no physical experts", files.front().string(),
            "Leave out --labels and --physical-map"};
    const Merged merged = merge(readLanguages(files, progress));
    const RoutingSummary &counts = merged.counts;
    using Fault = ImportChecks::Fault;
    ImportChecks checks{report.checks};
    TraceMeta meta = importedMeta(files, options, report.format.c_str());
    checks.add("layers or experts that not every language has", static_cast<double>(merged.missingCells), 0, Fault::Refuses);
    checks.add("layers whose number of tokens is not their language's", static_cast<double>(merged.unevenTokens), 0, Fault::Refuses);
    checks.add(
        "languages without tokens", static_cast<double>(std::count(counts.tokens.begin(), counts.tokens.end(), 0)), 0, Fault::Refuses);
    checks.add("experts chosen more often than there are tokens", static_cast<double>(merged.overCounted), 0, Fault::Refuses);
    checks.add("negative sums of gate weights", static_cast<double>(merged.negativeMass), 0, Fault::Refuses);
    checks.add("largest distance of the experts per token from top-k", merged.worstTopK, 0.01, Fault::Warns);
    if (!counts.gateMass.empty())
        checks.add("largest mean sum of a token's gate weights", merged.largestGateSum, 1.01, Fault::Warns);
    const int wrongSize = counts.experts < 1 || counts.topK < 1 || counts.topK > counts.experts;
    checks.add("no experts, or more chosen than there are", wrongSize, 0, Fault::Refuses);
    if (!options.config.empty()) {
        const ModelShape shape = readModelShape(options.config);
        meta.model = shape.model;
        checks.add("experts per layer beside those of the model", std::abs(counts.experts - shape.model.nExperts), 0, Fault::Refuses);
        checks.add("experts per token beside the model's top-k", std::abs(counts.topK - shape.model.topK), 0, Fault::Refuses);
        checks.add("MoE layers are not those of the model", shape.moeLayers == counts.layers ? 0 : 1, 0, Fault::Refuses);
    }
    if (options.experts > 0)
        checks.add("experts per layer beside those that were given", std::abs(counts.experts - options.experts), 0, Fault::Refuses);
    checks.refuseIfFailed(files.front().string());

    meta.layers = counts.layers;
    meta.experts = counts.experts;
    meta.slotCount = counts.topK;
    meta.fields.gateWeight = !counts.gateMass.empty();
    sink.begin(meta);
    sink.importCounts(counts);
    sink.finish(report.checks);
}

bool recognises(const std::filesystem::path &file)
{
    if (!hasExtension(file, {".json"}))
        return false;
    const InputFile input{file};
    const std::string start = input.readAt(0, static_cast<std::size_t>(std::min<std::uint64_t>(input.sizeBytes(), 4096)));
    return start.starts_with('{') && start.find("\"activation_tokens\"") != std::string::npos;
}

} // namespace

const ForeignFormat aggregateCountsFormat{"counts per language, JSON", recognises, read};

} // namespace expertscope
