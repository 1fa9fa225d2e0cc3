// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Whole runs that are steered: random routing, generation, layers kept, skipped and repeated, a fixed router, self-contrast.
#include "engine/core/parallel.h"
#include "steered_runs.h"

#include <QTest>

#include <algorithm>
#include <set>

using namespace expertscope;

class TestSteeredRuns : public SteeredRuns {
    Q_OBJECT

private slots:
    void randomRoutingDependsOnNeitherBatchNorThreads()
    {
        const Recipe random =
            recipe({}, {policy("random", {{"n", "2"}}, {0, 2}), policy("random", {{"n", "2"}, {"per", "sequence"}}, {1})});
        const std::vector<TokenSequence> texts{sequence("a", 17), sequence("bb", 9), sequence("ccc", 21)};
        const auto whole = trace(model(), texts, &random);
        setThreadCount(1);
        RunSpec small;
        small.batchTokens = 10;
        const auto cut = trace(model(), texts, &random, small);
        setThreadCount(0);
        const auto last = trace(model(), {texts[2]}, &random);
        for (int l = 0; l < 3; ++l) {
            QCOMPARE(ids(*whole, l), ids(*cut, l));
            const std::vector<ExpertId> all = ids(*whole, l), alone = ids(*last, l);
            QVERIFY(std::equal(alone.begin(), alone.end(), all.end() - std::ssize(alone)));
        }
        const std::vector<ExpertId> fixed = ids(*whole, 1);
        const auto width = static_cast<std::size_t>(whole->meta().slotCount);
        const std::set<ExpertId> drawn{fixed[0], fixed[1]};
        for (std::size_t t = 1; t < 17; ++t)
            QCOMPARE((std::set<ExpertId>{fixed[t * width], fixed[t * width + 1]}), drawn);
    }

    void generationIsSteeredFromThePrompt()
    {
        RunSpec spec;
        spec.maxNewTokens = 8;
        const auto generated = [&](const Recipe &recipe) {
            CompiledRecipe compiled{recipe, model(), *m_backend, &m_letters};
            m_log = {};
            const GenerateResult result =
                generate(model(), *m_backend, sequence("a", 6), spec, nullptr, nullptr, {}, {}, compiled.steering(&m_log));
            std::vector<std::int32_t> out;
            for (const GeneratedToken &token : result.tokens)
                out.push_back(token.id);
            return out;
        };
        const std::vector<std::int32_t> own = generated(recipe({}));
        QCOMPARE(m_log.layers.at(1).tokens, 6 + 7);
        const LayerExperts some{1, false, {0, 1, 2, 3}};
        generated(recipe({edit("exclude", {some}, {}, {}, RunPhase::Decode)}));
        const std::int64_t decode = m_log.layers.at(1).changedSlots;
        generated(recipe({edit("exclude", {some}, {}, {}, RunPhase::Prefill)}));
        const std::int64_t prefill = m_log.layers.at(1).changedSlots;
        QVERIFY(decode > 0 && decode <= 4 * 7 && prefill > 0 && prefill <= 4 * 6);
        QVERIFY(generated(recipe({edit("mask", {{everyLayer, false, {0, 1, 2, 3}}})})) != own);
        // a pattern is looked for in what has been drawn as well
        TokenSpan any;
        any.kind = TokenSpan::Kind::Pattern;
        any.pattern = ".";
        generated(recipe({edit("exclude", {some}, {}, any, RunPhase::Decode)}));
        QCOMPARE(m_log.layers.at(1).changedSlots, decode);
    }

