// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Finding experts and planning a sweep: scores and sets against values made by hand, controls, plans that are refused, and that a recipe of
// strength 0 changes nothing.
#include "engine/core/error.h"
#include "engine/core/memory_trace.h"
#include "engine/experiments/metrics.h"
#include "engine/experiments/sweep.h"
#include "engine/steering/compiled_recipe.h"
#include "golden.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <functional>

using namespace expertscope;

namespace {

constexpr LayerWindow everywhere{0, 99};

/// Layers 2 and 5, six experts.
ExpertScores someScores()
{
    return {{2, 5}, 6, {0.1, 0.5, 0.3, -0.2, 0.4, noNumber, /**/ 0.6, 0.0, 0.31, 0.3, -0.9, 0.2}};
}

LayerExperts layer(int number, std::vector<int> experts)
{
    return {.layer = number, .experts = std::move(experts)};
}

std::vector<std::size_t> sizes(const ExpertSet &set)
{
    std::vector<std::size_t> list;
    for (const LayerExperts &one : set)
        list.push_back(one.experts.size());
    return list;
}

bool disjoint(const ExpertSet &a, const ExpertSet &b)
{
    for (std::size_t l = 0; l < a.size(); ++l)
        for (const int e : a[l].experts)
            if (std::find(b[l].experts.begin(), b[l].experts.end(), e) != b[l].experts.end())
                return false;
    return true;
}

std::string plan(const std::string &change = {}, const std::string &to = {})
{
    std::string text =
        "{\"expertscope_plan\": 1, \"name\": \"n\", \"held_out\": 0.5, \"seed\": 7,"
        "\"experts\": {\"method\": \"task\", \"target\": {\"data\": \"t\", \"language\": \"en\"}, \"baseline\": {\"data\": \"b\"}},"
        "\"parallel\": {\"data\": \"p\"}, \"evaluate\": {\"data\": \"p\", \"domain\": [\"x\", \"y\"]},"
        "\"sweep\": {\"tau\": [0.1, 0.3], \"windows\": [\"all\", \"suggested\"], \"ops\": [\"soft\", \"force-max\"], \"strengths\": [0.5, "
        "1]},"
        "\"dose\": [-1, 0], \"controls\": {\"random\": 2, \"windows\": [\"0-1\"]}}";
    if (!change.empty())
        text.replace(text.find(change), change.size(), to);
    return text;
}

SweepExperts sweepExpertsByHand()
{
    const std::vector<int> layers{0, 1, 2, 3};
    SweepExperts experts{
        .scores = {layers, 6, {}}, .language = {layers, 6, {}}, .load = {layers, 6, {}}, .suggested = {{1, 2}, "By hand."}, .model = {}};
    experts.model.topK = 2;
    for (int i = 0; i < 24; ++i) {
        experts.scores.values.push_back(i % 6 == 1 ? 0.5 : i % 6 == 2 ? 0.2 : i == 3 || i == 10 ? 0.4 : -0.1);
        experts.language.values.push_back(i % 6 == 5 ? 0.6 : 0.05 * (i % 3));
        experts.load.values.push_back(0.1 * (i % 6));
    }
    return experts;
}

} // namespace

class TestSteeringExperiment : public QObject {
    Q_OBJECT

private slots:
    void setsByThresholdAndByNumber()
    {
        const ExpertScores scores = someScores();
        QCOMPARE(above(scores, 0.3, everywhere), (ExpertSet{layer(2, {1, 4}), layer(5, {0, 2})})); // 0.3 itself is not above
        QCOMPARE(above(scores, 0.3, {5, 5}), (ExpertSet{layer(5, {0, 2})}));
        QVERIFY(above(scores, 0.7, everywhere).empty());
        QCOMPARE(highest(scores, 3, everywhere), (ExpertSet{layer(2, {1, 4}), layer(5, {0})}));
        QCOMPARE(lowest(scores, 2, everywhere), (ExpertSet{layer(2, {3}), layer(5, {4})}));
        QCOMPARE(sizeOf(highest(scores, 99, everywhere)), std::size_t{11}); // no score, no choice
        QCOMPARE(sizes(cut(above(scores, -1, everywhere), 2)), (std::vector<std::size_t>{2, 2}));
        QCOMPARE(wordsOf(above(scores, 0.3, everywhere)), std::string{"2: 1 4; 5: 0 2"});
    }

