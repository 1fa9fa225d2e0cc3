// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What runs beside the window: jobs of the pool and of the engine thread; which one wins, stops, fails, and is heard.
#include "app/engine_thread.h"
#include "app/job_runner.h"

#include <QSignalSpy>
#include <QTest>

#include <atomic>
#include <semaphore>

using namespace expertscope;

namespace {

/// The error a signal carried; Error has no default constructor, so QVariant::value() cannot make one.
const Error &errorOf(const QVariant &value)
{
    return *static_cast<const Error *>(value.constData());
}

/// A gate a job waits at until the test lets it through.
struct Gate {
    std::binary_semaphore here{0}, go{0};
    void wait()
    {
        here.release();
        go.acquire();
    }
};

} // namespace

class TestJobs : public QObject {
    Q_OBJECT

private slots:
    void newestJobOfATagWins()
    {
        JobRunner jobs;
        QObject owner;
        const auto gate = std::make_shared<Gate>();
        QStringList done;
        const auto finish = [&done](const std::any &result) { done << std::any_cast<QString>(result); };
        jobs.run(
            &owner, QStringLiteral("a"),
            [gate](const Progress &) -> std::any {
                gate->wait();
                return QStringLiteral("old");
            },
            finish);
        gate->here.acquire();
        jobs.run(
            &owner, QStringLiteral("a"), [](const Progress &) -> std::any { return QStringLiteral("new"); }, finish);
        jobs.run(
            &owner, QStringLiteral("b"), [](const Progress &) -> std::any { return QStringLiteral("other"); }, finish);
        gate->go.release();
        QTRY_VERIFY(jobs.idle());
        QTest::qWait(0);
        done.sort();
        QCOMPARE(done, (QStringList{QStringLiteral("new"), QStringLiteral("other")}));
    }

    void aReplacedJobHearsThatItShouldStop()
    {
        JobRunner jobs;
        QObject owner;
        const auto gate = std::make_shared<Gate>();
        std::atomic<bool> stopped = false;
        jobs.run(
            &owner, QStringLiteral("a"),
            [gate, &stopped](const Progress &progress) -> std::any {
                gate->wait();
                stopped = progress.stopped();
                progress.check();
                return 1;
            },
            [](const std::any &) { QFAIL("a replaced job delivered"); });
        gate->here.acquire();
        jobs.run(&owner, QStringLiteral("a"), [](const Progress &) -> std::any { return 2; }, {});
        gate->go.release();
        QTRY_VERIFY(jobs.idle() && stopped);
    }

    void ownersMayDieFirst()
    {
        JobRunner jobs;
        const auto gate = std::make_shared<Gate>();
        bool called = false;
        auto owner = std::make_unique<QObject>();
        jobs.run(
            owner.get(), QStringLiteral("a"),
            [gate](const Progress &) -> std::any {
                gate->wait();
                return 1;
            },
            [&](const std::any &) { called = true; });
        gate->here.acquire();
        owner.reset();
        QVERIFY(jobs.idle());
        gate->go.release();
        QObject other;
        bool otherCalled = false;
        jobs.run(
            &other, QStringLiteral("a"), [](const Progress &) -> std::any { return 1; }, [&](const std::any &) { otherCalled = true; });
        QTRY_VERIFY(otherCalled);
        QVERIFY(!called);
    }

    void failuresOfJobsAreErrors()
    {
        JobRunner jobs;
        QObject owner;
        QSignalSpy failures{&jobs, &JobRunner::failed};
        jobs.run(&owner, QStringLiteral("a"),
            [](const Progress &) -> std::any {
                throw Error{ErrorKind::Input, "broken", "there", "Mend it"};
            },
            {});
        QVERIFY(failures.wait());
        QCOMPARE(errorOf(failures.front().front()).remedy, std::string{"Mend it"});
        jobs.run(&owner, QStringLiteral("a"), [](const Progress &) -> std::any { throw std::runtime_error{"odd"}; }, {});
        QVERIFY(failures.wait());
        QVERIFY(errorOf(failures.back().front()).message.find("odd") != std::string::npos);
    }

