// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/error.h"
#include "engine/forward/forward.h"
#include "engine/forward/recorder.h"
#include "engine/forward/run.h"
#include "engine/forward/sampler.h"
#include "engine/text/tokenizer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>

namespace expertscope {

namespace {

constexpr float unknown = std::numeric_limits<float>::quiet_NaN();

double secondsSince(std::chrono::steady_clock::time_point start)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// One running sequence: its KV cache, its record, and the logits after its last token.
class Generation {
public:
    Generation(const Model &model, Backend &backend, const RunSpec &spec, std::int64_t total, const Tokenizer *tokenizer, TraceSink *sink,
        const Steering &steering)
        : m_model{model}
        , m_backend{backend}
        , m_spec{spec}
        , m_total{total}
        , m_overrides{steering.overrides}
        , m_recorder{sink ? std::make_optional<Recorder>(model, spec.capture, tokenizer, *sink, m_overrides) : std::nullopt}
        , m_forward{model, backend, m_overrides, m_recorder ? &*m_recorder : nullptr, steering.log}
        , m_cache{backend.makeKvCache(cachedLayers(model.config(), m_overrides), 1, total)}
        , m_deviceLogits{backend.allocate(DType::F32, {1, model.config().vocab})}
        , m_logits(static_cast<std::size_t>(model.config().vocab))
    {
    }

    void prefill(std::span<const std::int32_t> tokens, const Progress &progress)
    {
        const auto total = static_cast<std::int64_t>(tokens.size());
        while (m_past < total) {
            const auto begin = static_cast<std::size_t>(m_past);
            const std::size_t count = static_cast<std::size_t>(std::min(m_spec.batchTokens, total - m_past));
            std::vector<std::int32_t> following(tokens.begin() + static_cast<std::ptrdiff_t>(begin) + 1,
                tokens.begin() + static_cast<std::ptrdiff_t>(std::min(begin + count + 1, tokens.size())));
            following.resize(count, -1);
            run(tokens.subspan(begin, count), following, Phase::Prefill, progress);
            m_prefilled = m_past;
        }
    }

    void decode(std::int32_t token, const Progress &progress)
    {
        if (m_overrides)
            m_overrides->append(0, token);
        run({&token, 1}, {-1}, Phase::Decode, progress);
    }

    /// Logits after the last token that was run.
    std::span<const float> logits() const { return m_logits; }
    void setNextLogprob(float logprob)
    {
        if (m_recorder)
            m_recorder->setNextLogprob(0, logprob);
    }
    void end(SequenceInfo info)
    {
        if (!m_recorder || m_past == 0)
            return;
        info.nPrompt = m_prefilled;
        info.nGenerated = m_past - m_prefilled;
        m_recorder->endSequence(0, info);
    }

private:
    void run(std::span<const std::int32_t> tokens, const std::vector<std::int32_t> &following, Phase phase, const Progress &progress)
    {
        Batch batch;
        batch.phase = phase;
        batch.append(0, tokens, m_past, 0);
        const Progress part = progress.part(m_past, m_total);
        Tensor out; // [T, H] of a prefill
        if (phase == Phase::Decode)
            m_backend.download(m_forward.step(batch, *m_cache, part), m_logits);
        else {
            out = m_forward.run(batch, m_cache.get(), part);
            m_backend.linear(out.rows(batch.rows() - 1, batch.rows()), *m_model.head(), nullptr, m_deviceLogits);
            m_backend.download(m_deviceLogits, m_logits);
        }
        if (m_recorder)
            record(batch, out, following);
        m_past += batch.rows();
    }

    void record(const Batch &batch, const Tensor &out, const std::vector<std::int32_t> &following)
    {
        std::vector<float> next;
        std::vector<std::int32_t> predicted;
        if (m_spec.capture.logprobs) {
            next.assign(batch.tokens.size(), unknown);
            predicted.resize(batch.tokens.size());
            const auto before = static_cast<std::size_t>(batch.rows() - 1); // the last row's logits are at hand
            if (following.back() >= 0)
                next.back() = static_cast<float>(logProbability(m_logits, following.back()));
            predicted.back() = static_cast<std::int32_t>(std::max_element(m_logits.begin(), m_logits.end()) - m_logits.begin());
            if (before > 0)
                m_backend.logProbs(out.rows(0, batch.rows() - 1), *m_model.head(), std::span{following}.first(before),
                    std::span{next}.first(before), std::span{predicted}.first(before));
        }
        m_recorder->finishBatch(batch, next, predicted);
    }