    void controlsHaveTheSameShapeAndNothingInCommon()
    {
        const ExpertSet set{layer(2, {1, 4}), layer(5, {0})};
        const ExpertScores load{{2, 5}, 6, {0.50, 0.20, 0.21, 0.1, 0.48, 0.0, /**/ 0.9, 0.7, 0.1, 0.2, 0.3, 0.4}};
        for (std::uint64_t seed = 0; seed < 50; ++seed) {
            const ExpertSet random = randomLike(set, 6, seed);
            QCOMPARE(sizes(random), sizes(set));
            QVERIFY(disjoint(set, random));
            QCOMPARE(randomLike(set, 6, seed), random);
        }
        QVERIFY(randomLike(set, 6, 1) != randomLike(set, 6, 2) || randomLike(set, 6, 1) != randomLike(set, 6, 3));
        QCOMPARE(sameLoadLike(set, load), (ExpertSet{layer(2, {2, 0}), layer(5, {1})}));
        QCOMPARE(highestLike(set, load), (ExpertSet{layer(2, {0, 2}), layer(5, {1})}));
        // more than half of a layer: there are not as many others
        QCOMPARE(sizes(randomLike({layer(2, {0, 1, 2, 3})}, 6, 1)), (std::vector<std::size_t>{4}));
    }

    void windowOfATroughAndWithoutOne()
    {
        const std::vector<int> layers{0, 2, 4, 6, 8, 10};
        const std::vector<double> curve{0.5, 0.28, 0.2, 0.22, 0.31, 0.4};
        CurveShape shape;
        shape.trough = 2;
        shape.lowest = 0.2;
        shape.depth = 0.2;
        shape.depthInterval = {0.1, 0.3};
        shape.nullDepth = 0;
        shape.nullDepthHigh = 0.05;
        QCOMPARE(suggestWindow(layers, curve, shape).window, (LayerWindow{2, 6})); // at most 0.3
        QVERIFY(suggestWindow(layers, curve, shape).words.find("layer 4") != std::string::npos);
        shape.nullDepthHigh = 0.25;
        QCOMPARE(suggestWindow(layers, curve, shape).window, (LayerWindow{2, 8})); // the middle half of six, rounded outwards
        shape.nullDepthHigh = 0.05;
        shape.depthInterval.low = -0.01;
        QCOMPARE(suggestWindow(layers, curve, shape).window, (LayerWindow{2, 8}));
        QCOMPARE(suggestWindow({3}, {}, {}).window, (LayerWindow{3, 3}));
    }

    void sharesAreMeansOverTexts()
    {
        TraceMeta meta;
        meta.layers = {4};
        meta.experts = 3;
        meta.slotCount = 1;
        meta.fields = {};
        MemoryTrace trace;
        trace.begin(meta);
        TraceBlock block;
        const std::vector<ExpertId> ids{0, 0, 1, 2, 2, 2};
        block.count = 6;
        block.tokenId.assign(6, 1);
        block.position = {0, 1, 2, 3, 0, 1};
        block.seqIndex = {0, 0, 0, 0, 1, 1};
        block.phase.assign(6, Phase::Prefill);
        block.expertId = ids;
        trace.append(block);
        SequenceInfo first, second;
        first.nPrompt = 4;
        second.firstToken = 4;
        second.nPrompt = 2;
        trace.endSequence(first, {});
        trace.endSequence(second, {});
        trace.finish({});
        const std::vector<ExpertScores> shares = activationShares(trace, {{0, 1}, {0}, {1}, {}}, {});
        QCOMPARE(shares[0].values, (std::vector<double>{0.25, 0.125, 0.625})); // not 2/6, 1/6, 3/6
        QCOMPARE(difference(shares[1], shares[2]).values, (std::vector<double>{0.5, 0.25, -0.75}));
        QVERIFY(std::isnan(shares[3].values[0]));
        QCOMPARE(largestDifference({shares[1], shares[2]}, shares[0]).values, (std::vector<double>{0.25, 0.125, 0.375}));
    }

    void aPlanIsRead()
    {
        const SweepPlan read = parsePlan(plan(), "p.json");
        QCOMPARE(read.seed, 7u);
        QCOMPARE(read.evaluate.size(), std::size_t{1});
        QCOMPARE(read.evaluate[0].where.front().second, (std::vector<std::string>{"x", "y"}));
        QCOMPARE(read.dose, (std::vector<double>{-1, 0}));
        QCOMPARE(parsePlan(plan("\"dose\": [-1, 0],", ""), "p.json").dose, (std::vector<double>{0.5, 1}));
        QVERIFY(read.sameLoad && read.randomSets == 2);
    }

    void aPlanIsWrittenAsItIsRead()
    {
        SweepPlan changed = parsePlan(plan(), "p.json");
        QVERIFY(parsePlan(planJson(changed), "again") == changed);
        changed.name = "named";
        changed.pivot = "de";
        changed.seed = 1;
        changed.heldOut = 0.3;
        changed.parallel.where = {{"domain", {"a"}}};
        changed.tau = {0.1, 1e-7};
        changed.sameLoad = changed.deactivate = false;
        changed.otherWindows = {"0-1"};
        changed.scoring.separator = "\n";
        changed.scoring.maxNewTokens = 5;
        changed.bootstrap = 7;
        QVERIFY(parsePlan(planJson(changed), "again") == changed);
    }

