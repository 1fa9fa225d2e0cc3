// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Token filters for every analysis: a cut trace reads as one that was recorded without the other tokens, and gives its numbers.
#include "engine/analysis/cut_trace.h"
#include "engine/analysis/result_text.h"
#include "engine/core/error.h"
#include "run_analysis.h"
#include "small_trace.h"
#include "tests/engine/core/random_trace.h"

#include <random>

using namespace expertscope;

namespace {

/// Every field but the mean softmaxes, which a cut trace has not.
test::TraceShape shapeOf(int sequences, int maxTokens)
{
    test::TraceShape shape;
    shape.sequences = sequences;
    shape.maxTokens = maxTokens;
    shape.fields = test::allFields();
    shape.fields.meanSoftmax = false;
    return shape;
}

/// Two domains whose tokens take turns among three experts; a first token that takes expert 3 stands before each sequence if wanted.
TracePtr domains(bool withFirst)
{
    std::vector<test::SmallSequence> sequences;
    for (int s = 0; s < 12; ++s) {
        test::SmallSequence sequence;
        sequence.info.id = "s" + std::to_string(s);
        sequence.info.domain = s % 2 == 0 ? "law" : "code";
        sequence.ids.resize(1);
        if (withFirst) {
            sequence.ids[0].push_back(3);
            sequence.tokenId.push_back(99);
        }
        for (int token = 0; token < 20 + s; ++token) {
            sequence.ids[0].push_back(static_cast<ExpertId>((token * (s % 2 + 1) + s) % 3));
            sequence.tokenId.push_back(token + 30 * s);
        }
        sequences.push_back(sequence);
    }
    return test::smallTrace(4, 1, sequences);
}

} // namespace

