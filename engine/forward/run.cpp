// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/forward/run.h"

#include "engine/core/error.h"
#include "engine/forward/batch_plan.h"
#include "engine/forward/forward.h"
#include "engine/forward/recorder.h"

#include <algorithm>
#include <numeric>

namespace expertscope {

namespace {

std::string nameOf(const TokenSequence &sequence)
{
    return sequence.info.id.empty() ? "sequence without a name" : "sequence \"" + sequence.info.id + '"';
}

void checkSequence(const ModelConfig &config, const TokenSequence &sequence)
{
    const auto length = static_cast<std::int64_t>(sequence.tokens.size());
    if (length == 0)
        throw Error{ErrorKind::Usage, "there are no tokens to run", nameOf(sequence), "Leave out empty texts"};
    if (length > config.maxPositions)
        throw Error{ErrorKind::Usage,
            "the text has " + std::to_string(length) + " tokens, and the model's context holds " + std::to_string(config.maxPositions),
            nameOf(sequence), "Split the text, or cut it to fewer tokens"};
    for (std::int32_t id : sequence.tokens)
        if (id < 0 || id >= config.vocab)
            throw Error{ErrorKind::Input,
                "token id " + std::to_string(id) + " is outside the model's vocabulary of " + std::to_string(config.vocab),
                nameOf(sequence), "Use the tokenizer.json that belongs to the model"};
}

} // namespace

void checkRun(const ModelConfig &config, std::span<const TokenSequence> sequences, const RunSpec &spec, const Steering &steering)
{
    if (spec.batchTokens < 1)
        throw Error{
            ErrorKind::Usage, "a batch of " + std::to_string(spec.batchTokens) + " tokens cannot be run", "batch size", "Give 1 or more"};
    if ((steering.description == nullptr) != (steering.overrides == nullptr))
        throw Error{ErrorKind::Usage, "the steering of the run and its description for the trace do not belong together", "steering",
            "Give both or neither"};
    for (const TokenSequence &sequence : sequences)
        checkSequence(config, sequence);
}

TraceMeta traceMeta(const Model &model, const Backend &backend, const RunSpec &spec, const Steering &steering)
{
    const BackendInfo device = backend.info();
    TraceMeta meta;
    meta.producer = "Expertscope";
    meta.producerVersion = EXPERTSCOPE_VERSION;
    meta.model = model.info();
    meta.engine = {meta.producer, meta.producerVersion, device.name, device.device,
        model.info().quantisation + " weights, F32 activations and KV cache", {}, spec.sampling.seed};
    if (steering.description)
        meta.routing = *steering.description;
    meta.fields = recordedFields(model, spec.capture, steering.overrides);
    meta.slotCount = recordedSlots(model.config(), steering.overrides);
    meta.experts = model.config().maxExperts();
    meta.layers = model.config().moeLayers();
    return meta;
}

void traceSequences(const Model &model, Backend &backend, std::span<const TokenSequence> sequences, const RunSpec &spec,
    const Tokenizer *tokenizer, TraceSink &sink, const Progress &progress, const Steering &steering,
    const std::function<void(const Tensor &)> &onHidden, std::size_t first)
{
    checkRun(model.config(), sequences, spec, steering);
    if (steering.contrast.weak)
        throw Error{ErrorKind::Usage, "self-contrast changes how tokens are drawn, and a traced text draws none", "routing recipe",
            "Generate with this recipe, or switch self-contrast off"};
    if (steering.overrides)
        steering.overrides->begin(sequences);
    std::vector<std::int64_t> lengths;
    std::int64_t total = 0;
    std::int64_t longestCut = 0;
    for (const TokenSequence &sequence : sequences) {
        lengths.push_back(static_cast<std::int64_t>(sequence.tokens.size()));
        total += lengths.back();
        if (lengths.back() > spec.batchTokens)
            longestCut = std::max(longestCut, lengths.back());
    }
    const std::unique_ptr<KvCache> cache =
        longestCut > 0 ? backend.makeKvCache(cachedLayers(model.config(), steering.overrides), 1, longestCut) : nullptr;

    Recorder recorder{model, spec.capture, tokenizer, sink, steering.overrides};
    Forward forward{model, backend, steering.overrides, &recorder, steering.log};
    std::int64_t done = std::accumulate(lengths.begin(), lengths.begin() + static_cast<std::ptrdiff_t>(first), std::int64_t{0});
    recorder.startAt(done);
    std::size_t batchNumber = 0;
    for (const std::vector<SequencePart> &parts : planBatches(lengths, spec.batchTokens, first)) {
        Batch batch;
        std::vector<std::int32_t> following; // the token after each row
        for (const SequencePart &part : parts) {
            const std::vector<std::int32_t> &tokens = sequences[part.sequence].tokens;
            const auto rows =
                std::span{tokens}.subspan(static_cast<std::size_t>(part.begin), static_cast<std::size_t>(part.end - part.begin));
            batch.append(static_cast<std::int32_t>(part.sequence), rows, part.begin, part.cut ? 0 : -1);
            following.insert(following.end(), rows.begin() + 1, rows.end());
            following.push_back(part.end < lengths[part.sequence] ? tokens[static_cast<std::size_t>(part.end)] : -1);
        }

        KeptBatch *const kept = steering.kept && !cache ? &steering.kept->batch(batchNumber++) : nullptr;
        const Tensor out = forward.run(batch, cache.get(), progress.part(done, total), kept);
        if (onHidden)
            onHidden(out);
        std::vector<float> next;
        std::vector<std::int32_t> predicted;
        if (spec.capture.logprobs) {
            next.resize(batch.tokens.size());
            predicted.resize(batch.tokens.size());
            backend.logProbs(out, *model.head(), following, next, predicted);
        }
        recorder.finishBatch(batch, next, predicted);
        for (const SequencePart &part : parts)
            if (part.end == lengths[part.sequence]) {
                SequenceInfo info = sequences[part.sequence].info;
                info.nPrompt = std::clamp<std::int64_t>(sequences[part.sequence].nPrompt, 0, part.end);
                info.nGenerated = part.end - info.nPrompt;
                recorder.endSequence(static_cast<std::int32_t>(part.sequence), info);
            }
        done += batch.rows();
        progress.report(done, total, "tokens");
    }
}

} // namespace expertscope
