// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// TraceNeeds: what a trace must hold for an analysis to have an answer. Declared with the analysis, so that a trace that lacks it is
// refused in the same words everywhere, instead of giving an empty table.
#pragma once

#include "engine/core/trace.h"

#include <string>
#include <string_view>

namespace expertscope {

/// Beside these, every analysis needs a trace that holds anything at all: tokens, or imported counts.
struct TraceNeeds {
    bool tokens = false; ///< the choices of single tokens; imported counts are sums of them
    bool tokenIds = false; ///< and what the tokens are
    bool languages = false; ///< sequences that name their language, or counts by language
    bool translations = false; ///< two languages of the same texts, or counts of two languages
    bool pairs = false; ///< sequences with a parallel id
    int groups = 0; ///< different values of the column that the analysis groups by
    int chosenExperts = 1; ///< of a token
    int layers = 1;
};

/// What the trace lacks and how to get it, in sentences; empty if it lacks nothing. `grouping` is the column that needs.groups is about.
std::string lacking(const TraceNeeds &needs, const RoutingTrace &trace, const std::string &grouping);

/// For a setting that looks at what the tokens are. Throws Error (Check) that names the setting where the trace does not say.
void requireTokenIds(const TraceMeta &meta, std::string_view setting);

} // namespace expertscope
