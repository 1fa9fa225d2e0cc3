// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/steering_bench.h"

#include "engine/analysis/agreement_sums.h"
#include "engine/core/memory_trace.h"
#include "engine/core/parallel.h"
#include "engine/forward/run.h"
#include "engine/steering/compiled_recipe.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>

namespace expertscope {

namespace {

constexpr std::int64_t headRows = 32; ///< rows of the head's product held at once, [rows, V] twice

/// What one run of a text gave.
struct TextRun {
    TracePtr trace;
    Buffer normed; ///< [T, H] what the head reads
};

} // namespace

struct SteeringBench::OwnRun : TextRun { };

namespace {

TextRun runText(const Model &model, Backend &backend, const TokenSequence &text, const std::vector<std::string> &labelColumns,
    const Tokenizer *tokenizer, const Steering &steering, const Progress &progress)
{
    RunSpec spec;
    spec.batchTokens = std::max<std::int64_t>(1, std::ssize(text.tokens));
    MemoryTrace recording;
    TraceMeta meta = traceMeta(model, backend, spec, steering);
    meta.labelColumns = labelColumns;
    recording.begin(meta);
    TextRun run{nullptr, backend.allocate(DType::F32, {std::ssize(text.tokens), model.config().hidden})};
    traceSequences(model, backend, {&text, 1}, spec, tokenizer, recording, progress, steering, [&](const Tensor &hidden) {
        std::vector<float> values(static_cast<std::size_t>(hidden.count()));
        backend.download(hidden, values);
        backend.upload(values, run.normed.tensor());
    });
    recording.finish({});
    run.trace = recording.snapshot();
    return run;
}

std::vector<float> divergences(const Model &model, Backend &backend, const Tensor &own, const Tensor &steered, const Progress &progress)
{
    const std::int64_t rows = own.shape[0], vocab = model.config().vocab;
    std::vector<float> result(static_cast<std::size_t>(rows));
    const Buffer logits = backend.allocate(DType::F32, {std::min(rows, headRows), vocab});
    std::vector<float> p(static_cast<std::size_t>(logits.tensor().count())), q(p.size());
    std::vector<std::size_t> everyToken(static_cast<std::size_t>(vocab));
    std::iota(everyToken.begin(), everyToken.end(), std::size_t{0});
    for (std::int64_t begin = 0; begin < rows; begin += headRows) {
        progress.check();
        const std::int64_t count = std::min(headRows, rows - begin);
        const Tensor part = logits.tensor().reshaped({count, vocab});
        const auto size = static_cast<std::size_t>(count * vocab);
        for (const auto &[from, to] : {std::pair{&own, &p}, std::pair{&steered, &q}}) {
            backend.linear(from->rows(begin, begin + count), *model.head(), nullptr, part);
            backend.download(part, std::span{*to}.first(size));
        }
        parallelFor(count, 1, [&](std::int64_t first, std::int64_t end) {
            const auto width = static_cast<std::size_t>(vocab);
            for (auto row = static_cast<std::size_t>(first); row < static_cast<std::size_t>(end); ++row)
                result[static_cast<std::size_t>(begin) + row] = static_cast<float>(
                    softmaxKl(std::span{p}.subspan(row * width, width), std::span{q}.subspan(row * width, width), everyToken));
        });
    }
    return result;
}

} // namespace

SteeringBench::SteeringBench(std::shared_ptr<const Model> model, Backend &backend, std::shared_ptr<const Tokenizer> tokenizer)
    : m_model{std::move(model)}
    , m_backend{backend}
    , m_tokenizer{std::move(tokenizer)}
{
}

SteeringBench::~SteeringBench() = default;

void SteeringBench::setText(const TokenSequence &text, const std::vector<std::string> &labelColumns, const Progress &progress)
{
    if (m_own && text.tokens == m_text.tokens && text.nPrompt == m_text.nPrompt && text.info == m_text.info
        && labelColumns == m_labelColumns)
        return;
    m_own.reset();
    m_ownNewTokens = 0;
    m_kept = {};
    m_text = text;
    m_labelColumns = labelColumns;
    Steering none;
    none.kept = &m_kept;
    m_own = std::make_unique<const OwnRun>(OwnRun{runText(*m_model, m_backend, m_text, m_labelColumns, m_tokenizer.get(), none, progress)});
}

Comparison SteeringBench::compare(const Recipe &recipe, std::int64_t newTokens, const Progress &progress)
{
    CompiledRecipe compiled{recipe, *m_model, m_backend, m_tokenizer.get(), m_labelColumns};
    const auto start = std::chrono::steady_clock::now();
    Comparison result;
    Steering steering = compiled.steering(&result.log);
    steering.kept = &m_kept;
    steering.contrast = {}; // of drawn tokens: the text is given
    const TextRun steered = runText(*m_model, m_backend, m_text, m_labelColumns, m_tokenizer.get(), steering, progress);
    result.firstLayer = steering.overrides->firstLayer();
    result.baseline = m_own->trace;
    result.steered = steered.trace;
    result.divergence = divergences(*m_model, m_backend, m_own->normed.tensor(), steered.normed.tensor(), progress);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (newTokens > 0) {
        if (m_ownNewTokens != newTokens) { // it may have ended before: its length does not tell
            m_ownContinuation = continuation({}, newTokens, progress);
            m_ownNewTokens = newTokens;
        }
        result.baselineContinuation = m_ownContinuation;
        result.steeredContinuation = continuation(recipe, newTokens, progress);
    }
    return result;
}

std::vector<ContinuationToken> SteeringBench::continuation(const Recipe &recipe, std::int64_t newTokens, const Progress &progress) const
{
    RunSpec spec;
    spec.maxNewTokens = newTokens;
    CompiledRecipe compiled{recipe, *m_model, m_backend, m_tokenizer.get(), m_labelColumns};
    const GenerateResult generated =
        generate(*m_model, m_backend, m_text, spec, m_tokenizer.get(), nullptr, {}, progress, compiled.steering());
    std::vector<ContinuationToken> tokens;
    for (const GeneratedToken &token : generated.tokens)
        tokens.push_back({token.id, token.bytes});
    return tokens;
}

} // namespace expertscope
