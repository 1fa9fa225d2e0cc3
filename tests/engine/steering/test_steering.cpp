// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Steered runs of small models: identities bit for bit, spans and layers that are left alone, what is logged, what is refused.
#include "engine/core/error.h"
#include "engine/core/recipe_json.h"
#include "engine/steering/validate.h"
#include "steered_runs.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <set>

using namespace expertscope;

namespace {

std::string errorOf(const Recipe &recipe, const ModelConfig &config)
{
    try {
        validate(recipe, config);
    } catch (const Error &error) {
        return error.what();
    }
    return "accepted";
}

} // namespace

class TestSteering : public SteeredRuns {
    Q_OBJECT

private slots:
    void whatChangesNothingChangesNoBit_data()
    {
        QTest::addColumn<Recipe>("recipe");
        QTest::newRow("empty") << recipe({});
        for (const char *op : {"add", "soft", "scale-abs"})
            QTest::newRow(op) << recipe({edit(op, {everyExpert}, {{"strength", "0"}})});
        QTest::newRow("weight-scale 1") << recipe({edit("weight-scale", {everyExpert}, {{"strength", "1"}})});
        QTest::newRow("temperature 1") << recipe({}, {policy("temperature", {{"t", "1"}})});
        Recipe off = recipe({edit("mask", {{2, false, {0, 1, 2}}})}, {policy("top-k", {{"k", "1"}})});
        off.edits[0].enabled = off.policies[0].enabled = false;
        QTest::newRow("switched off") << off;
        Edit vector;
        vector.op = "bias";
        vector.settings = {{"strength", "0"}};
        vector.vectors[2] = std::vector<float>(1, 2.5f);
        QTest::newRow("bias") << recipe({vector});
        TokenSpan nowhere;
        nowhere.kind = TokenSpan::Kind::Pattern;
        nowhere.pattern = "[0-9]+";
        QTest::newRow("no token matches") << recipe({edit("mask", {{2, false, {0, 1, 2}}}, {}, nowhere)});
        QTest::newRow("decode only") << recipe({edit("add", {everyExpert}, {{"strength", "3"}}, {}, RunPhase::Decode)});
    }

    void whatChangesNothingChangesNoBit()
    {
        QFETCH(Recipe, recipe);
        for (const char *family : {"olmoe", "mixtral", "qwen2_moe", "qwen3_moe"}) {
            const Model &m = model(family);
            Recipe fitting = recipe;
            for (Edit &e : fitting.edits)
                for (auto &[layer, vector] : e.vectors)
                    vector.resize(static_cast<std::size_t>(m.config().maxExperts()), 2.5f);
            const auto own = states(m, sequence("a", 23), nullptr);
            const auto steered = states(m, sequence("a", 23), &fitting);
            for (const auto &[name, values] : own)
                QVERIFY2(sameBits(values, steered.at(name)), name.c_str());
        }
    }

    void excludingUnusedExpertsChangesNoBit()
    {
        for (const char *family : {"olmoe", "mixtral", "qwen2_moe", "qwen3_moe"}) {
            const Model &m = model(family);
            const TokenSequence one = sequence("a", 2);
            const auto own = trace(m, {one}, nullptr);
            Recipe exclude = recipe({edit("exclude", {})});
            for (std::size_t l = 0; l < own->meta().layers.size(); ++l) {
                const std::vector<ExpertId> used = ids(*own, static_cast<int>(l));
                LayerExperts unused{own->meta().layers[l], false, {}};
                for (int e = 0; e < own->meta().experts; ++e)
                    if (std::find(used.begin(), used.end(), static_cast<ExpertId>(e)) == used.end())
                        unused.experts.push_back(e);
                exclude.edits[0].experts.push_back(unused);
            }
            const auto before = states(m, one, nullptr);
            const auto after = states(m, one, &exclude);
            for (const auto &[name, values] : before)
                QVERIFY2(sameBits(values, after.at(name)), name.c_str());
        }
    }