    void keptLayersChangeNoBit()
    {
        // a long and a short batch, other steering each time, from a later and from an earlier layer, and back
        const std::vector<TokenSequence> texts{sequence("a", 17), sequence("bb", 9), sequence("ccc", 21)};
        RunSpec spec = withLogits();
        spec.batchTokens = 30;
        KeptLayers kept;
        const Recipe last = recipe({edit("add", {{2, false, {1}}}, {{"strength", "3"}})});
        const Recipe middle = recipe({edit("mask", {{1, false, {0, 2}}})}, {policy("top-k", {{"k", "2"}}, {1, 2})});
        const Recipe first = recipe({edit("soft", {{0, false, {3}}}, {{"strength", "2"}})});
        int layersRun = 0;
        for (const Recipe *steered :
            {static_cast<const Recipe *>(nullptr), &last, &middle, &first, &middle, static_cast<const Recipe *>(nullptr)}) {
            m_kept = nullptr;
            const auto fresh = trace(model(), texts, steered, spec);
            const SteeringLog log = m_log;
            m_kept = &kept;
            const auto resumed = trace(model(), texts, steered, spec);
            m_kept = nullptr;
            QVERIFY(m_log.layers == log.layers);
            for (int l = 0; l < 3; ++l) {
                QCOMPARE(ids(*resumed, l), ids(*fresh, l));
                QVERIFY(sameBits(weights(*resumed, l), weights(*fresh, l)));
            }
            const TokenColumns a = resumed->tokens({0, 47}), b = fresh->tokens({0, 47});
            QVERIFY(sameBits(a.logprob, b.logprob));
            QCOMPARE(a.predictedId, b.predictedId);
            layersRun += kept.batch(0).lastLayer();
        }
        QCOMPARE(layersRun, 6 * 2); // all three layers are kept from the first run on
        // another text of the same length is not taken for this one
        std::vector<TokenSequence> other = texts;
        other[0].tokens[3] ^= 1;
        m_kept = &kept;
        const auto resumed = trace(model(), other, &last, spec);
        m_kept = nullptr;
        QVERIFY(sameBits(resumed->tokens({0, 47}).logprob, trace(model(), other, &last, spec)->tokens({0, 47}).logprob));
    }

    void keptLayersGrowDownwards()
    {
        // the first run is steered from the middle on, so only what is before that can be kept
        const TokenSequence text = sequence("a", 12);
        KeptLayers kept;
        const Recipe middle = recipe({edit("add", {{1, false, {1}}}, {{"strength", "3"}})});
        const Recipe last = recipe({edit("add", {{2, false, {1}}}, {{"strength", "3"}})});
        for (const Recipe *steered : {&middle, &last}) {
            m_kept = &kept;
            const auto resumed = trace(model(), {text}, steered);
            m_kept = nullptr;
            QVERIFY(sameBits(resumed->tokens({0, 12}).logprob, trace(model(), {text}, steered)->tokens({0, 12}).logprob));
            QCOMPARE(kept.batch(0).lastLayer(), steered == &middle ? 1 : 2);
        }
    }

    void skippedAndRepeatedLayers()
    {
        const TokenSequence text = sequence("a", 14);
        const Recipe skip = recipe({}, {policy("skip-layer", {}, {1})});
        const Recipe repeat = recipe({}, {policy("repeat-layer", {{"times", "3"}}, {1})});
        const auto own = states(model(), text, nullptr);
        const auto skipped = states(model(), text, &skip);
        const auto repeated = states(model(), text, &repeat);
        QVERIFY(!skipped.contains("hidden.1"));
        const Recipe dense = recipe({}, {policy("skip-layer", {}, {1})}); // of a model whose layer 1 has no experts
        QVERIFY(!states(model("qwen2_moe"), text, &dense).contains("hidden.1"));
        QCOMPARE(repeated.at("hidden.1").size(), 3 * own.at("hidden.1").size());
        const auto size = static_cast<std::ptrdiff_t>(own.at("hidden.1").size());
        QVERIFY(std::equal(own.at("hidden.1").begin(), own.at("hidden.1").end(), repeated.at("hidden.1").begin())); // the first time
        QVERIFY(!std::equal(repeated.at("hidden.1").end() - size, repeated.at("hidden.1").end(), own.at("hidden.1").begin()));
        const auto traced = trace(model(), {text}, &skip);
        const std::vector<ExpertId> none = ids(*traced, 1);
        QVERIFY(std::all_of(none.begin(), none.end(), [](ExpertId e) { return e == noExpert; }) && traced->meta().fields.nActive);
        QVERIFY(!m_log.layers.contains(1));
        trace(model(), {text}, &repeat);
        QCOMPARE(m_log.layers.at(1).tokens, 14);
        // parts of a sequence and decoding keep each repetition's own keys and values
        for (const Recipe *changed : {&skip, &repeat}) {
            RunSpec cut;
            cut.batchTokens = 5;
            const std::vector<float> whole = trace(model(), {text}, changed)->tokens({0, 14}).logprob;
            const std::vector<float> parts = trace(model(), {text}, changed, cut)->tokens({0, 14}).logprob;
            for (std::size_t t = 1; t < 14; ++t)
                QVERIFY(std::fabs(whole[t] - parts[t]) < 1e-4f);
        }
    }

