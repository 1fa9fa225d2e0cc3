// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// AnalysisRun: one analysis inside a view: runs off the UI thread while its view is seen, the newest wish wins, keeps the last result.
// The first look comes without intervals and chance levels that have to be drawn; they follow. A trace that merely grew stops no run:
// that ends, is shown, and the next one begins.
#pragma once

#include "engine/analysis/analysis.h"
#include "engine/core/error.h"
#include "views/common/param_form.h"
#include "views/common/view.h"

#include <QObject>

#include <memory>
#include <optional>

namespace expertscope {

class AnalysisRun : public QObject {
    Q_OBJECT
public:
    AnalysisRun(ViewContext context, const AnalysisKind &kind, QObject *parent);

    const AnalysisKind &kind() const { return m_kind; }
    /// No traces = nothing to do. The result of another trace is dropped, that of a shorter one stays until there is a new one.
    void setInput(const AnalysisInput &input);
    const ParamValues &values() const { return m_values; }
    void setValues(const ParamValues &values); ///< runs anew if they differ
    void setValue(const std::string &id, const std::string &value);
    std::string value(const std::string &id) const; ///< as given, else the default
    /// Nothing runs while nobody looks.
    void setSeen(bool seen);
    void start(); ///< again, even if nothing changed
    void stop();

    bool running() const { return m_running; }
    /// Share of the run under way that is done, in [0, 1]; -1 = not known.
    double progress() const { return m_progress; }
    void setProgress(std::int64_t done, std::int64_t total);
    bool stopped() const { return m_stopped; }
    /// Null until there is one. Of the trace and settings in `resultInput` and Result::settings.
    std::shared_ptr<const Result> result() const { return m_result; }
    const AnalysisInput &resultInput() const { return m_resultInput; }
    /// Why there is no result for what was asked; empty while there is one or it is being made.
    const std::optional<Error> &error() const { return m_error; }

Q_SIGNALS:
    void changed(); ///< of anything above but the progress
    void progressed();

private:
    void want(); ///< runs now if seen, else when seen
    void post(int number, const ParamValues &values);
    QString tag() const;

    ViewContext m_context;
    const AnalysisKind &m_kind;
    AnalysisInput m_input, m_resultInput;
    ParamValues m_values;
    std::shared_ptr<const Result> m_result;
    std::optional<Error> m_error;
    bool m_seen = false;
    bool m_wanted = false; ///< there is something to run when somebody looks
    bool m_running = false;
    bool m_again = false; ///< the trace grew while it ran
    bool m_stopped = false;
    int m_number = 0; ///< of the run under way
    double m_progress = -1;
};

} // namespace expertscope