    void findingsAreWhatTheSetsAre()
    {
        const SweepPlan read = parsePlan(plan(), "p.json");
        const SweepExperts experts = sweepExpertsByHand();
        const Result found = findingsResult(read, experts);
        const Table &sets = found.table("sets");
        QCOMPARE(sets.rows(), read.windows.size() * read.tau.size());
        for (std::size_t row = 0; row < sets.rows(); ++row) {
            const ExpertSet set = above(experts.scores, sets.reals("tau")[row], layersOf(sets.texts("window")[row], experts));
            QCOMPARE(sets.integers("experts")[row], static_cast<std::int64_t>(sizeOf(set)));
            QCOMPARE(sets.texts("layer_experts")[row], wordsOf(set));
        }
        const std::vector<double> &ranked = found.table("experts").reals("value");
        QVERIFY(std::is_sorted(ranked.begin(), ranked.end(), std::greater<>{}));
        QVERIFY(std::none_of(
            found.series.begin(), found.series.end(), [](const Series &of) { return of.id == "divergence"; })); // no curve given
    }

    void plansAreRefused_data()
    {
        QTest::addColumn<QByteArray>("change");
        QTest::addColumn<QByteArray>("to");
        const auto bad = [](const char *change, const char *to) { QTest::newRow(to) << QByteArray{change} << QByteArray{to}; };
        bad("\"expertscope_plan\": 1", "\"expertscope_plan\": 2");
        bad("\"expertscope_plan\": 1", "\"expertscope_plan\": \"1\"");
        bad("\"held_out\": 0.5", "\"held_out\": 1");
        bad("\"held_out\": 0.5", "\"held_out\": \"half\"");
        bad("\"seed\": 7", "\"seed\": -7");
        bad("\"seed\": 7", "\"seed\": 99999999999999999999");
        bad("\"seed\": 7", "\"sead\": 7");
        bad("\"task\"", "\"no-such-method\"");
        bad("\"baseline\": {\"data\": \"b\"}", "\"baseline\": {}");
        bad("\"baseline\": {\"data\": \"b\"}", "\"baseline\": \"b\"");
        bad(", \"baseline\": {\"data\": \"b\"}", "");
        bad("\"parallel\": {\"data\": \"p\"},", " ");
        bad("[0.1, 0.3]", "[]");
        bad("[0.1, 0.3]", "[\"0.1\"]");
        bad("\"random\": 2", "\"random\": 2.5");
        bad("\"random\": 2", "\"randomly\": 2");
        bad("[\"x\", \"y\"]", "[1]");
        bad("}}", "}");
        bad("{\"expertscope_plan\": 1", "[{\"expertscope_plan\": 1");
    }
    void plansAreRefused()
    {
        QFETCH(const QByteArray, change);
        QFETCH(const QByteArray, to);
        try {
            parsePlan(plan(change.toStdString(), to.toStdString()), "p.json");
            QFAIL("accepted");
        } catch (const Error &error) {
            QVERIFY2(error.kind == ErrorKind::Input && error.where == "p.json", error.what());
        }
    }

    void halvesAreOfTextsAndTheSameInEveryFile()
    {
        const SweepPlan read = parsePlan(plan(), "p.json");
        EvalData data;
        for (int i = 0; i < 400; ++i)
            data.corpus.rows.push_back({.id = std::to_string(i),
                .prompt = "x",
                .continuation = {},
                .language = i % 2 ? "en" : "de",
                .domain = i % 3 ? "x" : "z",
                .parallelId = "p" + std::to_string(i / 2),
                .labels = {}});
        const EvalData open = chosenRows(data, {.data = {}, .where = {}}, read, false),
                       held = chosenRows(data, {.data = {}, .where = {}}, read, true);
        QCOMPARE(open.corpus.rows.size() + held.corpus.rows.size(), std::size_t{400});
        QVERIFY(open.corpus.rows.size() > 150 && held.corpus.rows.size() > 150);
        QVERIFY(open.corpus.sha256 != held.corpus.sha256);
        for (int i = 0; i < 400; i += 2)
            QCOMPARE(isHeldOut(data.corpus.rows[static_cast<std::size_t>(i)], read),
                isHeldOut(data.corpus.rows[static_cast<std::size_t>(i) + 1], read));
        for (const CorpusRow &row : chosenRows(data, read.evaluate[0], read, true).corpus.rows)
            QCOMPARE(row.domain, std::string{"x"});
        QVERIFY_EXCEPTION_THROWN(chosenRows(data, {.data = {}, .where = {{"nonsense", {"x"}}}}, read, true), Error);
    }

