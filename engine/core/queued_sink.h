// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// QueuedSink: hands a recording to another sink on a thread of its own, so that the model runs on while files are written.
// What waits is bounded, and what goes wrong there is thrown here.
#pragma once

#include "engine/core/trace.h"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace expertscope {

class QueuedSink final : public TraceSink {
public:
    /// `to` outlives this and is used by nobody else from begin() to finish().
    explicit QueuedSink(TraceSink &to, std::size_t mostBytes = std::size_t{256} << 20);
    /// Drops what still waits.
    ~QueuedSink() override;

    void begin(const TraceMeta &meta) override;
    /// Waits while more than the most bytes wait, unless nothing does. Throws what the other sink threw at an earlier one.
    void append(const TraceBlock &block) override;
    void endSequence(const SequenceInfo &info, std::span<const float> meanSoftmax) override;
    /// Waits for everything.
    void finish(std::span<const TraceCheck> checks) override;

private:
    /// A block, or the end of a sequence where the block has no tokens.
    struct Item {
        TraceBlock block;
        SequenceInfo info;
        std::vector<float> meanSoftmax;
        std::size_t bytes = 0;
    };
    void push(Item item);
    void work(const std::stop_token &stop);

    TraceSink &m_to;
    std::size_t m_mostBytes;
    std::mutex m_mutex;
    std::condition_variable_any m_changed;
    std::deque<Item> m_waiting; ///< the front one stays until it is written
    std::size_t m_bytes = 0; ///< of those
    std::exception_ptr m_failure;
    std::jthread m_thread; ///< last: it ends before anything it uses
};

} // namespace expertscope
