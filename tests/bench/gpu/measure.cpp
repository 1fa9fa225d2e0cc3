// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "measure.h"

#include "engine/forward/forward.h"
#include "engine/forward/recorder.h"
#include "engine/forward/run.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <random>

namespace expertscope {

namespace {

using Clock = std::chrono::steady_clock;

/// Takes a recording and keeps nothing of it: what is measured is the making.
class NoSink final : public TraceSink {
public:
    void begin(const TraceMeta &) override { }
    void append(const TraceBlock &) override { }
    void endSequence(const SequenceInfo &, std::span<const float>) override { }
    void finish(std::span<const TraceCheck>) override { }
};

struct Mode {
    const char *name;
    bool record;
    Capture capture;
};

std::vector<Mode> modes()
{
    Capture ids;
    ids.logprobs = false; // the head on every row is work of its own, not recording
    Capture logits = ids;
    logits.routerLogits = true;
    return {{"off", false, {}}, {"ids", true, ids}, {"logits", true, logits}};
}

class Runner {
public:
    Runner(const Model &model, Backend &backend, const Mode &mode)
        : m_model{model}
        , m_backend{backend}
    {
        if (mode.record)
            m_recorder.emplace(model, mode.capture, nullptr, m_sink);
        m_forward.emplace(model, backend, nullptr, m_recorder ? &*m_recorder : nullptr);
    }

    /// The sequences from their start, and the head on the last row.
    void prefill(int sequences, int rows)
    {
        const Batch batch = next(sequences, rows, 0, false);
        run(batch, nullptr, 1);
        finish(batch);
    }
    /// A row and its logits for each sequence; all at once if the backend can and `mayKeep`.
    void step(int sequences, int past, KvCache &cache, bool mayKeep)
    {
        Batch batch = next(sequences, 1, past, true);
        batch.phase = Phase::Decode;
        if (mayKeep)
            wait(m_forward->step(batch, cache, {}));
        else
            run(batch, &cache, sequences);
        finish(batch);
    }
    bool keepsStep() const { return m_forward->keepsStep(); }

private:
    /// Random tokens.
    Batch next(int sequences, int rows, int past, bool cached)
    {
        Batch batch;
        for (int s = 0; s < sequences; ++s) {
            std::vector<std::int32_t> tokens(static_cast<std::size_t>(rows));
            for (std::int32_t &token : tokens)
                token = static_cast<std::int32_t>(m_random() % static_cast<std::uint64_t>(m_model.config().vocab));
            batch.append(s, tokens, past, cached ? s : -1);
        }
        return batch;
    }
    /// All layers, and the head on the last rows.
    void run(const Batch &batch, KvCache *cache, std::int64_t headRows)
    {
        const Tensor out = m_forward->run(batch, cache, {});
        if (headRows != m_logitRows) {
            m_logits = m_backend.allocate(DType::F32, {headRows, m_model.config().vocab});
            m_logitRows = headRows;
        }
        m_backend.linear(out.rows(batch.rows() - headRows, batch.rows()), *m_model.head(), nullptr, m_logits);
        wait(m_logits);
    }
    /// One logit to the host, which waits for everything.
    void wait(const Tensor &logits)
    {
        std::array<float, 1> first{};
        m_backend.download(logits, first);
    }
    void finish(const Batch &batch)
    {
        if (m_recorder)
            m_recorder->finishBatch(batch, {}, {});
    }

    const Model &m_model;
    Backend &m_backend;
    NoSink m_sink;
    std::optional<Recorder> m_recorder;
    std::optional<Forward> m_forward;
    Buffer m_logits;
    std::int64_t m_logitRows = 0;
    std::mt19937_64 m_random{42};
};

double medianSeconds(const MeasureOptions &options, const std::function<void()> &work)
{
    std::vector<double> seconds;
    const Clock::time_point begun = Clock::now();
    for (int round = 0; round < options.rounds; ++round) {
        const Clock::time_point started = Clock::now();
        work();
        seconds.push_back(std::chrono::duration<double>(Clock::now() - started).count());
        if (std::chrono::duration<double>(Clock::now() - begun).count() > options.secondsPerFigure)
            break;
    }
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 2];
}

Figure figure(const char *what, const Mode &mode, int size, double seconds, double tokens, const Work &work, const Ceilings &ceilings)
{
    Figure made{.what = what, .recording = mode.name, .size = size, .seconds = seconds, .tokensPerSecond = tokens / seconds};
    if (ceilings.matrixFlops > 0 && ceilings.bandwidth > 0) {
        const double operations = work.operations / ceilings.matrixFlops;
        const double bytes = work.bytes / ceilings.bandwidth;
        made.floorSeconds = std::max(operations, bytes);
        made.bound = bytes > operations ? "bytes" : "operations";
    }
    return made;
}

} // namespace

