// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// bench_cpu: tokens/s of prefill and decode on a model folder, with recording off, of ids + weights, and of full logits.
// The modes take turns within every round, so that what else the machine does falls on all of them alike.
#include "engine/core/memory_trace.h"
#include "engine/core/parallel.h"
#include "engine/forward/forward.h"
#include "engine/forward/recorder.h"
#include "engine/forward/run.h"
#include "io/model_folder.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

using namespace expertscope;

namespace {

struct Options {
    std::string model;
    std::string modes = "off,weights,logits";
    int promptTokens = 512;
    int newTokens = 128;
    int rounds = 5;
    int threads = 0;
    std::uint64_t seed = 1;
    bool json = false;
};

struct Mode {
    std::string name;
    bool record;
    Capture capture;
};

std::vector<Mode> modes(const std::string &wanted)
{
    Capture weights;
    weights.logprobs = false; // the head on every row is work of its own, not recording
    Capture logits = weights;
    logits.routerLogits = true;
    std::vector<Mode> chosen;
    for (const Mode &mode : {Mode{"off", false, {}}, Mode{"weights", true, weights}, Mode{"logits", true, logits}})
        if (("," + wanted + ",").find("," + mode.name + ",") != std::string::npos)
            chosen.push_back(mode);
    return chosen;
}

double seconds(clockid_t clock)
{
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// CPU seconds all processes together have used, as the kernel counts them.
double machineCpuSeconds()
{
    std::ifstream stat{"/proc/stat"};
    std::string cpu;
    double user = 0;
    double nice = 0;
    double system = 0;
    stat >> cpu >> user >> nice >> system;
    return (user + nice + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// Rates of one kind of run, tokens per second of wall time and of CPU time.
struct Rates {
    std::vector<double> wall;
    std::vector<double> cpu;
    static double best(std::vector<double> values) { return values.empty() ? 0 : *std::max_element(values.begin(), values.end()); }
    static double median(std::vector<double> values)
    {
        std::sort(values.begin(), values.end());
        return values.empty() ? 0 : values[values.size() / 2];
    }
};

class Bench {
public:
    Bench(const Model &model, Backend &backend, const Options &options)
        : m_model{model}
        , m_backend{backend}
        , m_options{options}
        , m_logits{backend.allocate(DType::F32, {1, model.config().vocab})}
    {
        std::mt19937_64 random{options.seed};
        for (int t = 0; t < options.promptTokens + options.newTokens; ++t)
            m_tokens.push_back(static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(model.config().vocab)));
    }

    void round(const Mode &mode, Rates &prefill, Rates &decode)
    {
        RunSpec spec;
        spec.capture = mode.capture;
        MemoryTrace trace;
        trace.begin(traceMeta(m_model, m_backend, spec));
        std::optional<Recorder> recorder;
        if (mode.record)
            recorder.emplace(m_model, mode.capture, nullptr, trace);
        Forward forward{m_model, m_backend, nullptr, recorder ? &*recorder : nullptr};
        const auto run = [&](std::size_t first, std::size_t count, std::size_t past, Phase phase, KvCache &cache) {
            Batch batch;
            batch.phase = phase;
            batch.append(0, std::span{m_tokens}.subspan(first, count), static_cast<std::int64_t>(past), 0);
            const Tensor out = forward.run(batch, &cache, {});
            m_backend.linear(out.rows(batch.rows() - 1, batch.rows()), *m_model.head(), nullptr, m_logits);
            if (recorder)
                recorder->finishBatch(batch, {}, {});
        };
        const auto prompt = static_cast<std::size_t>(m_options.promptTokens);
        const auto fresh = static_cast<std::size_t>(m_options.newTokens);
        if (prompt > 0) {
            const auto cache = m_backend.makeKvCache(m_model.config(), 1, m_options.promptTokens);
            time(prefill, prompt, [&] { run(0, prompt, 0, Phase::Prefill, *cache); });
        }
        if (fresh > 0) { // from an empty context, as other programs measure it
            const auto cache = m_backend.makeKvCache(m_model.config(), 1, m_options.newTokens);
            time(decode, fresh, [&] {
                for (std::size_t t = 0; t < fresh; ++t)
                    run(prompt + t, 1, t, Phase::Decode, *cache);
            });
        }
    }

private:
    template<typename Work>
    static void time(Rates &rates, std::size_t tokens, const Work &work)
    {
        const double wall = seconds(CLOCK_MONOTONIC);
        const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
        work();
        rates.wall.push_back(static_cast<double>(tokens) / (seconds(CLOCK_MONOTONIC) - wall));
        rates.cpu.push_back(static_cast<double>(tokens) / (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu));
    }

    const Model &m_model;
    Backend &m_backend;
    const Options &m_options;
    Buffer m_logits; ///< [1, V]
    std::vector<std::int32_t> m_tokens;
};

void print(const Options &options, const std::string &device, const std::vector<Mode> &chosen,
    std::map<std::string, std::pair<Rates, Rates>> &results, double foreignShare)
{
    if (options.json) {
        std::printf("{\"device\": \"%s\", \"foreign_cpu\": %.4f, \"modes\": {", device.c_str(), foreignShare);
        for (std::size_t m = 0; m < chosen.size(); ++m) {
            const auto &[prefill, decode] = results[chosen[m].name];
            std::printf("%s\"%s\": {\"prefill\": %.2f, \"decode\": %.2f, \"prefill_best\": %.2f, \"decode_best\": %.2f, "
                        "\"prefill_per_cpu_s\": %.2f, \"decode_per_cpu_s\": %.2f}",
                m ? ", " : "", chosen[m].name.c_str(), Rates::median(prefill.wall), Rates::median(decode.wall), Rates::best(prefill.wall),
                Rates::best(decode.wall), Rates::best(prefill.cpu), Rates::best(decode.cpu));
        }
        std::printf("}}\n");
        return;
    }
    std::printf("%s\n%d prompt tokens, %d new tokens, %d rounds; other programs used %.0f %% of the CPU meanwhile\n", device.c_str(),
        options.promptTokens, options.newTokens, options.rounds, 100 * foreignShare);
    std::printf("%-10s %28s %28s\n%-10s %10s %8s %8s %10s %8s %8s\n", "recording", "prefill tokens/s", "decode tokens/s", "", "best",
        "median", "per CPU s", "best", "median", "per CPU s");
    for (const Mode &mode : chosen) {
        const auto &[prefill, decode] = results[mode.name];
        std::printf("%-10s %10.1f %8.1f %8.1f %10.1f %8.1f %8.1f\n", mode.name.c_str(), Rates::best(prefill.wall),
            Rates::median(prefill.wall), Rates::best(prefill.cpu), Rates::best(decode.wall), Rates::median(decode.wall),
            Rates::best(decode.cpu));
    }
}

void run(const Options &options)
{
    if (options.threads > 0)
        setThreadCount(options.threads);
    const auto backend = makeCpuBackend();
    const auto model = Model::load(openModelFolder(options.model), *backend, {});
    const std::vector<Mode> chosen = modes(options.modes);
    Bench bench{*model, *backend, options};
    Rates warmUp; // weights come into memory, scratch grows
    for (const Mode &mode : chosen)
        bench.round(mode, warmUp, warmUp);

    std::map<std::string, std::pair<Rates, Rates>> results;
    const double wall = seconds(CLOCK_MONOTONIC);
    const double machine = machineCpuSeconds();
    const double own = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int r = 0; r < options.rounds; ++r)
        for (const Mode &mode : chosen)
            bench.round(mode, results[mode.name].first, results[mode.name].second);
    const double cores = static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
    const double foreign = (machineCpuSeconds() - machine) - (seconds(CLOCK_PROCESS_CPUTIME_ID) - own);
    print(options, backend->info().device, chosen, results, std::max(0.0, foreign / (cores * (seconds(CLOCK_MONOTONIC) - wall))));
}

} // namespace

int main(int argc, char **argv)
{
    Options options;
    CLI::App app{"Tokens per second of the CPU engine, by what is recorded"};
    app.add_option("model", options.model, "Model folder")->required();
    app.add_option("-p,--prompt", options.promptTokens, "Prompt tokens (0 = no prefill)")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("-n,--new", options.newTokens, "New tokens (0 = no decode)")->capture_default_str()->check(CLI::NonNegativeNumber);
    app.add_option("-r,--rounds", options.rounds, "Rounds of all modes")->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("-t,--threads", options.threads, "Threads (0 = one per core)")->capture_default_str()->check(CLI::NonNegativeNumber);
    app.add_option("-m,--modes", options.modes, "Of off, weights, logits")->capture_default_str();
    app.add_flag("--json", options.json, "One line of JSON for compare_cpu.py");
    CLI11_PARSE(app, argc, argv);
    try {
        run(options);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
