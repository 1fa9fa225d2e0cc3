// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Routing divergence of every language from a pivot and of every pair, layer by layer, with bootstrap and null: the numbers that
// routing-divergence shows and ability-correlation builds on.
#pragma once

#include "engine/analysis/parallel_texts.h"
#include "engine/analysis/statistics.h"
#include "engine/core/params.h"
#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace expertscope {

/// The settings of both, besides those of token_filter.h and routing_profile.h.
inline constexpr std::array<ParamKind, 2> divergenceParams{{
    {"pivot", "Pivot language", "The language the others are compared with", ParamKind::Type::Text, "en"},
    {"languages", "Languages", "Language codes between commas, the pivot among them; empty = all", ParamKind::Type::Text, ""},
}};

struct DivergenceRequest {
    std::size_t bootstrap = 0; ///< replicates over parallel texts; 0 = no intervals
    std::size_t null = 0; ///< replicates of the label permutation; 0 = no null
    bool allPairs = true;
    std::uint64_t seed = 42;
};

/// What one layer shows. NaN where undefined, and for the pivot's distance to itself.
struct LayerDivergence {
    std::vector<double> value, jsd; ///< [G] mean over texts of D_HJS with the pivot, and of the plain JSD in nats
    std::vector<std::int64_t> n; ///< [G] texts
    std::vector<Interval> interval; ///< [G] bootstrap over texts
    std::vector<double> nullMean, p; ///< [G]
    std::vector<Interval> null; ///< [G] 95 % band
    std::vector<double> pairs; ///< [G, G] mean D_HJS; the pivot's pairs only without allPairs
    std::vector<std::int64_t> pairTexts; ///< [G, G]
    double mean = noNumber; ///< of value over the languages
    std::vector<double> replicates, nullReplicates; ///< of that mean; replicate r draws the same texts at every layer
};

struct LanguageDivergence {
    std::vector<std::string> languages; ///< [G]
    std::size_t pivot = 0;
    std::int64_t texts = 0; ///< parallel texts; 0 where whole corpora were compared
    std::vector<LayerDivergence> layers; ///< [M]
    std::vector<std::string> notes;
};

/// From parallel sequences, or from imported counts by language (then one profile per language, no intervals, no null).
/// params: divergenceParams, profileParams, tokenFilterParams and translationFilterParams. Throws Error.
LanguageDivergence languageDivergence(
    const RoutingTrace &trace, const Params &params, const DivergenceRequest &request, const Progress &progress);

} // namespace expertscope
