// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Scoring on a small random checkpoint: what counts of a text, the same numbers wherever a run goes on, lines of scores and the result.
#include "engine/core/error.h"
#include "engine/core/memory_trace.h"
#include "engine/experiments/evaluation.h"
#include "engine/experiments/k_sweep.h"
#include "engine/experiments/k_vote.h"
#include "engine/experiments/score_lines.h"
#include "engine/text/tokenizer.h"
#include "golden.h"

#include <QTest>

#include <algorithm>
#include <cmath>

using namespace expertscope;

namespace {

/// A token a byte, after a beginning-of-text token.
struct Bytes : Tokenizer {
    std::vector<std::int32_t> encode(std::string_view text, bool addSpecial) const override
    {
        std::vector<std::int32_t> ids;
        if (addSpecial)
            ids.push_back(1);
        for (const char c : text)
            ids.push_back(static_cast<unsigned char>(c) % 100 + 10);
        return ids;
    }
    std::string decode(std::span<const std::int32_t> ids, bool) const override { return std::string(ids.size(), 'x'); }
    std::string tokenBytes(std::int32_t) const override { return "x"; }
    bool isSpecial(std::int32_t id) const override { return id == 1; }
    std::optional<std::int32_t> idOf(std::string_view) const override { return {}; }
    std::int32_t vocabSize() const override { return 139; }
};

EvalData texts(int n)
{
    EvalData data;
    data.corpus.source = "texts";
    data.corpus.sha256 = "abc";
    for (int i = 0; i < n; ++i)
        data.corpus.rows.push_back({.id = std::to_string(i),
            .prompt = "text number " + std::to_string(i * 7919) + std::string(static_cast<std::size_t>(i % 5), 'z'),
            .continuation = i % 3 == 0 ? " goes on" : "",
            .language = i % 2 ? "en" : "de",
            .domain = {},
            .parallelId = std::to_string(i / 2),
            .labels = {}});
    return data;
}

EvalData questions(int n)
{
    EvalData data = texts(n);
    data.kind = EvalKind::Choice;
    for (int i = 0; i < n; ++i) {
        data.corpus.rows[static_cast<std::size_t>(i)].continuation.clear();
        data.tasks.push_back({{"one", "another one", "none"}, static_cast<std::size_t>(i % 3), {}});
    }
    return data;
}

} // namespace

class TestEvaluation : public QObject {
    Q_OBJECT

    std::unique_ptr<Backend> m_backend = makeCpuBackend();
    std::shared_ptr<const Model> m_model;
    Bytes m_tokenizer;

    std::vector<ItemScore> scores(
        const EvalData &data, std::size_t done = 0, const ScoringSettings &settings = {.batchTokens = 64}, const Steering &steering = {})
    {
        std::vector<ItemScore> all;
        std::size_t next = done;
        for (ItemScoring scoring{data, settings, done}; !scoring.atEnd();)
            scoring.next(*m_model, *m_backend, m_tokenizer, steering,
                [&](std::size_t item, ItemScore score) {
                    QCOMPARE(item, next++);
                    all.push_back(std::move(score));
                },
                {});
        return all;
    }

private slots:
    void theMajorityOverKAnswers()
    {
        const EvalData data = questions(4); // right: 0, 1, 2, 0
        const auto chosen = [](std::initializer_list<int> answers) {
            std::vector<ItemScore> scores;
            for (const int answer : answers) {
                ItemScore score;
                for (int c = 0; c < 3; ++c)
                    score.texts.push_back({answer < 0 ? noNumber : c == answer ? -1.0 : -2.0, 1, 1});
                scores.push_back(score);
            }
            return scores;
        };
        const std::vector<ItemScore> own = chosen({1, 1, 0, 0});
        //                                     votes for item 0: 0 twice; item 1: 2, 0, 1, a tie that the model's own answer takes;
        //                                     item 2: 2 three times; item 3 has no number under k = 2
        const std::vector<KAnswers> each{{1, chosen({0, 2, 2, 0})}, {2, chosen({1, 0, 2, -1})}, {3, chosen({0, 1, 2, 0})}};
        const Params settings{kSweepKind().params, {}};
        const Table table = kAnswersTable(data, own, each, settings);
        QVERIFY((table.texts("k") == std::vector<std::string>{"own", "1", "2", "3", "vote"}));
        const auto &accuracy = table.reals("accuracy");
        QVERIFY((table.integers("n") == std::vector<std::int64_t>(5, 3)));
        const double third = 1.0 / 3;
        for (const auto &[row, value] : {std::pair{0, third}, {1, 2 * third}, {2, third}, {3, 1.0}, {4, 1.0}})
            QVERIFY2(std::abs(accuracy[static_cast<std::size_t>(row)] - value) < 1e-12, QByteArray::number(row));
        QCOMPARE(table.reals("difference")[4], accuracy[4] - accuracy[0]);
        QCOMPARE(table.reals("jaccard")[4], third); // own solves item 1, the vote items 0 to 2
        QCOMPARE(table.reals("p")[4], 0.5); // two items against none
        EvalData prompts = data;
        prompts.kind = EvalKind::Generation;
        for (EvalTask &task : prompts.tasks)
            task.answers = {"Yes."};
        const std::vector<ItemScore> says{{{}, "yes"}, {{}, "no"}, {{}, " YES \nand more"}, {{}, "maybe"}};
        const Table said = kAnswersTable(prompts, says, std::vector<KAnswers>{{1, says}}, settings);
        QCOMPARE(said.reals("accuracy")[2], 0.5);
        QVERIFY_EXCEPTION_THROWN(kAnswersTable(texts(2), own, each, settings), Error);
    }

