// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How fast traces are written and read: tokens/s, MB/s of recorded data and CPU time per token, for the shapes of known models.
#include "engine/core/error.h"
#include "engine/core/summary.h"
#include "io/trace_hdf5.h"
#include "tests/engine/core/random_trace.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <numeric>

using namespace expertscope;
using namespace expertscope::test;

namespace {

struct Timing {
    double seconds = 0;
    double cpuSeconds = 0; ///< of all threads of this process
};

template<typename Work>
Timing timed(const Work &work)
{
    const auto cpu = [] {
        timespec time{};
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
    };
    const double cpuBefore = cpu();
    const auto before = std::chrono::steady_clock::now();
    work();
    return {std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count(), cpu() - cpuBefore};
}

void print(const char *what, const Timing &timing, std::int64_t tokens, double bytes)
{
    std::printf("  %-34s %9.0f tokens/s %8.1f MB/s %8.2f us CPU per token\n", what, static_cast<double>(tokens) / timing.seconds,
        bytes / timing.seconds / 1e6, timing.cpuSeconds / static_cast<double>(tokens) * 1e6);
}

void measure(const char *name, int layers, int experts, int slots, bool logits, std::int64_t tokens, const std::filesystem::path &folder)
{
    TraceShape shape;
    shape.experts = experts;
    shape.slotCount = slots;
    shape.layers.resize(static_cast<std::size_t>(layers));
    std::iota(shape.layers.begin(), shape.layers.end(), 0);
    shape.fields.routerLogit = logits;
    const TraceMeta meta = metaOf(shape);
    constexpr std::int64_t blockTokens = 2048;
    std::vector<TraceBlock> blocks; // more than gzip looks back over
    for (std::uint64_t seed = 1; seed <= 3; ++seed)
        blocks.push_back(randomBlock(meta, blockTokens, 0, 0, seed));
    const std::vector<float> mean(static_cast<std::size_t>(layers * experts), 0.5f);
    const double bytes = static_cast<double>(tokens) * layers * (slots * 5.0 + (logits ? experts * 2.0 : 0.0));
    std::printf("%s: %d layers, %d experts, top-%d%s, %lld tokens\n", name, layers, experts, slots, logits ? ", logits" : "",
        static_cast<long long>(tokens));

    const std::filesystem::path file = folder / "bench_trace.h5";
    for (bool compress : {true, false}) {
        const Timing writing = timed([&] {
            const auto sink = createTraceFile(file, {.overwrite = true, .compress = compress});
            sink->begin(meta);
            std::int64_t done = 0;
            for (; done < tokens; done += blockTokens)
                sink->append(blocks[static_cast<std::size_t>(done / blockTokens) % blocks.size()]);
            SequenceInfo info;
            info.labels = {"", ""};
            info.nPrompt = done;
            sink->endSequence(info, mean);
            sink->finish({});
        });
        print(compress ? "write, shuffle + gzip 1" : "write, uncompressed", writing, tokens, bytes);
        std::printf(
            "  %-34s %9.1f bytes/token\n", "file", static_cast<double>(std::filesystem::file_size(file)) / static_cast<double>(tokens));
        const Timing reading = timed([&] {
            summarise(
                *openTraceFile(file), "all", [](const SequenceInfo &) { return "all"; }, Progress{});
        });
        print(compress ? "summarise, shuffle + gzip 1" : "summarise, uncompressed", reading, tokens, bytes);
    }
    std::filesystem::remove(file);
}

} // namespace

int main(int argc, char **argv)
{
    CLI::App app{"Measures writing and reading of routing traces"};
    std::string folder = std::filesystem::temp_directory_path().string();
    std::int64_t tokens = 40960;
    app.add_option("--folder", folder, "Where the files are written")->check(CLI::ExistingDirectory);
    app.add_option("--tokens", tokens, "Tokens per trace")->check(CLI::PositiveNumber);
    CLI11_PARSE(app, argc, argv);
    try {
        measure("OLMoE-1B-7B", 16, 64, 8, false, tokens, folder);
        measure("OLMoE-1B-7B", 16, 64, 8, true, tokens / 4, folder);
        measure("Qwen3-30B-A3B", 48, 128, 8, false, tokens, folder);
    } catch (const Error &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return static_cast<int>(error.kind);
    }
}
