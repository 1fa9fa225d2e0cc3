// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/experiments/result_files.h"

#include "engine/analysis/result_text.h"
#include "engine/core/error.h"
#include "io/part_file.h"

#include <fstream>

namespace expertscope {

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
