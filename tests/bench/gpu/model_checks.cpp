// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "model_checks.h"

#include "engine/core/error.h"
#include "engine/core/memory_trace.h"
#include "engine/steering/compiled_recipe.h"
#include "golden.h"
#include "io/recipe.h"
#include "plain_backend.h"
#include "random_model.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace expertscope {

namespace {

constexpr double f32Limit = 1e-4;
constexpr double halfLimit = 3e-2;

/// rms of the difference over the rms of the reference.
double rmsError(const std::vector<float> &ours, const std::vector<float> &reference)
{
    if (ours.size() != reference.size())
        return INFINITY;
    std::vector<float> difference(ours.size());
    std::transform(ours.begin(), ours.end(), reference.begin(), difference.begin(), std::minus<>{});
    const double error = rootMeanSquare(difference) / std::max(rootMeanSquare(reference), 1e-30);
    return std::isnan(error) ? INFINITY : error;
}

/// All that a forward pass shows, and the logits of every row.
Capturer captured(const Model &model, Backend &backend, const std::vector<TokenSequence> &sequences, StageOverrides *overrides)
{
    Capturer seen{backend};
    Forward forward{model, backend, overrides, &seen};
    Batch batch;
    for (std::size_t s = 0; s < sequences.size(); ++s)
        batch.append(static_cast<std::int32_t>(s), sequences[s].tokens, 0, -1);
    const Tensor out = forward.run(batch, nullptr, {});
    const Buffer logits = backend.allocate(DType::F32, {batch.rows(), model.config().vocab});
    backend.linear(out, *model.head(), nullptr, logits);
    seen.floats["logits"].resize(static_cast<std::size_t>(logits.tensor().count()));
    backend.download(logits, seen.floats["logits"]);
    return seen;
}

void compareCaptured(const Capturer &ours, const Capturer &reference, bool f32, ModelCheck &check)
{
    for (const auto &[name, values] : reference.floats) {
        const auto found = ours.floats.find(name);
        const bool weights = name.starts_with("gate_weight"); // of other experts, where those differ
        if (weights && !f32)
            continue;
        const double error = found == ours.floats.end() ? INFINITY
            : f32                                       ? largestError(found->second, values)
                                                        : rmsError(found->second, values);
        check.error = std::max(check.error, error);
        if (error > check.allowed && check.note.empty())
            check.note = name + " differs";
    }
    if (f32 && ours.ids != reference.ids && check.note.empty())
        check.note = "other experts";
}

void checkGolden(const std::string &name, const MakeBackend &make, ModelCheck &check)
{
    const Golden golden{name};
    const auto backend = make();
    PlainBackend plain;
    const auto model = Model::load(golden.files(), *backend, {});
    const auto plainModel = Model::load(golden.files(), plain, {});
    const bool f32 = model->info().quantisation == "F32";
    check.allowed = f32 ? f32Limit : halfLimit;
    const Capturer ours = captured(*model, *backend, golden.sequences(), nullptr);
    compareCaptured(ours, captured(*plainModel, plain, golden.sequences(), nullptr), f32, check);
    if (!f32)
        return;
    check.error = std::max(check.error, largestError(ours.floats.at("logits"), golden.floats("logits")));
    const std::vector<std::int32_t> expected = golden.ints("greedy");
    const std::vector<TokenSequence> prompts = golden.sequences();
    RunSpec spec;
    spec.maxNewTokens = static_cast<std::int64_t>(expected.size() / prompts.size());
    std::vector<std::int32_t> generated;
    for (const TokenSequence &prompt : prompts)
        for (const GeneratedToken &token : generate(*model, *backend, prompt, spec, nullptr, nullptr, {}, {}).tokens)
            generated.push_back(token.id);
    if (generated != expected && check.note.empty())
        check.note = "another greedy continuation";
}

/// What went wrong becomes the note of the check.
void guarded(ModelCheck check, const Done &done, const std::function<void(ModelCheck &)> &run)
{
    try {
        run(check);
    } catch (const std::exception &error) {
        check.note = error.what();
    }
    done(check);
}

struct TracedBatch {
    std::vector<ExpertId> ids; ///< [M, T, K]
    std::vector<float> logits; ///< [M, T, E]
};

TracedBatch traced(const Model &model, Backend &backend, const std::vector<TokenSequence> &sequences, std::int64_t batchTokens)
{
    RunSpec spec;
    spec.batchTokens = batchTokens;
    spec.capture.routerLogits = true;
    MemoryTrace trace;
    trace.begin(traceMeta(model, backend, spec));
    traceSequences(model, backend, sequences, spec, nullptr, trace, {});
    trace.finish({});
    TracedBatch all;
    const TraceMeta &meta = trace.meta();
    const auto tokens = static_cast<std::size_t>(meta.tokens);
    for (int layer = 0; layer < meta.moeLayers(); ++layer) {
        std::vector<ExpertId> ids(tokens * static_cast<std::size_t>(meta.slotCount));
        std::vector<float> logits(tokens * static_cast<std::size_t>(meta.experts));
        trace.expertIds({0, meta.tokens}, layer, ids);
        trace.routerLogits({0, meta.tokens}, layer, logits);
        all.ids.insert(all.ids.end(), ids.begin(), ids.end());
        all.logits.insert(all.logits.end(), logits.begin(), logits.end());
    }
    return all;
}

/// The widest margin of a choice that came out differently.
double widestFlip(const TracedBatch &a, const TracedBatch &b, std::size_t slotCount, std::size_t experts)
{
    double widest = 0;
    for (std::size_t row = 0; row * slotCount < a.ids.size(); ++row) {
        std::vector<ExpertId> left(&a.ids[row * slotCount], &a.ids[row * slotCount] + slotCount);
        std::vector<ExpertId> right(&b.ids[row * slotCount], &b.ids[row * slotCount] + slotCount);
        std::sort(left.begin(), left.end());
        std::sort(right.begin(), right.end());
        if (left == right)
            continue;
        double chosen = INFINITY, other = -INFINITY;
        for (std::size_t e = 0; e < experts; ++e) {
            const auto logit = static_cast<double>(a.logits[row * experts + e]);
            if (std::binary_search(left.begin(), left.end(), static_cast<ExpertId>(e)))
                chosen = std::min(chosen, logit);
            else
                other = std::max(other, logit);
        }
        widest = std::max(widest, chosen - other);
    }
    return widest;
}

} // namespace

