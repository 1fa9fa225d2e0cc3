// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How long every analysis takes on a trace file, beside merely reading it, and how much memory it needs at most.
// Each runs in a process of its own, so that its peak is its own.
#include "engine/analysis/analyses.h"
#include "engine/analysis/trace_pass.h"
#include "io/trace_hdf5.h"
#include "tests/engine/core/random_trace.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numeric>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace expertscope;
using namespace expertscope::test;

namespace {

struct Shape {
    std::int64_t tokens = 1'000'000;
    int layers = 48, experts = 128, slotCount = 8, sequenceTokens = 512;
    bool logits = false;
};

/// Random routing in sequences of one length: parallel texts of four languages, three domains.
void writeTrace(const std::filesystem::path &file, const Shape &shape)
{
    TraceShape form;
    form.experts = shape.experts;
    form.slotCount = shape.slotCount;
    form.layers.resize(static_cast<std::size_t>(shape.layers));
    std::iota(form.layers.begin(), form.layers.end(), 0);
    form.fields.routerLogit = shape.logits;
    TraceMeta meta = metaOf(form);
    meta.labelColumns.clear();
    std::vector<TraceBlock> texts; // more than gzip looks back over
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        texts.push_back(randomBlock(meta, shape.sequenceTokens, 0, 0, seed));
        for (std::int32_t marker = 1; marker <= 3; ++marker)
            texts.back().tokenId[static_cast<std::size_t>(marker * 10) % texts.back().tokenId.size()] = marker;
    }
    std::vector<float> mean(static_cast<std::size_t>(shape.layers) * static_cast<std::size_t>(shape.experts));
    const char *const languages[] = {"en", "de", "fr", "zh"};
    const char *const domains[] = {"code", "law", "prose"};
    const auto sink = createTraceFile(file, {.overwrite = true, .compress = true});
    sink->begin(meta);
    for (std::int64_t s = 0; (s + 1) * shape.sequenceTokens <= shape.tokens; ++s) {
        TraceBlock &text = texts[static_cast<std::size_t>(s) % texts.size()];
        std::fill(text.seqIndex.begin(), text.seqIndex.end(), static_cast<std::int32_t>(s));
        sink->append(text);
        SequenceInfo info;
        info.id = "text-" + std::to_string(s);
        info.language = languages[s % 4];
        info.domain = domains[s / 4 % 3];
        info.parallelId = "p" + std::to_string(s / 4);
        info.firstToken = s * shape.sequenceTokens;
        info.nPrompt = shape.sequenceTokens;
        for (std::size_t i = 0; i < mean.size(); ++i)
            mean[i] = static_cast<float>(1 + (i * 7 + static_cast<std::size_t>(s) * 13) % 5) / 3.0f / static_cast<float>(shape.experts);
        sink->endSequence(info, mean);
    }
    sink->finish({});
}

/// What an analysis cannot guess of a random trace.
std::vector<std::pair<std::string, std::string>> settingsOf(const AnalysisKind &kind)
{
    if (kind.id == "risk-difference")
        return {{"column", "language"}, {"side-1", "de"}, {"side-2", "en"}};
    if (kind.id == "token-pmi")
        return {{"tokens", "#1|#2|-#3"}};
    return {};
}

struct Cost {
    double seconds = 0, processorSeconds = 0, peakMegabytes = 0;
    char said[240] = ""; ///< why it did not run; empty if it did
};

double peakMegabytes()
{
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:"))
            return std::stod(line.substr(6)) / 1024;
    return 0;
}

