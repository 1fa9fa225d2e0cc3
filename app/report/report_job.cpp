// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/report/report_job.h"

#include "app/report/report_files.h"
#include "engine/core/memory_trace.h"
#include "io/part_folder.h"
#include "io/sha256.h"
#include "io/trace_hdf5.h"

#include <QCoreApplication>

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>

namespace expertscope {

namespace {

/// What the job and the GUI thread share of one figure: it outlives a job that is stopped while it waits.
struct Painting {
    std::optional<Series> series;
    std::optional<Matrix> matrix;
    std::mutex mutex;
    std::condition_variable_any changed;
    std::optional<PaintedFigure> painted;
    std::exception_ptr failure;

    void paint()
    {
        Figure figure;
        figure.series = series ? &*series : nullptr;
        figure.matrix = matrix ? &*matrix : nullptr;
        std::optional<PaintedFigure> result;
        std::exception_ptr caught;
        try {
            result = paintFigure(figure);
        } catch (...) {
            caught = std::current_exception();
        }
        const std::lock_guard lock{mutex};
        painted = std::move(result);
        failure = caught;
        changed.notify_all();
    }
};

PaintedFigure paintOnGuiThread(const Figure &figure, const Progress &progress)
{
    const auto painting = std::make_shared<Painting>();
    if (figure.series)
        painting->series = *figure.series;
    else
        painting->matrix = *figure.matrix;
    QMetaObject::invokeMethod(
        QCoreApplication::instance(), [painting] { painting->paint(); }, Qt::QueuedConnection);
    std::unique_lock lock{painting->mutex};
    painting->changed.wait(lock, progress.stopToken(), [&] { return painting->painted || painting->failure; });
    progress.check();
    if (painting->failure)
        std::rethrow_exception(painting->failure);
    return std::move(*painting->painted);
}

std::string shellWord(const std::string &argument)
{
    return argument.find_first_of(" '\"$&;()") == std::string::npos ? argument : "'" + argument + "'";
}

} // namespace

void runReportJob(const ReportJob &job, const Progress &progress)
{
    PartFolder folder{job.folder, false, reportEntries()};
    const Progress silent{progress.stopToken()};
    std::vector<ReportSource> sources;
    ReportOptions options;
    options.commandLine = "expertscope report";
    std::string note;
    for (std::size_t i = 0; i < job.traces.size(); ++i) {
        const ReportJob::Trace &trace = job.traces[i];
        ReportSource &source = sources.emplace_back(ReportSource{.trace = trace.trace, .name = trace.name, .origin = {}});
        std::string file = trace.file.string();
        if (trace.file.empty()) {
            file = i == 0 ? reportTraceFile : reportSecondTraceFile;
            const auto sink = createTraceFile(folder.part() / file, {});
            copyTrace(*trace.trace, *sink, progress);
        } else {
            source.origin.push_back({"Trace sha256", sha256OfFile(trace.file, silent)});
        }
        source.origin.insert(source.origin.begin(), {"Trace", file});
        options.commandLine += " --trace " + shellWord(file);
        note += (i == 0 ? "The trace is in " : " and ") + file;
    }
    options.commandLine += " -o report";
    note += '.';

    const ReportPlan plan{options};
    const Report report = plan.run(sources, job.textOfToken, [&](std::size_t step, std::size_t steps, const AnalysisKind &) {
        progress.report(static_cast<std::int64_t>(step), static_cast<std::int64_t>(steps), "analyses");
        return silent;
    });
    writeReportFiles(
        report, note, folder.part(), [&](const Figure &figure) { return paintOnGuiThread(figure, progress); }, progress);
    progress.check();
    folder.commit();
}

} // namespace expertscope
