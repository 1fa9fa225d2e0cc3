// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Report: all analyses of a trace with what was run, on what, what was left out and why, as plain values.
// report_content.h turns it into words and tables, the writers beside it into files. Qt-free.
#pragma once

#include "engine/analysis/analysis.h"

#include <optional>
#include <string>
#include <vector>

namespace expertscope {

/// A line of "what was run": label and value.
struct Fact {
    std::string label, value;
};

/// One trace and what only the caller knows of where it came from.
struct ReportSource {
    TracePtr trace;
    std::string name; ///< "trace.h5", "Corpus"
    std::vector<Fact> origin; ///< file and hash, corpus and hash, import format...
    bool recordedNow = false; ///< made for this report: its date would differ each time, and is left to the trace file
};

/// `--fail-if 'load-balance.mean_cv>2'`.
struct ReportCondition {
    enum class Op { Less, LessOrEqual, Greater, GreaterOrEqual };
    std::string text; ///< as given
    const AnalysisKind *kind = nullptr;
    std::string number; ///< Number::id
    Op op = Op::Less;
    double limit = 0;
};

/// Throws Error (Usage): not of that form, no such analysis, a limit that is no number.
ReportCondition reportCondition(const std::string &text);

struct ReportOptions {
    std::vector<std::string> only; ///< analysis ids; empty = all
    std::vector<std::string> skip;
    std::vector<std::string> settings; ///< "analysis.parameter=value"
    std::vector<std::string> failIf; ///< conditions
    std::string commandLine; ///< that makes this report again
};

struct ReportSection {
    const AnalysisKind *kind = nullptr;
    Result result;
};

struct LeftOut {
    const AnalysisKind *kind = nullptr;
    std::string why; ///< a sentence
};
/// One line a reason, for a terminal: "Left out: A, B. WHY", or how many where they are more than a line holds.
std::vector<std::string> leftOutLines(const std::vector<LeftOut> &leftOut);

struct Verdict {
    ReportCondition condition;
    double value = noNumber; ///< NaN: there was no such value to judge by
    bool failed = false; ///< the condition holds, or cannot be judged
};

struct Report {
    std::vector<ReportSource> sources; ///< one or two; analyses of one trace are of the first
    std::vector<ReportSection> sections; ///< in the order of analyses()
    std::vector<LeftOut> leftOut;
    std::vector<Verdict> verdicts;
    std::string commandLine;
    bool failed() const;
};

/// What will be run, checked before anything runs.
class ReportPlan {
public:
    /// Throws Error (Usage): an unknown analysis, parameter, value or condition, or a condition on an analysis that is not run.
    explicit ReportPlan(const ReportOptions &options);

    /// Called before each analysis; gives the progress that it reports to.
    using Step = std::function<Progress(std::size_t step, std::size_t steps, const AnalysisKind &kind)>;

    /// Runs the analyses. What the trace does not hold is left out in words; so is one that refuses this trace, unless settings were
    /// given for it. Throws Error: a damaged trace; a condition on a number that the result does not have.
    Report run(std::vector<ReportSource> sources, const std::function<std::string(std::int32_t)> &textOfToken, const Step &step) const;

private:
    struct Planned {
        const AnalysisKind *kind;
        Params params;
        bool hasSettings;
    };
    std::vector<Planned> m_planned;
    std::vector<LeftOut> m_leftOut;
    std::vector<ReportCondition> m_conditions;
    std::string m_commandLine;
};

/// How much text a language and domain has.
struct GroupCount {
    std::string language, domain; ///< empty = not given
    std::int64_t sequences = 0, tokens = 0;
    std::int64_t parallel = 0; ///< sequences that have translations
};
/// Sorted by language and domain; of imported counts one row per group.
std::vector<GroupCount> groupCounts(const RoutingTrace &trace);

/// Program, model, engine and recording of a trace.
std::vector<Fact> modelFacts(const TraceMeta &meta);
std::vector<Fact> recordingFacts(const ReportSource &source);

} // namespace expertscope
