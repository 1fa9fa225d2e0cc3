// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/cli/result_output.h"

#include "engine/analysis/result_text.h"
#include "engine/core/error.h"
#include "io/part_file.h"

#include <CLI/CLI.hpp>

#include <fstream>

namespace expertscope {

void declareSettings(CLI::App &app, std::vector<std::string> &settings, const AnalysisKind &kind)
{
    std::string text = "A setting, as name=value; repeat it for more:";
    for (const ParamKind &param : kind.params)
        text += "\n" + std::string{param.id} + '=' + std::string{param.standard} + "  " + std::string{param.help};
    app.add_option("--set", settings, text)->expected(1)->take_all();
}

void declareResultFormat(CLI::App &app, ResultFormat &format)
{
    const auto part = app.add_option("--part", format.part, "Table or matrix to print; the first table is the answer");
    const auto csvFlag = app.add_flag("--csv", format.csv, "One table as CSV, all rows");
    app.add_flag("--json", format.json, "Everything as JSON")->excludes(csvFlag)->excludes(part);
}

std::vector<std::pair<std::string, std::string>> splitSettings(const std::vector<std::string> &texts)
{
    std::vector<std::pair<std::string, std::string>> settings;
    for (const std::string &text : texts) {
        const auto equals = text.find('=');
        if (equals == std::string::npos || equals == 0)
            throw Error{ErrorKind::Usage, "--set needs name=value", text, "Write for example --set pivot=de"};
        settings.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    return settings;
}

namespace {

/// The table or matrix of that name: one of the two.
std::pair<const Table *, const Matrix *> namedPart(const Result &result, const std::string &part)
{
    std::string known;
    for (const Table &table : result.tables) {
        if (part.empty() || table.id == part)
            return {&table, nullptr};
        known += (known.empty() ? "" : ", ") + table.id;
    }
    for (const Matrix &matrix : result.matrices) {
        if (matrix.id == part)
            return {nullptr, &matrix};
        known += (known.empty() ? "" : ", ") + matrix.id;
    }
    throw Error{ErrorKind::Usage, "the result has no such part", part, "Its parts are " + known};
}

} // namespace

std::string partAsCsv(const Result &result, const std::string &part)
{
    const auto [table, matrix] = namedPart(result, part);
    return table ? csv(*table) : csv(*matrix);
}

std::string formatted(const AnalysisKind &kind, const Result &result, const ResultFormat &format)
{
    if (format.json)
        return resultJson(kind, result).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
    if (format.csv)
        return partAsCsv(result, format.part);
    const bool hasNone = result.tables.empty() && format.part.empty(); // numbers only
    const auto [table, matrix] = hasNone ? std::pair<const Table *, const Matrix *>{} : namedPart(result, format.part);
    if (matrix)
        throw Error{ErrorKind::Usage, "this part is a matrix, which is written as CSV only", format.part, "Add --csv"};
    std::string plain = plainText(kind, result, table, 40);
    std::string parts;
    for (const Table &each : result.tables)
        parts += ' ' + each.id;
    for (const Matrix &each : result.matrices)
        parts += ' ' + each.id;
    return plain + "\nParts (--part NAME --csv):" + parts + '\n';
}

void writeResult(const std::filesystem::path &folder, const AnalysisKind &kind, const Result &result)
{
    writeFile(folder / "result.json", formatted(kind, result, {.part = {}, .csv = false, .json = true}), true);
    writeFile(folder / "result.txt", formatted(kind, result, {}), true);
    for (const Table &table : result.tables)
        writeFile(folder / (table.id + ".csv"), csv(table), true);
}

void writeFile(const std::filesystem::path &file, const std::string &text, bool overwrite)
{
    PartFile part{file, overwrite};
    std::ofstream stream{part.part(), std::ios::binary | std::ios::trunc};
    stream << text;
    stream.close();
    if (!stream)
        throw Error{ErrorKind::Input, "the file could not be written", file.string(), "Make room on the disk, or write elsewhere"};
    part.commit();
}

} // namespace expertscope
