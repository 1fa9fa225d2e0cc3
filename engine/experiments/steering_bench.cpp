// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/steering_bench.h"

#include "engine/core/memory_trace.h"
#include "engine/core/parallel.h"
#include "engine/forward/forward.h"
#include "engine/forward/recorder.h"
#include "engine/forward/run.h"
#include "engine/steering/compiled_recipe.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

namespace expertscope {

namespace {

constexpr std::int64_t headRows = 32; ///< rows of the head's product held at once, [rows, V] twice

/// log of the sum of exponentials of a row.
double logSum(std::span<const float> row)
{
    const double top = static_cast<double>(*std::max_element(row.begin(), row.end()));
    double sum = 0;
    for (float value : row)
        sum += std::exp(static_cast<double>(value) - top);
    return top + std::log(sum);
}

/// KL(p || q) of two rows of logits, nats; what rounding makes negative is 0.
float klDivergence(std::span<const float> p, std::span<const float> q)
{
    const double sumP = logSum(p), sumQ = logSum(q);
    double kl = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        const double logP = static_cast<double>(p[i]) - sumP;
        kl += std::exp(logP) * (logP - (static_cast<double>(q[i]) - sumQ));
    }
    return static_cast<float>(std::max(kl, 0.0));
}

/// What one run of a text gave.
struct TextRun {
    TracePtr trace;
    Buffer normed; ///< [T, H] what the head reads
};

} // namespace

struct SteeringBench::OwnRun : TextRun { };

namespace {

/// steering.kept must be given.
TextRun runText(const Model &model, Backend &backend, const TokenSequence &text, const std::vector<std::string> &labelColumns,
    const Tokenizer *tokenizer, const Steering &steering, const Progress &progress)
{
    const RunSpec spec;
    if (steering.overrides)
        steering.overrides->begin({&text, 1});
    MemoryTrace recording;
    TraceMeta meta = traceMeta(model, backend, spec, steering);
    meta.labelColumns = labelColumns;
    recording.begin(meta);
    Recorder recorder{model, spec.capture, tokenizer, recording, steering.overrides};
    Forward forward{model, backend, steering.overrides, &recorder, steering.log};
    Batch batch;
    batch.append(0, text.tokens, 0, -1);
    const Tensor out = forward.run(batch, nullptr, progress, &steering.kept->batch(0));
    std::vector<std::int32_t> following(text.tokens.begin() + 1, text.tokens.end()), predicted(text.tokens.size());
    following.push_back(-1);
    std::vector<float> next(text.tokens.size());
    backend.logProbs(out, *model.head(), following, next, predicted);
    recorder.finishBatch(batch, next, predicted);
    SequenceInfo info = text.info;
    info.nPrompt = text.nPrompt;
    info.nGenerated = std::ssize(text.tokens) - text.nPrompt;
    recorder.endSequence(0, info);
    recording.finish({});
    TextRun run{recording.snapshot(), backend.allocate(DType::F32, {batch.rows(), model.config().hidden})};
    std::vector<float> values(static_cast<std::size_t>(run.normed.tensor().count()));
    backend.download(out, values);
    backend.upload(values, run.normed.tensor());
    return run;
}

std::vector<float> divergences(const Model &model, Backend &backend, const Tensor &own, const Tensor &steered, const Progress &progress)
{
    const std::int64_t rows = own.shape[0], vocab = model.config().vocab;
    std::vector<float> result(static_cast<std::size_t>(rows));
    const Buffer logits = backend.allocate(DType::F32, {std::min(rows, headRows), vocab});
    std::vector<float> p(static_cast<std::size_t>(logits.tensor().count())), q(p.size());
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
                result[static_cast<std::size_t>(begin) + row] =
                    klDivergence(std::span{p}.subspan(row * width, width), std::span{q}.subspan(row * width, width));
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
    m_ownContinuation.clear();
    m_kept = {};
    m_text = text;
    m_labelColumns = labelColumns;
    checkRun(m_model->config(), {&m_text, 1}, {});
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
    const TextRun steered = runText(*m_model, m_backend, m_text, m_labelColumns, m_tokenizer.get(), steering, progress);
    result.firstLayer = steering.overrides->firstLayer();
    result.baseline = m_own->trace;
    result.steered = steered.trace;
    result.divergence = divergences(*m_model, m_backend, m_own->normed.tensor(), steered.normed.tensor(), progress);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (newTokens > 0) {
        if (std::ssize(m_ownContinuation) != newTokens)
            m_ownContinuation = continuation({}, newTokens, progress);
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
    spec.routingRecipe = "compared"; // nothing is recorded, so no recipe is written anywhere
    const GenerateResult generated =
        generate(*m_model, m_backend, m_text, spec, m_tokenizer.get(), nullptr, {}, progress, compiled.steering());
    std::vector<ContinuationToken> tokens;
    for (const GeneratedToken &token : generated.tokens)
        tokens.push_back({token.id, token.bytes});
    return tokens;
}

} // namespace expertscope
