// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <sched.h>
#include <thread>
#include <vector>

namespace expertscope {

namespace {

int usableCores()
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) == 0)
        return std::max(1, CPU_COUNT(&cores));
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// Decode runs a hundred short loops a token: going to sleep between them would cost more than the loops. A wait that
// lasts longer than this (about 20 us) is no gap between loops any more, so the thread then gives its core back.
constexpr int spins = 400;

template<typename Ready>
bool spinUntil(const Ready &ready)
{
    for (int i = 0; i < spins; ++i) {
        if (ready())
            return true;
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
    return ready();
}

thread_local bool insideLoop = false;

struct Loop {
    std::int64_t count;
    std::int64_t grain;
    const std::function<void(std::int64_t, std::int64_t)> &body;
    std::atomic<std::int64_t> next{0};
    std::atomic<int> helpers{0};
    std::exception_ptr failure{};

    bool hasWork() const { return next.load(std::memory_order_relaxed) < count; }
};

/// Threads that live as long as the process and help with whatever loops are running.
class Pool {
public:
    static Pool &instance()
    {
        static Pool pool;
        return pool;
    }

    ~Pool() { stopThreads(); }

    int threads() const { return m_threadCount.load(std::memory_order_relaxed); }

    void resize(int threads)
    {
        const std::lock_guard resizing{m_resizing};
        const int wanted = threads > 0 ? threads : usableCores();
        if (wanted == this->threads())
            return;
        stopThreads();
        startThreads(wanted);
    }

    void run(Loop &loop)
    {
        {
            const std::lock_guard lock{m_mutex};
            m_loops.push_back(&loop);
            m_generation.fetch_add(1, std::memory_order_release);
        }
        m_wake.notify_all();
        takeChunks(loop);
        {
            const std::lock_guard lock{m_mutex};
            m_loops.erase(std::find(m_loops.begin(), m_loops.end(), &loop));
        }
        // No helper can join any more; those still inside finish the one chunk they hold.
        const auto left = [&] { return loop.helpers.load(std::memory_order_acquire) == 0; };
        if (!spinUntil(left)) {
            std::unique_lock lock{m_mutex};
            m_left.wait(lock, left);
        }
    }

private:
    Pool() { startThreads(usableCores()); }

    void startThreads(int count)
    {
        m_stop = false;
        m_threadCount = count;
        for (int i = 1; i < count; ++i)
            m_threads.emplace_back([this] { help(); });
    }

    void stopThreads()
    {
        {
            const std::lock_guard lock{m_mutex};
            m_stop = true;
            m_generation.fetch_add(1, std::memory_order_release);
        }
        m_wake.notify_all();
        for (std::thread &thread : m_threads)
            thread.join();
        m_threads.clear();
    }

    Loop *loopWithWork()
    {
        const auto found = std::find_if(m_loops.begin(), m_loops.end(), [](const Loop *loop) { return loop->hasWork(); });
        return found == m_loops.end() ? nullptr : *found;
    }

    void help()
    {
        insideLoop = true;
        for (;;) {
            const std::uint64_t seen = m_generation.load(std::memory_order_acquire);
            Loop *loop = nullptr;
            {
                std::unique_lock lock{m_mutex};
                if (m_stop)
                    return;
                loop = loopWithWork();
                if (loop)
                    loop->helpers.fetch_add(1, std::memory_order_relaxed);
            }
            if (!loop) {
                const auto news = [&] { return m_generation.load(std::memory_order_acquire) != seen; };
                if (!spinUntil(news)) {
                    std::unique_lock lock{m_mutex};
                    m_wake.wait(lock, news);
                }
                continue;
            }
            takeChunks(*loop);
            // The owner may be asleep on m_left, or be gone as soon as it sees zero: tell it under the mutex only.
            const std::lock_guard lock{m_mutex};
            if (loop->helpers.fetch_sub(1, std::memory_order_release) == 1)
                m_left.notify_all();
        }
    }

    void takeChunks(Loop &loop)
    {
        const bool outer = insideLoop;
        insideLoop = true;
        try {
            for (;;) {
                const std::int64_t begin = loop.next.fetch_add(loop.grain, std::memory_order_relaxed);
                if (begin >= loop.count)
                    break;
                loop.body(begin, std::min(loop.count, begin + loop.grain));
            }
        } catch (...) {
            loop.next.store(loop.count, std::memory_order_relaxed); // the rest is not started
            const std::lock_guard lock{m_mutex};
            if (!loop.failure)
                loop.failure = std::current_exception();
        }
        insideLoop = outer;
    }

    std::mutex m_resizing;
    std::mutex m_mutex;
    std::condition_variable m_wake; ///< helpers: a new loop, or stop
    std::condition_variable m_left; ///< owners: the last helper has left a loop
    std::vector<Loop *> m_loops; ///< guarded by m_mutex
    std::atomic<std::uint64_t> m_generation{0};
    std::atomic<int> m_threadCount{1};
    bool m_stop = false; ///< guarded by m_mutex
    std::vector<std::thread> m_threads;
};

} // namespace

void setThreadCount(int threads)
{
    Pool::instance().resize(threads);
}

int threadCount()
{
    return Pool::instance().threads();
}

void parallelFor(std::int64_t count, std::int64_t grain, const std::function<void(std::int64_t, std::int64_t)> &body)
{
    grain = std::max<std::int64_t>(1, grain);
    if (insideLoop || count <= grain || threadCount() == 1) {
        for (std::int64_t begin = 0; begin < count; begin += grain)
            body(begin, std::min(count, begin + grain));
        return;
    }
    Loop loop{count, grain, body};
    Pool::instance().run(loop);
    if (loop.failure)
        std::rethrow_exception(loop.failure);
}

} // namespace expertscope
