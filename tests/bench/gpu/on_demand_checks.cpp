// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A model whose experts come and go against the same one with all of them in place.
#include "engine/core/memory_trace.h"
#include "engine/forward/run.h"
#include "model_checks.h"
#include "random_model.h"

#include <cstdlib>

namespace expertscope {

namespace {

constexpr const char *limitVariable = "EXPERTSCOPE_CUDA_MEMORY";

struct Traced {
    std::vector<ExpertId> ids; ///< [M, T, K]
    std::vector<float> logits; ///< [M, T, E]
};

Traced traced(const Model &model, Backend &backend)
{
    std::vector<TokenSequence> sequences(3);
    for (int s = 0; s < 3; ++s) {
        sequences[static_cast<std::size_t>(s)].info.id = "s" + std::to_string(s);
        for (int t = 0; t < 3 + 7 * s; ++t)
            sequences[static_cast<std::size_t>(s)].tokens.push_back((t * 37 + s * 101 + 11) % model.config().vocab);
    }
    RunSpec spec;
    spec.batchTokens = 6;
    spec.capture.routerLogits = true;
    MemoryTrace trace;
    trace.begin(traceMeta(model, backend, spec));
    traceSequences(model, backend, sequences, spec, nullptr, trace, {});
    trace.finish({});
    const TraceMeta &meta = trace.meta();
    const auto layers = static_cast<std::size_t>(meta.moeLayers());
    const auto perLayer = static_cast<std::size_t>(meta.tokens);
    Traced all{std::vector<ExpertId>(layers * perLayer * static_cast<std::size_t>(meta.slotCount)),
        std::vector<float>(layers * perLayer * static_cast<std::size_t>(meta.experts))};
    for (std::size_t m = 0; m < layers; ++m) {
        const std::size_t ids = all.ids.size() / layers, logits = all.logits.size() / layers;
        trace.expertIds({0, meta.tokens}, static_cast<int>(m), std::span{all.ids}.subspan(m * ids, ids));
        trace.routerLogits({0, meta.tokens}, static_cast<int>(m), std::span{all.logits}.subspan(m * logits, logits));
    }
    return all;
}

} // namespace

void checkOnDemand(const MakeBackend &make, const Done &done)
{
    const auto backend = make();
    if (backend->info().name != "cuda")
        return;
    ModelCheck check{"experts on demand", 0, 0, ""};
    try {
        const auto files = randomModel("small");
        Traced whole;
        {
            const auto model = Model::load(files, *backend, {});
            whole = traced(*model, *backend);
        }
        // Less and less memory, until not all experts fit.
        setenv(limitVariable, "1", 1);
        const double used = 1 - static_cast<double>(backend->info().memoryFreeBytes) / 1e9;
        check.note = "all experts fit in any memory";
        for (double left = 0.002; left > 1e-5 && !check.note.empty(); left *= 0.95) {
            setenv(limitVariable, std::to_string(used + left).c_str(), 1);
            const auto model = Model::load(files, *backend, {});
            if (backend->info().experts.empty())
                continue;
            const Traced parts = traced(*model, *backend);
            check.name += " (" + backend->info().experts + ")";
            check.note = parts.ids == whole.ids && parts.logits == whole.logits ? "" : "another trace";
            break;
        }
    } catch (const std::exception &error) {
        check.note = error.what();
    }
    unsetenv(limitVariable);
    done(check);
}

} // namespace expertscope
