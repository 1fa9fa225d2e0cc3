// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The program: a verb goes to the command line, anything else opens the window.
#include "app/cli/verbs.h"
#include "app/export.h"
#include "app/offscreen.h"
#include "app/report/report_verb.h"
#include "app/window_main.h"
#include "engine/core/error.h"

#include <CLI/CLI.hpp>

#include <QHashSeed>

#include <filesystem>
#include <memory>
#include <vector>

namespace {

using namespace expertscope;

/// expertscope demo: runs the window without a display.
void declareDemo(CLI::App &app, Command &command)
{
    struct Options {
        std::string output;
        std::vector<std::string> traces;
        std::vector<int> size{1500, 940};
        bool force = false;
    };
    const auto options = std::make_shared<Options>();
    app.add_option("-o,--output", options->output, "Folder for the trace and the pictures")->required();
    app.add_option("-t,--trace", options->traces, "Show this trace, or what another tool recorded, instead of the demo; repeat it for more")
        ->expected(1)
        ->take_all();
    app.add_option("--size", options->size, "Width and height of the window in pixels")->expected(2)->check(CLI::Range(200, 8000));
    app.add_flag("--force", options->force, "Replace files that are there");
    app.footer("Example:\n  expertscope demo -o demo-output\n  expertscope demo --trace trace.h5 --size 1280 720 -o pictures");
    app.callback([options, &command] {
        const std::filesystem::path folder{options->output};
        if (!options->force && std::filesystem::exists(folder) && !std::filesystem::is_empty(folder))
            throw Error{ErrorKind::Input, "the output folder is not empty", options->output,
                "Give another folder, or --force to replace what is there"};
        char program[] = "expertscope";
        char *arguments[] = {program, nullptr};
        DemoRun run{.folder = QString::fromStdString(options->output), .traces = {}, .size = {options->size[0], options->size[1]}};
        for (const std::string &trace : options->traces)
            run.traces << QString::fromStdString(trace);
        command.exitCode = renderDemo(1, arguments, run);
    });
}

void paint(const AnalysisKind &kind, const Result &result, const FigurePart &part, const std::string &file)
{
    const Offscreen offscreen;
    exportResultFigure(kind, result, part.series, part.matrix, QString::fromStdString(file));
}

} // namespace

int main(int argc, char **argv)
{
    QHashSeed::setDeterministicGlobalSeed(); // the order of what Qt writes into a PDF comes from hashes
    std::vector<Verb> all{verbs().begin(), verbs().end()};
    all.push_back({"report", "Runs every analysis and writes a report: HTML, PDF, JSON and tables", declareReport});
    all.push_back(
        {"demo", "Runs the bundled demo, or shows a trace, without a display; writes pictures of the window and views", declareDemo});
    return isCommandLine(argc, argv, all) ? runCommandLine(argc, argv, all, paint) : runWindow(argc, argv);
}
