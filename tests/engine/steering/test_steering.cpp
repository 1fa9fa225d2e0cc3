// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Steered runs of small models: identities bit for bit, spans and layers that are left alone, what is logged and recorded.
#include "engine/core/error.h"
#include "engine/core/memory_trace.h"
#include "engine/core/parallel.h"
#include "engine/steering/compiled_recipe.h"
#include "engine/steering/validate.h"
#include "engine/text/tokenizer.h"
#include "golden.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

using namespace expertscope;

namespace {

/// "a" for token 0, "b" for token 1, ... and "é" cut in two for tokens 30 and 31.
struct Letters : Tokenizer {
    std::vector<std::int32_t> encode(std::string_view, bool) const override { return {}; }
    std::string decode(std::span<const std::int32_t>, bool) const override { return {}; }
    std::string tokenBytes(std::int32_t id) const override
    {
        return id == 30 ? "\xC3" : id == 31 ? "\xA9" : std::string(1, static_cast<char>('a' + id % 26));
    }
    bool isSpecial(std::int32_t) const override { return false; }
    std::optional<std::int32_t> idOf(std::string_view) const override { return {}; }
    std::int32_t vocabSize() const override { return 126; }
};

TokenSequence sequence(const std::string &id, std::int64_t length, std::int64_t nPrompt = -1)
{
    TokenSequence out;
    out.info.id = id;
    for (std::int64_t i = 0; i < length; ++i)
        out.tokens.push_back(static_cast<std::int32_t>((i * 37 + 11 + static_cast<std::int64_t>(id.size()) * 5) % 126));
    out.nPrompt = nPrompt < 0 ? length : nPrompt;
    return out;
}

Edit edit(const std::string &op, std::vector<LayerExperts> experts, ParamValues settings = {}, TokenSpan tokens = {},
    RunPhase phase = RunPhase::Both)
{
    Edit made;
    made.op = op;
    made.experts = std::move(experts);
    made.settings = std::move(settings);
    made.tokens = std::move(tokens);
    made.phase = phase;
    return made;
}

PolicySetting policy(const std::string &id, ParamValues settings = {}, std::vector<int> layers = {everyLayer})
{
    PolicySetting made;
    made.policy = id;
    made.settings = std::move(settings);
    made.layers = std::move(layers);
    return made;
}

Recipe recipe(std::vector<Edit> edits, std::vector<PolicySetting> policies = {})
{
    Recipe made;
    made.edits = std::move(edits);
    made.policies = std::move(policies);
    return made;
}

const LayerExperts everyExpert{everyLayer, true, {}};

bool sameBits(const std::vector<float> &a, const std::vector<float> &b)
{
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

RunSpec withLogits()
{
    RunSpec spec;
    spec.capture.routerLogits = true;
    return spec;
}

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

class TestSteering : public QObject {
    Q_OBJECT

    std::unique_ptr<Backend> m_backend = makeBackend("cpu");
    std::map<std::string, std::shared_ptr<const Model>> m_models;
    const Letters m_letters;
    SteeringLog m_log;
    KeptLayers *m_kept = nullptr;

    const Model &model(const std::string &name = "olmoe")
    {
        auto &loaded = m_models[name];
        if (!loaded)
            loaded = Model::load(Golden{name}.files(), *m_backend, {});
        return *loaded;
    }

    std::shared_ptr<MemoryTrace> trace(const Model &model, const std::vector<TokenSequence> &sequences, const Recipe *recipe,
        RunSpec spec = {}, std::vector<std::string> labelColumns = {})
    {
        std::optional<CompiledRecipe> compiled;
        m_log = {};
        if (recipe) {
            compiled.emplace(*recipe, model, *m_backend, &m_letters, labelColumns);
            spec.routingRecipe = "{}";
        }
        Steering steering = compiled ? compiled->steering(&m_log) : Steering{.log = &m_log};
        steering.kept = m_kept;
        auto memory = std::make_shared<MemoryTrace>();
        TraceMeta meta = traceMeta(model, *m_backend, spec, steering);
        meta.labelColumns = labelColumns;
        memory->begin(meta);
        traceSequences(model, *m_backend, sequences, spec, nullptr, *memory, {}, steering);
        memory->finish({});
        return memory;
    }

    /// The residual stream after every layer and the output, of a batch of one sequence.
    std::map<std::string, std::vector<float>> states(const Model &model, const TokenSequence &sequence, const Recipe *recipe)
    {
        std::optional<RecipeOverrides> overrides;
        if (recipe) {
            overrides.emplace(*recipe, model, *m_backend, &m_letters);
            overrides->begin({&sequence, 1});
        }
        Capturer captured{*m_backend};
        Forward forward{model, *m_backend, overrides ? &*overrides : nullptr, &captured};
        Batch batch;
        batch.append(0, sequence.tokens, 0, -1);
        forward.run(batch, nullptr, {});
        return captured.floats;
    }

    static std::vector<ExpertId> ids(const RoutingTrace &trace, int layer)
    {
        std::vector<ExpertId> out(static_cast<std::size_t>(trace.meta().tokens * trace.meta().slotCount));
        trace.expertIds({0, trace.meta().tokens}, layer, out);
        return out;
    }
    static std::vector<float> weights(const RoutingTrace &trace, int layer)
    {
        std::vector<float> out(static_cast<std::size_t>(trace.meta().tokens * trace.meta().slotCount));
        trace.gateWeights({0, trace.meta().tokens}, layer, out);
        return out;
    }

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
        spec.routingRecipe = "{}";
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
            spec.routingRecipe = "{}";
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
