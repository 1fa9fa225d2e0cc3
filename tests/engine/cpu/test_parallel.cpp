// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// parallelFor: every item once, exceptions, nesting, stopping, several callers, any number of threads.
#include "engine/core/parallel.h"
#include "engine/core/progress.h"

#include <QTest>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace expertscope;

class TestParallel : public QObject {
    Q_OBJECT

private slots:
    void cleanup() { setThreadCount(0); }

    void everyItemOnce_data()
    {
        QTest::addColumn<int>("threads");
        QTest::addColumn<int>("count");
        QTest::addColumn<int>("grain");
        for (int threads : {1, 2, 3, 8})
            for (int count : {0, 1, 7, 1000})
                for (int grain : {0, 1, 3, 5000})
                    QTest::addRow("%d threads, %d items by %d", threads, count, grain) << threads << count << grain;
    }
    void everyItemOnce()
    {
        QFETCH(int, threads);
        QFETCH(int, count);
        QFETCH(int, grain);
        setThreadCount(threads);
        QCOMPARE(threadCount(), threads);
        std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
        std::atomic<bool> tooLarge{false};
        parallelFor(count, grain, [&](std::int64_t begin, std::int64_t end) {
            if (end - begin > std::max(1, grain) || begin >= end)
                tooLarge = true;
            for (std::int64_t i = begin; i < end; ++i)
                ++seen[static_cast<std::size_t>(i)];
        });
        QVERIFY(!tooLarge);
        for (const auto &times : seen)
            QCOMPARE(times.load(), 1);
    }

    void usesSeveralThreads()
    {
        setThreadCount(3);
        std::mutex mutex;
        std::set<std::thread::id> ids;
        parallelFor(30, 1, [&](std::int64_t, std::int64_t) {
            std::this_thread::sleep_for(std::chrono::milliseconds{5});
            const std::lock_guard lock{mutex};
            ids.insert(std::this_thread::get_id());
        });
        QCOMPARE(ids.size(), std::size_t{3});
    }

    void exceptionReachesTheCaller()
    {
        setThreadCount(3);
        for (int round = 0; round < 50; ++round) {
            std::atomic<int> after{0};
            bool caught = false;
            try {
                parallelFor(10000, 1, [&](std::int64_t begin, std::int64_t) {
                    if (begin == 17)
                        throw std::runtime_error{"seventeen"};
                    ++after;
                });
            } catch (const std::runtime_error &error) {
                caught = std::string{error.what()} == "seventeen";
            }
            QVERIFY(caught);
        }
        std::atomic<int> sum{0};
        parallelFor(100, 1, [&](std::int64_t, std::int64_t) { ++sum; });
        QCOMPARE(sum.load(), 100); // and the pool still works
    }

    void exceptionStopsTheRest()
    {
        setThreadCount(2);
        std::atomic<int> run{0};
        QVERIFY_EXCEPTION_THROWN(parallelFor(1000, 1,
                                     [&](std::int64_t, std::int64_t) {
                                         ++run;
                                         std::this_thread::sleep_for(std::chrono::milliseconds{1});
                                         throw std::runtime_error{"first"};
                                     }),
            std::runtime_error);
        QVERIFY(run.load() <= 2);
    }

    void cancelling()
    {
        std::stop_source stop;
        const Progress progress{stop.get_token()};
        setThreadCount(3);
        QVERIFY_EXCEPTION_THROWN(parallelFor(1000000, 1,
                                     [&](std::int64_t begin, std::int64_t) {
                                         if (begin == 100)
                                             stop.request_stop();
                                         progress.check();
                                     }),
            Cancelled);
    }

    void nestedRunsInTheCallingThread()
    {
        setThreadCount(3);
        std::atomic<int> strangers{0};
        std::atomic<int> items{0};
        parallelFor(20, 1, [&](std::int64_t, std::int64_t) {
            const auto self = std::this_thread::get_id();
            parallelFor(10, 1, [&](std::int64_t, std::int64_t) {
                ++items;
                if (std::this_thread::get_id() != self)
                    ++strangers;
            });
        });
        QCOMPARE(items.load(), 200);
        QCOMPARE(strangers.load(), 0);
    }

    void severalCallersAtOnce()
    {
        setThreadCount(3);
        std::atomic<std::int64_t> total{0};
        {
            std::vector<std::jthread> callers;
            for (int c = 0; c < 4; ++c)
                callers.emplace_back([&] {
                    for (int round = 0; round < 200; ++round)
                        parallelFor(64, 4, [&](std::int64_t begin, std::int64_t end) { total += end - begin; });
                });
        }
        QCOMPARE(total.load(), std::int64_t{4} * 200 * 64);
    }

    void waitingIsPassive()
    {
        setThreadCount(4);
        parallelFor(8, 1, [](std::int64_t, std::int64_t) {});
        const std::clock_t before = std::clock();
        std::this_thread::sleep_for(std::chrono::milliseconds{200});
        const double cpuSeconds = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
        QVERIFY2(cpuSeconds < 0.05, qPrintable(QString::number(cpuSeconds)));
    }
};

QTEST_APPLESS_MAIN(TestParallel)
#include "test_parallel.moc"
