// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/corpus_tracer.h"

#include "app/appending_sink.h"
#include "app/recording.h"
#include "engine/forward/batch_plan.h"

#include <algorithm>
#include <chrono>

namespace expertscope {

namespace {

constexpr std::int64_t firstSliceTokens = 1024;
constexpr std::int64_t minSliceTokens = 256;
constexpr std::int64_t maxSliceTokens = 32768;
constexpr double sliceSeconds = 1.0;

std::int64_t bytesPerToken(const TraceMeta &meta)
{
    constexpr std::int64_t columns = 64; // ids, position, log-probability, text
    return columns + std::int64_t{meta.moeLayers()} * meta.slotCount * static_cast<std::int64_t>(sizeof(ExpertId) + sizeof(float));
}

std::int64_t logitBytesPerToken(const TraceMeta &meta)
{
    return std::int64_t{meta.moeLayers()} * meta.experts * static_cast<std::int64_t>(sizeof(std::uint16_t));
}

} // namespace

CorpusTracer::CorpusTracer(std::shared_ptr<const Corpus> corpus, TraceBudget budget, std::optional<Recipe> recipe)
    : m_corpus{std::move(corpus)}
    , m_budget{budget}
    , m_recipe{std::move(recipe)}
    , m_sliceTokens{firstSliceTokens}
{
}

void CorpusTracer::begin(EngineThread::Engine &engine, const Progress &progress, const Note &note)
{
    if (!engine.tokenizer)
        throw Error{ErrorKind::Input, "the model has no tokenizer.json, so text cannot be run", engine.model->files().path,
            "Put the model's tokenizer.json into its folder and open it again"};
    if (m_recipe)
        m_compiled.emplace(*m_recipe, *engine.model, *engine.backend, engine.tokenizer.get(), m_corpus->labelColumns);
    std::size_t cutRows = 0, emptyRows = 0;
    for (std::size_t i = 0; i < m_corpus->rows.size(); ++i) {
        progress.check();
        bool cut = false;
        TokenSequence sequence = tokenSequence(m_corpus->rows[i], *engine.tokenizer, engine.model->config().maxPositions, cut);
        if (sequence.tokens.empty()) {
            ++emptyRows;
            continue;
        }
        cutRows += cut;
        m_tokensTotal += static_cast<std::int64_t>(sequence.tokens.size());
        m_sequences.push_back(std::move(sequence));
    }
    if (cutRows)
        note(std::to_string(cutRows) + " sequences are longer than the model's context of "
            + std::to_string(engine.model->config().maxPositions) + " tokens and are cut there.");
    if (emptyRows)
        note(std::to_string(emptyRows) + " rows have no tokens and are left out.");

    TraceMeta meta = traceMeta(*engine.model, *engine.backend, m_spec, steering());
    const std::int64_t fits = m_budget.bytes / bytesPerToken(meta);
    if (m_tokensTotal > fits) {
        std::int64_t kept = 0;
        std::size_t count = 0;
        for (; count < m_sequences.size(); ++count) {
            const auto tokens = static_cast<std::int64_t>(m_sequences[count].tokens.size());
            if (kept + tokens > fits)
                break;
            kept += tokens;
        }
        note("Only the first " + std::to_string(count) + " of " + std::to_string(m_sequences.size())
            + " sequences fit in the memory set aside for a trace; record all of them to a file with \"expertscope trace\" and open that.");
        m_sequences.resize(count);
        m_tokensTotal = kept;
    }
    m_spec.batchTokens = fittingBatchTokens(engine.model->config(), engine.backend->info());
    m_spec.capture.routerLogits = m_tokensTotal * logitBytesPerToken(meta) <= m_budget.logitBytes;
    meta = traceMeta(*engine.model, *engine.backend, m_spec, steering());
    describeRecording(meta, m_corpus->source, "in the window");
    meta.labelColumns = m_corpus->labelColumns;
    m_trace.begin(meta);
    m_checks.begin(meta);
    m_model = engine.model;
}

/// One past the last sequence of the next slice. The first slice is one text in all its languages.
std::size_t CorpusTracer::sliceEnd() const
{
    std::size_t end = m_next;
    const std::string &parallelId = m_sequences[m_next].info.parallelId;
    for (std::int64_t tokens = 0; end < m_sequences.size(); ++end) {
        tokens += static_cast<std::int64_t>(m_sequences[end].tokens.size());
        const bool beyondFirstText = m_next == 0 && !parallelId.empty() && m_sequences[end].info.parallelId != parallelId;
        if (end > m_next && (tokens > m_sliceTokens || beyondFirstText))
            break;
    }
    return end;
}

bool CorpusTracer::slice(EngineThread::Engine &engine, const Progress &progress, const Publish &publish, const Note &note)
{
    if (!m_model)
        begin(engine, progress, note);
    else if (engine.model != m_model)
        return false; // another model was opened: its own recording follows
    if (m_sequences.empty())
        throw Error{ErrorKind::Input, "no row of the corpus has any tokens", m_corpus->source, "Open a corpus with text in it"};

    using Clock = std::chrono::steady_clock;
    const Clock::time_point started = Clock::now();
    const std::int64_t before = m_trace.meta().tokens;
    const std::size_t end = sliceEnd();
    AppendingSink appending{m_trace};
    CheckedSink sink{appending, m_checks};
    try {
        traceSequences(*m_model, *engine.backend, std::span{m_sequences}.subspan(m_next, end - m_next), m_spec, engine.tokenizer.get(),
            sink, progress.part(before, m_tokensTotal), steering());
    } catch (const Cancelled &) {
        if (m_trace.meta().tokens > m_published)
            publish({m_trace.snapshot(), m_tokensTotal, 0, false});
        throw;
    }
    m_next = end;

    const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
    const std::int64_t done = m_trace.meta().tokens;
    const double rate = static_cast<double>(done - before) / std::max(seconds, 1e-6);
    m_sliceTokens = std::clamp(static_cast<std::int64_t>(rate * sliceSeconds), minSliceTokens, maxSliceTokens);
    const bool complete = m_next == m_sequences.size();
    if (complete)
        m_trace.finish(m_checks.rows());
    if (complete || done >= 2 * m_published) {
        m_published = done;
        publish({m_trace.snapshot(), m_tokensTotal, rate, complete});
    }
    return !complete;
}

} // namespace expertscope