class TestCutTrace : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void wholeRangesChangeNothing()
    {
        const TracePtr whole = test::randomTrace(shapeOf(7, 40), 3);
        std::vector<TokenRange> kept;
        for (const SequenceInfo &info : whole->meta().sequences)
            kept.push_back(info.range());
        QCOMPARE(QString::fromStdString(test::difference(*whole, *cutTrace(whole, kept))), QString{});
    }

    /// Reads of any range of a cut trace are the rows of the whole one, whether read along or skipped.
    void readsWhatIsKept_data()
    {
        QTest::addColumn<int>("sequences");
        QTest::addColumn<int>("maxTokens");
        QTest::newRow("short sequences") << 60 << 30;
        QTest::newRow("far apart") << 3 << 20000;
    }

    void readsWhatIsKept()
    {
        QFETCH(int, sequences);
        QFETCH(int, maxTokens);
        const TracePtr whole = test::randomTrace(shapeOf(sequences, maxTokens), 5);
        const TraceMeta &before = whole->meta();
        std::mt19937_64 random{7};
        std::vector<TokenRange> kept;
        std::vector<std::int64_t> rows; // of the whole trace
        for (const SequenceInfo &info : before.sequences) {
            const std::int64_t count = info.range().count();
            const auto draw = [&] {
                return info.firstToken + (count > 0 ? static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(count + 1)) : 0);
            };
            const std::int64_t a = draw(), b = draw();
            kept.push_back({std::min(a, b), std::max(a, b)});
            for (std::int64_t row = kept.back().begin; row < kept.back().end; ++row)
                rows.push_back(row);
        }
        const TracePtr cut = cutTrace(whole, kept);
        const TraceMeta &meta = cut->meta();
        QCOMPARE(meta.tokens, std::ssize(rows));
        std::int64_t first = 0;
        for (std::size_t s = 0; s < kept.size(); ++s) {
            const SequenceInfo &info = meta.sequences[s];
            QCOMPARE(info.firstToken, first);
            QCOMPARE(info.range().count(), kept[s].count());
            const std::int64_t promptEnd = before.sequences[s].firstToken + before.sequences[s].nPrompt;
            QCOMPARE(info.nPrompt, std::clamp(promptEnd, kept[s].begin, kept[s].end) - kept[s].begin);
            first += kept[s].count();
        }
        const auto slotCount = static_cast<std::size_t>(meta.slotCount), experts = static_cast<std::size_t>(meta.experts);
        for (int trial = 0; trial < 30; ++trial) {
            const auto draw = [&] { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(meta.tokens + 1)); };
            const std::int64_t a = draw(), b = draw();
            const TokenRange range{std::min(a, b), std::max(a, b)};
            const int layer = static_cast<int>(random() % meta.layers.size());
            const auto n = static_cast<std::size_t>(range.count());
            std::vector<ExpertId> ids(n * slotCount), id(slotCount);
            std::vector<float> weights(n * slotCount), logits(n * experts), weight(slotCount), logit(experts);
            cut->expertIds(range, layer, ids);
            cut->gateWeights(range, layer, weights);
            cut->routerLogits(range, layer, logits);
            const TokenColumns columns = cut->tokens(range);
            QCOMPARE(columns.tokenId.size(), n);
            for (std::size_t i = 0; i < n; i += 1 + n / 50) {
                const std::int64_t row = rows[static_cast<std::size_t>(range.begin) + i];
                whole->expertIds({row, row + 1}, layer, id);
                whole->gateWeights({row, row + 1}, layer, weight);
                whole->routerLogits({row, row + 1}, layer, logit);
                QVERIFY(std::equal(id.begin(), id.end(), ids.begin() + static_cast<std::ptrdiff_t>(i * slotCount)));
                QVERIFY(std::equal(weight.begin(), weight.end(), weights.begin() + static_cast<std::ptrdiff_t>(i * slotCount)));
                QVERIFY(std::equal(logit.begin(), logit.end(), logits.begin() + static_cast<std::ptrdiff_t>(i * experts)));
                const TokenColumns one = whole->tokens({row, row + 1});
                QCOMPARE(columns.tokenId[i], one.tokenId[0]);
                QCOMPARE(columns.position[i], one.position[0]);
                QCOMPARE(columns.seqIndex[i], one.seqIndex[0]);
                QCOMPARE(columns.bytes[i], one.bytes[0]);
            }
        }
        const std::vector<std::int64_t> load = cut->load();
        std::vector<std::int64_t> expected(load.size(), 0);
        for (int layer = 0; layer < meta.moeLayers(); ++layer)
            for (const std::int64_t row : rows) {
                std::vector<ExpertId> id(slotCount);
                whole->expertIds({row, row + 1}, layer, id);
                for (const ExpertId e : id)
                    if (e != noExpert)
                        ++expected[static_cast<std::size_t>(layer) * experts + e];
            }
        QCOMPARE(load, expected);
    }

    void oneRunOfEachSequence()
    {
        const TracePtr trace = domains(false);
        std::vector<std::uint8_t> counted(static_cast<std::size_t>(trace->meta().tokens), 1);
        counted[0] = 0;
        const auto kept = keptRanges(trace->meta(), counted);
        QCOMPARE(kept[0], (TokenRange{1, 20}));
        QCOMPARE(kept[1], trace->meta().sequences[1].range());
        std::fill_n(counted.begin(), 20, 0);
        QCOMPARE(keptRanges(trace->meta(), counted)[0].count(), std::int64_t{0});
        counted[3] = counted[7] = 1;
        QVERIFY_THROWS_EXCEPTION(Error, keptRanges(trace->meta(), counted));
        QVERIFY_THROWS_EXCEPTION(Error, cutTrace(trace, {{0, 5}}));
    }

    /// With the first tokens left out, either as special tokens or by position, the numbers are those of a trace without them.
    void analysesOfTheRest_data()
    {
        QTest::addColumn<QString>("analysis");
        for (const char *id : {"specialisation", "load-balance", "vocabulary", "esft", "srp"})
            QTest::newRow(id) << QString(id);
    }

    void analysesOfTheRest()
    {
        QFETCH(QString, analysis);
        const QByteArray id = analysis.toUtf8();
        const Result without = test::analyse(id, domains(false));
        const Result with = test::analyse(id, domains(true));
        QVERIFY(csv(without.tables.front()) != csv(with.tables.front()));
        for (const auto &setting : {std::pair<std::string, std::string>{"special-tokens", "off"}, {"first-position", "1"}}) {
            const Result filtered = test::analyse(id, domains(true), {setting});
            QCOMPARE(QString::fromStdString(csv(filtered.tables.front())), QString::fromStdString(csv(without.tables.front())));
            QVERIFY(filtered.notes.back().find("count after the token filters") != std::string::npos);
        }
        QVERIFY_THROWS_EXCEPTION(Error, test::analyse(id, domains(true), {{"first-position", "1000"}}));
    }
};

QTEST_MAIN(TestCutTrace)
#include "test_cut_trace.moc"
