// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/cli/result_output.h"

#include "app/cli/verbs.h"
#include "engine/core/error.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>

namespace expertscope {

void declareSettings(CLI::App &app, std::vector<std::string> &settings, const AnalysisKind &kind)
{
    std::string text = "A setting, as name=value; repeat it for more:";
    for (const ParamKind &param : kind.params)
        text += "\n" + std::string{param.id} + '=' + std::string{param.standard} + "  " + std::string{param.help};
    app.add_option("--set", settings, text)->expected(1)->take_all()->allow_extra_args(false);
}

void declareResultOutput(CLI::App &app, ResultOutput &output, const Command &command)
{
    ResultFormat &format = output.format;
    const auto part = app.add_option("--part", format.part, "Table or matrix to print; the first table is the answer");
    const auto csvFlag = app.add_flag("--csv", format.csv, "One table as CSV, all rows");
    app.add_flag("--json", format.json, "Everything as JSON")->excludes(csvFlag)->excludes(part);
    if (!command.paint)
        return;
    const auto figure = app.add_option("--figure", output.figure, "Also write a chart or map of the result: .svg, .png or .pdf");
    app.add_option("--figure-of", output.figureOf, "Which chart or map; the first where none is named")->needs(figure);
    figure->check([](const std::string &file) -> std::string {
        const std::string suffix = std::filesystem::path{file}.extension().string();
        if (std::filesystem::exists(file)) // before the work, not after it
            throw Error{ErrorKind::Input, "the figure is there already", file, "Give another name, or remove it"};
        return suffix == ".svg" || suffix == ".png" || suffix == ".pdf" ? "" : "the name of a figure ends in .svg, .png or .pdf";
    });
}

void writeFigure(const AnalysisKind &kind, const Result &result, const ResultOutput &output, const Command &command)
{
    if (output.figure.empty())
        return;
    std::string known;
    const auto isIt = [&](const std::string &id) {
        known += (known.empty() ? "" : ", ") + id;
        return output.figureOf.empty() || output.figureOf == id;
    };
    for (const Series &series : result.series)
        if (isIt(series.id))
            return command.paint(kind, result, {&series, nullptr}, output.figure);
    for (const Matrix &matrix : result.matrices)
        if (isIt(matrix.id))
            return command.paint(kind, result, {nullptr, &matrix}, output.figure);
    throw Error{ErrorKind::Usage, "the result has no such chart or map", output.figureOf.empty() ? output.figure : output.figureOf,
        known.empty() ? "It has none: leave --figure out" : "It has " + known};
}

void handOver(const AnalysisKind &kind, const Result &result, const ResultOutput &output, const Command &command)
{
    const std::string text = formatted(kind, result, output.format);
    std::fwrite(text.data(), 1, text.size(), stdout);
    writeFigure(kind, result, output, command);
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

} // namespace expertscope
