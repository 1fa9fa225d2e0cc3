// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The list of analyses: one line each; the files beside this one hold them.
#include "engine/analysis/analyses.h"

#include "engine/analysis/cut_trace.h"
#include "engine/analysis/token_filter.h"
#include "engine/core/error.h"
#include "engine/core/recipe_json.h"

#include <algorithm>
#include <deque>
#include <numeric>

namespace expertscope {

namespace {

bool has(const AnalysisKind &kind, std::string_view param)
{
    return std::any_of(kind.params.begin(), kind.params.end(), [&](const ParamKind &one) { return one.id == param; });
}

/// An analysis of one trace that does not choose its tokens itself gets the settings that every one understands: its trace is cut.
std::vector<AnalysisKind> withTokenFilters(std::vector<AnalysisKind> kinds)
{
    static std::deque<std::vector<ParamKind>> lists; // the kinds point into them
    for (AnalysisKind &kind : kinds) {
        if (kind.traces != 1 || has(kind, "phase") || has(kind, "span"))
            continue;
        std::vector<ParamKind> &list = lists.emplace_back(kind.params.begin(), kind.params.end());
        list.insert(list.end(), tokenFilterParams.begin(), tokenFilterParams.end());
        kind.params = list;
        kind.cutsTokens = true;
    }
    return kinds;
}

/// The input with its trace cut to the tokens that the settings leave.
AnalysisInput cut(AnalysisInput input, const Params &params, const Progress &progress, std::vector<std::string> &notes)
{
    const TokenFilter filter = tokenFilter(params);
    if (filter.all())
        return input;
    TracePtr &trace = input.traces.front();
    if (trace->importedCounts())
        throw Error{ErrorKind::Check, "imported counts have no single tokens to choose from", "token filter",
            "Count all tokens, or import a recording of tokens"};
    ParallelTexts all;
    all.sequences.resize(trace->meta().sequences.size());
    std::iota(all.sequences.begin(), all.sequences.end(), 0);
    trace = cutTrace(trace, keptRanges(trace->meta(), countedTokens(*trace, filter, all, progress, notes)));
    return input;
}

} // namespace

std::span<const AnalysisKind> analyses()
{
    static const std::vector<AnalysisKind> kinds = withTokenFilters({
        routingDivergence(),
        languageEntropy(),
        tokenConsistency(),
        expertContrast(),
        languageExperts(),
        abilityCorrelation(),
        loadBalance(),
        coActivation(),
        transitions(),
        srp(),
        chunkSparsity(),
        neighbourReuse(),
        committee(),
        specialisation(),
        vocabulary(),
        tokenIdentity(),
        position(),
        esft(),
        traceAgreement(),
        riskDifference(),
        tokenPmi(),
    });
    return kinds;
}

const AnalysisKind &analysisKind(std::string_view id)
{
    const auto all = analyses();
    const auto at = std::find_if(all.begin(), all.end(), [&](const AnalysisKind &kind) { return kind.id == id; });
    if (at != all.end())
        return *at;
    std::string known;
    for (const AnalysisKind &kind : all)
        known += (known.empty() ? "" : ", ") + std::string{kind.id};
    throw Error{ErrorKind::Usage, "there is no analysis of that name", std::string{id}, "There are " + known};
}

bool givesNumber(const AnalysisKind &kind, std::string_view id)
{
    for (std::size_t at = 0; at < kind.numbers.size();) {
        const std::size_t end = std::min(kind.numbers.find('|', at), kind.numbers.size());
        const std::string_view one = kind.numbers.substr(at, end - at);
        if (one.ends_with('*') ? id.starts_with(one.substr(0, one.size() - 1)) : id == one)
            return true;
        at = end + 1;
    }
    return false;
}

std::string missing(const AnalysisKind &kind, const AnalysisInput &input, const Params &params)
{
    const bool groups = std::any_of(kind.params.begin(), kind.params.end(), [](const ParamKind &param) { return param.id == "grouping"; });
    for (std::size_t i = 0; i < input.traces.size(); ++i)
        if (const std::string lacks = lacking(kind.needs, *input.traces[i], groups ? params.text("grouping") : "auto"); !lacks.empty())
            return (input.traces.size() > 1 ? "Trace " + std::to_string(i + 1) + ": " : "") + lacks;
    return {};
}

/// What must be known of a trace that was recorded with a recipe; empty for the model's own routing.
std::string steeringNote(const TraceMeta &meta)
{
    if (meta.routing.recipe.empty())
        return {};
    std::string name;
    try {
        name = parseRecipe(meta.routing.recipe, meta.title).name;
    } catch (const Error &) {
        // a recipe of a later version acts all the same
    }
    return "The trace " + meta.title + " was recorded with " + (name.empty() ? "a routing recipe" : "the routing recipe \"" + name + "\"")
        + ": chosen experts and weights are those of the changed routing; router logits, and the softmax over all experts, of an edited "
          "layer are those before its own edits.";
}

Result runAnalysis(const AnalysisKind &kind, const AnalysisInput &input, const Params &params, const Progress &progress)
{
    if (std::ssize(input.traces) != kind.traces)
        throw Error{ErrorKind::Usage,
            "it needs " + std::to_string(kind.traces) + (kind.traces == 1 ? " trace" : " traces") + ", not "
                + std::to_string(input.traces.size()),
            std::string{kind.id},
            kind.traces == 1 ? "Give one trace; trace-agreement compares two of the same text" : "Give as many traces as it compares"};
    if (const std::string lacks = missing(kind, input, params); !lacks.empty())
        throw Error{ErrorKind::Check, "the trace does not hold what this analysis needs", std::string{kind.id}, lacks};
    std::vector<std::string> notes;
    Result result = kind.run(kind.cutsTokens ? cut(input, params, progress, notes) : input, params, progress);
    result.notes.insert(result.notes.end(), notes.begin(), notes.end());
    for (const TracePtr &trace : input.traces)
        if (std::string note = steeringNote(trace->meta()); !note.empty())
            result.notes.push_back(std::move(note));
    result.analysis = kind.id;
    result.title = kind.title;
    result.settings = params.all();
    return result;
}

} // namespace expertscope