    void aFixedRandomRouterRoutesEqualTokensAlike()
    {
        const Recipe random = recipe({}, {policy("fixed-random-router")});
        const Recipe other = recipe({}, {policy("fixed-random-router", {{"seed", "7"}})});
        TokenSequence text = sequence("a", 20);
        const auto own = trace(model(), {text}, nullptr, withLogits());
        const auto steered = trace(model(), {text}, &random, withLogits());
        QVERIFY(m_log.layers.at(0).meanChanged() > 0.5);
        QCOMPARE(ids(*trace(model(), {text}, &random), 2), ids(*steered, 2));
        QVERIFY(ids(*trace(model(), {text}, &other), 2) != ids(*steered, 2));
        // what is recorded is the model's own router
        std::vector<float> a(20 * 10), b(20 * 10);
        own->routerLogits({0, 20}, 0, a);
        steered->routerLogits({0, 20}, 0, b);
        QVERIFY(sameBits(a, b));
        text.tokens[1] = text.tokens[0];
        text.tokens[2] = text.tokens[0]; // one token alone attends to itself only
        const auto same = trace(model(), {text}, &random);
        const std::vector<ExpertId> first = ids(*same, 0);
        QVERIFY(std::equal(first.begin(), first.begin() + 3, first.begin() + 3));
    }

    void selfContrastMovesAwayFromTheWeakPass()
    {
        // the check value of methods 2, section 6.4
        const std::vector<float> z = contrasted(std::vector<float>{2.0f, 1.5f, 0.2f, -3.0f}, std::vector<float>{1.8f, 0.1f, 0.4f, 1.0f},
            {.weak = nullptr, .beta = 0.5, .alpha = 0.1});
        QVERIFY(std::fabs(z[0] - 2.1f) < 1e-6f && std::fabs(z[1] - 2.2f) < 1e-6f && std::fabs(z[2] - 0.1f) < 1e-6f);
        QCOMPARE(z[3], std::numeric_limits<float>::lowest());

        RunSpec spec;
        spec.maxNewTokens = 10;
        const auto generated = [&](const Recipe &recipe) {
            CompiledRecipe compiled{recipe, model(), *m_backend, nullptr};
            std::vector<std::int32_t> out;
            for (const GeneratedToken &token :
                generate(model(), *m_backend, sequence("a", 6), spec, nullptr, nullptr, {}, {}, compiled.steering()).tokens)
                out.push_back(token.id);
            return out;
        };
        const std::vector<std::int32_t> own = generated(recipe({}));
        QCOMPARE(generated(recipe({}, {policy("self-contrast", {{"beta", "0"}})})), own);
        QCOMPARE(generated(recipe({}, {policy("self-contrast", {{"alpha", "1"}})})), own); // only the likeliest is plausible
        const Recipe strong = recipe({}, {policy("self-contrast", {{"beta", "3"}, {"alpha", "0.01"}})});
        const Recipe random = recipe({}, {policy("self-contrast", {{"beta", "3"}, {"alpha", "0.01"}, {"weak", "random-1"}})});
        QVERIFY(generated(strong) != own);
        QCOMPARE(generated(strong), generated(strong));
        QCOMPARE(generated(random), generated(random));
        QVERIFY_EXCEPTION_THROWN(trace(model(), {sequence("a", 6)}, &strong), Error); // a traced text draws nothing
    }
};

QTEST_APPLESS_MAIN(TestSteeredRuns)
#include "test_steered_runs.moc"
