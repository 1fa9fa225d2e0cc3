// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/report/report.h"

#include "engine/core/error.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

namespace expertscope {

namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

/// Throws Error (Usage) for an id that is not in the list.
void checkIds(const std::vector<std::string> &ids)
{
    for (const std::string &id : ids)
        analysisKind(id);
}

/// Settings by analysis.
std::map<std::string, Settings> splitSettings(const std::vector<std::string> &texts)
{
    std::map<std::string, Settings> settings;
    for (const std::string &text : texts) {
        const auto equals = text.find('=');
        const auto dot = text.substr(0, equals).find('.');
        if (equals == std::string::npos || dot == std::string::npos || dot == 0)
            throw Error{
                ErrorKind::Usage, "--set needs analysis.parameter=value", text, "Write for example --set routing-divergence.pivot=de"};
        const std::string id = text.substr(0, dot);
        analysisKind(id);
        settings[id].emplace_back(text.substr(dot + 1, equals - dot - 1), text.substr(equals + 1));
    }
    return settings;
}

bool contains(const std::vector<std::string> &ids, std::string_view id)
{
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool holds(const ReportCondition &condition, double value)
{
    switch (condition.op) {
    case ReportCondition::Op::Less:
        return value < condition.limit;
    case ReportCondition::Op::LessOrEqual:
        return value <= condition.limit;
    case ReportCondition::Op::Greater:
        return value > condition.limit;
    case ReportCondition::Op::GreaterOrEqual:
        break;
    }
    return value >= condition.limit;
}

Verdict judge(const ReportCondition &condition, const Report &report)
{
    const auto section = std::find_if(
        report.sections.begin(), report.sections.end(), [&](const ReportSection &s) { return s.kind->id == condition.kind->id; });
    if (section == report.sections.end())
        return {condition, noNumber, true};
    std::string known;
    for (const Number &number : section->result.numbers) {
        // a condition that nothing can be said about must not pass for one that is met
        if (number.id == condition.number)
            return {condition, number.value, std::isnan(number.value) || holds(condition, number.value)};
        known += (known.empty() ? "" : ", ") + number.id;
    }
    throw Error{ErrorKind::Usage, "--fail-if names a number that the analysis does not give here", condition.text,
        known.empty() ? "This analysis gives no headline numbers" : "Its numbers are " + known};
}

std::string yesNo(bool yes)
{
    return yes ? "yes" : "no";
}

} // namespace

ReportCondition reportCondition(const std::string &text)
{
    const auto fail = [&](const char *what) -> Error {
        return {ErrorKind::Usage, what, text, "Write for example --fail-if 'load-balance.mean_cv>1.5', with <, <=, > or >="};
    };
    const auto op = text.find_first_of("<>");
    const auto dot = text.find('.');
    if (op == std::string::npos || dot == std::string::npos || dot > op)
        throw fail("this is not a condition of the form analysis.number<value");
    const bool orEqual = text.compare(op + 1, 1, "=") == 0;
    ReportCondition condition;
    condition.text = text;
    condition.kind = &analysisKind(text.substr(0, dot));
    condition.number = text.substr(dot + 1, op - dot - 1);
    condition.op = text[op] == '<' ? (orEqual ? ReportCondition::Op::LessOrEqual : ReportCondition::Op::Less)
                                   : (orEqual ? ReportCondition::Op::GreaterOrEqual : ReportCondition::Op::Greater);
    const char *first = text.data() + op + (orEqual ? 2 : 1);
    const char *last = text.data() + text.size();
    const auto [end, error] = std::from_chars(first, last, condition.limit);
    if (error != std::errc{} || end != last || !std::isfinite(condition.limit))
        throw fail("the limit of the condition is not a number");
    if (condition.number.empty())
        throw fail("the condition names no number of the analysis");
    return condition;
}

std::vector<std::string> leftOutLines(const std::vector<LeftOut> &leftOut)
{
    constexpr std::size_t mostNamed = 6;
    std::vector<std::pair<std::string, std::vector<std::string>>> reasons;
    for (const LeftOut &left : leftOut) {
        auto at = std::find_if(reasons.begin(), reasons.end(), [&](const auto &reason) { return reason.first == left.why; });
        if (at == reasons.end())
            at = reasons.insert(reasons.end(), {left.why, {}});
        at->second.emplace_back(left.kind->title);
    }
    std::vector<std::string> lines;
    for (const auto &[why, titles] : reasons) {
        std::string names;
        for (const std::string &title : titles)
            names += (names.empty() ? "" : ", ") + title;
        lines.push_back("Left out: " + (titles.size() > mostNamed ? std::to_string(titles.size()) + " analyses" : names) + ". " + why);
    }
    return lines;
}

bool Report::failed() const
{
    return std::any_of(verdicts.begin(), verdicts.end(), [](const Verdict &verdict) { return verdict.failed; });
}

ReportPlan::ReportPlan(const ReportOptions &options)
    : m_commandLine{options.commandLine}
{
    checkIds(options.only);
    checkIds(options.skip);
    const std::map<std::string, Settings> settings = splitSettings(options.settings);
    for (const AnalysisKind &kind : analyses()) {
        if (!options.only.empty() && !contains(options.only, kind.id))
            m_leftOut.push_back({&kind, "It was not asked for (--only)."});
        else if (contains(options.skip, kind.id))
            m_leftOut.push_back({&kind, "It was not wanted (--skip)."});
        else {
            const auto given = settings.find(std::string{kind.id});
            const bool hasSettings = given != settings.end();
            m_planned.push_back({&kind, Params{kind.params, hasSettings ? given->second : Settings{}}, hasSettings});
        }
    }
    for (const std::string &text : options.failIf) {
        m_conditions.push_back(reportCondition(text));
        const std::string_view id = m_conditions.back().kind->id;
        if (const auto &condition = m_conditions.back(); !givesNumber(*condition.kind, condition.number)) {
            std::string known{condition.kind->numbers};
            std::replace(known.begin(), known.end(), '|', ' ');
            throw Error{ErrorKind::Usage, "--fail-if names a number that the analysis does not give", text, "Its numbers are " + known};
        }
        if (std::any_of(m_leftOut.begin(), m_leftOut.end(), [&](const LeftOut &left) { return left.kind->id == id; }))
            throw Error{ErrorKind::Usage, "--fail-if names an analysis that is not run", text, "Leave it out of --skip, or into --only"};
    }
}

Report ReportPlan::run(
    std::vector<ReportSource> sources, const std::function<std::string(std::int32_t)> &textOfToken, const Step &step) const
{
    Report report;
    report.sources = std::move(sources);
    report.leftOut = m_leftOut;
    report.commandLine = m_commandLine;
    for (std::size_t i = 0; i < m_planned.size(); ++i) {
        const Planned &planned = m_planned[i];
        const AnalysisKind &kind = *planned.kind;
        const Progress progress = step(i, m_planned.size(), kind);
        progress.check();
        AnalysisInput input{{}, textOfToken};
        if (static_cast<std::size_t>(kind.traces) > report.sources.size()) {
            report.leftOut.push_back(
                {&kind, "It compares " + std::to_string(kind.traces) + " traces; give a second one (--trace A --trace B)."});
            continue;
        }
        for (std::size_t t = 0; t < static_cast<std::size_t>(kind.traces); ++t)
            input.traces.push_back(report.sources[t].trace);
        if (const std::string lacks = missing(kind, input, planned.params); !lacks.empty()) {
            report.leftOut.push_back({&kind, lacks});
            continue;
        }
        try {
            report.sections.push_back({&kind, runAnalysis(kind, input, planned.params, progress)});
        } catch (const Error &error) {
            // an analysis may find only while it runs that this trace is not for it; what the person asked for must not vanish so
            const bool refuses = error.kind == ErrorKind::Usage || error.kind == ErrorKind::Check;
            if (!refuses || planned.hasSettings)
                throw;
            report.leftOut.push_back({&kind, error.what()});
        }
        for (const ReportCondition &condition : m_conditions)
            if (condition.kind->id == kind.id && !report.sections.empty() && report.sections.back().kind == &kind)
                judge(condition, report); // a wrong name is said now, not after all else has run
    }
    for (const ReportCondition &condition : m_conditions)
        report.verdicts.push_back(judge(condition, report));
    return report;
}

std::vector<GroupCount> groupCounts(const RoutingTrace &trace)
{
    const TraceMeta &meta = trace.meta();
    std::vector<GroupCount> list;
    if (const auto counts = trace.importedCounts()) {
        for (std::size_t g = 0; g < counts->groups.size(); ++g) {
            const bool byDomain = counts->grouping == "domain";
            list.push_back({byDomain ? "" : counts->groups[g], byDomain ? counts->groups[g] : "", 0, counts->tokens[g], 0});
        }
        return list;
    }
    std::map<std::string, std::int64_t> translations;
    for (const SequenceInfo &info : meta.sequences)
        if (!info.parallelId.empty())
            ++translations[info.parallelId];
    std::map<std::pair<std::string, std::string>, GroupCount> groups;
    for (const SequenceInfo &info : meta.sequences) {
        GroupCount &group = groups[{info.language, info.domain}];
        group.language = info.language;
        group.domain = info.domain;
        ++group.sequences;
        group.tokens += info.nPrompt + info.nGenerated;
        group.parallel += !info.parallelId.empty() && translations[info.parallelId] > 1;
    }
    for (auto &[key, group] : groups)
        list.push_back(std::move(group));
    return list;
}

std::vector<Fact> modelFacts(const TraceMeta &meta)
{
    const ModelInfo &model = meta.model;
    std::vector<Fact> facts{{"Model", model.name}, {"Family", model.family}, {"Revision", model.revision}, {"Model sha256", model.sha256},
        {"Weights", model.fileFormat + (model.quantisation.empty() ? "" : ", " + model.quantisation)},
        {"Tokenizer sha256", model.tokenizerSha256}};
    std::string shape = std::to_string(meta.moeLayers()) + " MoE layers";
    if (model.nLayers > 0)
        shape += " of " + std::to_string(model.nLayers);
    shape += ", " + std::to_string(meta.experts) + " experts";
    if (const int topK = model.topK > 0 ? model.topK : meta.slotCount; topK > 0)
        shape += ", top-" + std::to_string(topK);
    if (model.nShared > 0)
        shape += ", " + std::to_string(model.nShared) + " shared";
    facts.push_back({"Shape", shape});
    if (!model.scoreFunction.empty())
        facts.push_back({"Router", model.scoreFunction + ", weights normalised over the chosen experts: " + yesNo(model.normalise)});
    return facts;
}

std::vector<Fact> recordingFacts(const ReportSource &source)
{
    const TraceMeta &meta = source.trace->meta();
    const EngineInfo &engine = meta.engine;
    std::vector<Fact> facts = source.origin;
    facts.push_back({"Title", meta.title});
    facts.push_back({"Engine", engine.name + (engine.version.empty() ? "" : " " + engine.version)});
    facts.push_back({"Backend", engine.backend});
    facts.push_back({"Device", engine.device});
    facts.push_back({"Data type", engine.dtype});
    facts.push_back({"Seed", engine.name.empty() ? "" : std::to_string(engine.seed)});
    facts.push_back({"Recorded by", engine.commandLine});
    if (!source.recordedNow) {
        facts.push_back({"Recorded at", meta.dateCreated});
        facts.push_back({"History", meta.history});
    }
    facts.push_back({"Routing", meta.routing.recipe.empty() ? "the model's own" : meta.routing.recipe});
    std::string held = "expert ids";
    const auto add = [&](bool has, const char *what) { held += has ? std::string{", "} + what : ""; };
    add(meta.fields.gateWeight, "gate weights");
    add(meta.fields.routerLogit, "router logits");
    add(meta.fields.meanSoftmax, "mean softmax per sequence");
    add(meta.fields.logprob, "log-probabilities");
    add(meta.fields.predictedId, "predicted ids");
    add(meta.fields.tokenId, "token ids");
    add(meta.fields.tokenText, "token texts");
    facts.push_back({"Holds", source.trace->importedCounts() ? "counts of another tool, no tokens" : held});
    return facts;
}

} // namespace expertscope
