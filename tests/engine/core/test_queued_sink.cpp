// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/error.h"
#include "engine/core/queued_sink.h"

#include <QtTest>

#include <atomic>
#include <chrono>
#include <thread>

using namespace expertscope;

namespace {

/// Takes its time, and counts; may fail at a block.
class SlowSink final : public TraceSink {
public:
    std::chrono::milliseconds pause{0};
    int failAt = -1;
    std::atomic<int> blocks = 0, sequences = 0;
    std::thread::id thread;
    bool begun = false, finished = false;

    void begin(const TraceMeta &) override { begun = true; }
    void append(const TraceBlock &) override
    {
        thread = std::this_thread::get_id();
        std::this_thread::sleep_for(pause);
        if (blocks == failAt)
            throw Error{ErrorKind::Input, "the disk is full", "t.h5", "Free some space"};
        ++blocks;
    }
    void endSequence(const SequenceInfo &, std::span<const float>) override { ++sequences; }
    void finish(std::span<const TraceCheck>) override { finished = true; }
};

TraceBlock block(std::int64_t tokens)
{
    TraceBlock block;
    block.count = tokens;
    block.expertId.resize(static_cast<std::size_t>(tokens));
    return block;
}

} // namespace

class TestQueuedSink : public QObject {
    Q_OBJECT
private slots:
    void writesElsewhereAndWaitsAtTheEnd()
    {
        SlowSink slow;
        slow.pause = std::chrono::milliseconds{20};
        {
            QueuedSink queued{slow};
            queued.begin({});
            const auto started = std::chrono::steady_clock::now();
            for (int i = 0; i < 10; ++i) {
                queued.append(block(4));
                queued.endSequence({}, {});
            }
            QVERIFY(std::chrono::steady_clock::now() - started < std::chrono::milliseconds{100}); // not 200
            queued.finish({});
        }
        QVERIFY(slow.begun && slow.finished);
        QCOMPARE(slow.blocks.load(), 10);
        QCOMPARE(slow.sequences.load(), 10);
        QVERIFY(slow.thread != std::this_thread::get_id());
    }

    void whatWaitsIsBounded()
    {
        SlowSink slow;
        slow.pause = std::chrono::milliseconds{10};
        QueuedSink queued{slow, 100}; // a block of 40 tokens has 80 bytes: one at a time
        for (int i = 0; i < 8; ++i) {
            queued.append(block(40));
            QVERIFY(slow.blocks >= i - 1);
        }
        queued.append(block(4000)); // larger than all that may wait: goes when nothing else does
        queued.finish({});
        QCOMPARE(slow.blocks.load(), 9);
    }

    void whatGoesWrongThereIsThrownHere()
    {
        SlowSink slow;
        slow.failAt = 2;
        QueuedSink queued{slow};
        QVERIFY_THROWS_EXCEPTION(Error, [&] {
            for (int i = 0; i < 1000; ++i) {
                queued.append(block(4));
                std::this_thread::sleep_for(std::chrono::milliseconds{1});
            }
        }());
        QVERIFY_THROWS_EXCEPTION(Error, queued.finish({}));
        QVERIFY(!slow.finished);
        QCOMPARE(slow.blocks.load(), 2);
    }

    void oneThatIsLeftDropsWhatWaits()
    {
        SlowSink slow;
        slow.pause = std::chrono::milliseconds{30};
        {
            QueuedSink queued{slow};
            for (int i = 0; i < 100; ++i)
                queued.append(block(4));
        }
        QVERIFY(slow.blocks < 100);
        QVERIFY(!slow.finished);
    }
};

QTEST_GUILESS_MAIN(TestQueuedSink)
#include "test_queued_sink.moc"