    void maskedExpertsAreNotUsedAndTheRestIsAModelOfItself()
    {
        for (const char *family : {"olmoe", "mixtral", "qwen2_moe", "qwen3_moe"}) {
            const Model &m = model(family);
            const auto own = trace(m, {sequence("a", 19)}, nullptr, withLogits());
            const int layer = own->meta().layers[1];
            const MoeFfn &rule = *m.config().layers[static_cast<std::size_t>(layer)].moe();
            LayerExperts masked{layer, false, {}};
            std::vector<std::size_t> kept;
            for (int e = 0; e < rule.experts; ++e)
                (e % 2 == 1 && std::ssize(kept) < rule.topK ? kept.push_back(static_cast<std::size_t>(e)) : masked.experts.push_back(e));
            const Recipe mask = recipe({edit("mask", {masked})});
            const auto steered = trace(m, {sequence("a", 19)}, &mask, withLogits());
            // the layers before are not touched, so this layer's logits are the same; a layer of the kept experts alone, by hand:
            std::vector<float> logits(19 * static_cast<std::size_t>(rule.experts));
            steered->routerLogits({0, 19}, 1, logits);
            const std::vector<ExpertId> got = ids(*steered, 1);
            const std::vector<float> weight = weights(*steered, 1);
            for (std::size_t t = 0; t < 19; ++t) {
                double sum = 0;
                for (std::size_t e : kept)
                    sum += std::exp(static_cast<double>(logits[t * static_cast<std::size_t>(rule.experts) + e]));
                for (std::size_t s = 0; s < static_cast<std::size_t>(rule.topK); ++s) {
                    const std::size_t e = got[t * static_cast<std::size_t>(rule.topK) + s];
                    QVERIFY(std::find(kept.begin(), kept.end(), e) != kept.end());
                    const double expected = std::exp(static_cast<double>(logits[t * static_cast<std::size_t>(rule.experts) + e])) / sum;
                    const double found = static_cast<double>(weight[t * static_cast<std::size_t>(rule.topK) + s]);
                    QVERIFY2(std::fabs(found / expected - 1) < 1e-2, family); // logits are kept as f16
                }
            }
        }
    }

    void ablatingAllButKExpertsIsAModelOfThoseExperts()
    {
        // the same checkpoint with the routers cut to the kept experts, in every layer
        const Golden golden{"qwen3_moe"};
        const Model &whole = model("qwen3_moe");
        const int k = whole.config().maxTopK();
        auto files = std::make_shared<ModelFiles>(*golden.files());
        const int experts = whole.config().maxExperts();
        LayerExperts masked{everyLayer, false, {}};
        for (int e = 0; e < experts - k; ++e)
            masked.experts.push_back(e);
        files->tensors.clear();
        for (const auto &[name, tensor] : golden.files()->tensors) {
            const auto list = name.find(".mlp.experts.");
            if (list == std::string::npos) {
                files->tensors.emplace(name, name.ends_with(".mlp.gate.weight") ? tensor.rows(experts - k, experts) : tensor);
                continue;
            }
            const auto number = list + std::string_view{".mlp.experts."}.size();
            const int expert = std::stoi(name.substr(number)) - (experts - k);
            if (expert >= 0)
                files->tensors.emplace(name.substr(0, number) + std::to_string(expert) + name.substr(name.find('.', number)), tensor);
        }
        const std::string count = "\"num_local_experts\": " + std::to_string(experts);
        const auto at = files->configJson.find(count);
        QVERIFY(at != std::string::npos);
        files->configJson.replace(at, count.size(), "\"num_local_experts\": " + std::to_string(k));
        const auto small = Model::load(files, *m_backend, {});
        QCOMPARE(small->config().maxExperts(), k);
        const Recipe mask = recipe({edit("mask", {masked})});
        const auto steered = states(whole, sequence("a", 21), &mask);
        const auto own = states(*small, sequence("a", 21), nullptr);
        for (const char *name : {"hidden.0", "hidden.2", "final_norm"}) {
            const std::vector<float> &a = steered.at(name);
            const std::vector<float> &b = own.at(name);
            for (std::size_t i = 0; i < a.size(); ++i)
                QVERIFY2(std::fabs(a[i] - b[i]) < 1e-4f, name);
        }
    }

