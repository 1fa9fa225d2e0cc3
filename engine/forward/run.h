// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The two things a person does with a loaded model: trace given texts, and generate on from a prompt.
// Both go through the one forward loop and write the same records to a TraceSink. Either can be steered.
#pragma once

#include "engine/core/run_spec.h"
#include "engine/core/token_sequence.h"
#include "engine/forward/kept_layers.h"
#include "engine/forward/model.h"
#include "engine/routing/stages.h"
#include "engine/routing/steering_log.h"

#include <functional>
#include <span>
#include <vector>

namespace expertscope {

class Tokenizer;

/// Contrastive decoding of a model with itself (Shi et al., SCMoE, arXiv:2405.14507).
struct SelfContrast {
    StageOverrides *weak = nullptr; ///< of the second pass; null = no contrast
    double beta = 0.5;
    double alpha = 0.1;
};

/// z = (1 + beta) strong - beta weak for tokens with strong >= ln(alpha) + max strong, else the lowest finite number, whose
/// probability is 0. strong, weak: next-token logits [V].
std::vector<float> contrasted(std::span<const float> strong, std::span<const float> weak, const SelfContrast &how);

/// How a run is steered; not at all by default.
struct Steering {
    StageOverrides *overrides = nullptr; ///< told of the sequences before they are run; used by one run at a time
    const RoutingDescription *description = nullptr; ///< the same for the trace: there is one where there are overrides
    SteeringLog *log = nullptr; ///< what it did is added here; may be null
    SelfContrast contrast = {}; ///< of generate() only
    KeptLayers *kept = nullptr; ///< of earlier runs of the same sequences, whatever their steering; of traceSequences() only; may be null
};

/// TraceMeta of a recording with this model and backend; the caller adds title, history, command line, label columns. Where the model
/// has a tokenizer.json the recording holds the tokens' bytes, so the functions below must then be given the tokenizer.
TraceMeta traceMeta(const Model &model, const Backend &backend, const RunSpec &spec, const Steering &steering = {});

/// Throws as traceSequences and generate do on sequences or a spec that cannot be run, without running anything.
void checkRun(const ModelConfig &config, std::span<const TokenSequence> sequences, const RunSpec &spec, const Steering &steering = {});

/// Runs all sequences, packed into batches of spec.batchTokens, and writes every token to the sink in the given order.
/// A sequence longer than a batch is run in parts through a KV cache. With Steering::kept, layers that come out as they did in the run
/// before are not run again, bit for bit. Calls neither begin() nor finish(). Throws Cancelled between
/// layers; Error (Usage) on a sequence that is empty or longer than the context; Error (Input) on a token id that is not in the vocabulary.
/// first: sequences before it were run by an earlier run with the same sequences, spec and steering, and the sink holds them; where that
/// run ended a batch with the sequence before, batches and numbers are those of one run.
/// onHidden (may be empty) sees [T, H] of each batch after the final norm, what the head reads; valid during the call.
void traceSequences(const Model &model, Backend &backend, std::span<const TokenSequence> sequences, const RunSpec &spec,
    const Tokenizer *tokenizer, TraceSink &sink, const Progress &progress, const Steering &steering = {},
    const std::function<void(const Tensor &)> &onHidden = {}, std::size_t first = 0);

struct GeneratedToken {
    std::int32_t id = 0;
    float logprob = 0; ///< of this token under the model's own distribution (before temperature and filters)
    std::string bytes;
};
struct GenerateResult {
    std::vector<GeneratedToken> tokens; ///< the end-of-text token, if drawn, is the last one
    bool stoppedByEos = false;
    double prefillSeconds = 0, decodeSeconds = 0;
};

/// Prefill of the prompt, then up to spec.maxNewTokens tokens drawn as spec.sampling says. The sink (may be null) receives one
/// sequence: the prompt as Prefill, each drawn token as Decode once it has been run (the last drawn token is not).
/// onToken (may be empty) is called after each draw. Ends early where the context is full. Throws as traceSequences does; when
/// Cancelled, what was run so far is written as a complete, shorter sequence.
/// Generation always starts from the prompt: a recipe that was changed in mid-generation acts on all tokens that are run with it.
GenerateResult generate(const Model &model, Backend &backend, const TokenSequence &prompt, const RunSpec &spec, const Tokenizer *tokenizer,
    TraceSink *sink, const std::function<void(const GeneratedToken &)> &onToken, const Progress &progress, const Steering &steering = {});

} // namespace expertscope
