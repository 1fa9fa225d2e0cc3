// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/report/report_verb.h"
#include "app/offscreen.h"

#include "app/cli/options.h"
#include "app/cli/record_corpus.h"
#include "app/cli/verbs.h"
#include "app/corpus_files.h"
#include "app/offscreen.h"
#include "app/report/report_files.h"
#include "engine/core/error.h"
#include "engine/core/recording_checks.h"
#include "io/importers/import.h"
#include "io/part_folder.h"
#include "io/sha256.h"
#include "io/trace_hdf5.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>

namespace expertscope {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t mostLogitBytes = std::int64_t{1} << 30; ///< router logits are recorded where they fit in this

struct Options {
    ModelOptions model;
    CorpusCut cut;
    std::vector<std::string> corpora, traces, files;
    ImportOptions import;
    std::string output;
    ReportOptions report;
    bool noTrace = false, noLogits = false, force = false;
};

/// The sources of the report and the sentence that says where the trace is.
struct Sources {
    std::vector<ReportSource> list;
    std::function<std::string(std::int32_t)> textOfToken;
    std::string traceNote;
};

std::string fileNames(const std::vector<std::string> &paths)
{
    std::string names;
    for (const std::string &text : paths) {
        const fs::path path = fs::absolute(text).lexically_normal();
        names += (names.empty() ? "" : ", ") + (path.has_filename() ? path : path.parent_path()).filename().string();
    }
    return names;
}

/// Throws Error (Usage) unless exactly one of the three ways to get a trace is given, as a whole.
void checkUsage(const Options &options)
{
    const bool runs = !options.model.model.empty() || !options.corpora.empty();
    const char *write = "Write for example: expertscope report --model M --corpus C -o DIR, or --trace T, or --import FILE";
    if (int{runs} + int{!options.traces.empty()} + int{!options.files.empty()} != 1)
        throw Error{ErrorKind::Usage, "a report is of a model and a corpus, of a trace, or of an import", "report", write};
    if (runs && (options.model.model.empty() || options.corpora.empty()))
        throw Error{ErrorKind::Usage, "a model needs a corpus to run, and a corpus a model", "report", write};
    const std::string ending = fs::path{options.output}.extension().string();
    if ((ending == ".html" || ending == ".htm" || ending == ".pdf" || ending == ".json") && !fs::is_directory(options.output))
        throw Error{ErrorKind::Usage, "a report is a folder, of report.html, report.pdf, report.json and tables", options.output,
            "Name the folder: -o " + fs::path{options.output}.stem().string()};
    if (options.traces.size() > 2)
        throw Error{ErrorKind::Usage, "a report compares two traces at most", "report", "Give --trace once or twice"};
}

/// A trace that lies in the folder would be gone before it is in the new report.
void checkInputsAreElsewhere(const Options &options, const fs::path &folder)
{
    std::vector<std::string> inputs = options.traces;
    inputs.insert(inputs.end(), options.corpora.begin(), options.corpora.end());
    inputs.insert(inputs.end(), options.files.begin(), options.files.end());
    for (const std::string &input : inputs) {
        const fs::path relative = fs::weakly_canonical(fs::absolute(input)).lexically_relative(folder);
        if (!relative.empty() && *relative.begin() != "..")
            throw Error{ErrorKind::Usage, "this file lies in the folder that the report is to replace", input,
                "Move it, or write the report to another folder"};
    }
}

Sources openedTraces(const Options &options, Terminal &terminal)
{
    Sources sources;
    for (const std::string &file : options.traces) {
        ReportSource source{.trace = openTraceFile(file), .name = fileNames({file}), .origin = {}};
        source.origin = {{"Trace", file}, {"Trace sha256", sha256OfFile(file, terminal.progress())}};
        sources.list.push_back(std::move(source));
        sources.traceNote += (sources.traceNote.empty() ? "The trace is in " : " and ") + file;
    }
    sources.traceNote += '.';
    return sources;
}

std::string keptNote(const Options &options)
{
    return options.noTrace ? "The trace was not kept (--no-trace)." : "The trace is in trace.h5.";
}

Sources recorded(const Options &options, const fs::path &file, Command &command)
{
    QStringList names;
    for (const std::string &corpus : options.corpora)
        names << QString::fromStdString(corpus);
    const Corpus corpus = readCorpora(names);
    command.terminal.note(corpusNote(corpus, options.corpora));
    const LoadedModel open = loadModel(options.model, command.terminal);
    const Sequences sequences = tokenised(corpus, open, options.cut, command.terminal);
    RunSpec spec;
    const TraceMeta shape = traceMeta(*open.model, *open.backend, spec);
    const std::int64_t logitBytes = sequences.tokens * shape.moeLayers() * shape.experts * std::int64_t{sizeof(std::uint16_t)};
    spec.capture.routerLogits = !options.noLogits && logitBytes <= mostLogitBytes;
    const auto sink = createTraceFile(file, {.dated = false});
    RecordingChecks checks;
    CheckedSink checked{*sink, checks};
    command.terminal.note(
        "Recording " + std::to_string(sequences.list.size()) + " sequences, " + std::to_string(sequences.tokens) + " tokens.");
    recordCorpus(corpus, open, sequences, spec, command.line, checked, command.terminal);
    checked.finish({});
    command.terminal.endProgress();

    ReportSource source{.trace = openTraceFile(file), .name = fileNames(options.corpora), .origin = {}, .recordedNow = true};
    source.origin = {{"Corpus", corpus.source}, {"Corpus sha256", corpus.sha256},
        {"Rows run", std::to_string(sequences.list.size()) + " of " + std::to_string(corpus.rows.size())}};
    return {.list = {std::move(source)},
        .textOfToken = [tokenizer = open.tokenizer](std::int32_t id) { return tokenizer->tokenBytes(id); },
        .traceNote = keptNote(options)};
}

/// One hash for all files, folders looked into: of the lines "hash  name" sorted by name, as sha256sum prints them.
std::string hashOf(const std::vector<std::string> &paths, const Progress &progress)
{
    std::vector<fs::path> files;
    for (const fs::path path : paths) {
        if (fs::is_directory(path)) {
            for (const fs::directory_entry &entry : fs::directory_iterator{path})
                if (entry.is_regular_file())
                    files.push_back(entry.path());
        } else {
            files.push_back(path);
        }
    }
    if (files.size() == 1)
        return sha256OfFile(files.front(), progress);
    std::vector<std::pair<std::string, std::string>> lines;
    for (const fs::path &file : files)
        lines.emplace_back(file.filename().string(), sha256OfFile(file, progress));
    std::sort(lines.begin(), lines.end());
    std::string all;
    for (const auto &[name, hash] : lines)
        all += hash + "  " + name + '\n';
    return sha256(all);
}

Sources imported(const Options &options, const fs::path &file, Command &command)
{
    ImportOptions import = options.import;
    import.commandLine = command.line;
    const std::vector<fs::path> files(options.files.begin(), options.files.end());
    ImportReport report;
    const auto sink = createTraceFile(file, {.dated = false});
    importTrace(files, import, *sink, report, command.terminal.progress());
    command.terminal.endProgress();
    ReportSource source{.trace = openTraceFile(file), .name = fileNames(options.files), .origin = {}, .recordedNow = true};
    source.origin = {{"Imported from", fileNames(options.files)}, {"Format", report.format},
        {"Files sha256", hashOf(options.files, command.terminal.progress())}};
    return {.list = {std::move(source)}, .textOfToken = {}, .traceNote = keptNote(options)};
}

int run(const Options &options, Command &command)
{
    Terminal &terminal = command.terminal;
    checkUsage(options);
    ReportOptions wanted = options.report;
    wanted.commandLine = command.line;
    const ReportPlan plan{wanted};
    PartFolder folder{options.output, options.force, reportEntries()};
    checkInputsAreElsewhere(options, folder.folder());
    const fs::path traceFile = folder.part() / reportTraceFile;
    Sources sources = !options.traces.empty() ? openedTraces(options, terminal)
        : !options.files.empty()              ? imported(options, traceFile, command)
                                              : recorded(options, traceFile, command);

    const Report report = plan.run(sources.list, sources.textOfToken, [&](std::size_t step, std::size_t steps, const AnalysisKind &kind) {
        terminal.note("Analysis " + std::to_string(step + 1) + " of " + std::to_string(steps) + ": " + std::string{kind.title});
        return terminal.progress();
    });
    terminal.note("Writing the report.");
    const Offscreen offscreen;
    writeReportFiles(report, sources.traceNote, folder.part(), paintFigure, terminal.progress());
    if (options.noTrace)
        fs::remove(traceFile);
    folder.commit();
    terminal.endProgress();
    for (const std::string &line : leftOutLines(report.leftOut))
        terminal.note(line);
    for (const Verdict &verdict : report.verdicts)
        if (verdict.failed)
            terminal.note("Failed: " + verdict.condition.text);
    std::printf("%s\n", options.output.c_str());
    return report.failed() ? 1 : 0;
}

} // namespace