    void initTestCase() { m_model = Model::load(Golden{"qwen3_moe"}.files(), *m_backend, {}); }

    void aTextIsScoredWholeOrByItsContinuation()
    {
        const EvalData data = texts(2);
        const std::vector<ItemScore> all = scores(data);
        QCOMPARE(all.size(), std::size_t{2});
        QCOMPARE(all[0].texts.front().tokens, 8); // " goes on"
        QCOMPARE(all[1].texts.front().tokens, std::ssize(data.corpus.rows[1].prompt)); // not the special token before it
        QCOMPARE(all[1].texts.front().bytes, std::ssize(data.corpus.rows[1].prompt));

        // the same sum as from a trace
        TokenSequence sequence;
        sequence.tokens = m_tokenizer.encode(data.corpus.rows[1].prompt, true);
        sequence.nPrompt = std::ssize(sequence.tokens);
        MemoryTrace trace;
        const RunSpec spec{};
        trace.begin(traceMeta(*m_model, *m_backend, spec));
        traceSequences(*m_model, *m_backend, {&sequence, 1}, spec, &m_tokenizer, trace, {});
        trace.finish({});
        double sum = 0;
        for (const float x : trace.tokens({1, trace.meta().tokens}).logprob)
            sum += static_cast<double>(x);
        QVERIFY(std::abs(sum - all[1].texts.front().logprob) < 1e-3);
    }

    void aChoiceIsScoredAfterItsQuestion()
    {
        const std::vector<ItemScore> all = scores(questions(3));
        for (const ItemScore &score : all) {
            QCOMPARE(score.texts.size(), std::size_t{3});
            QCOMPARE(score.texts[1].tokens, 12); // a blank and eleven letters
            QCOMPARE(score.texts[1].bytes, 11);
            QVERIFY(score.texts[1].logprob < 0);
        }
        QCOMPARE(scores(questions(3), 0, {.separator = "", .batchTokens = 64}).front().texts[1].tokens, 11);
    }

    void goingOnGivesTheSameBits()
    {
        for (const EvalData &data : {texts(40), questions(20)}) {
            const std::vector<ItemScore> whole = scores(data);
            for (const std::size_t done : {std::size_t{1}, std::size_t{7}, whole.size() - 1, whole.size()}) {
                const std::vector<ItemScore> rest = scores(data, done);
                QVERIFY(std::equal(rest.begin(), rest.end(), whole.begin() + static_cast<std::ptrdiff_t>(done), whole.end()));
            }
        }
    }

    void generationsAreGreedyAndOfTheLengthAsked()
    {
        EvalData data = texts(2);
        data.kind = EvalKind::Generation;
        data.tasks = {{{}, 0, {"x"}}, {{}, 0, {"y"}}};
        const std::vector<ItemScore> all = scores(data, 0, {.maxNewTokens = 5, .batchTokens = 64});
        QVERIFY(all[0].texts.empty());
        QVERIFY(!all[0].output.empty() && all[0].output.size() <= 5);
        QVERIFY(scores(data, 1, {.maxNewTokens = 5, .batchTokens = 64}).front() == all[1]);
    }

    void textsAreCutAtTheContextAndQuestionsAreRefused()
    {
        EvalData data = texts(1);
        data.corpus.rows.front().prompt.assign(static_cast<std::size_t>(m_model->config().maxPositions) + 10, 'a');
        data.corpus.rows.front().continuation.clear();
        QCOMPARE(scores(data).front().texts.front().tokens, m_model->config().maxPositions - 1);
        EvalData question = questions(1);
        question.corpus.rows.front().prompt = data.corpus.rows.front().prompt;
        QVERIFY_EXCEPTION_THROWN(scores(question), Error);
    }

    void linesGiveTheScoresBack()
    {
        const EvalData choice = questions(2);
        const ItemScore score{{{-1.25, 3, 4}, {-0.1, 1, 1}, {noNumber, 2, 2}}, {}};
        const ItemScore back = scoreOfLine(scoreLine(1, "a\"b", score), 1, choice, "f:2");
        QVERIFY(back.texts[0] == score.texts[0] && back.texts[1] == score.texts[1] && std::isnan(back.texts[2].logprob));
        EvalData generation = texts(1);
        generation.kind = EvalKind::Generation;
        QCOMPARE(scoreOfLine(scoreLine(0, "i", {{}, "caf\xC3\xA9\n"}), 0, generation, "f:2").output, std::string{"caf\xC3\xA9\n"});
    }

