// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// AnalysisKind: a pure function of traces -> Result, with what a person must know to read it. The list is analyses.cpp.
#pragma once

#include "engine/analysis/needs.h"
#include "engine/analysis/result.h"
#include "engine/core/params.h"
#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace expertscope {

struct AnalysisInput {
    std::vector<TracePtr> traces; ///< as many as AnalysisKind::traces says
    std::function<std::string(std::int32_t)> textOfToken; ///< bytes of a token id, from any thread; may be null
};

struct AnalysisKind {
    std::string_view id; ///< kebab-case: "routing-divergence"
    std::string_view title; ///< "Routing divergence"
    std::string_view help; ///< the question it answers, in a sentence
    std::string_view definition; ///< what is counted, over what, what n is, what the chance level or interval is
    std::string_view source; ///< paper, section, equation
    std::span<const ParamKind> params;
    std::string_view numbers =
        {}; ///< ids of the headline numbers it can give, "mean_cv|never_chosen"; "srp_*" where settings or trace end the id
    int traces = 1; ///< how many it compares
    TraceNeeds needs = {}; ///< of every one of them
    bool cutsTokens = false; ///< its trace is cut to what the token filters leave before it runs; set by the list, with their parameters
    /// Streams; stops at progress.check(). Same input and settings, same numbers. Throws Error.
    Result (*run)(const AnalysisInput &input, const Params &params, const Progress &progress);
};

/// All analyses, in the order they are offered.
std::span<const AnalysisKind> analyses();
/// Throws Error (Usage) that names what there is.
const AnalysisKind &analysisKind(std::string_view id);
/// Whether it can give a headline number of that id.
bool givesNumber(const AnalysisKind &kind, std::string_view id);
/// Empty if the analysis can run on these traces; else what they lack and how to get it, in sentences. Throws Error (Usage) for a grouping
/// that names no column.
std::string missing(const AnalysisKind &kind, const AnalysisInput &input, const Params &params);

/// Checks the number of traces and what they lack, runs, and fills in the result's analysis, title and settings. Throws Error.
Result runAnalysis(const AnalysisKind &kind, const AnalysisInput &input, const Params &params, const Progress &progress);

} // namespace expertscope