/// Of this process, on all cores: says most where other programs run.
double processorSeconds()
{
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
        + static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/// Runs work in a child process.
template<typename Work>
Cost measure(const Work &work)
{
    std::fflush(stdout);
    int ends[2];
    if (pipe(ends) != 0)
        throw std::runtime_error{"no pipe"};
    const pid_t child = fork();
    if (child == 0) {
        Cost cost;
        const auto before = std::chrono::steady_clock::now();
        try {
            work();
        } catch (const std::exception &error) {
            std::snprintf(cost.said, sizeof cost.said, "%s", error.what());
        }
        cost.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
        cost.processorSeconds = processorSeconds();
        cost.peakMegabytes = peakMegabytes();
        const bool written = write(ends[1], &cost, sizeof cost) == static_cast<ssize_t>(sizeof cost);
        _exit(written ? 0 : 1);
    }
    close(ends[1]);
    Cost cost;
    if (child < 0 || read(ends[0], &cost, sizeof cost) != static_cast<ssize_t>(sizeof cost))
        std::snprintf(cost.said, sizeof cost.said, "the process died");
    close(ends[0]);
    if (child > 0)
        waitpid(child, nullptr, 0);
    return cost;
}

} // namespace

int main(int argc, char **argv)
{
    constexpr double mostMegabytes = 2000;
    CLI::App app{"Measures every analysis on a random trace file, against reading its expert ids"};
    Shape shape;
    std::string folder = std::filesystem::temp_directory_path().string();
    std::vector<std::string> only;
    app.add_option("--folder", folder, "Where the trace is written")->check(CLI::ExistingDirectory);
    app.add_option("--tokens", shape.tokens, "Tokens of the trace")->check(CLI::PositiveNumber);
    app.add_option("--layers", shape.layers, "MoE layers")->check(CLI::PositiveNumber);
    app.add_option("--experts", shape.experts, "Experts per layer")->check(CLI::Range(1, 65534));
    app.add_option("--top", shape.slotCount, "Experts per token")->check(CLI::PositiveNumber);
    app.add_option("--sequence", shape.sequenceTokens, "Tokens per sequence")->check(CLI::PositiveNumber);
    app.add_flag("--logits", shape.logits, "Router logits too");
    app.add_option("--only", only, "Names of the analyses to measure");
    CLI11_PARSE(app, argc, argv);

    const std::filesystem::path file = std::filesystem::path{folder} / "bench_analyses.h5";
    const Cost writing = measure([&] { writeTrace(file, shape); }); // a child too: threads do not survive a fork
    if (writing.said[0]) {
        std::fprintf(stderr, "%s\n", writing.said);
        return 1;
    }
    std::printf("%lld tokens, %d layers, top-%d of %d, %.0f MB, written in %.1f s\n", static_cast<long long>(shape.tokens), shape.layers,
        shape.slotCount, shape.experts, static_cast<double>(std::filesystem::file_size(file)) / 1e6, writing.seconds);
    const Cost reading = measure([&] { forEachBlock(*openTraceFile(file), {}, Progress{}, [](const LayerBlock &) {}); });
    std::printf("%-24s %9s %9s %9s %9s\n", "", "seconds", "CPU s", "x reading", "peak MB");
    std::printf(
        "%-24s %9.2f %9.2f %9.2f %9.0f\n", "reading the ids", reading.seconds, reading.processorSeconds, 1.0, reading.peakMegabytes);
    bool tooMuch = false;
    for (const AnalysisKind &kind : analyses()) {
        if (!only.empty() && std::find(only.begin(), only.end(), kind.id) == only.end())
            continue;
        const Cost cost = measure([&] {
            AnalysisInput input;
            for (int i = 0; i < kind.traces; ++i)
                input.traces.push_back(openTraceFile(file));
            runAnalysis(kind, input, Params{kind.params, settingsOf(kind)}, Progress{});
        });
        const bool over = cost.peakMegabytes > mostMegabytes;
        tooMuch = tooMuch || over;
        std::printf("%-24s %9.2f %9.2f %9.2f %9.0f%s %s\n", std::string{kind.id}.c_str(), cost.seconds, cost.processorSeconds,
            cost.seconds / reading.seconds, cost.peakMegabytes, over ? " too much" : "", cost.said);
        std::fflush(stdout);
    }
    std::filesystem::remove(file);
    if (tooMuch)
        std::fprintf(stderr, "more than %.0f MB\n", mostMegabytes);
    return tooMuch ? 1 : 0;
}
