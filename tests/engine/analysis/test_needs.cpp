// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What holds for every analysis: a trace that lacks what it needs is refused in words, never answered by an empty table; the parts of a
// result have names of their own.
#include "tests/engine/analysis/parallel_trace.h"
#include "tests/engine/analysis/run_analysis.h"
#include "tests/engine/analysis/small_trace.h"

#include "engine/core/error.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <set>

using namespace expertscope;
using namespace expertscope::test;

namespace {

/// Two sequences of six tokens that choose two of four experts in two layers.
std::vector<SmallSequence> sequences()
{
    const std::vector<ExpertId> ids{0, 1, 1, 2, 2, 3, 3, 0, 0, 2, 1, 3};
    SmallSequence one{.info = {}, .ids = {ids, ids}, .tokenId = {5, 5, 6, 6, 7, 7}};
    one.info.id = "one";
    SmallSequence two = one;
    two.info.id = "two";
    return {one, two};
}

TracePtr withoutIds()
{
    std::vector<SmallSequence> all = sequences();
    for (SmallSequence &sequence : all) {
        sequence.withoutIds = true;
        sequence.tokenId.clear();
    }
    return smallTrace(4, 2, all);
}

TracePtr countsOfOneGroup()
{
    RoutingSummary counts;
    counts.grouping = "language";
    counts.groups = {"en"};
    counts.layers = {0, 1};
    counts.experts = 4;
    counts.topK = 2;
    counts.tokens = {6};
    counts.counts = {3, 3, 3, 3, 6, 6, 0, 0};
    return countsTrace(counts);
}

Result run(const AnalysisKind &kind, const TracePtr &trace, const std::vector<std::pair<std::string, std::string>> &settings = {})
{
    return runAnalysis(
        kind, {std::vector<TracePtr>(static_cast<std::size_t>(kind.traces), trace), {}}, Params{kind.params, settings}, Progress{});
}

/// What the refusal says; empty if there is none.
std::string refusal(const char *id, const TracePtr &trace, const std::vector<std::pair<std::string, std::string>> &settings = {})
{
    try {
        run(analysisKind(id), trace, settings);
    } catch (const Error &error) {
        return error.kind == ErrorKind::Check ? error.what() : std::string{"not a check: "} + error.what();
    }
    return {};
}

constexpr const char *poorTraces[] = {"no token ids", "no labels", "no tokens", "counts of one group", "one token"};

/// The trace of that name; each lacks something.
TracePtr poorTrace(int name)
{
    switch (name) {
    case 0:
        return withoutIds();
    case 1:
        return smallTrace(4, 2, sequences());
    case 2:
        return smallTrace(4, 2, {});
    case 3:
        return countsOfOneGroup();
    default:
        return smallTrace(4, 2, {{.info = {}, .ids = {{0, 1}, {2, 3}}}});
    }
}

} // namespace

class TestNeeds : public QObject {
    Q_OBJECT

private slots:
    void answersOrSaysWhatIsMissing_data()
    {
        QTest::addColumn<QString>("id");
        QTest::addColumn<int>("poor");
        for (const AnalysisKind &kind : analyses())
            for (int poor = 0; poor < 5; ++poor)
                QTest::addRow("%s: %s", std::string{kind.id}.c_str(), poorTraces[poor])
                    << QString::fromStdString(std::string{kind.id}) << poor;
    }
    void answersOrSaysWhatIsMissing()
    {
        QFETCH(QString, id);
        QFETCH(int, poor);
        const TracePtr trace = poorTrace(poor);
        const AnalysisKind &kind = analysisKind(id.toStdString());
        ParamValues settings;
        if (std::any_of(kind.params.begin(), kind.params.end(), [](const ParamKind &param) { return param.id == "min-count"; }))
            settings.emplace_back("min-count", "1"); // nothing is too rare to be listed
        try {
            const Result result = run(kind, trace, settings);
            QVERIFY2(result.tables.front().rows() > 0, "an empty answer");
            QVERIFY(poor != 2);
        } catch (const Error &error) {
            QVERIFY2(error.kind == ErrorKind::Check || error.kind == ErrorKind::Usage, error.what());
            QVERIFY(!error.remedy.empty());
        }
    }

    void tokenIdsAreAskedFor()
    {
        for (const char *id : {"vocabulary", "token-identity"})
            QVERIFY2(refusal(id, withoutIds()).find("holds no token ids") != std::string::npos, id);
        QVERIFY(refusal("token-pmi", withoutIds(), {{"tokens", "#5"}}).find("holds no token ids") != std::string::npos);
        // and by a setting of an analysis that can do without
        std::vector<SmallSequence> named = sequences();
        for (SmallSequence &sequence : named) {
            sequence.withoutIds = true;
            sequence.tokenId.clear();
            sequence.info.language = "en";
        }
        const TracePtr trace = smallTrace(4, 2, named);
        QCOMPARE(refusal("token-consistency", trace), std::string{});
        QVERIFY(refusal("token-consistency", trace, {{"different-ids", "on"}}).find("different-ids") != std::string::npos);
    }

    void groupsAreThoseOfTheSetting()
    {
        const TracePtr trace = smallTrace(4, 2, sequences());
        for (const char *id : {"committee", "expert-contrast"}) {
            QVERIFY2(refusal(id, trace).find("setting grouping") != std::string::npos, refusal(id, trace).c_str());
            QCOMPARE(refusal(id, trace, {{"grouping", "sequence"}}), std::string{});
        }
        QVERIFY(refusal("committee", countsOfOneGroup()).find("import counts of two") != std::string::npos);
    }

    void partsHaveNamesOfTheirOwn_data()
    {
        QTest::addColumn<QString>("id");
        for (const AnalysisKind &kind : analyses())
            QTest::newRow(std::string{kind.id}.c_str()) << QString::fromStdString(std::string{kind.id});
    }
    void partsHaveNamesOfTheirOwn()
    {
        QFETCH(QString, id);
        ParallelShape shape;
        shape.languages = {"en", "de", "fr", "it"};
        const TracePtr trace = parallelTrace(shape, [](const TokenAt &at, int expert) { return expert == at.language ? 2.0 : 0.0; });
        std::vector<std::pair<std::string, std::string>> settings;
        if (id == "token-pmi")
            settings = {{"tokens", "#1"}};
        if (id == "risk-difference")
            settings = {{"column", "language"}};
        const Result result = run(analysisKind(id.toStdString()), trace, settings);
        std::multiset<std::string> parts, series, numbers;
        for (const Table &table : result.tables)
            parts.insert(table.id);
        for (const Matrix &matrix : result.matrices)
            parts.insert(matrix.id);
        for (const Series &serie : result.series)
            series.insert(serie.id);
        for (const Number &number : result.numbers)
            numbers.insert(number.id);
        for (const std::string &number : numbers)
            QVERIFY2(givesNumber(analysisKind(id.toStdString()), number), number.c_str());
        for (const auto *names : {&parts, &series, &numbers})
            for (const std::string &name : *names)
                QVERIFY2(names->count(name) == 1, name.c_str());
    }
};

QTEST_APPLESS_MAIN(TestNeeds)
#include "test_needs.moc"