    void theEngineThreadRunsJobsInOrderAndTheNewestOfATag()
    {
        EngineThread engine;
        const auto gate = std::make_shared<Gate>();
        QStringList done;
        const auto job = [&done](const QString &name) {
            return [&done, name](EngineThread::Engine &own, const Progress &, const EngineThread::ToUi &toUi) {
                if (own.backend)
                    toUi([&done, name] { done << name; });
                return EngineThread::Outcome::Done;
            };
        };
        engine.post(QStringLiteral("gate"), [gate](EngineThread::Engine &, const Progress &, const EngineThread::ToUi &) {
            gate->wait();
            return EngineThread::Outcome::Done;
        });
        gate->here.acquire();
        engine.post(QStringLiteral("x"), job(QStringLiteral("x1")));
        engine.post(QStringLiteral("y"), job(QStringLiteral("y")));
        engine.post(QStringLiteral("x"), job(QStringLiteral("x2")));
        gate->go.release();
        QTRY_VERIFY(engine.idle());
        QCOMPARE(done, (QStringList{QStringLiteral("y"), QStringLiteral("x2")}));
    }

    void slicesLetOtherJobsIn()
    {
        EngineThread engine;
        QStringList done;
        const auto gate = std::make_shared<Gate>();
        engine.post(QStringLiteral("long"),
            [&done, gate, slice = 0](EngineThread::Engine &, const Progress &, const EngineThread::ToUi &toUi) mutable {
                if (slice == 0)
                    gate->wait();
                toUi([&done, slice] { done << QStringLiteral("slice %1").arg(slice); });
                return ++slice < 3 ? EngineThread::Outcome::Again : EngineThread::Outcome::Done;
            });
        gate->here.acquire();
        engine.post(QStringLiteral("short"), [&done](EngineThread::Engine &, const Progress &, const EngineThread::ToUi &toUi) {
            toUi([&done] { done << QStringLiteral("short"); });
            return EngineThread::Outcome::Done;
        });
        gate->go.release();
        QTRY_VERIFY(engine.idle());
        QCOMPARE(
            done, (QStringList{QStringLiteral("slice 0"), QStringLiteral("short"), QStringLiteral("slice 1"), QStringLiteral("slice 2")}));
    }

    void engineJobsStopAndFail()
    {
        EngineThread engine;
        QSignalSpy ends{&engine, &EngineThread::ended}, failures{&engine, &EngineThread::failed};
        const auto gate = std::make_shared<Gate>();
        engine.post(QStringLiteral("a"), [gate](EngineThread::Engine &, const Progress &progress, const EngineThread::ToUi &) {
            gate->wait();
            progress.check();
            return EngineThread::Outcome::Done;
        });
        gate->here.acquire();
        engine.stop(QStringLiteral("a"));
        gate->go.release();
        QTRY_COMPARE(ends.size(), 1);
        QCOMPARE(ends.front().at(1).toBool(), true);
        QCOMPARE(failures.size(), 0);
        engine.post(QStringLiteral("b"), [](EngineThread::Engine &, const Progress &, const EngineThread::ToUi &) -> EngineThread::Outcome {
            throw Error{ErrorKind::Device, "no memory", "", "Buy some"};
        });
        QTRY_COMPARE(ends.size(), 2);
        QCOMPARE(failures.size(), 1);
        QCOMPARE(errorOf(failures.front().at(1)).kind, ErrorKind::Device);
    }

    void theEngineThreadEndsInTheMiddleOfAJob()
    {
        const auto started = std::make_shared<std::binary_semaphore>(0);
        {
            EngineThread engine;
            engine.post(QStringLiteral("endless"),
                [started](EngineThread::Engine &, const Progress &progress, const EngineThread::ToUi &) -> EngineThread::Outcome {
                    started->release();
                    while (true) {
                        progress.check();
                        std::this_thread::yield();
                    }
                });
            started->acquire();
        }
        QVERIFY(true); // reaching this line is the test: the destructor came back
    }
};

QTEST_MAIN(TestJobs)
#include "test_jobs.moc"