    const Model &m_model;
    Backend &m_backend;
    const RunSpec &m_spec;
    std::int64_t m_total; ///< tokens that will have been run at most, and what the cache holds
    StageOverrides *m_overrides;
    std::optional<Recorder> m_recorder;
    Forward m_forward;
    std::unique_ptr<KvCache> m_cache;
    Buffer m_deviceLogits; ///< [1, V]
    std::vector<float> m_logits; ///< [V]
    std::int64_t m_past = 0; ///< tokens run
    std::int64_t m_prefilled = 0;
};

} // namespace

std::vector<float> contrasted(std::span<const float> strong, std::span<const float> weak, const SelfContrast &how)
{
    const double bar = static_cast<double>(*std::max_element(strong.begin(), strong.end())) + std::log(how.alpha);
    std::vector<float> z(strong.size());
    for (std::size_t i = 0; i < z.size(); ++i)
        z[i] = static_cast<double>(strong[i]) < bar
            ? std::numeric_limits<float>::lowest()
            : static_cast<float>((1 + how.beta) * static_cast<double>(strong[i]) - how.beta * static_cast<double>(weak[i]));
    return z;
}

GenerateResult generate(const Model &model, Backend &backend, const TokenSequence &prompt, const RunSpec &spec, const Tokenizer *tokenizer,
    TraceSink *sink, const std::function<void(const GeneratedToken &)> &onToken, const Progress &progress, const Steering &steering)
{
    checkRun(model.config(), {&prompt, 1}, spec, steering);
    if (steering.overrides) {
        TokenSequence whole = prompt;
        whole.nPrompt = std::ssize(prompt.tokens); // as it is recorded
        steering.overrides->begin({&whole, 1});
        if (steering.contrast.weak)
            steering.contrast.weak->begin({&whole, 1});
    }
    Sampler sampler{spec.sampling};
    const auto length = static_cast<std::int64_t>(prompt.tokens.size());
    const std::int64_t most = std::clamp<std::int64_t>(spec.maxNewTokens, 0, model.config().maxPositions - length);
    const std::int64_t total = length + std::max<std::int64_t>(most - 1, 0); // the last token drawn is not run
    Generation run{model, backend, spec, total, tokenizer, sink, steering};
    std::optional<Generation> weak;
    if (steering.contrast.weak)
        weak.emplace(model, backend, spec, total, nullptr, nullptr, Steering{.overrides = steering.contrast.weak});
    GenerateResult result;
    try {
        const auto start = std::chrono::steady_clock::now();
        run.prefill(prompt.tokens, progress);
        if (weak)
            weak->prefill(prompt.tokens, Progress{progress.stopToken()});
        result.prefillSeconds = secondsSince(start);

        const auto decodeStart = std::chrono::steady_clock::now();
        for (std::int64_t drawn = 0; drawn < most; ++drawn) {
            if (drawn > 0)
                run.decode(result.tokens.back().id, progress);
            if (weak && drawn > 0)
                weak->decode(result.tokens.back().id, Progress{progress.stopToken()});
            GeneratedToken token;
            token.id = sampler.draw(weak ? contrasted(run.logits(), weak->logits(), steering.contrast) : run.logits());
            token.logprob = static_cast<float>(logProbability(run.logits(), token.id));
            token.bytes = tokenizer ? tokenizer->tokenBytes(token.id) : std::string{};
            run.setNextLogprob(token.logprob);
            result.tokens.push_back(token);
            if (onToken)
                onToken(token);
            progress.report(length + drawn, total, "tokens");
            progress.check();
            const std::vector<std::int32_t> &eos = model.config().eosIds;
            result.stoppedByEos = std::find(eos.begin(), eos.end(), token.id) != eos.end();
            if (result.stoppedByEos)
                break;
        }
        result.decodeSeconds = secondsSince(decodeStart);
    } catch (const Cancelled &) {
        run.end(prompt.info);
        throw;
    }
    run.end(prompt.info);
    return result;
}

} // namespace expertscope
