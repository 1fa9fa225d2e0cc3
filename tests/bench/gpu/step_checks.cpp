// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Decode steps that the backend keeps against the same steps operation by operation.
#include "engine/core/error.h"
#include "engine/forward/forward.h"
#include "model_checks.h"
#include "random_model.h"

#include <cmath>

namespace expertscope {

namespace {

/// All numbers of some steps of sequences side by side.
struct Steps {
    std::vector<float> logits; ///< next-token logits
    std::vector<std::int32_t> experts;
    std::vector<float> weights, scores, norms;
    bool kept = false;
};

struct Listener final : ForwardObserver {
    explicit Listener(Steps &to_)
        : to{to_}
    {
    }
    RoutingNeeds routingNeeds() const override { return {true, true, false, true}; }
    bool readsTensors() const override { return false; }
    void onRouting(const Batch &, const RoutingTap &tap) override
    {
        const Assignments &all = tap.routed.assignments;
        to.experts.insert(to.experts.end(), all.expert.begin(), all.expert.end());
        to.weights.insert(to.weights.end(), all.weight.begin(), all.weight.end());
        to.scores.insert(to.scores.end(), tap.routed.softmax.begin(), tap.routed.softmax.end());
        to.norms.insert(to.norms.end(), tap.expertNorms.begin(), tap.expertNorms.end());
    }
    Steps &to;
};

std::vector<std::int32_t> tokensFrom(std::int64_t first, std::int64_t count, int sequence, std::int32_t vocab)
{
    std::vector<std::int32_t> tokens;
    for (std::int64_t t = first; t < first + count; ++t)
        tokens.push_back(static_cast<std::int32_t>((t * 37 + sequence * 101 + 11) % vocab));
    return tokens;
}

Steps stepped(const Model &model, Backend &backend, int sequences, bool mayKeep)
{
    constexpr int count = 8;
    const auto promptOf = [](int s) { return std::int64_t{s % 3 == 0 ? 59 : 1 + s}; }; // the first reaches another page of the cache
    Steps steps;
    Listener listener{steps};
    Forward forward{model, backend, nullptr, &listener};
    const auto cache = backend.makeKvCache(model.config(), sequences, 80);
    Batch prompts;
    for (int s = 0; s < sequences; ++s)
        prompts.append(s, tokensFrom(0, promptOf(s), s, model.config().vocab), 0, s);
    forward.run(prompts, cache.get(), {});
    const Buffer plainLogits = backend.allocate(DType::F32, {sequences, model.config().vocab});
    for (int step = 0; step < count; ++step) {
        Batch batch;
        batch.phase = Phase::Decode;
        for (int s = 0; s < sequences; ++s)
            batch.append(s, tokensFrom(promptOf(s) + step, 1, s, model.config().vocab), promptOf(s) + step, s);
        Tensor logits = plainLogits;
        if (mayKeep)
            logits = forward.step(batch, *cache, {});
        else
            backend.linear(forward.run(batch, cache.get(), {}), *model.head(), nullptr, logits);
        std::vector<float> values(static_cast<std::size_t>(logits.count()));
        backend.download(logits, values);
        steps.logits.insert(steps.logits.end(), values.begin(), values.end());
    }
    steps.kept = forward.keepsStep();
    return steps;
}

double largestDifference(const std::vector<float> &a, const std::vector<float> &b)
{
    double largest = a.size() == b.size() ? 0 : INFINITY;
    for (std::size_t i = 0; i < a.size() && largest < INFINITY; ++i) {
        const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
        largest = std::isnan(difference) ? INFINITY : std::max(largest, difference);
    }
    return largest;
}

} // namespace

void checkSteps(const MakeBackend &make, const Done &done)
{
    const auto backend = make();
    const auto model = Model::load(randomModel("small"), *backend, {});
    for (const int sequences : {1, 3, 9}) {
        ModelCheck check{std::to_string(sequences) + " sequences", 0, 0, ""};
        try {
            const Steps kept = stepped(*model, *backend, sequences, true);
            const Steps plain = stepped(*model, *backend, sequences, false);
            check.error = std::max({largestDifference(kept.logits, plain.logits), largestDifference(kept.weights, plain.weights),
                largestDifference(kept.scores, plain.scores), largestDifference(kept.norms, plain.norms)});
            if (kept.experts != plain.experts)
                check.note = "other experts";
            else if (!kept.kept && backend->info().name == "cuda")
                check.note = "the steps were not kept as a graph";
        } catch (const std::exception &error) {
            check.note = error.what();
        }
        done(check);
    }
}

} // namespace expertscope
