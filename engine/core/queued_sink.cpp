// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/queued_sink.h"

namespace expertscope {

namespace {

template<typename T>
std::size_t bytesOf(const std::vector<T> &values)
{
    return values.size() * sizeof(T);
}

std::size_t bytesOf(const TraceBlock &block)
{
    return bytesOf(block.tokenId) + bytesOf(block.position) + bytesOf(block.seqIndex) + bytesOf(block.predictedId) + bytesOf(block.phase)
        + bytesOf(block.logprob) + bytesOf(block.bytes) + bytesOf(block.expertId) + bytesOf(block.gateWeight) + bytesOf(block.routerLogit)
        + bytesOf(block.selectionScore) + bytesOf(block.expertOutNorm);
}

} // namespace

QueuedSink::QueuedSink(TraceSink &to, std::size_t mostBytes)
    : m_to{to}
    , m_mostBytes{mostBytes}
    , m_thread{[this](const std::stop_token &stop) { work(stop); }}
{
}

QueuedSink::~QueuedSink() = default;

void QueuedSink::begin(const TraceMeta &meta)
{
    m_to.begin(meta);
}

void QueuedSink::append(const TraceBlock &block)
{
    if (block.count > 0)
        push({block, {}, {}, bytesOf(block)});
}

void QueuedSink::endSequence(const SequenceInfo &info, std::span<const float> meanSoftmax)
{
    push({{}, info, {meanSoftmax.begin(), meanSoftmax.end()}, meanSoftmax.size_bytes()});
}

void QueuedSink::finish(std::span<const TraceCheck> checks)
{
    {
        std::unique_lock lock{m_mutex};
        m_changed.wait(lock, [&] { return m_failure || m_waiting.empty(); });
        if (m_failure)
            std::rethrow_exception(m_failure);
    }
    m_to.finish(checks);
}

void QueuedSink::push(Item item)
{
    {
        std::unique_lock lock{m_mutex};
        m_changed.wait(lock, [&] { return m_failure || m_waiting.empty() || m_bytes + item.bytes <= m_mostBytes; });
        if (m_failure)
            std::rethrow_exception(m_failure);
        m_bytes += item.bytes;
        m_waiting.push_back(std::move(item));
    }
    m_changed.notify_all();
}

void QueuedSink::work(const std::stop_token &stop)
{
    while (true) {
        Item *item = nullptr;
        {
            std::unique_lock lock{m_mutex};
            if (!m_changed.wait(lock, stop, [&] { return !m_waiting.empty(); }) || stop.stop_requested())
                return;
            item = &m_waiting.front(); // others are added behind it, which moves nothing in a deque
        }
        std::exception_ptr failure;
        try {
            if (item->block.count > 0)
                m_to.append(item->block);
            else
                m_to.endSequence(item->info, item->meanSoftmax);
        } catch (...) {
            failure = std::current_exception();
        }
        {
            const std::lock_guard lock{m_mutex};
            m_bytes -= item->bytes;
            m_waiting.pop_front();
            m_failure = failure;
        }
        m_changed.notify_all();
        if (failure)
            return;
    }
}

} // namespace expertscope
