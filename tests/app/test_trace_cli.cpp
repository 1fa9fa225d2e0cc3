// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Recording long corpora from the command line: the same trace in any batch size, and after a kill.
#include "io/trace_hdf5.h"
#include "tests/app/program.h"

#include <QDir>
#include <QFileInfo>
#include <QTemporaryDir>
#include <QtTest>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <optional>

using namespace expertscope;

namespace {

struct Difference {
    std::int64_t rows = 0; ///< tokens x layers
    std::int64_t otherSets = 0; ///< rows with other experts
    double largestMargin = 0; ///< of those: lowest logit chosen minus highest other, in the first trace
    double largestLogit = 0; ///< largest difference of a logit a from b, over max(1, |a|)
};

Difference difference(const RoutingTrace &a, const RoutingTrace &b)
{
    const TraceMeta &meta = a.meta();
    const auto experts = static_cast<std::size_t>(meta.experts);
    const auto slotCount = static_cast<std::size_t>(meta.slotCount);
    Difference result;
    const auto tokens = static_cast<std::size_t>(meta.tokens);
    const TokenRange all{0, meta.tokens};
    std::vector<float> logitsA(tokens * experts), logitsB(tokens * experts);
    std::vector<ExpertId> idsA(tokens * slotCount), idsB(tokens * slotCount);
    for (int layer = 0; layer < meta.moeLayers(); ++layer) {
        a.routerLogits(all, layer, logitsA);
        b.routerLogits(all, layer, logitsB);
        a.expertIds(all, layer, idsA);
        b.expertIds(all, layer, idsB);
        for (std::size_t t = 0; t < tokens; ++t) {
            ++result.rows;
            std::vector<ExpertId> setA(&idsA[t * slotCount], &idsA[t * slotCount] + slotCount);
            std::vector<ExpertId> setB(&idsB[t * slotCount], &idsB[t * slotCount] + slotCount);
            std::sort(setA.begin(), setA.end());
            std::sort(setB.begin(), setB.end());
            for (std::size_t e = t * experts; e < (t + 1) * experts; ++e)
                result.largestLogit = std::max(
                    result.largestLogit, static_cast<double>(std::abs(logitsA[e] - logitsB[e]) / std::max(1.0f, std::abs(logitsA[e]))));
            if (setA == setB)
                continue;
            ++result.otherSets;
            double chosen = INFINITY, other = -INFINITY;
            for (std::size_t e = 0; e < experts; ++e) {
                const auto logit = static_cast<double>(logitsA[t * experts + e]);
                if (std::binary_search(setA.begin(), setA.end(), static_cast<ExpertId>(e)))
                    chosen = std::min(chosen, logit);
                else
                    other = std::max(other, logit);
            }
            result.largestMargin = std::max(result.largestMargin, chosen - other);
        }
    }
    return result;
}

} // namespace

class TestTraceCli : public QObject {
    Q_OBJECT

    std::optional<QTemporaryDir> m_folder;

    QStringList files() const { return QDir{m_folder->path()}.entryList({"t.h5*"}, QDir::Files | QDir::Hidden); }

private slots:
    void init() { QVERIFY(m_folder.emplace().isValid()); }
    void cleanup() { m_folder.reset(); }

    /// Sums are made in another order where a batch has other rows, so logits may differ in their last bits, which may be a step of f16
    /// (relative 1e-3), as they are stored; experts only where the choice was that narrow.
    void theSameTraceInAnyBatch()
    {
        std::vector<TracePtr> traces;
        for (const char *tokens : {"0", "200", "31", "1"}) {
            const QString file = m_folder->filePath(QStringLiteral("b%1.h5").arg(tokens));
            const Outcome traced =
                run({"trace", "-m", demoModel(), "-c", demoCorpus(), "--limit", "8", "--logits", "--batch-tokens", tokens, "-o", file});
            QVERIFY2(traced.exitCode == 0, traced.err);
            if (traces.empty())
                QVERIFY2(traced.err.contains("Batches of 2048 tokens"), traced.err);
            traces.push_back(openTraceFile(file.toStdString()));
        }
        for (std::size_t i = 1; i < traces.size(); ++i) {
            QCOMPARE(traces[i]->meta().tokens, traces[0]->meta().tokens);
            QVERIFY(traces[i]->meta().sequences == traces[0]->meta().sequences);
            const Difference found = difference(*traces[0], *traces[i]);
            qInfo("batch size no. %d: other experts in %lld of %lld rows, with margins up to %.2g; logits differ by %.2g at most",
                static_cast<int>(i), static_cast<long long>(found.otherSets), static_cast<long long>(found.rows), found.largestMargin,
                found.largestLogit);
            QVERIFY(found.largestLogit <= 1.1e-3);
            QVERIFY(found.largestMargin <= 4e-3);
        }
    }

    void aKilledRunGoesOn()
    {
        qputenv("SOURCE_DATE_EPOCH", "1700000000");
        const QString file = m_folder->filePath("t.h5");
        const QStringList trace{"trace", "-m", demoModel(), "-c", demoCorpus(), "--limit", "400", "--batch-tokens", "200", "-o", file};
        QVERIFY2(run(trace).exitCode == 0, "the whole run");
        QCOMPARE(files(), QStringList{"t.h5"});
        const QString whole = m_folder->filePath("whole.h5");
        QVERIFY(QFile::rename(file, whole));

        QProcess process;
        process.start(EXPERTSCOPE_PROGRAM, trace);
        QTRY_VERIFY_WITH_TIMEOUT(QFileInfo{file + ".unfinished"}.size() > 40000, 60000);
        QCOMPARE(process.state(), QProcess::Running);
        const Outcome beside = run(trace); // while the first still runs
        QCOMPARE(beside.exitCode, 3);
        QVERIFY2(beside.err.contains("another program"), beside.err);
        process.kill();
        QVERIFY(process.waitForFinished(10000));
        QVERIFY(!QFile::exists(file));
        QVERIFY(QFile::exists(file + ".unfinished"));

        QStringList other = trace;
        other[other.indexOf("200")] = "201";
        const Outcome refused = run(other);
        QCOMPARE(refused.exitCode, 4);
        QVERIFY2(refused.err.contains("batch_tokens") && refused.err.contains("--force"), refused.err);

        const Outcome again = run(trace);
        QVERIFY2(again.exitCode == 0, again.err);
        QVERIFY2(again.err.contains("Going on behind"), again.err);
        QCOMPARE(files(), QStringList{"t.h5"});
        QFile one{whole}, two{file};
        QVERIFY(one.open(QIODevice::ReadOnly) && two.open(QIODevice::ReadOnly));
        QCOMPARE(two.size(), one.size());
        QVERIFY(two.readAll() == one.readAll());
        qunsetenv("SOURCE_DATE_EPOCH");
    }
};

QTEST_GUILESS_MAIN(TestTraceCli)
#include "test_trace_cli.moc"
