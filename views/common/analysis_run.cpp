// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/analysis_run.h"

#include <algorithm>

namespace expertscope {

namespace {

struct Outcome {
    std::shared_ptr<const Result> result;
    std::optional<Error> error;
};

/// More of the same recording: its sequences begin with those of before.
bool continues(const AnalysisInput &next, const AnalysisInput &last)
{
    if (last.traces.empty() || next.traces.size() != last.traces.size())
        return false;
    for (std::size_t i = 0; i < next.traces.size(); ++i) {
        if (next.traces[i] == last.traces[i])
            continue;
        const TraceMeta &after = next.traces[i]->meta();
        const TraceMeta &before = last.traces[i]->meta();
        const auto sequences = static_cast<std::ptrdiff_t>(before.sequences.size());
        if (after.layers != before.layers || after.experts != before.experts || after.model != before.model || sequences == 0
            || after.sequences.size() < before.sequences.size()
            || !std::equal(before.sequences.begin(), before.sequences.end(), after.sequences.begin()))
            return false;
    }
    return true;
}

/// The settings with everything left out that is drawn again and again: values first, their intervals and chance levels after.
ParamValues withoutDraws(const AnalysisKind &kind, ParamValues values)
{
    for (auto &[id, value] : values) {
        if (id != "bootstrap" && id != "null" && id != "permutations" && id != "shifts")
            continue;
        const auto param = std::find_if(kind.params.begin(), kind.params.end(), [id = &id](const ParamKind &one) { return one.id == *id; });
        if (param != kind.params.end() && param->least <= 0)
            value = "0";
    }
    return values;
}

} // namespace

AnalysisRun::AnalysisRun(ViewContext context, const AnalysisKind &kind, QObject *parent)
    : QObject{parent}
    , m_context{std::move(context)}
    , m_kind{kind}
{
    for (const ParamKind &param : kind.params)
        m_values.emplace_back(param.id, param.standard);
}

void AnalysisRun::setInput(const AnalysisInput &input)
{
    const bool same = input.traces == m_input.traces;
    const bool grew = !same && continues(input, m_input);
    m_input = input;
    if (same)
        return;
    if (!grew) {
        m_result.reset();
        m_resultInput = {};
        m_stopped = false;
    }
    if (grew && m_stopped)
        return;
    if (grew && m_running)
        m_again = true;
    else
        want();
    if (!grew)
        emit changed();
}

void AnalysisRun::setValues(const ParamValues &values)
{
    ParamValues next = m_values;
    for (auto &[id, value] : next) {
        const auto given = std::find_if(values.begin(), values.end(), [id = &id](const auto &one) { return one.first == *id; });
        if (given != values.end())
            value = given->second;
    }
    if (next == m_values)
        return;
    m_values = std::move(next);
    m_stopped = false;
    want();
}

void AnalysisRun::setValue(const std::string &id, const std::string &value)
{
    setValues({{id, value}});
}

std::string AnalysisRun::value(const std::string &id) const
{
    const auto at = std::find_if(m_values.begin(), m_values.end(), [&](const auto &one) { return one.first == id; });
    return at == m_values.end() ? std::string() : at->second;
}

void AnalysisRun::setSeen(bool seen)
{
    m_seen = seen;
    if (m_seen && m_wanted)
        start();
}

void AnalysisRun::want()
{
    m_wanted = true;
    if (m_seen)
        start();
}

void AnalysisRun::start()
{
    m_wanted = false;
    m_again = false;
    m_stopped = false;
    m_error.reset();
    const int number = ++m_number;
    m_progress = -1;
    m_running = std::any_of(m_input.traces.begin(), m_input.traces.end(), [](const TracePtr &trace) { return trace != nullptr; });
    if (!m_running) {
        m_result.reset();
        emit changed();
        return;
    }
    emit changed();
    const ParamValues quick = withoutDraws(m_kind, m_values);
    post(number, m_result ? m_values : quick);
}

void AnalysisRun::post(int number, const ParamValues &values)
{
    runJob(
        m_context, this, tag(),
        [kind = &m_kind, input = m_input, values](const Progress &progress) {
            Outcome outcome;
            try {
                outcome.result = std::make_shared<const Result>(runAnalysis(*kind, input, Params(kind->params, values), progress));
            } catch (const Error &error) {
                outcome.error = error;
            }
            return outcome;
        },
        [this, number, input = m_input, values](const Outcome &outcome) {
            if (number != m_number || m_stopped)
                return;
            m_error = outcome.error;
            m_result = outcome.result;
            m_resultInput = m_result ? input : AnalysisInput{};
            const bool isFirstLook = m_result && values != m_values;
            m_running = isFirstLook;
            m_progress = -1;
            if (isFirstLook)
                post(number, m_values);
            else if (std::exchange(m_again, false))
                want();
            emit changed();
        });
}

QString AnalysisRun::tag() const
{
    return QStringLiteral("analysis ") + QString::fromUtf8(m_kind.id.data(), static_cast<qsizetype>(m_kind.id.size()));
}

void AnalysisRun::setProgress(std::int64_t done, std::int64_t total)
{
    m_progress = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : -1;
    emit progressed();
}

void AnalysisRun::stop()
{
    if (!m_running)
        return;
    ++m_number;
    m_running = false;
    m_again = false;
    m_stopped = true;
    m_context.stop(this, tag());
    emit changed();
}

} // namespace expertscope
