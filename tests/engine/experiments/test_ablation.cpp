// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The effect of ablating experts against whole runs, other numbers of experts, and counterfactual routes against runs of the whole text
// with the same route.
#include "engine/core/error.h"
#include "engine/core/memory_trace.h"
#include "engine/experiments/ablation.h"
#include "engine/experiments/k_sweep.h"
#include "engine/experiments/route_result.h"
#include "engine/experiments/sequence_sample.h"
#include "engine/steering/compiled_recipe.h"
#include "engine/steering/counterfactual.h"
#include "golden.h"

#include <QTest>

#include <algorithm>
#include <cmath>

using namespace expertscope;

namespace {

TokenSequence sequence(const std::string &id, std::int64_t length)
{
    TokenSequence out;
    out.info.id = id;
    for (std::int64_t i = 0; i < length; ++i)
        out.tokens.push_back(static_cast<std::int32_t>((i * 37 + 11 + static_cast<std::int64_t>(id.size()) * 5) % 126));
    out.nPrompt = length;
    return out;
}

} // namespace

class TestAblation : public QObject {
    Q_OBJECT

    std::unique_ptr<Backend> m_backend = makeBackend("cpu");
    std::shared_ptr<const Model> m_model;

    std::vector<float> logprobs(const std::vector<TokenSequence> &texts, StageOverrides *overrides)
    {
        const RunSpec spec;
        const RoutingDescription description;
        const Steering steering{.overrides = overrides, .description = overrides ? &description : nullptr};
        MemoryTrace memory;
        memory.begin(traceMeta(*m_model, *m_backend, spec, steering));
        traceSequences(*m_model, *m_backend, texts, spec, nullptr, memory, {}, steering);
        memory.finish({});
        return memory.tokens({0, memory.meta().tokens}).logprob;
    }

private slots:
    void initTestCase() { m_model = Model::load(Golden{"olmoe"}.files(), *m_backend, {}); }

    void effectsAreDifferencesOfTheLoss()
    {
        const std::vector<TokenSequence> texts{sequence("a", 17), sequence("bb", 9), sequence("ccc", 21), sequence("dddd", 12)};
        const std::vector<ExpertPlace> experts{{1, 3}, {0, 2}, {2, 9}};
        for (const char *op : {"exclude", "mask"}) {
            const std::vector<std::pair<std::string, std::string>> given{{"op", op}, {"bootstrap", "200"}};
            const Params settings{ablationKind().params, given};
            std::vector<std::int64_t> reports;
            const Progress progress{{}, [&](std::int64_t done, std::int64_t total, std::string_view) {
                                        QCOMPARE(total, 4);
                                        reports.push_back(done);
                                    }};
            const std::vector<AblationEffect> effects = ablateExperts(*m_model, *m_backend, texts, experts, settings, progress);
            QCOMPARE(reports, (std::vector<std::int64_t>{1, 2, 3, 4}));
            const std::vector<float> own = logprobs(texts, nullptr);
            for (const AblationEffect &effect : effects) {
                Edit edit;
                edit.op = op;
                edit.experts = {{effect.expert.layer, false, {effect.expert.expert}}};
                Recipe recipe;
                recipe.edits = {edit};
                RecipeOverrides overrides{recipe, *m_model, *m_backend, nullptr};
                const std::vector<float> without = logprobs(texts, &overrides);
                double sum = 0;
                int n = 0;
                for (std::size_t t = 0; t < own.size(); ++t)
                    if (!std::isnan(own[t])) {
                        sum += static_cast<double>(own[t]) - static_cast<double>(without[t]);
                        ++n;
                    }
                QVERIFY(std::fabs(effect.loss.difference - sum / n) < 1e-9);
                QVERIFY(effect.tokensUsing > 0 && effect.loss.units == 4);
                QVERIFY(effect.loss.interval.low <= effect.loss.difference && effect.loss.difference <= effect.loss.interval.high);
            }
            const Result result = ablationResult(effects, settings, m_model->config().moeLayers(), m_model->config().maxExperts());
            const std::vector<double> &values = result.table("effects").reals("value");
            QVERIFY(std::is_sorted(values.rbegin(), values.rend()));
            QCOMPARE(result.table("effects").integers("significant").size(), experts.size());
            QCOMPARE(result.matrix("effects-map").at(1, 3), effects[0].loss.difference);
            QVERIFY(std::isnan(result.matrix("effects-map").at(1, 4)));
        }
    }

