// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// bench_gpu: proves a backend against the plain one, then measures it. See README.md beside it.
#include "ceilings.h"
#include "engine/core/error.h"
#include "engine/core/memory_plan.h"
#include "measure.h"
#include "model_checks.h"
#include "op_checks.h"
#include "plain_backend.h"
#include "random_model.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <fstream>

using namespace expertscope;

namespace {

struct Options {
    std::string device = "cuda";
    std::string json;
    bool quick = false;
    std::string shape = "olmoe";
    MeasureOptions measure;
    std::int64_t matrixSize = 8192;
    std::int64_t copyMegabytes = 4096;
};

std::unique_ptr<Backend> makeBackend(const Options &options)
{
    return options.device == "cpu" ? makeCpuBackend() : makeCudaBackend();
}

void write(const Options &options, const nlohmann::json &json)
{
    if (!options.json.empty())
        std::ofstream{options.json} << json.dump(1) << '\n';
}

/// Prints what failed and a line a group; 1 if anything did.
int prove(const Options &options)
{
    nlohmann::json json{{"device", makeBackend(options)->info().device}, {"checks", nlohmann::json::array()}};
    std::printf("%s\n", makeBackend(options)->info().device.c_str());
    int failures = 0;
    const auto group = [&](const std::string &title, const std::function<void(const std::function<void(const ModelCheck &)> &)> &run) {
        int count = 0, failed = 0;
        double worst = 0;
        const auto started = std::chrono::steady_clock::now();
        run([&](const ModelCheck &check) {
            ++count;
            worst = std::max(worst, check.error);
            json["checks"].push_back({{"group", title}, {"name", check.name}, {"error", check.error}, {"allowed", check.allowed},
                {"note", check.note}, {"passed", check.passed()}});
            if (!check.passed()) {
                ++failed;
                std::printf(
                    "  FAILED %s: error %.3g, allowed %.3g %s\n", check.name.c_str(), check.error, check.allowed, check.note.c_str());
            }
        });
        failures += failed;
        std::printf("%-24s %4d of %4d passed, largest error %.3g, %.1f s\n", title.c_str(), count - failed, count, worst,
            std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
        std::fflush(stdout);
    };
    for (const OpGroup &ops : opGroups())
        group(std::string{"op "} + ops.name, [&](const Done &done) {
            const auto tested = makeBackend(options);
            PlainBackend plain;
            OpChecker checker{*tested, plain, [&](const OpCheck &check) { done({check.name, check.error, check.allowed, ""}); }};
            try {
                ops.run(checker);
            } catch (const std::exception &error) {
                done({ops.name, 0, 0, error.what()});
            }
        });
    const MakeBackend make = [&options] { return makeBackend(options); };
    group("batch sizes", [&](const Done &done) { checkBatches(make, done); });
    group("kept decode steps", [&](const Done &done) { checkSteps(make, done); });
    group("experts on demand", [&](const Done &done) { checkOnDemand(make, done); });
    if (!options.quick) {
        group("goldens", [&](const Done &done) { checkGoldens(make, done); });
        group("steering", [&](const Done &done) { checkSteering(make, done); });
    }
    json["failures"] = failures;
    write(options, json);
    return failures > 0;
}

int measureAll(const Options &options)
{
    const auto backend = makeBackend(options);
    nlohmann::json json{{"device", backend->info().device}, {"shape", options.shape}, {"figures", nlohmann::json::array()}};
    std::printf("%s\n", backend->info().device.c_str());
    Ceilings ceilings;
    if (options.device == "cuda") {
        ceilings = measureCeilings(options.matrixSize, options.copyMegabytes << 20);
        std::printf("ceilings: %.1f TFLOP/s (bf16, cuBLAS, %lld^3), %.3f TB/s (copy, read + written)\n", ceilings.matrixFlops / 1e12,
            static_cast<long long>(options.matrixSize), ceilings.bandwidth / 1e12);
    }
    json["matrix_flops"] = ceilings.matrixFlops;
    json["bandwidth"] = ceilings.bandwidth;
    const auto started = std::chrono::steady_clock::now();
    const auto files = randomModel(options.shape);
    const auto made = std::chrono::steady_clock::now();
    const auto model = Model::load(files, *backend, {});
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - made).count();
    std::printf("%s: %s of weights made in %.1f s, loaded in %.1f s (%s/s), %s free\n", options.shape.c_str(),
        sizeText(model->weightBytes()).c_str(), std::chrono::duration<double>(made - started).count(), seconds,
        sizeText(static_cast<std::int64_t>(static_cast<double>(model->weightBytes()) / seconds)).c_str(),
        sizeText(backend->info().memoryFreeBytes).c_str());
    json["load_bytes_per_second"] = static_cast<double>(model->weightBytes()) / seconds;
    std::printf("%-8s %6s %-7s %10s %12s %10s %9s\n", "what", "size", "record", "ms", "tokens/s", "of floor", "bound");
    measure(*model, *backend, ceilings, options.measure, [&](const Figure &figure) {
        std::printf("%-8s %6d %-7s %10.3f %12.1f %9.1f%% %9s%s\n", figure.what.c_str(), figure.size, figure.recording.c_str(),
            1e3 * figure.seconds, figure.tokensPerSecond, 100 * figure.fraction(), figure.bound, figure.kept ? "  one graph a step" : "");
        std::fflush(stdout);
        json["figures"].push_back({{"what", figure.what}, {"size", figure.size}, {"recording", figure.recording},
            {"seconds", figure.seconds}, {"tokens_per_second", figure.tokensPerSecond}, {"floor_seconds", figure.floorSeconds},
            {"fraction_of_floor", figure.fraction()}, {"bound", figure.bound}, {"one_graph_a_step", figure.kept}});
        write(options, json); // what was measured stays, should time run out
    });
    if (const std::string experts = backend->info().experts; !experts.empty())
        std::printf("%s\n", experts.c_str());
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    Options options;
    CLI::App app{"Proves and measures the GPU engine"};
    app.require_subcommand(1);
    app.add_option("--device", options.device, "cuda or cpu")->check(CLI::IsMember{{"cuda", "cpu"}})->capture_default_str();
    app.add_option("--json", options.json, "File to write the results to as well");
    CLI::App *proving = app.add_subcommand("prove", "Operations, whole models and steered ones against the plain backend");
    proving->add_flag("--quick", options.quick, "Operations and one small model only, for runs under a checking tool");
    CLI::App *measuring = app.add_subcommand("measure", "Tokens per second, each beside its floor");
    measuring->add_option("--shape", options.shape)->check(CLI::IsMember{randomModelNames()})->capture_default_str();
    measuring->add_option("--prefill", options.measure.prefillTokens, "Tokens")->delimiter(',')->capture_default_str();
    measuring->add_option("--decode", options.measure.decodeBatches, "Sequences side by side")->delimiter(',')->capture_default_str();
    measuring->add_option("--steps", options.measure.decodeSteps)->check(CLI::PositiveNumber)->capture_default_str();
    measuring->add_option("--rounds", options.measure.rounds)->check(CLI::PositiveNumber)->capture_default_str();
    measuring->add_option("--matrix", options.matrixSize, "Rows of the product that is the ceiling")->capture_default_str();
    measuring->add_option("--copy", options.copyMegabytes, "MiB of the copy that is the ceiling")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    try {
        return proving->parsed() ? prove(options) : measureAll(options);
    } catch (const Error &error) { // 5: no GPU here
        std::fprintf(stderr, "%s\n", error.what());
        return static_cast<int>(error.kind);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
