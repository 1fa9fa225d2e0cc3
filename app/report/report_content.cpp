// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/report/report_content.h"

#include "engine/core/summary.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

namespace expertscope {

namespace {

constexpr std::size_t answerRows = 20; ///< shown of the first table of an analysis
constexpr std::size_t otherRows = 8; ///< of each further one

std::string numberText(double value)
{
    if (std::isnan(value))
        return "-";
    char text[32];
    std::snprintf(text, sizeof text, std::abs(value) < 1e15 && value == std::round(value) ? "%.0f" : "%.4g", value);
    return text;
}

/// "162,367".
std::string countText(std::int64_t count)
{
    std::string digits = std::to_string(count);
    for (auto at = std::ssize(digits) - 3; at > (count < 0 ? 1 : 0); at -= 3)
        digits.insert(static_cast<std::size_t>(at), ",");
    return digits;
}

std::string withUnit(double value, const std::string &unit)
{
    return numberText(value) + (unit.empty() || unit == "1" || std::isnan(value) ? "" : " " + unit);
}

std::string interval(const Number &number)
{
    return std::isnan(number.low) ? "" : "[" + numberText(number.low) + ", " + numberText(number.high) + "]";
}

std::string sample(const Number &number)
{
    return number.n > 0 ? countText(number.n) + (number.of.empty() ? "" : " " + number.of) : "";
}

std::string cellText(const Column &column, std::size_t row)
{
    if (const auto *reals = std::get_if<std::vector<double>>(&column.values))
        return numberText((*reals)[row]);
    if (const auto *integers = std::get_if<std::vector<std::int64_t>>(&column.values))
        return std::to_string((*integers)[row]);
    return std::get<std::vector<std::string>>(column.values)[row];
}

std::string joined(const std::vector<std::string> &parts, const char *between = ", ")
{
    std::string text;
    for (const std::string &part : parts)
        text += (text.empty() ? "" : between) + part;
    return text;
}

/// Fit for a file name and an anchor.
std::string slug(std::string name)
{
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_'; }, '-');
    return name;
}

std::string anchorOf(const AnalysisKind &kind)
{
    return slug("analysis-" + std::string{kind.id});
}

std::string anchorOf(const AnalysisKind &kind, const Table &table)
{
    return slug("table-" + std::string{kind.id} + "-" + table.id);
}

Grid gridOf(const AnalysisKind &kind, const Table &table, std::size_t most)
{
    Grid grid{.anchor = anchorOf(kind, table),
        .title = table.title,
        .columns = {},
        .rows = {},
        .links = {},
        .more = {},
        .file = tableFile(kind, table)};
    for (const Column &column : table.columns)
        grid.columns.push_back({column.name, column.unit == "1" ? "" : column.unit, column.help,
            !std::holds_alternative<std::vector<std::string>>(column.values)});
    const std::size_t shown = std::min(most, table.rows());
    for (std::size_t row = 0; row < shown; ++row) {
        std::vector<std::string> &cells = grid.rows.emplace_back();
        for (const Column &column : table.columns)
            cells.push_back(cellText(column, row));
    }
    if (shown < table.rows())
        grid.more = "The first " + std::to_string(shown) + " of " + countText(static_cast<std::int64_t>(table.rows())) + " rows.";
    return grid;
}

/// Ids that differ in a number only are one family: "languages-layer-3" and "languages-layer-4".
std::string family(const std::string &id)
{
    std::string name;
    for (const char c : id)
        if (!std::isdigit(static_cast<unsigned char>(c)))
            name += c;
    return name;
}

/// All matrices but those of large families, of which the first, the middle and the last stand for the others.
std::vector<const Matrix *> shownMatrices(const Result &result)
{
    std::map<std::string, std::vector<const Matrix *>> families;
    for (const Matrix &matrix : result.matrices)
        families[family(matrix.id)].push_back(&matrix);
    std::set<const Matrix *> shown;
    for (const auto &[name, members] : families) {
        if (members.size() <= 3)
            shown.insert(members.begin(), members.end());
        else
            shown.insert({members.front(), members[members.size() / 2], members.back()});
    }
    std::vector<const Matrix *> list;
    for (const Matrix &matrix : result.matrices)
        if (shown.contains(&matrix) && !matrix.rows.empty() && !matrix.columns.empty())
            list.push_back(&matrix);
    return list;
}

std::string sampleOf(const Result &result)
{
    for (const Number &number : result.numbers)
        if (number.n > 0)
            return " n = " + sample(number) + ".";
    return {};
}

std::string captionOf(const Series &series, const Result &result)
{
    std::vector<std::string> chance;
    bool bands = false;
    for (const Curve &curve : series.curves) {
        if (curve.role == Curve::Role::Chance)
            chance.push_back(curve.name);
        else
            bands = bands || !curve.low.empty();
    }
    std::string caption = series.title + ".";
    if (bands)
        caption += series.bars ? " Whiskers: 95 % intervals." : " Bands: 95 % intervals.";
    if (!chance.empty())
        caption += " Chance, drawn dashed: " + joined(chance) + ".";
    return caption + sampleOf(result);
}

std::string captionOf(const Matrix &matrix, const Result &result)
{
    std::string caption =
        matrix.title + ". Colour: " + matrix.valueTitle + (matrix.unit.empty() || matrix.unit == "1" ? "" : " in " + matrix.unit);
    if (!std::isnan(matrix.neutral))
        caption += ", white at " + numberText(matrix.neutral) + " (no difference)";
    return caption + "; hatched: no value." + sampleOf(result);
}

/// What the numbers of an analysis can be held against.
std::string controlsOf(const Result &result)
{
    std::vector<std::string> controls;
    std::set<std::string> curves;
    for (const Series &series : result.series)
        for (const Curve &curve : series.curves)
            if (curve.role == Curve::Role::Chance && curves.insert(curve.name).second)
                controls.push_back("the curve \"" + curve.name + "\"");
    for (const Table &table : result.tables) {
        std::vector<std::string> names;
        for (const Column &column : table.columns)
            for (const char *word : {"chance", "null", "p", "significant"})
                if (column.name == word || (std::string_view{word}.size() > 1 && column.name.find(word) != std::string::npos)) {
                    names.push_back(column.name);
                    break;
                }
        if (!names.empty())
            controls.push_back(joined(names) + " in the table \"" + table.id + "\"");
    }
    return controls.empty() ? "This analysis has no chance level." : "Chance levels and tests: " + joined(controls, "; ") + ".";
}

Grid headlines(const Report &report)
{
    Grid grid{.anchor = "table-headlines",
        .title = "Headline numbers",
        .columns = {{"Analysis", "", "", false}, {"Quantity", "", "", false}, {"Value", "", "", true}, {"95 % interval", "", "", true},
            {"Chance", "", "", true}, {"n", "", "", true}},
        .rows = {},
        .links = {},
        .more = {},
        .file = {}};
    for (const ReportSection &section : report.sections)
        for (const Number &number : section.result.numbers) {
            grid.rows.push_back({section.result.title, number.title, withUnit(number.value, number.unit), interval(number),
                std::isnan(number.chance) ? "" : numberText(number.chance), sample(number)});
            grid.links.push_back(anchorOf(*section.kind));
        }
    return grid;
}

Grid checksOf(const TraceMeta &meta, const std::string &anchor)
{
    Grid grid{.anchor = anchor,
        .title = {},
        .columns = {{"Check", "", "", false}, {"Status", "", "", false}, {"Value", "", "", true}, {"Limit", "", "", true}},
        .rows = {},
        .links = {},
        .more = {},
        .file = {}};
    for (const TraceCheck &check : meta.checks)
        grid.rows.push_back(check.status == "skip"
                ? std::vector<std::string>{check.name, "not checked: " + check.note, "", ""}
                : std::vector<std::string>{check.name, check.status, numberText(check.value), numberText(check.limit)});
    return grid;
}

Grid textsOf(const RoutingTrace &trace, const std::string &anchor)
{
    Grid grid{.anchor = anchor,
        .title = {},
        .columns = {{"Language", "", "", false}, {"Domain", "", "", false}, {"Sequences", "", "", true}, {"Tokens", "", "", true},
            {"With translations", "sequences", "", true}},
        .rows = {},
        .links = {},
        .more = {},
        .file = {}};
    GroupCount all;
    const auto add = [&grid](const GroupCount &group, const std::string &language) {
        grid.rows.push_back({language, group.domain, group.sequences ? countText(group.sequences) : "-", countText(group.tokens),
            group.parallel ? countText(group.parallel) : "-"});
    };
    const std::vector<GroupCount> groups = groupCounts(trace);
    for (const GroupCount &group : groups) {
        add(group, group.language);
        all.sequences += group.sequences;
        all.tokens += group.tokens;
        all.parallel += group.parallel;
    }
    if (groups.size() > 1)
        add(all, "all");
    return grid;
}

/// "What was run", checks and texts of one trace.
void addSource(std::vector<Block> &blocks, const ReportSource &source, std::size_t index, std::size_t count)
{
    const std::string suffix = count > 1 ? " of trace " + std::to_string(index + 1) : "";
    const std::string anchor = count > 1 ? "-" + std::to_string(index + 1) : "";
    const TraceMeta &meta = source.trace->meta();
    blocks.emplace_back(Heading{2, "run" + anchor, "What was run" + (count > 1 ? ", trace " + std::to_string(index + 1) : "")});
    std::vector<Fact> facts = modelFacts(meta);
    for (Fact &fact : recordingFacts(source))
        facts.push_back(std::move(fact));
    std::erase_if(facts, [](const Fact &fact) { return fact.value.empty(); });
    blocks.emplace_back(FactList{std::move(facts)});
    if (!meta.notes.empty())
        blocks.emplace_back(Bullets{meta.notes});
    blocks.emplace_back(Heading{3, "checks" + anchor, "Checks" + suffix});
    if (meta.checks.empty())
        blocks.emplace_back(Paragraph{Paragraph::Role::Plain, "The trace holds no check results."});
    else
        blocks.emplace_back(checksOf(meta, "table-checks" + anchor));
    blocks.emplace_back(Heading{3, "texts" + anchor, "Texts" + suffix});
    blocks.emplace_back(textsOf(*source.trace, "table-texts" + anchor));
}

void addSection(std::vector<Block> &blocks, const ReportSection &section)
{
    const AnalysisKind &kind = *section.kind;
    const Result &result = section.result;
    const std::string id{kind.id};
    blocks.emplace_back(Heading{2, anchorOf(kind), result.title});
    blocks.emplace_back(Paragraph{Paragraph::Role::Question, std::string{kind.help}});
    Bullets answer;
    for (const Number &number : result.numbers)
        answer.items.push_back(number.title + ": " + numberWords(number) + ".");
    for (const std::string &note : result.notes)
        answer.items.push_back(note);
    if (!answer.items.empty())
        blocks.emplace_back(std::move(answer));

    const std::string numbers = result.tables.empty() ? "" : anchorOf(kind, result.tables.front());
    for (const Series &series : result.series)
        if (!series.x.empty() && !series.curves.empty())
            blocks.emplace_back(Figure{&series, nullptr, slug("figure-" + id + "-" + series.id), captionOf(series, result), numbers});
    const std::vector<const Matrix *> matrices = shownMatrices(result);
    for (const Matrix *matrix : matrices)
        blocks.emplace_back(Figure{nullptr, matrix, slug("figure-" + id + "-" + matrix->id), captionOf(*matrix, result), numbers});
    if (matrices.size() < result.matrices.size())
        blocks.emplace_back(Paragraph{Paragraph::Role::Small,
            std::to_string(result.matrices.size() - matrices.size()) + " more maps of this kind are in report.json only."});

    blocks.emplace_back(Heading{3, "method-" + id, "Definition, source, settings, controls"});
    std::vector<std::string> settings;
    for (const auto &[name, value] : result.settings)
        settings.push_back(name + " = " + (value.empty() ? "(none)" : value));
    blocks.emplace_back(FactList{{{"Definition", std::string{kind.definition}}, {"Source", std::string{kind.source}},
        {"Settings", settings.empty() ? "none" : joined(settings)}, {"Controls", controlsOf(result)}}});
    for (const Table &table : result.tables)
        blocks.emplace_back(gridOf(kind, table, &table == &result.tables.front() ? answerRows : otherRows));
}

void addConditions(std::vector<Block> &blocks, const Report &report)
{
    if (report.verdicts.empty())
        return;
    blocks.emplace_back(Heading{2, "conditions", "Conditions"});
    Grid grid{.anchor = "table-conditions",
        .title = {},
        .columns = {{"Fails if", "", "", false}, {"Value", "", "", true}, {"Outcome", "", "", false}},
        .rows = {},
        .links = {},
        .more = {},
        .file = {}};
    for (const Verdict &verdict : report.verdicts)
        grid.rows.push_back({verdict.condition.text, numberText(verdict.value),
            std::isnan(verdict.value) ? "failed: there is no such value to judge by"
                : verdict.failed      ? "failed"
                                      : "passed"});
    blocks.emplace_back(std::move(grid));
}

void addLeftOut(std::vector<Block> &blocks, const Report &report)
{
    blocks.emplace_back(Heading{2, "left-out", "What was left out, and why"});
    if (report.leftOut.empty()) {
        blocks.emplace_back(Paragraph{Paragraph::Role::Plain, "No analysis was left out."});
        return;
    }
    std::vector<Fact> facts;
    for (const LeftOut &left : report.leftOut)
        facts.push_back({std::string{left.kind->title}, left.why});
    blocks.emplace_back(FactList{std::move(facts)});
}

} // namespace

std::string numberWords(const Number &number)
{
    std::string words = withUnit(number.value, number.unit);
    if (!std::isnan(number.low))
        words += " " + interval(number) + " (95 % interval)";
    if (!std::isnan(number.chance)) {
        words += ", chance " + numberText(number.chance);
        if (!std::isnan(number.low))
            words += number.low > number.chance ? ": above chance"
                : number.high < number.chance   ? ": below chance"
                                                : ": not told apart from chance";
    }
    return number.n > 0 ? words + "; n = " + sample(number) : words;
}

std::string tableFile(const AnalysisKind &kind, const Table &table)
{
    return "tables/" + slug(std::string{kind.id} + "-" + table.id) + ".csv";
}

ReportContent reportContent(const Report &report, const std::string &traceNote)
{
    ReportContent content;
    const TraceMeta &meta = report.sources.front().trace->meta();
    content.title = "Routing of " + (meta.model.name.empty() ? "an unnamed model" : meta.model.name) + " on " + report.sources.front().name;
    std::vector<Block> &blocks = content.blocks;
    blocks.emplace_back(Paragraph{Paragraph::Role::Plain,
        "Which experts the model's router chose, layer by layer, by " + countText(std::ssize(report.sections)) + " analyses; "
            + std::to_string(report.leftOut.size())
            + " were left out. Every number stands with its 95 % interval, the value that chance gives and the n it was counted over, "
              "where there is one. Written by Expertscope " EXPERTSCOPE_VERSION "."});
    for (std::size_t i = 0; i < report.sources.size(); ++i)
        addSource(blocks, report.sources[i], i, report.sources.size());
    if (report.sources.size() > 1)
        blocks.emplace_back(Paragraph{Paragraph::Role::Plain, "Analyses that compare two traces are of both; all others are of trace 1."});
    addConditions(blocks, report);
    blocks.emplace_back(Heading{2, "headlines", "In short"});
    blocks.emplace_back(headlines(report));
    for (const ReportSection &section : report.sections)
        addSection(blocks, section);
    addLeftOut(blocks, report);
    blocks.emplace_back(Heading{2, "reproduce", "How to make this report again"});
    blocks.emplace_back(CodeLine{report.commandLine});
    blocks.emplace_back(Paragraph{Paragraph::Role::Plain,
        "The same input and settings give the same files. " + traceNote
            + " All numbers are in report.json, each table in the folder tables."});
    return content;
}

} // namespace expertscope
