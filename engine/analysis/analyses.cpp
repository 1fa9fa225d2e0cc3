// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The list of analyses: one line each; the files beside this one hold them.
#include "engine/analysis/analyses.h"

#include "engine/core/error.h"

#include <algorithm>
#include <array>

namespace expertscope {

std::span<const AnalysisKind> analyses()
{
    static const std::array kinds{
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
    };
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

std::string missing(const AnalysisKind &kind, const AnalysisInput &input, const Params &params)
{
    const bool groups = std::any_of(kind.params.begin(), kind.params.end(), [](const ParamKind &param) { return param.id == "grouping"; });
    for (std::size_t i = 0; i < input.traces.size(); ++i)
        if (const std::string lacks = lacking(kind.needs, *input.traces[i], groups ? params.text("grouping") : "auto"); !lacks.empty())
            return (input.traces.size() > 1 ? "Trace " + std::to_string(i + 1) + ": " : "") + lacks;
    return {};
}

Result runAnalysis(const AnalysisKind &kind, const AnalysisInput &input, const Params &params, const Progress &progress)
{
    if (std::ssize(input.traces) != kind.traces)
        throw Error{ErrorKind::Usage,
            "it needs " + std::to_string(kind.traces) + (kind.traces == 1 ? " trace" : " traces") + ", not "
                + std::to_string(input.traces.size()),
            std::string{kind.id}, "Give as many traces as it compares"};
    if (const std::string lacks = missing(kind, input, params); !lacks.empty())
        throw Error{ErrorKind::Check, "the trace does not hold what this analysis needs", std::string{kind.id}, lacks};
    Result result = kind.run(input, params, progress);
    result.analysis = kind.id;
    result.title = kind.title;
    result.settings = params.all();
    return result;
}

} // namespace expertscope
