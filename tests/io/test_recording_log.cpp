// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/error.h"
#include "io/recording_log.h"
#include "tests/engine/core/random_trace.h"

#include <QTemporaryDir>
#include <QtTest>

#include <optional>
#include <random>

using namespace expertscope;

namespace {

const std::string header = "{\"model\":\"m\",\"batch_tokens\":8}";

/// Gives on the sequences from `first`, and stops behind so many calls, as a program that is killed does.
class Cut final : public TraceSink {
public:
    TraceSink &to;
    std::size_t first;
    int calls;
    std::size_t ended = 0;

    Cut(TraceSink &to, std::size_t first, int calls)
        : to{to}
        , first{first}
        , calls{calls}
    {
    }
    void begin(const TraceMeta &meta) override { to.begin(meta); }
    void append(const TraceBlock &block) override
    {
        if (ended >= first && calls-- > 0)
            to.append(block);
    }
    void endSequence(const SequenceInfo &info, std::span<const float> mean) override
    {
        if (ended++ >= first && calls-- > 0)
            to.endSequence(info, mean);
    }
    void finish(std::span<const TraceCheck> checks) override
    {
        if (calls > 0)
            to.finish(checks);
    }
};

/// A random recording, a sequence a batch.
void recordSequences(TraceSink &sink, const test::TraceShape &shape)
{
    const TraceMeta meta = test::metaOf(shape);
    std::mt19937_64 random{7};
    sink.begin(meta);
    std::int64_t first = 0;
    for (int s = 0; s < shape.sequences; ++s) {
        SequenceInfo info;
        info.id = "s" + std::to_string(s);
        info.language = s % 2 ? "de" : "";
        info.labels.assign(meta.labelColumns.size(), "x");
        info.firstToken = first;
        for (int part = 0; part <= s % 3; ++part) { // a long sequence comes in parts
            const auto count = static_cast<std::int64_t>(1 + random() % 9);
            sink.append(test::randomBlock(meta, count, s, static_cast<std::int32_t>(info.nPrompt), random()));
            info.nPrompt += count;
        }
        first += info.nPrompt;
        const std::vector<float> mean(static_cast<std::size_t>(meta.moeLayers() * meta.experts), 0.25f * static_cast<float>(s));
        sink.endSequence(info, meta.fields.meanSoftmax ? std::span{mean} : std::span<const float>{});
    }
    sink.finish({});
}

} // namespace

class TestRecordingLog : public QObject {
    Q_OBJECT

    std::optional<QTemporaryDir> m_folder;
    std::filesystem::path file() const { return m_folder->filePath("t.h5.unfinished").toStdString(); }

private slots:
    void init() { m_folder.emplace(); }

    /// Killed after any number of calls, and once more: what is gone on with is what one run gives.
    void goesOnWhereItStopped()
    {
        const test::TraceShape shape{.sequences = 7, .fields = test::allFields()};
        MemoryTrace whole;
        recordSequences(whole, shape);
        for (int kill = 0; kill < 24; ++kill) {
            std::size_t before = 0;
            bool complete = false;
            for (const int calls : {kill, 3, 1000}) {
                if (complete)
                    break;
                RecordingLog log{file()};
                log.begin(header, false);
                QVERIFY(log.sequences() >= before);
                before = log.sequences();
                MemoryTrace trace;
                LoggedSink logged{trace, log};
                Cut cut{logged, log.sequences(), calls};
                recordSequences(cut, shape);
                complete = !std::filesystem::exists(file());
                if (complete)
                    QCOMPARE(QString::fromStdString(test::difference(whole, trace)), QString{});
            }
            QVERIFY(complete);
        }
    }

    /// Torn anywhere, a part of the first line included.
    void whatIsTornIsLeftOut()
    {
        const test::TraceShape shape{.sequences = 5, .fields = test::allFields()};
        {
            RecordingLog log{file()};
            log.begin(header, false);
            MemoryTrace trace;
            LoggedSink logged{trace, log};
            Cut cut{logged, 0, 11}; // all but finish(), as far as the shape has calls
            recordSequences(cut, shape);
        }
        QFile written{QString::fromStdString(file().string())};
        QVERIFY(written.open(QIODevice::ReadOnly));
        const QByteArray bytes = written.readAll();
        written.close();
        std::size_t before = 0;
        std::mt19937_64 random{42};
        for (qsizetype size = 0; size <= bytes.size(); size += 1 + static_cast<qsizetype>(random() % 97)) {
            QVERIFY(written.open(QIODevice::WriteOnly | QIODevice::Truncate));
            written.write(bytes.left(size));
            written.close();
            RecordingLog log{file()};
            log.begin(header, false);
            QVERIFY(log.sequences() >= before);
            before = log.sequences();
            MemoryTrace trace;
            trace.begin(test::metaOf(shape));
            log.replay(trace);
            QCOMPARE(trace.meta().sequences.size(), log.sequences());
            QCOMPARE(trace.meta().tokens, log.tokens());
        }
        QVERIFY(before >= 3);

        // a byte that was changed: what is behind it does not count
        QByteArray changed = bytes;
        changed[bytes.size() / 2] = static_cast<char>(changed[bytes.size() / 2] ^ 1);
        QVERIFY(written.open(QIODevice::WriteOnly | QIODevice::Truncate));
        written.write(changed);
        written.close();
        RecordingLog log{file()};
        log.begin(header, false);
        QVERIFY(log.sequences() < before);
    }

    void anotherRecordingIsNotGoneOnWith()
    {
        {
            RecordingLog log{file()};
            log.begin(header, false);
            log.endSequence({}, {});
        }
        RecordingLog log{file()};
        try {
            log.begin("{\"model\":\"m\",\"batch_tokens\":16}", false);
            QFAIL("taken for the same");
        } catch (const Error &error) {
            QCOMPARE(error.kind, ErrorKind::Check);
            QVERIFY2(error.message.ends_with("different in batch_tokens"), error.what());
        }
        log.begin("{\"model\":\"n\"}", true);
        QCOMPARE(log.sequences(), 0u);
    }

    void oneProgramAtATime()
    {
        RecordingLog log{file()};
        QVERIFY_THROWS_EXCEPTION(Error, RecordingLog{file()});
    }

    void oneThatWasNotBegunLeavesNothing()
    {
        {
            RecordingLog log{file()};
        }
        QVERIFY(!std::filesystem::exists(file()));
        QVERIFY_THROWS_EXCEPTION(Error, RecordingLog{m_folder->filePath("no/folder/x").toStdString()});
    }
};

QTEST_GUILESS_MAIN(TestRecordingLog)
#include "test_recording_log.moc"
