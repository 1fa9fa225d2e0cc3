// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/cli/result_output.h"

#include "engine/analysis/result_text.h"
#include "engine/core/error.h"
#include "io/part_file.h"

#include <CLI/CLI.hpp>

#include <fstream>

namespace expertscope {

void declareResultFormat(CLI::App &app, ResultFormat &format)
{
    app.add_option("--part", format.part, "Table or matrix to print; the first table is the answer");
    const auto csvFlag = app.add_flag("--csv", format.csv, "One table as CSV, all rows");
    app.add_flag("--json", format.json, "Everything as JSON")->excludes(csvFlag);
}

std::string partAsCsv(const Result &result, const std::string &part)
{
    std::string known;
    for (const Table &table : result.tables) {
        if (part.empty() || table.id == part)
            return csv(table);
        known += (known.empty() ? "" : ", ") + table.id;
    }
    for (const Matrix &matrix : result.matrices) {
        if (matrix.id == part)
            return csv(matrix);
        known += ", " + matrix.id;
    }
    throw Error{ErrorKind::Usage, "the result has no such part", part, "Its parts are " + known};
}

std::string formatted(const AnalysisKind &kind, const Result &result, const ResultFormat &format)
{
    if (format.json)
        return resultJson(kind, result).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
    if (format.csv)
        return partAsCsv(result, format.part);
    const Table *shown = result.tables.empty() ? nullptr : &result.tables.front();
    for (const Table &table : result.tables)
        if (table.id == format.part)
            shown = &table;
    std::string plain = plainText(kind, result, shown, 40);
    std::string parts;
    for (const Table &table : result.tables)
        parts += ' ' + table.id;
    for (const Matrix &matrix : result.matrices)
        parts += ' ' + matrix.id;
    return plain + "\nParts (--part NAME --csv):" + parts + '\n';
}

void writeFile(const std::filesystem::path &file, const std::string &text, bool overwrite)
{
    PartFile part{file, overwrite};
    std::ofstream stream{part.part(), std::ios::binary | std::ios::trunc};
    stream << text;
    stream.close();
    if (!stream)
        throw Error{ErrorKind::Input, "the result could not be written", file.string(), "Make room on the disk, or write elsewhere"};
    part.commit();
}

} // namespace expertscope
