// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope analyse: runs one analysis on trace files and prints its numbers.
#include "app/cli/result_output.h"
#include "app/cli/verbs.h"
#include "engine/analysis/result_text.h"
#include "engine/core/error.h"
#include "io/part_file.h"
#include "io/trace_hdf5.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>

namespace expertscope {

namespace {

struct Options {
    std::string id;
    std::vector<std::string> traces, settings;
    std::string output;
    ResultOutput print;
    bool list = false, force = false;
};

std::string describe(const ParamKind &param)
{
    std::string text = "    --set " + std::string{param.id} + '=' + std::string{param.standard} + "  " + std::string{param.help};
    if (!param.choices.empty())
        text += " (" + std::string{param.choices} + ')';
    return text + '\n';
}

std::string describe(const AnalysisKind &kind)
{
    std::string text = std::string{kind.id} + ": " + std::string{kind.help} + "\n    " + std::string{kind.definition} + "\n    Source: "
        + std::string{kind.source} + (kind.traces == 1 ? "\n" : "\n    Compares " + std::to_string(kind.traces) + " traces.\n")
        + "    Headline numbers: " + std::string{kind.numbers} + "\n";
    for (const ParamKind &param : kind.params)
        text += describe(param);
    return text;
}

nlohmann::ordered_json listJson()
{
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const AnalysisKind &kind : analyses()) {
        nlohmann::ordered_json params = nlohmann::ordered_json::array();
        for (const ParamKind &param : kind.params)
            params.push_back(
                {{"id", param.id}, {"title", param.title}, {"help", param.help}, {"default", param.standard}, {"choices", param.choices}});
        list.push_back({{"id", kind.id}, {"title", kind.title}, {"help", kind.help}, {"definition", kind.definition},
            {"source", kind.source}, {"traces", kind.traces}, {"numbers", kind.numbers}, {"settings", params}});
    }
    return list;
}

std::string list(const Options &options)
{
    if (options.print.format.json)
        return listJson().dump(2) + '\n';
    std::string text;
    if (!options.id.empty())
        return describe(analysisKind(options.id));
    for (const AnalysisKind &kind : analyses())
        text += std::string{kind.id} + std::string(kind.id.size() < 22 ? 22 - kind.id.size() : 1, ' ') + std::string{kind.help} + '\n';
    return text + "\nexpertscope analyse --list ID says what one of them counts, and its settings.\n";
}

int run(const Options &options, Command &command)
{
    if (options.list) {
        std::fputs(list(options).c_str(), stdout);
        return 0;
    }
    if (options.id.empty())
        throw Error{ErrorKind::Usage, "no analysis was named", "analyse", "Write: expertscope analyse ID TRACE; --list names them"};
    const AnalysisKind &kind = analysisKind(options.id);
    if (options.traces.empty())
        throw Error{ErrorKind::Usage, "no trace was given", options.id, "Write: expertscope analyse " + options.id + " TRACE.h5"};
    const Params params{kind.params, splitSettings(options.settings)};
    // claimed before the long work, so that a wrong path is not found out after it
    std::optional<PartFile> file;
    if (!options.output.empty())
        file.emplace(options.output, options.force);
    AnalysisInput input;
    for (const std::string &trace : options.traces)
        input.traces.push_back(openTraceFile(trace));
    const Result result = runAnalysis(kind, input, params, command.terminal.progress());
    command.terminal.endProgress();
    if (!file) {
        handOver(kind, result, options.print, command);
        return 0;
    }
    const std::string out = formatted(kind, result, options.print.format);
    std::ofstream stream{file->part(), std::ios::binary | std::ios::trunc};
    stream << out;
    stream.close();
    if (!stream)
        throw Error{ErrorKind::Input, "the result could not be written", options.output, "Make room on the disk, or write elsewhere"};
    file->commit();
    writeFigure(kind, result, options.print, command);
    std::printf("%s\n", options.output.c_str());
    return 0;
}

} // namespace

void declareAnalyse(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    app.add_option("analysis", options->id, "Which analysis; --list names them");
    app.add_option("trace", options->traces, "Trace file; two for an analysis that compares");
    app.add_flag("--list", options->list, "Name all analyses; with an analysis: what it counts, and its settings");
    app.add_option("--set", options->settings, "A setting, as name=value; repeat it for more")
        ->expected(1)
        ->take_all()
        ->allow_extra_args(false);
    declareResultOutput(app, options->print, command);
    app.add_option("-o,--output", options->output, "Write here instead of to standard output");
    app.add_flag("--force", options->force, "Replace an existing output file");
    app.footer("Example:\n  expertscope analyse --list\n  expertscope analyse load-balance trace.h5 --set batch=256 --csv -o balance.csv");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

} // namespace expertscope