    void theGridAndItsControls()
    {
        const SweepPlan read = parsePlan(plan(), "p.json");
        const SweepExperts experts = sweepExpertsByHand();
        std::vector<std::string> notes;
        const std::vector<SweepCondition> grid = gridConditions(read, experts, notes);
        QCOMPARE(grid.size(), std::size_t{3 * 2 * 2}); // soft twice and forced; two thresholds; two windows
        for (const SweepCondition &of : grid)
            QVERIFY(of.kind == "task" && of.recipe.edits.size() == 1 && of.id.find('/') == std::string::npos);
        QCOMPARE(grid[0].experts, (ExpertSet{layer(0, {1, 3, 2}), layer(1, {1, 4, 2}), layer(2, {1, 2}), layer(3, {1, 2})}));
        const auto forced = std::find_if(grid.begin(), grid.end(), [](const SweepCondition &of) { return of.op == "force-max"; });
        QVERIFY(forced->strength.empty());
        QCOMPARE(sizes(forced->experts), (std::vector<std::size_t>{2, 2, 2, 2})); // at most k

        SweepPlan strict = read;
        strict.tau = {0.3, 0.45, 0.9};
        notes.clear();
        QCOMPARE(gridConditions(strict, experts, notes).size(), std::size_t{3 * 2 * 2});
        QCOMPARE(notes.size(), std::size_t{2}); // 0.9, in each window
        strict.tau = {0.9};
        QVERIFY_EXCEPTION_THROWN(gridConditions(strict, experts, notes), Error);

        const std::vector<SweepCondition> report = reportConditions(read, experts, grid[0]);
        QCOMPARE(report.front().id, grid[0].id);
        std::map<std::string, int> kinds;
        for (const SweepCondition &of : report) {
            ++kinds[of.kind];
            if (of.kind == "random" || of.kind == "same-load" || of.kind == "language")
                QCOMPARE(sizes(of.experts), of.op == "force-max" ? (std::vector<std::size_t>{2, 2, 2, 2}) : sizes(grid[0].experts));
        }
        // soft at 0.5, -1 and 0, and forced
        QCOMPARE(kinds["task"], 4);
        QCOMPARE(kinds["random"], 2 * 4);
        QCOMPARE(kinds["same-load"], 4);
        QCOMPARE(kinds["language"], 4);
        QCOMPARE(kinds["window"], 1);
        QCOMPARE(kinds["deactivate"], 1);
    }

    void theBestIsTheLowestLossOrTheHighestAccuracy()
    {
        std::vector<PairedDifference> differences(3);
        differences[0].difference = differences[2].difference = -0.1;
        differences[1].difference = 0.3;
        EvalData data;
        QCOMPARE(bestCondition(data, differences), std::size_t{0});
        data.kind = EvalKind::Choice;
        QCOMPARE(bestCondition(data, differences), std::size_t{1});
    }

    void strengthZeroIsExactlyNothing()
    {
        const std::unique_ptr<Backend> backend = makeCpuBackend();
        const Golden golden{"qwen3_moe"};
        const auto model = Model::load(golden.files(), *backend, {});
        const ExpertSet set{layer(model->config().moeLayers().front(), {0, 1})};
        const auto trace = [&](const char *strength) {
            Recipe recipe;
            recipe.edits = {editOf("soft", strength, set, model->config().maxTopK())};
            CompiledRecipe compiled{recipe, *model, *backend, nullptr};
            RunSpec spec;
            MemoryTrace memory;
            memory.begin(traceMeta(*model, *backend, spec, compiled.steering()));
            traceSequences(*model, *backend, golden.sequences(), spec, nullptr, memory, {}, compiled.steering());
            memory.finish({});
            return memory.tokens({1, memory.meta().tokens}).logprob;
        };
        RunSpec spec;
        MemoryTrace plain;
        plain.begin(traceMeta(*model, *backend, spec));
        traceSequences(*model, *backend, golden.sequences(), spec, nullptr, plain, {});
        plain.finish({});
        const std::vector<float> unsteered = plain.tokens({1, plain.meta().tokens}).logprob, zero = trace("0"), strong = trace("3");
        QVERIFY(std::equal(
            zero.begin(), zero.end(), unsteered.begin(), [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }));
        QVERIFY(!std::equal(
            strong.begin(), strong.end(), unsteered.begin(), [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }));
    }
};

QTEST_APPLESS_MAIN(TestSteeringExperiment)
#include "test_steering_experiment.moc"
