// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/recording_checks.h"

#include "engine/core/tensor.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace expertscope {

namespace {

constexpr std::uint16_t halfInfinity = 0x7c00;

/// Larger for a larger half-precision number; both zeros are alike.
int orderOfHalf(std::uint16_t bits)
{
    const int size = bits & 0x7fff;
    return bits & 0x8000 ? -size : size;
}

TraceCheck check(const char *name, double value, double limit, const char *otherwise)
{
    return {name, value <= limit ? "pass" : otherwise, value, limit};
}

TraceCheck skipped(const char *name, const char *why)
{
    return {name, "skip", std::nan(""), std::nan(""), why};
}

} // namespace

void RecordingChecks::begin(const TraceMeta &meta)
{
    *this = {};
    m_meta = meta;
    m_meta.sequences.clear();
    m_seen.assign(meta.layers.size() * static_cast<std::size_t>(meta.experts), false);
}

void RecordingChecks::add(const TraceBlock &block)
{
    const auto n = static_cast<std::size_t>(block.count), slots = static_cast<std::size_t>(m_meta.slotCount),
               experts = static_cast<std::size_t>(m_meta.experts);
    for (std::size_t row = 0; row < n * m_meta.layers.size(); ++row) {
        const auto ids = std::span{block.expertId}.subspan(row * slots, slots);
        addRow(row / n, ids, block.gateWeight.empty() ? std::span<const float>{} : std::span{block.gateWeight}.subspan(row * slots, slots));
        if (!block.routerLogit.empty())
            addLogits(ids, std::span{block.routerLogit}.subspan(row * experts, experts));
    }
    m_rows += static_cast<std::int64_t>(n * m_meta.layers.size());
}

void RecordingChecks::addRow(std::size_t layer, std::span<const ExpertId> ids, std::span<const float> weights)
{
    std::size_t filled = 0;
    bool repeated = false;
    for (auto id = ids.begin(); id != ids.end(); ++id) {
        if (*id == noExpert)
            continue;
        ++filled;
        m_seen[layer * static_cast<std::size_t>(m_meta.experts) + *id] = true;
        repeated = repeated || std::find(ids.begin(), id, *id) != id;
    }
    m_repeated += repeated;
    m_empty += filled == 0;
    m_partlyEmpty += filled > 0 && filled < ids.size();
    double sum = 0;
    bool bad = false, negative = false;
    for (const float weight : weights) {
        bad = bad || !std::isfinite(weight);
        negative = negative || weight < 0;
        sum += static_cast<double>(weight);
    }
    m_badWeights += bad;
    m_negativeWeights += negative;
    m_unsorted += !std::is_sorted(weights.begin(), weights.end(), std::greater{});
    m_largestSum = std::max(m_largestSum, sum);
}

void RecordingChecks::addLogits(std::span<const ExpertId> ids, std::span<const std::uint16_t> logits)
{
    const bool bad = std::any_of(logits.begin(), logits.end(), [](std::uint16_t bits) { return (bits & 0x7fff) >= halfInfinity; });
    m_badLogits += bad;
    // as stored: rounding to half precision keeps the order, but for ties
    int least = orderOfHalf(halfInfinity);
    for (const ExpertId id : ids)
        if (id != noExpert)
            least = std::min(least, orderOfHalf(logits[id]));
    const auto above = std::count_if(logits.begin(), logits.end(), [&](std::uint16_t bits) { return orderOfHalf(bits) > least; });
    const auto chosen = std::count_if(ids.begin(), ids.end(), [](ExpertId id) { return id != noExpert; });
    m_otherChoice += above >= chosen && chosen > 0;
}

std::vector<TraceCheck> RecordingChecks::rows() const
{
    const auto count = [](std::int64_t n) { return static_cast<double>(n); };
    const auto seen = std::count(m_seen.begin(), m_seen.end(), true);
    const TraceFields &fields = m_meta.fields;
    const bool ownRouting = m_meta.routing.recipe.empty();
    std::vector<TraceCheck> rows{
        check("tokens and layers with an expert twice", count(m_repeated), 0, "fail"),
        ownRouting ? check("tokens and layers that were not recorded", count(m_empty), 0, "fail")
                   : skipped("tokens and layers that were not recorded", "a recipe may choose no expert"),
        fields.nActive || !ownRouting ? skipped("tokens and layers with places partly empty", "the number of chosen experts varies")
                                      : check("tokens and layers with places partly empty", count(m_partlyEmpty), 0, "fail"),
        m_rows == 0 ? skipped("share of experts that were never chosen", "nothing was recorded")
                    : check("share of experts that were never chosen", 1 - count(seen) / static_cast<double>(m_seen.size()), 0.5, "warn"),
    };
    if (fields.gateWeight) {
        rows.push_back(check("tokens and layers with gate weights that are no numbers", count(m_badWeights), 0, "fail"));
        rows.push_back(check("tokens and layers with negative gate weights", count(m_negativeWeights), 0, "fail"));
        rows.push_back(check("largest sum of a token's gate weights", m_largestSum, 1.01 * std::max(1.0, m_meta.model.scaling), "warn"));
        rows.push_back(check("tokens and layers whose experts are not in order of weight", count(m_unsorted), 0, "warn"));
    } else {
        rows.push_back(skipped("largest sum of a token's gate weights", "gate weights were not recorded"));
    }
    const char *choice = "tokens and layers whose experts are not those of the largest logits";
    if (!fields.routerLogit) {
        rows.push_back(skipped(choice, "router logits were not recorded"));
        return rows;
    }
    rows.push_back(check("tokens and layers with router logits that are no numbers", count(m_badLogits), 0, "fail"));
    const bool byLogits = !fields.selectionScore && m_meta.model.nGroup <= 1 && ownRouting;
    rows.push_back(
        byLogits ? check(choice, count(m_otherChoice), 0, "fail") : skipped(choice, "a bias, groups or a recipe change the choice"));
    return rows;
}

void CheckedSink::finish(std::span<const TraceCheck> checks)
{
    std::vector<TraceCheck> all(checks.begin(), checks.end());
    const std::vector<TraceCheck> own = m_checks.rows();
    all.insert(all.end(), own.begin(), own.end());
    m_to.finish(all);
}

} // namespace expertscope
