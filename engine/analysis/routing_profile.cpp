// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/routing_profile.h"

#include "engine/analysis/trace_pass.h"
#include "engine/core/parallel.h"
#include "engine/core/softmax.h"

#include <algorithm>
#include <limits>

namespace expertscope {

namespace {

constexpr std::size_t bytesHeld = std::size_t{256} << 20; ///< of stored means at a time: longer traces are read once per band of layers

/// Writes sums [E] as a distribution; NaN where they are nothing.
void normalise(std::span<const double> sums, std::span<float> q)
{
    double total = 0;
    for (const double x : sums)
        total += x;
    for (std::size_t e = 0; e < sums.size(); ++e)
        q[e] = total > 0 ? static_cast<float>(sums[e] / total) : std::numeric_limits<float>::quiet_NaN();
}

void fromStoredMeans(const RoutingTrace &trace, const std::vector<int> &sequences, const Progress &progress,
    const std::function<void(int, std::span<const float>)> &body)
{
    const TraceMeta &meta = trace.meta();
    const auto experts = static_cast<std::size_t>(meta.experts);
    const std::size_t layers = meta.layers.size(), units = sequences.size();
    const std::size_t perLayer = std::max<std::size_t>(1, units * experts);
    const std::size_t band = std::clamp<std::size_t>(bytesHeld / (perLayer * sizeof(float)), 1, layers);
    std::vector<float> mean(layers * experts), held(band * perLayer);
    std::vector<double> row(experts);
    for (std::size_t first = 0; first < layers; first += band) {
        const std::size_t count = std::min(band, layers - first);
        for (std::size_t u = 0; u < units; ++u) {
            progress.check();
            trace.meanSoftmax(sequences[u], mean);
            for (std::size_t l = 0; l < count; ++l) {
                const auto from = mean.begin() + static_cast<std::ptrdiff_t>((first + l) * experts);
                std::copy_n(from, experts, row.begin());
                normalise(row, std::span{held}.subspan(l * perLayer + u * experts, experts));
            }
        }
        parallelFor(static_cast<std::int64_t>(count), 1, [&](std::int64_t begin, std::int64_t end) {
            for (auto l = static_cast<std::size_t>(begin); l < static_cast<std::size_t>(end); ++l) {
                progress.check();
                body(static_cast<int>(first + l), std::span{held}.subspan(l * perLayer, units * experts));
            }
        });
        progress.report(static_cast<std::int64_t>(first + count), static_cast<std::int64_t>(layers), "layers");
    }
}

/// Adds what one token of a layer contributes to the sums [E] of its text.
void addToken(
    const LayerBlock &block, ProfileSource source, std::size_t row, std::size_t slots, std::span<double> sums, std::vector<float> &p)
{
    if (source == ProfileSource::Softmax) {
        const auto logits = block.logits.subspan(row * sums.size(), sums.size());
        p.assign(logits.begin(), logits.end());
        softmaxInPlace(p);
        for (std::size_t e = 0; e < p.size(); ++e)
            sums[e] += static_cast<double>(p[e]);
        return;
    }
    for (std::size_t slot = row * slots; slot < (row + 1) * slots; ++slot)
        if (block.ids[slot] != noExpert)
            sums[block.ids[slot]] += source == ProfileSource::GateMass ? static_cast<double>(block.weights[slot]) : 1.0;
}

void fromTokens(const RoutingTrace &trace, const ProfileRequest &request, const Progress &progress,
    const std::function<void(int, std::span<const float>)> &body)
{
    const TraceMeta &meta = trace.meta();
    const auto experts = static_cast<std::size_t>(meta.experts), slots = static_cast<std::size_t>(meta.slotCount);
    std::vector<int> unitOf(meta.sequences.size(), -1);
    for (std::size_t u = 0; u < request.sequences.size(); ++u)
        unitOf[static_cast<std::size_t>(request.sequences[u])] = static_cast<int>(u);
    const std::size_t cells = request.sequences.size() * experts;
    std::vector<std::vector<double>> sumsOfLayer(meta.layers.size());
    const PassFields fields{.weights = request.source == ProfileSource::GateMass, .logits = request.source == ProfileSource::Softmax};
    forEachBlock(trace, fields, progress, [&](const LayerBlock &block) {
        std::vector<double> &sums = sumsOfLayer[static_cast<std::size_t>(block.layer)];
        sums.resize(cells);
        std::vector<float> p;
        forEachSequence(meta, block.range, [&](int sequence, TokenRange tokens) {
            const int unit = unitOf[static_cast<std::size_t>(sequence)];
            if (unit < 0)
                return;
            const auto of = std::span{sums}.subspan(static_cast<std::size_t>(unit) * experts, experts);
            for (std::int64_t t = tokens.begin; t < tokens.end; ++t)
                if (request.counted.empty() || request.counted[static_cast<std::size_t>(t)])
                    addToken(block, request.source, static_cast<std::size_t>(t - block.range.begin), slots, of, p);
        });
        if (block.range.end < meta.tokens)
            return;
        std::vector<float> q(cells);
        for (std::size_t u = 0; u < request.sequences.size(); ++u)
            normalise(std::span{sums}.subspan(u * experts, experts), std::span{q}.subspan(u * experts, experts));
        std::vector<double>{}.swap(sums);
        body(block.layer, q);
    });
}

} // namespace

ProfileSource profileSource(const TraceFields &fields, std::string_view from, bool someTokens, std::vector<std::string> &notes)
{
    const bool softmax = fields.routerLogit || (fields.meanSoftmax && !someTokens);
    if (from == "counts")
        return ProfileSource::Counts;
    if (from == "gate-mass") {
        if (!fields.gateWeight)
            throw Error{ErrorKind::Check, "the trace has no gate weights", "from", "Set from to counts, or record gate weights"};
        return ProfileSource::GateMass;
    }
    if (softmax)
        return ProfileSource::Softmax;
    if (from == "softmax")
        throw Error{ErrorKind::Check,
            fields.meanSoftmax ? "the trace has the mean softmax of whole sequences only, not of some of their tokens"
                               : "the trace has no router logits",
            "from", "Set from to gate-mass or counts, or record router logits"};
    const std::string why =
        fields.meanSoftmax ? "Not all tokens count, and the trace holds no router logits" : "The trace holds no router logits";
    notes.push_back(why + ": profiles are sums of " + (fields.gateWeight ? "gate weights" : "choices")
        + " of the chosen experts, which are sharper and noisier than the mean softmax.");
    return fields.gateWeight ? ProfileSource::GateMass : ProfileSource::Counts;
}

void forEachLayerProfile(const RoutingTrace &trace, const ProfileRequest &request, const Progress &progress,
    const std::function<void(int, std::span<const float>)> &body)
{
    if (request.source == ProfileSource::Softmax && request.counted.empty() && trace.meta().fields.meanSoftmax)
        fromStoredMeans(trace, request.sequences, progress, body);
    else
        fromTokens(trace, request, progress, body);
}

std::vector<std::vector<float>> profilesOfCounts(const RoutingSummary &counts, const std::string &from, std::vector<std::string> &notes)
{
    const bool softmax = !counts.softmaxMass.empty() && (from == "auto" || from == "softmax");
    const bool gates = !softmax && !counts.gateMass.empty() && (from == "auto" || from == "gate-mass");
    if (!softmax && !gates && from != "auto" && from != "counts")
        throw Error{ErrorKind::Check, "the imported counts hold no " + from, "from", "Set from to auto or counts"};
    const std::string what = softmax ? "mean softmax" : gates ? "gate mass" : "counts";
    notes.push_back("The trace is imported counts: one profile per language from its " + what
        + ", pooled over its whole corpus and not per text, so there is no interval and no null.");
    std::vector<std::vector<float>> profiles;
    const auto experts = static_cast<std::size_t>(counts.experts);
    std::vector<double> sums(experts);
    for (int m = 0; m < counts.moeLayers(); ++m) {
        std::vector<float> &q = profiles.emplace_back(counts.groups.size() * experts);
        for (std::size_t g = 0; g < counts.groups.size(); ++g) {
            const std::size_t first = counts.index(static_cast<int>(g), m, 0);
            for (std::size_t e = 0; e < experts; ++e)
                sums[e] = softmax ? counts.softmaxMass[first + e]
                    : gates       ? counts.gateMass[first + e]
                                  : static_cast<double>(counts.counts[first + e]);
            normalise(sums, std::span{q}.subspan(g * experts, experts));
        }
    }
    return profiles;
}

} // namespace expertscope