    void damagedLinesAreErrors_data()
    {
        QTest::addColumn<QByteArray>("line");
        for (const char *line : {"", "null", "[]", "{\"item\":1}", "{\"item\":0,\"texts\":[[-1,1,1],[-1,1,1],[-1,1,1]]}",
                 "{\"item\":1,\"texts\":[[-1,1,1],[-1,1,1]]}", "{\"item\":1,\"texts\":[[-1,1,1],[-1,1],[-1,1,1]]}",
                 "{\"item\":1,\"texts\":[[-1,1,1],[-1,1,1,1],[-1,1,1]]}", "{\"item\":1,\"texts\":[[-1,1,1],[-1,-1,1],[-1,1,1]]}",
                 "{\"item\":1,\"texts\":[[-1,1,1],[\"x\",1,1],[-1,1,1]]}", "{\"item\":\"1\",\"texts\":3}",
                 "{\"item\":1,\"texts\":[[-1,1,1],[-1,1,1],[-1,1,1]]} x"})
            QTest::newRow(line) << QByteArray{line};
        QTest::newRow("deep") << QByteArray{200000, '['};
    }
    void damagedLinesAreErrors()
    {
        QFETCH(const QByteArray, line);
        QVERIFY_EXCEPTION_THROWN(scoreOfLine(line.toStdString(), 1, questions(2), "f:3"), Error);
    }

    void headersSayWhatDiffers()
    {
        const EvalData data = texts(2);
        ScoreSource source{.model = m_model->info(), .backend = "cpu", .recipeSha256 = {}, .settings = {}};
        const std::string header = scoreHeader(source, data);
        QCOMPARE(header.find('\n'), std::string::npos);
        source.recipeSha256 = "1234";
        const std::string other = scoreHeader(source, data);
        QVERIFY(header != other);
        QVERIFY(headerDifference(header, other).find("recipe_sha256") != std::string::npos);
        QVERIFY(headerDifference(header, other).find("model") == std::string::npos);
        QVERIFY(headerDifference("PK\x03\x04", header).find("not a file of scores") != std::string::npos);
    }

    void theResultSaysWhatChanged()
    {
        const std::vector<EvalData> data{texts(40), questions(12)};
        ConditionScores baseline{"baseline", {scores(data[0]), scores(data[1])}}, same = baseline, worse = baseline;
        same.name = "same";
        worse.name = "worse";
        for (ItemScore &score : worse.scores[0])
            score.texts.front().logprob -= 0.5 * static_cast<double>(score.texts.front().bytes);
        const std::vector<ConditionScores> conditions{baseline, same, worse};
        const Params params{evaluationKind().params};
        const Result result = evaluationResult(data, conditions, params, {});
        const Table &table = result.table("differences");
        for (std::size_t r = 0; r < table.rows(); ++r) {
            const bool changed = table.texts("condition")[r] == "worse" && table.texts("metric")[r] == "bits-per-byte";
            QVERIFY(changed || table.reals("value")[r] == 0.0);
            if (!changed)
                continue;
            QVERIFY(std::abs(table.reals("value")[r] - 0.5 / std::log(2.0)) < 1e-9);
            QVERIFY(std::abs(table.reals("low")[r] - table.reals("high")[r]) < 1e-9);
            QCOMPARE(table.integers("significant")[r], 1);
            QCOMPARE(table.integers("lower")[r], 0);
        }
        // all, two languages: of one metric, and of four
        QCOMPARE(result.table("scores").rows(), std::size_t{3 * 3 * (1 + 4)});
        QCOMPARE(result.serie("differences-0-by-language").curves.size(), std::size_t{2});
        QCOMPARE(result.serie("scores-1-by-language").names, (std::vector<std::string>{"de", "en"}));
        QVERIFY(result.number("difference_bits-per-byte_0_1").value == 0);

        // three choices each, two translations a text
        const Number &accuracy = result.number("accuracy-per-byte_1_0");
        QVERIFY(std::abs(accuracy.chance - 1.0 / 3) < 1e-12);
        QCOMPARE(accuracy.of, std::string{"items of 6 texts"});
        QVERIFY(std::isnan(result.number("bits-per-byte_0_0").chance));
        QVERIFY(result.serie("scores-1-by-language").curves.back().role == Curve::Role::Chance);
        const auto isWarning = [](const std::string &note) { return note.find("rest on 6 texts") != std::string::npos; };
        QCOMPARE(std::count_if(result.notes.begin(), result.notes.end(), isWarning), 1); // the 40 texts are 20

        const Result alone = evaluationResult(data, {&conditions.front(), 1}, params, {});
        QCOMPARE(alone.tables.front().id, std::string{"scores"});
        QCOMPARE(alone.tables.size(), std::size_t{1});
    }
};

QTEST_APPLESS_MAIN(TestEvaluation)
#include "test_evaluation.moc"