    void columnsFlagEachExpertOnceAndLeaveTheUnmeasuredOut()
    {
        const auto effect = [](int expert, double p, std::int64_t tokens) {
            AblationEffect one{{1, expert}, {}, tokens};
            one.loss.difference = 0.1 * expert;
            one.loss.p = p;
            one.loss.units = 9;
            return one;
        };
        const AblationEffect strong = effect(1, 0.03, 50), weak = effect(2, 0.06, 50), rare = effect(3, 0.0001, 9);
        const Params settings{ablationKind().params};
        const std::vector<const AblationEffect *> rows{&strong, nullptr, &weak, &rare, &strong};
        const std::vector<Column> columns = effectColumns(rows, settings, "effect");
        QCOMPARE(columns.front().name, std::string("effect"));
        QCOMPARE(columns[4].name, std::string("effect_significant"));
        const auto reals = [&](std::size_t column) { return std::get<std::vector<double>>(columns[column].values); };
        QVERIFY(std::isnan(reals(0)[1]) && reals(0)[2] == 0.2);
        QVERIFY(std::isnan(reals(3)[3])); // nine tokens are too few to be tested
        // Two are tested, so 0.03 would have to be at most 0.025. Counted for each row it would be the second of three, and pass.
        QCOMPARE(reals(4)[0], 0.0);
        QCOMPARE(reals(4)[2], 0.0);
        QCOMPARE(reals(4)[3], 0.0);
        QVERIFY(std::isnan(reals(4)[1]));
        const AblationEffect sure = effect(4, 0.02, 50);
        const std::vector<const AblationEffect *> more{&sure, &weak};
        const std::vector<Column> whole = effectColumns(more, settings, "");
        QCOMPARE(std::get<std::vector<std::int64_t>>(whole[4].values), (std::vector<std::int64_t>{1, 0}));
        QCOMPARE(std::get<std::vector<std::int64_t>>(whole[5].values), (std::vector<std::int64_t>{50, 50}));
    }

    void samplesAreDrawnByLanguageAndSeed()
    {
        TraceMeta meta;
        for (int i = 0; i < 30; ++i) {
            SequenceInfo info;
            info.language = std::string(i < 20 ? "de" : i < 29 ? "en" : "fr");
            info.nPrompt = i == 3 ? 1 : 5;
            meta.sequences.push_back(info);
        }
        const std::vector<int> drawn = drawnSequences(meta, 4, 42);
        QCOMPARE(drawn.size(), std::size_t{9}); // all of the one French text
        QVERIFY(std::is_sorted(drawn.begin(), drawn.end()) && std::adjacent_find(drawn.begin(), drawn.end()) == drawn.end());
        QCOMPARE(std::count_if(drawn.begin(), drawn.end(), [](int i) { return i < 20; }), 4);
        QCOMPARE(drawnSequences(meta, 4, 42), drawn);
        QVERIFY(drawnSequences(meta, 4, 43) != drawn);
        const std::vector<int> all = drawnSequences(meta, 100, 42);
        QCOMPARE(all.size(), std::size_t{29});
        QVERIFY(std::find(all.begin(), all.end(), 3) == all.end()); // one token predicts nothing
    }

    void anExpertNobodyUsesHasNoEffect()
    {
        const std::vector<TokenSequence> one{sequence("a", 2)};
        std::vector<ExpertPlace> all;
        for (int e = 0; e < m_model->config().maxExperts(); ++e)
            all.push_back({0, e});
        const Params settings{ablationKind().params};
        int unused = 0;
        for (const AblationEffect &effect : ablateExperts(*m_model, *m_backend, one, all, settings, {}))
            if (effect.tokensUsing == 0) {
                QCOMPARE(effect.loss.difference, 0.0);
                ++unused;
            }
        QVERIFY(unused > 0);
        QVERIFY_EXCEPTION_THROWN(ablateExperts(*m_model, *m_backend, std::vector{sequence("a", 1)}, all, settings, {}), Error);
        const std::vector<ExpertPlace> foreign{{0, 99}};
        QVERIFY_EXCEPTION_THROWN(ablateExperts(*m_model, *m_backend, one, foreign, settings, {}), Error);
        std::stop_source stop;
        stop.request_stop();
        QVERIFY_EXCEPTION_THROWN(ablateExperts(*m_model, *m_backend, one, all, settings, Progress{stop.get_token()}), Cancelled);
    }

