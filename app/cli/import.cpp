// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope import: turns what another tool recorded into a trace file, after checks that it shows.
#include "io/importers/import.h"
#include "app/cli/check_lines.h"
#include "app/cli/verbs.h"
#include "engine/core/error.h"
#include "io/trace_hdf5.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>

namespace expertscope {

namespace {

struct Options {
    std::vector<std::string> files;
    std::string output, title, config, physicalMap, labels;
    int experts = 0;
    bool json = false, force = false;
};

void showChecks(const ImportReport &report, Terminal &terminal)
{
    for (const std::string &line : checkLines(report.checks))
        terminal.note(line);
}

void printJson(const ImportReport &report, const std::string &output)
{
    using Json = nlohmann::ordered_json;
    Json checks = Json::array();
    for (const TraceCheck &check : report.checks)
        checks.push_back(
            {{"name", check.name}, {"status", check.status}, {"value", check.value}, {"limit", check.limit}, {"note", check.note}});
    const Json json{{"format", report.format}, {"output", output.empty() ? Json{} : Json(output)}, {"checks", checks}};
    std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

int run(const Options &options, Command &command)
{
    const std::vector<std::filesystem::path> files(options.files.begin(), options.files.end());
    ImportReport report;
    auto sink = createTraceFile(options.output, {.overwrite = options.force});
    try {
        importTrace(files,
            {.title = options.title,
                .config = options.config,
                .physicalMap = options.physicalMap,
                .labels = options.labels,
                .experts = options.experts,
                .commandLine = command.line},
            *sink, report, command.terminal.progress());
    } catch (const Error &) {
        showChecks(report, command.terminal);
        if (options.json)
            printJson(report, {});
        throw;
    }
    sink.reset();
    command.terminal.endProgress();
    showChecks(report, command.terminal);
    const TraceMeta &meta = openTraceFile(options.output)->meta();
    command.terminal.note("Imported " + report.format + ": " + std::to_string(meta.sequences.size()) + " sequences, "
        + std::to_string(meta.tokens) + " tokens, " + std::to_string(meta.moeLayers()) + " MoE layers of " + std::to_string(meta.experts)
        + " experts.");
    if (options.json)
        printJson(report, options.output);
    else
        std::printf("%s\n", options.output.c_str());
    return 0;
}

} // namespace

void declareImport(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    app.add_option("files", options->files, "What the other tool wrote: its files, or the folder that holds them")->required();
    app.add_option("-o,--output", options->output, "HDF5 file to write")->required();
    app.add_option("--title", options->title, "Title of the trace; the names of the files otherwise");
    app.add_option("--config", options->config, "Model folder or config.json of the model that was recorded: its shape is checked");
    app.add_option("--physical-map", options->physicalMap, "Ids are of physical experts: .npy of [layers, physical experts] logical ids");
    app.add_option("--labels", options->labels, "CSV, TSV or JSONL with a row per sequence: id, language, domain, parallel_id, ...");
    app.add_option("--experts", options->experts, "Experts per layer, where neither the files nor a config say it")
        ->check(CLI::Range(1, 65534));
    app.add_flag("--json", options->json, "The checks as JSON on standard output");
    app.add_flag("--force", options->force, "Replace an existing output file");
    app.footer("Example:\n  expertscope import counts/en.json counts/de.json --config Qwen3-30B-A3B/config.json -o counts.h5");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

} // namespace expertscope