void declareReport(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    declareModelOptions(app, options->model);
    app.add_option("-c,--corpus", options->corpora, "JSONL, CSV, TSV or plain text to run through the model; repeat it for more")
        ->expected(1)
        ->take_all();
    app.add_option("-t,--trace,trace", options->traces, "Trace file; a second one is compared with the first")->expected(1)->take_all();
    app.add_option("--import", options->files, "What another tool recorded: its files, or the folder that holds them");
    app.add_option("-o,--output", options->output, "Folder for report.html, report.pdf, report.json and tables")->required();
    app.add_option("--only", options->report.only, "Analyses to run, separated by commas")->delimiter(',');
    app.add_option("--skip", options->report.skip, "Analyses to leave out, separated by commas")->delimiter(',');
    app.add_option("--set", options->report.settings, "A setting, as analysis.parameter=value; repeat it for more")
        ->expected(1)
        ->take_all();
    app.add_option("--fail-if", options->report.failIf,
           "End with exit code 1 if this holds: analysis.number<value, or <=, >, >=; repeat it for more")
        ->expected(1)
        ->take_all();
    app.add_option("--max-tokens", options->cut.maxTokens, "Cut each sequence after this many tokens; 0 = the model's context")
        ->check(atLeast(0));
    app.add_option("--limit", options->cut.limit, "Run only the first rows of the corpus; 0 = all")->check(atLeast(0));
    app.add_flag("--no-logits", options->noLogits, "Do not record router logits, which is done where they take less than 1 GiB");
    app.add_option("--config", options->import.config, "Of an import: model folder or config.json that its shape is checked against");
    app.add_option("--labels", options->import.labels, "Of an import: CSV, TSV or JSONL with a row per sequence");
    app.add_option("--physical-map", options->import.physicalMap, "Of an import: .npy of logical ids of physical experts");
    app.add_option("--experts", options->import.experts, "Of an import: experts per layer, where nothing else says it")
        ->check(CLI::Range(1, 65534));
    app.add_flag("--no-trace", options->noTrace, "Do not keep the trace that was recorded or imported");
    app.add_flag("--force", options->force, "Replace a report that is there");
    app.footer(
        "Exit codes: 0 fine, 1 a --fail-if holds, 2 usage, 3 input unreadable, 4 input fails checks, 5 model or device, 130 stopped.\n"
        "Example:\n  expertscope report --model resources/demo/model --corpus resources/demo/corpus/parallel.jsonl -o report\n"
        "  expertscope report --trace a.h5 --trace b.h5 --fail-if 'load-balance.mean_cv>2' -o report");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

} // namespace expertscope