    void anotherKAgainstTheModelsOwn()
    {
        const std::vector<TokenSequence> texts{sequence("a", 17), sequence("bb", 9), sequence("ccc", 21)};
        const int k = m_model->config().maxTopK();
        for (const char *sum : {"as-model", "rescale"}) {
            const std::vector<std::pair<std::string, std::string>> given{{"sum", sum}, {"bootstrap", "200"}};
            const Params settings{kSweepKind().params, given};
            const std::vector<KSweepPoint> points = sweepK(*m_model, *m_backend, texts, settings, {});
            QCOMPARE(std::ssize(points), 2 * k);
            for (const KSweepPoint &point : points) {
                QCOMPARE(point.k, static_cast<int>(&point - points.data()) + 1);
                if (point.k == k && std::string{sum} == "as-model") {
                    QCOMPARE(point.loss.difference, 0.0);
                    QCOMPARE(point.agreement, 1.0);
                } else if (point.k != k) {
                    QVERIFY(point.loss.difference != 0 && point.agreement < 1);
                }
            }
            const Result result = kSweepResult(points, settings);
            QCOMPARE(result.table("k-sweep").rows(), points.size());
            QCOMPARE(result.serie("loss-over-k").curves[0].y[0], points[0].loss.difference);
        }
        const std::vector<std::pair<std::string, std::string>> tooMany{{"from", "3"}, {"to", "11"}};
        QVERIFY_EXCEPTION_THROWN(sweepK(*m_model, *m_backend, texts, Params{kSweepKind().params, tooMany}, {}), Error);
    }

    void routesAreThoseOfTheWholeText()
    {
        const TokenSequence text = sequence("a", 12);
        const int layer = 1;
        const std::int64_t position = 7;
        const CounterfactualRoutes result =
            counterfactualRoutes(*m_model, *m_backend, text, layer, position, {.routes = 200, .seed = 1}, {});
        QVERIFY(result.everySet); // 10 choose 3 = 120
        QCOMPARE(result.others.size(), std::size_t{119});
        const std::vector<float> own = logprobs({text}, nullptr);
        QVERIFY(std::fabs(result.own.logprob - static_cast<double>(own[8])) < 1e-4);
        struct Take final : StageOverrides {
            bool select(const RoutingRow &row, std::vector<std::int32_t> &chosen) const override
            {
                if (row.place.layer != 1 || row.place.position != 7)
                    return false;
                chosen = experts;
                return true;
            }
            std::vector<std::int32_t> experts;
        } take;
        int better = 0;
        for (std::size_t i = 0; i < result.others.size(); ++i) {
            const Route &route = result.others[i];
            QVERIFY(route.experts != result.own.experts && std::is_sorted(route.experts.begin(), route.experts.end()));
            QVERIFY(i == 0 || route.utility <= result.others[i - 1].utility);
            better += route.utility > 0;
            if (i % 20 == 0) {
                take.experts = route.experts;
                QVERIFY(std::fabs(route.logprob - static_cast<double>(logprobs({text}, &take)[8])) < 1e-4);
            }
        }
        QCOMPARE(result.better, better / 119.0);
        QCOMPARE(result.regret, std::max(0.0, result.others[0].utility));
        QVERIFY(result.rankAgreement >= -1 && result.rankAgreement <= 1);
        QVERIFY(result.own.mass > 0 && result.own.mass <= 1);

        const Params settings{routeKind().params};
        const Result shown = routeResult(result, settings);
        QCOMPARE(shown.table("routes").rows(), std::size_t{120});
        QCOMPARE(shown.table("routes").texts("experts")[0], routeName(result.own));
        QCOMPARE(shown.table("routes").integers("chosen")[0], 1);
        QCOMPARE(shown.number("regret").value, result.regret);
        const Series &dots = shown.serie("routes");
        QVERIFY(dots.dots && dots.names.size() == 120 && std::isnan(dots.curves[0].y[0]) && dots.curves[1].y[0] == result.own.logprob);
    }

    void drawnRoutesDifferAndRepeat()
    {
        const TokenSequence text = sequence("a", 12);
        const CounterfactualSettings few{.routes = 15, .seed = 3};
        const CounterfactualRoutes result = counterfactualRoutes(*m_model, *m_backend, text, 2, 0, few, {});
        QVERIFY(!result.everySet);
        QCOMPARE(result.others.size(), std::size_t{15});
        std::vector<std::vector<std::int32_t>> sets, again;
        for (const Route &route : result.others)
            sets.push_back(route.experts);
        for (const Route &route : counterfactualRoutes(*m_model, *m_backend, text, 2, 0, few, {}).others)
            again.push_back(route.experts);
        QCOMPARE(again, sets);
        std::sort(sets.begin(), sets.end());
        QVERIFY(std::adjacent_find(sets.begin(), sets.end()) == sets.end());
        QVERIFY_EXCEPTION_THROWN(counterfactualRoutes(*m_model, *m_backend, text, 9, 0, few, {}), Error);
        QVERIFY_EXCEPTION_THROWN(counterfactualRoutes(*m_model, *m_backend, text, 1, 11, few, {}), Error);
        QVERIFY_EXCEPTION_THROWN(counterfactualRoutes(*m_model, *m_backend, text, 1, -1, few, {}), Error);
    }
};

QTEST_APPLESS_MAIN(TestAblation)
#include "test_ablation.moc"