void checkGoldens(const MakeBackend &make, const Done &done)
{
    for (const std::string &name : Golden::names())
        guarded({name, 0, f32Limit, ""}, done, [&](ModelCheck &check) { checkGolden(name, make, check); });
}

void checkSteering(const MakeBackend &make, const Done &done)
{
    const std::filesystem::path data = testData() + "/steering";
    for (const char *family : {"olmoe", "mixtral", "qwen2_moe", "qwen3_moe"}) {
        std::vector<std::filesystem::path> recipes;
        for (const char *folder : {"recipes", family})
            for (const auto &entry : std::filesystem::directory_iterator{data / folder})
                if (entry.path().extension() == ".json")
                    recipes.push_back(entry.path());
        std::sort(recipes.begin(), recipes.end());
        const auto backend = make();
        PlainBackend plain;
        const Golden golden{family};
        const auto model = Model::load(golden.files(), *backend, {});
        const auto plainModel = Model::load(golden.files(), plain, {});
        for (const auto &file : recipes)
            guarded({std::string{family} + ", " + file.stem().string(), 0, f32Limit, ""}, done, [&](ModelCheck &check) {
                const Recipe recipe = readRecipe(file);
                std::vector<TokenSequence> texts = golden.sequences();
                for (std::size_t s = 0; s < texts.size(); ++s) {
                    texts[s].info.language = s % 2 ? "fr" : "en";
                    texts[s].nPrompt = (texts[s].nPrompt + 1) / 2;
                }
                const auto steered = [&](const Model &of, Backend &on) {
                    RecipeOverrides overrides{recipe, of, on, nullptr};
                    overrides.begin(texts);
                    return captured(of, on, texts, &overrides);
                };
                compareCaptured(steered(*model, *backend), steered(*plainModel, plain), true, check);
            });
    }
}

void checkBatches(const MakeBackend &make, const Done &done)
{
    const auto backend = make();
    const auto model = Model::load(randomModel("small"), *backend, {});
    std::vector<TokenSequence> sequences;
    for (int s = 0; s < 5; ++s) {
        TokenSequence &sequence = sequences.emplace_back();
        sequence.info.id = "s" + std::to_string(s);
        for (int t = 0; t < 5 + 6 * s; ++t)
            sequence.tokens.push_back((t * 37 + s * 101 + 11) % model->config().vocab);
        sequence.nPrompt = std::ssize(sequence.tokens);
    }
    const TracedBatch whole = traced(*model, *backend, sequences, 4096);
    for (const std::int64_t tokens : {40, 9})
        guarded({"batches of " + std::to_string(tokens) + ": widest margin of another choice", 0, 1e-2, ""}, done, [&](ModelCheck &check) {
            const TracedBatch cut = traced(*model, *backend, sequences, tokens);
            check.error = widestFlip(
                whole, cut, static_cast<std::size_t>(model->config().maxTopK()), static_cast<std::size_t>(model->config().maxExperts()));
        });
}

} // namespace expertscope
