// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/report/report_files.h"

#include "app/report/report_html.h"
#include "app/report/report_pdf.h"
#include "engine/analysis/result_text.h"
#include "engine/core/error.h"

#include <cmath>
#include <fstream>

namespace expertscope {

namespace {

using Json = nlohmann::ordered_json;

void writeFile(const std::filesystem::path &file, std::string_view bytes)
{
    std::ofstream stream{file, std::ios::binary | std::ios::trunc};
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    stream.close();
    if (!stream)
        throw Error{
            ErrorKind::Input, "the file cannot be written", file.string(), "Choose a folder that you may write to and that has room"};
}

std::string_view view(const QByteArray &bytes)
{
    return {bytes.data(), static_cast<std::size_t>(bytes.size())};
}

Json factsJson(const std::vector<Fact> &facts)
{
    Json list = Json::array();
    for (const Fact &fact : facts)
        if (!fact.value.empty())
            list.push_back({{"label", fact.label}, {"value", fact.value}});
    return list;
}

Json sourceJson(const ReportSource &source)
{
    const TraceMeta &meta = source.trace->meta();
    std::vector<Fact> facts = modelFacts(meta);
    for (Fact &fact : recordingFacts(source))
        facts.push_back(std::move(fact));
    Json checks = Json::array();
    for (const TraceCheck &check : meta.checks)
        checks.push_back(
            {{"name", check.name}, {"status", check.status}, {"value", check.value}, {"limit", check.limit}, {"note", check.note}});
    Json groups = Json::array();
    for (const GroupCount &group : groupCounts(*source.trace))
        groups.push_back({{"language", group.language}, {"domain", group.domain}, {"sequences", group.sequences}, {"tokens", group.tokens},
            {"sequences_with_translations", group.parallel}});
    return {{"name", source.name}, {"facts", factsJson(facts)}, {"model", meta.model.name}, {"model_sha256", meta.model.sha256},
        {"tokens", meta.tokens}, {"sequences", meta.sequences.size()}, {"layers", meta.layers}, {"experts", meta.experts},
        {"slots", meta.slotCount}, {"checks", checks}, {"texts", groups}, {"notes", meta.notes}};
}

std::string dump(const Json &json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// One analysis after the other, so that no more than one is in memory twice.
void writeJson(const Report &report, const std::filesystem::path &file, const Progress &progress)
{
    std::ofstream stream{file, std::ios::binary | std::ios::trunc};
    Json sources = Json::array();
    for (const ReportSource &source : report.sources)
        sources.push_back(sourceJson(source));
    Json leftOut = Json::array();
    for (const LeftOut &left : report.leftOut)
        leftOut.push_back({{"analysis", left.kind->id}, {"title", left.kind->title}, {"why", left.why}});
    Json conditions = Json::array();
    for (const Verdict &verdict : report.verdicts)
        conditions.push_back({{"fail_if", verdict.condition.text}, {"value", std::isnan(verdict.value) ? Json{} : Json(verdict.value)},
            {"failed", verdict.failed}});
    stream << "{\"schema_version\":" << reportSchemaVersion
           << ",\n\"program\":\"Expertscope " EXPERTSCOPE_VERSION "\",\n\"command\":" << dump(report.commandLine)
           << ",\n\"traces\":" << dump(sources) << ",\n\"conditions\":" << dump(conditions) << ",\n\"left_out\":" << dump(leftOut)
           << ",\n\"analyses\":[";
    for (std::size_t i = 0; i < report.sections.size(); ++i) {
        progress.check();
        stream << (i ? ",\n" : "\n") << dump(resultJson(*report.sections[i].kind, report.sections[i].result));
    }
    stream << "\n]}\n";
    stream.close();
    if (!stream)
        throw Error{
            ErrorKind::Input, "the file cannot be written", file.string(), "Choose a folder that you may write to and that has room"};
}

} // namespace

std::vector<std::string> reportEntries()
{
    return {"report.html", "report.pdf", "report.json", "tables", reportTraceFile, reportSecondTraceFile};
}

void writeReportFiles(const Report &report, const std::string &traceNote, const std::filesystem::path &folder, const FigurePainter &paint,
    const Progress &progress)
{
    const ReportContent content = reportContent(report, traceNote);
    std::vector<const Figure *> wanted;
    for (const Block &block : content.blocks)
        if (const auto *figure = std::get_if<Figure>(&block))
            wanted.push_back(figure);
    std::vector<PaintedFigure> figures;
    for (const Figure *figure : wanted) {
        progress.check();
        progress.report(std::ssize(figures), std::ssize(wanted), "figures");
        figures.push_back(paint(*figure));
    }
    writeFile(folder / "report.html", view(reportHtml(content, figures)));
    writeFile(folder / "report.pdf", view(reportPdf(content, figures, progress)));
    writeJson(report, folder / "report.json", progress);
    std::filesystem::create_directory(folder / "tables");
    for (const ReportSection &section : report.sections)
        for (const Table &table : section.result.tables) {
            progress.check();
            writeFile(folder / tableFile(*section.kind, table), csv(table));
        }
}

} // namespace expertscope