    void onlyLaterTokensOfTheSpanFeelIt_data()
    {
        QTest::addColumn<TokenSpan>("span");
        QTest::addColumn<int>("first"); // token of 20 that is edited first, of a prompt of 12
        TokenSpan span;
        QTest::newRow("all") << span << 0;
        span.kind = TokenSpan::Kind::Generated;
        QTest::newRow("generated") << span << 12;
        span.kind = TokenSpan::Kind::Prompt;
        QTest::newRow("prompt") << span << 0;
        span.kind = TokenSpan::Kind::Pattern;
        const Letters letters;
        std::string text;
        for (std::int32_t token : sequence("a", 20).tokens)
            text += letters.tokenBytes(token);
        span.pattern = text.substr(7, 2);
        QTest::newRow("pattern") << span << static_cast<int>(text.find(span.pattern));
    }

    void onlyLaterTokensOfTheSpanFeelIt()
    {
        QFETCH(TokenSpan, span);
        QFETCH(int, first);
        const TokenSequence text = sequence("a", 20, 12);
        const Recipe push = recipe({edit("add", {{2, false, {1, 4}}}, {{"strength", "2"}}, span)});
        const auto own = states(model(), text, nullptr);
        const auto steered = states(model(), text, &push);
        for (const auto &[name, values] : own) {
            const std::vector<float> &other = steered.at(name);
            const std::size_t width = values.size() / 20;
            const auto dot = name.find_last_of('.');
            const bool before = dot != std::string::npos && std::stoi(name.substr(dot + 1)) < 2;
            const std::size_t same = (before ? 20 : static_cast<std::size_t>(first)) * width;
            QVERIFY2(std::memcmp(values.data(), other.data(), same * sizeof(float)) == 0, name.c_str());
        }
        const std::vector<float> &end = own.at("hidden.2");
        const std::size_t width = end.size() / 20;
        const auto at = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(first) * width);
        QVERIFY(!std::equal(end.begin() + at, end.begin() + at + static_cast<std::ptrdiff_t>(width), steered.at("hidden.2").begin() + at));
    }

    void aPositionIsOneTokenOfEachText()
    {
        const std::vector<TokenSequence> two{sequence("a", 9), sequence("b", 9)};
        TokenSpan span;
        span.kind = TokenSpan::Kind::Position;
        span.position = 4;
        const Recipe there = recipe({edit("exclude", {{0, false, {0, 1, 2, 3, 4, 5}}}, {}, span)});
        const auto own = trace(model(), two, nullptr), steered = trace(model(), two, &there);
        const std::size_t k = static_cast<std::size_t>(own->meta().slotCount);
        const std::vector<ExpertId> before = ids(*own, 0), after = ids(*steered, 0);
        for (std::size_t token = 0; token < 18; ++token)
            for (std::size_t slot = token * k; slot < (token + 1) * k; ++slot)
                if (token % 9 == 4)
                    QVERIFY(after[slot] > 5);
                else
                    QCOMPARE(after[slot], before[slot]);
        span.position = -1;
        const Recipe nowhere = recipe({edit("exclude", {{0, false, {0}}}, {}, span)});
        QVERIFY_EXCEPTION_THROWN(trace(model(), two, &nowhere), Error);
    }

    void labelsChooseSequences()
    {
        std::vector<TokenSequence> two{sequence("a", 9), sequence("b", 9)};
        two[0].info.language = "en";
        two[1].info.language = "fr";
        two[0].info.labels = two[1].info.labels = {"x"};
        TokenSpan span;
        span.kind = TokenSpan::Kind::Label;
        span.label = "language";
        span.value = "fr";
        const Recipe french = recipe({edit("exclude", {{1, false, {0, 1, 2}}}, {}, span)});
        const auto own = trace(model(), two, nullptr, {}, {"genre"});
        const auto steered = trace(model(), two, &french, {}, {"genre"});
        for (int l = 0; l < own->meta().moeLayers(); ++l) {
            std::vector<ExpertId> before = ids(*own, l), after = ids(*steered, l);
            QVERIFY(std::equal(before.begin(), before.begin() + std::ssize(before) / 2, after.begin()));
        }
        QVERIFY(m_log.layers.at(1).changedSlots > 0);
        span.label = "genre";
        span.value = "x";
        const Recipe both = recipe({edit("exclude", {{1, false, {0, 1, 2}}}, {}, span)});
        trace(model(), two, &both, {}, {"genre"});
        QVERIFY(m_log.layers.at(1).changedSlots > 0);
        QVERIFY_EXCEPTION_THROWN(trace(model(), two, &both), Error); // these texts have no such column
    }

    void patternsSeeWholeCharacters()
    {
        TokenSequence text = sequence("a", 4);
        text.tokens = {0, 30, 31, 1, 30}; // "aéb" and half a character
        text.nPrompt = 5;
        TokenSpans spans{&m_letters, {}};
        TokenSpan span;
        span.kind = TokenSpan::Kind::Pattern;
        span.pattern = "é";
        const int number = spans.add(span, RunPhase::Both);
        span.pattern = "b";
        const int other = spans.add(span, RunPhase::Both);
        spans.begin({&text, 1});
        const auto inside = [&](int which) {
            std::string found;
            for (std::int32_t p = 0; p < 7; ++p)
                found += spans.contains(which, {0, 0, 0, p}) ? '1' : '0';
            return found;
        };
        QCOMPARE(inside(number), std::string{"0110000"});
        spans.append(0, 31);
        spans.append(0, 1);
        QCOMPARE(inside(number), std::string{"0110010"}); // the half that was run already stays what it was
        QCOMPARE(inside(other), std::string{"0001001"});
    }

    void tracesSayHowTheyWereSteered()
    {
        const Recipe steered = recipe({edit("mask", {{1, false, {2, 0}}})});
        const auto memory = trace(model(), {sequence("a", 5)}, &steered);
        QCOMPARE(memory->meta().routing.recipe, recipeJson(steered));
        QVERIFY(memory->meta().routing.interventions == (std::vector<Intervention>{{1, 2, "mask", 0}, {1, 0, "mask", 0}}));
        QVERIFY(trace(model(), {sequence("a", 5)}, nullptr)->meta().routing == RoutingDescription{});
    }

    void theLogCountsWhatChanged()
    {
        const auto own = trace(model(), {sequence("a", 15)}, nullptr);
        const Recipe exclude = recipe({edit("exclude", {{1, false, {0, 1, 2, 3}}})});
        const auto steered = trace(model(), {sequence("a", 15)}, &exclude);
        const std::vector<ExpertId> before = ids(*own, 1);
        const auto hit = std::count_if(before.begin(), before.end(), [](ExpertId e) { return e < 4; });
        QVERIFY(hit > 0);
        QCOMPARE(m_log.layers.at(1).changedSlots, hit);
        QCOMPARE(m_log.layers.at(1).tokens, 15);
        QCOMPARE(m_log.layers.at(0).changedSlots, 0);
        QCOMPARE(m_log.layers.at(1).meanActive(), static_cast<double>(own->meta().slotCount));
        const Recipe fewer = recipe({}, {policy("top-k", {{"k", "1"}}, {2})});
        const auto one = trace(model(), {sequence("a", 15)}, &fewer);
        QCOMPARE(m_log.layers.at(2).meanChanged(), own->meta().slotCount - 1.0);
        QCOMPARE(m_log.layers.at(2).meanActive(), 1.0);
        QVERIFY(one->meta().fields.nActive);
        const std::vector<ExpertId> got = ids(*one, 2);
        QCOMPARE(got[1], noExpert);
        const Recipe more = recipe({}, {policy("all-experts", {}, {2})});
        QCOMPARE(trace(model(), {sequence("a", 15)}, &more)->meta().slotCount, own->meta().experts);
    }

    void forcedExpertsAreChosen()
    {
        const int k = model().config().maxTopK();
        LayerExperts forced{1, false, {}};
        for (int e = 0; e < k; ++e)
            forced.experts.push_back(2 * k - 1 - e);
        for (const char *op : {"force-max", "log-max"}) {
            const Recipe force = recipe({edit(op, {forced})});
            const auto steered = trace(model(), {sequence("a", 15)}, &force);
            const std::vector<ExpertId> got = ids(*steered, 1);
            for (std::size_t t = 0; t < 15; ++t) {
                std::vector<int> row;
                for (std::size_t s = 0; s < static_cast<std::size_t>(k); ++s)
                    row.push_back(got[t * static_cast<std::size_t>(k) + s]);
                if (std::string{op} == "force-max")
                    QCOMPARE(row, forced.experts); // ranked as listed
                QCOMPARE(std::set(row.begin(), row.end()), std::set(forced.experts.begin(), forced.experts.end()));
            }
        }
    }

    void whatDoesNotFitIsNamed()
    {
        const ModelConfig &config = model().config();
        const auto says = [&](const Recipe &recipe, const char *words) {
            const std::string text = errorOf(recipe, config);
            QVERIFY2(text.find(words) != std::string::npos, text.c_str());
        };
        const int experts = config.maxExperts();
        const std::string last = std::to_string(experts - 1);
        says(recipe({edit("mask", {{99, false, {0}}})}), "edit 1 (mask): layer 99 does not exist. The model's layers are 0-2");
        says(recipe({edit("add", {everyExpert}), edit("mask", {{1, false, {experts}}})}),
            ("edit 2 (mask): expert " + std::to_string(experts) + " of layer 1 does not exist. The layer's experts are 0-" + last).c_str());
        says(recipe({edit("boost", {everyExpert})}), "there is no op \"boost\"");
        says(recipe({edit("add", {everyExpert}, {{"strength", "much"}})}), "edit 1 (add), strength: 'much' is not a value");
        says(recipe({edit("add", {everyExpert}, {{"lambda", "1"}})}), "edit 1 (add), lambda: there is no setting of that name");
        says(recipe({edit("force-max", {everyExpert})}), "in layer 0. The layer takes ");
        says(recipe({edit("bias", {everyExpert})}), "it takes vectors, not experts");
        says(recipe({}, {policy("top-k", {{"k", "0"}})}), "policy 1 (top-k), k: '0' is not a value");
        says(recipe({}, {policy("rank-k", {{"rank", "11"}}, {2})}), "policy 1 (rank-k), layer 2: rank is 11. The layer has 10 experts");
        says(recipe({}, {policy("self-contrast", {{"rank", "11"}})}), "rank is 11");
        says(recipe({}, {policy("top-k", {}, {77})}), "policy 1 (top-k): layer 77 does not exist");
        Recipe other = recipe({});
        other.model.experts = experts + 1;
        says(other, "it was made for a model with experts ");
        TokenSpan broken;
        broken.kind = TokenSpan::Kind::Pattern;
        broken.pattern = "(";
        says(recipe({edit("add", {everyExpert}, {}, broken)}), "the pattern that chooses tokens does not compile");
        Edit vector;
        vector.op = "bias";
        vector.vectors[1] = {1, 2};
        says(recipe({vector}), "the vector of layer 1 has 2 numbers");
        QCOMPARE(errorOf(recipe({edit("force-max", {everyExpert}, {{"extra", "skip"}})}), config), std::string{"accepted"});
    }

    void atMostKAreForcedForTheSameTokens()
    {
        const ModelConfig &config = model().config();
        const int k = config.maxTopK();
        LayerExperts low{1, false, {}};
        LayerExperts high{1, false, {}};
        for (int e = 0; e < k; ++e) {
            low.experts.push_back(e);
            high.experts.push_back(e + k);
        }
        TokenSpan prompt, generated;
        prompt.kind = TokenSpan::Kind::Prompt;
        generated.kind = TokenSpan::Kind::Generated;
        QCOMPARE(errorOf(recipe({edit("force-max", {low}, {}, prompt), edit("force-max", {high}, {}, generated)}), config),
            std::string{"accepted"});
        QCOMPARE(errorOf(recipe({edit("force-max", {low}), edit("force-max", {low})}), config), std::string{"accepted"});
        QVERIFY(errorOf(recipe({edit("force-max", {low}), edit("log-max", {high}, {}, generated)}), config).find("are forced already")
            != std::string::npos);
        Recipe skipping = recipe({edit("force-max", {low}), edit("log-max", {high}, {{"extra", "skip"}})});
        const MoeFfn &rule = *config.layers[1].moe();
        QVERIFY(forcedIn(skipping, skipping.edits[1], 1, rule).empty());
        skipping.edits[0].experts[0].experts.pop_back();
        QCOMPARE(forcedIn(skipping, skipping.edits[1], 1, rule), std::vector<std::int32_t>{k});
    }
};

QTEST_APPLESS_MAIN(TestSteering)
#include "test_steering.moc"