Work workOf(const ModelConfig &config, std::int64_t sequences, std::int64_t rowsPerSequence, std::int64_t past, std::int64_t headRows)
{
    constexpr double weightBytes = 2;
    constexpr double keyBytes = 4; // the cache is f32
    const auto rows = static_cast<double>(sequences * rowsPerSequence);
    const auto hidden = static_cast<double>(config.hidden);
    Work work;
    const auto product = [&work](double parameters, double rowsOfIt) {
        work.operations += 2 * parameters * rowsOfIt;
        work.bytes += weightBytes * parameters;
    };
    for (const LayerConfig &layer : config.layers) {
        const auto queries = static_cast<double>(std::int64_t{layer.attention.heads} * layer.attention.headDim);
        const auto keys = static_cast<double>(std::int64_t{layer.attention.kvHeads} * layer.attention.headDim);
        product(hidden * (2 * queries + 2 * keys), rows);
        // each row attends to what came before it in its sequence, and itself
        const double pairs = static_cast<double>(sequences)
            * (static_cast<double>(rowsPerSequence * past) + 0.5 * static_cast<double>(rowsPerSequence * (rowsPerSequence + 1)));
        work.operations += 4 * queries * pairs;
        work.bytes += keyBytes * 2 * keys * static_cast<double>(sequences * past);
        const MoeFfn *moe = layer.moe();
        if (!moe) {
            product(3 * hidden * static_cast<double>(std::get<DenseFfn>(layer.ffn).width), rows);
            continue;
        }
        product(hidden * static_cast<double>(moe->experts), rows);
        const double expert = 3 * hidden * static_cast<double>(moe->width);
        const double reached = static_cast<double>(moe->experts) * (1 - std::pow(1 - static_cast<double>(moe->topK) / moe->experts, rows));
        work.operations += 2 * expert * moe->topK * rows;
        work.bytes += weightBytes * expert * reached;
        if (moe->sharedWidth > 0)
            product(3 * hidden * static_cast<double>(moe->sharedWidth), rows);
    }
    product(hidden * static_cast<double>(config.vocab), static_cast<double>(headRows));
    return work;
}

void measure(const Model &model, Backend &backend, const Ceilings &ceilings, const MeasureOptions &options,
    const std::function<void(const Figure &)> &done)
{
    for (const int tokens : options.prefillTokens) {
        const int rows = std::min(tokens, options.sequenceTokens);
        const int sequences = std::max(1, tokens / rows);
        const Work work = workOf(model.config(), sequences, rows, 0, 1);
        for (const Mode &mode : modes()) {
            Runner runner{model, backend, mode};
            runner.prefill(sequences, rows); // scratch grows, weights come into memory
            const double seconds = medianSeconds(options, [&] { runner.prefill(sequences, rows); });
            done(figure("prefill", mode, tokens, seconds, sequences * rows, work, ceilings));
        }
    }
    for (const int batch : options.decodeBatches)
        for (const Mode &mode : modes())
            for (const bool mayKeep : {true, false}) {
                Runner runner{model, backend, mode};
                const auto cache = backend.makeKvCache(model.config(), batch, 2 * options.decodeSteps);
                const auto steps = [&](int past) {
                    for (int step = 0; step < options.decodeSteps; ++step)
                        runner.step(batch, past + step, *cache, mayKeep);
                };
                steps(0);
                const double seconds = medianSeconds(options, [&] {
                    for (int s = 0; s < batch; ++s)
                        cache->truncate(s, options.decodeSteps);
                    steps(options.decodeSteps);
                });
                const double step = seconds / options.decodeSteps;
                const Work work = workOf(model.config(), batch, 1, options.decodeSteps + options.decodeSteps / 2, batch);
                Figure made = figure(mayKeep ? "decode" : "plain", mode, batch, step, batch, work, ceilings);
                made.kept = runner.keepsStep();
                done(made);
            }
}

} // namespace expertscope
