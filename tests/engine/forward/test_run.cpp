// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Tracing and generating: what is recorded, how batches are planned, what is refused, stopping, and overrides of routing.
#include "engine/core/error.h"
#include "engine/core/memory_trace.h"
#include "engine/forward/batch_plan.h"
#include "engine/text/tokenizer.h"
#include "golden.h"
#include "plain_backend.h"

#include <QTest>

#include <cmath>
#include <limits>
#include <numeric>

using namespace expertscope;

namespace {

/// "<7>" for token 7.
struct Numbered : Tokenizer {
    std::vector<std::int32_t> encode(std::string_view, bool) const override { return {}; }
    std::string decode(std::span<const std::int32_t>, bool) const override { return {}; }
    std::string tokenBytes(std::int32_t id) const override { return '<' + std::to_string(id) + '>'; }
    bool isSpecial(std::int32_t) const override { return false; }
    std::optional<std::int32_t> idOf(std::string_view) const override { return {}; }
    std::int32_t vocabSize() const override { return 139; }
};

TokenSequence sequence(const std::string &id, std::int64_t length)
{
    TokenSequence out;
    out.info.id = id;
    for (std::int64_t i = 0; i < length; ++i)
        out.tokens.push_back(static_cast<std::int32_t>((i * 37 + 11) % 139));
    out.nPrompt = length;
    return out;
}

/// Takes the least likely expert alone, and its weight as it is.
struct Weakest : StageOverrides {
    bool select(const RoutingRow &row, std::vector<std::int32_t> &chosen) const override
    {
        const std::span<const float> choice = row.choice;
        if (row.place.layer != 1)
            return false;
        chosen.push_back(static_cast<std::int32_t>(std::min_element(choice.begin(), choice.end()) - choice.begin()));
        return true;
    }
};

/// Experts per row of layer 1, and the residual stream after the last layer.
struct Watch : ForwardObserver {
    void onRouting(const Batch &, const RoutingTap &tap) override
    {
        if (tap.layer == 1)
            counts = tap.routed.assignments.count;
    }
    void onLayer(const Batch &, int, const Tensor &hidden) override { last = {hidden.f32(), hidden.f32() + hidden.count()}; }
    std::vector<std::int32_t> counts;
    std::vector<float> last;
};

} // namespace

class TestRun : public QObject {
    Q_OBJECT

    PlainBackend m_backend;
    std::shared_ptr<const Model> m_model;

    std::shared_ptr<MemoryTrace> trace(const Model &model, const std::vector<TokenSequence> &sequences, const RunSpec &spec,
        const Tokenizer *tokenizer = nullptr, const Progress &progress = {})
    {
        auto memory = std::make_shared<MemoryTrace>();
        memory->begin(traceMeta(model, m_backend, spec));
        traceSequences(model, m_backend, sequences, spec, tokenizer, *memory, progress);
        memory->finish({});
        return memory;
    }

    QString refusal(const std::vector<TokenSequence> &sequences, const RunSpec &spec = {}, const Steering &steering = {})
    {
        MemoryTrace memory;
        memory.begin(traceMeta(*m_model, m_backend, spec));
        try {
            traceSequences(*m_model, m_backend, sequences, spec, nullptr, memory, {}, steering);
            return "accepted";
        } catch (const Error &error) {
            const QString text = error.what();
            try {
                generate(*m_model, m_backend, sequences.front(), spec, nullptr, nullptr, {}, {}, steering);
                return "generate accepts what tracing refuses";
            } catch (const Error &same) {
                return same.what() == text ? text : "generate says " + QString{same.what()};
            }
        }
    }

private slots:
    void initTestCase() { m_model = Model::load(Golden{"qwen3_moe"}.files(), m_backend, {}); }

    void batches()
    {
        using Parts = std::vector<std::vector<SequencePart>>;
        QCOMPARE(planBatches(std::vector<std::int64_t>{3, 4, 5}, 8), (Parts{{{0, 0, 3, false}, {1, 0, 4, false}}, {{2, 0, 5, false}}}));
        QCOMPARE(planBatches(std::vector<std::int64_t>{8}, 8), (Parts{{{0, 0, 8, false}}}));
        // a cut sequence starts its own batch, and another may follow its last part unless it is cut as well
        QCOMPARE(planBatches(std::vector<std::int64_t>{1, 9, 2, 10}, 4),
            (Parts{{{0, 0, 1, false}}, {{1, 0, 4, true}}, {{1, 4, 8, true}}, {{1, 8, 9, true}, {2, 0, 2, false}}, {{3, 0, 4, true}},
                {{3, 4, 8, true}}, {{3, 8, 10, true}}}));
        QVERIFY(planBatches({}, 4).empty());
    }

    void batchesCoverEverythingInOrder()
    {
        const std::vector<std::int64_t> lengths{5, 1, 23, 7, 7, 2, 40, 41, 3, 8};
        for (std::int64_t most = 1; most < 60; ++most) {
            std::vector<std::int64_t> next(lengths.size());
            std::size_t current = 0;
            for (const auto &batch : planBatches(lengths, most)) {
                std::int64_t rows = 0;
                int cut = 0;
                for (const SequencePart &part : batch) {
                    QVERIFY(part.sequence >= current);
                    current = part.sequence;
                    QCOMPARE(part.begin, next[part.sequence]);
                    next[part.sequence] = part.end;
                    rows += part.end - part.begin;
                    cut += part.cut;
                }
                QVERIFY(rows <= most && rows > 0 && cut <= 1);
            }
            QCOMPARE(next, lengths);
        }
    }

    void sequencesKeepTheirLabelsAndCounts()
    {
        std::vector<TokenSequence> sequences{sequence("a", 9), sequence("b", 4)};
        sequences[0].info.language = "el";
        sequences[0].nPrompt = 6;
        sequences[1].nPrompt = 99; // more than there are: all of it
        const auto memory = trace(*m_model, sequences, {});
        const TraceMeta &meta = memory->meta();
        QCOMPARE(meta.sequences.size(), std::size_t{2});
        QCOMPARE(meta.sequences[0].language, std::string{"el"});
        QCOMPARE(meta.sequences[0].nPrompt, 6);
        QCOMPARE(meta.sequences[0].nGenerated, 3);
        QCOMPARE(meta.sequences[1].firstToken, 9);
        QCOMPARE(meta.sequences[1].nPrompt, 4);
        QCOMPARE(meta.model.family, std::string{"qwen3_moe"});
        QCOMPARE(meta.engine.backend, std::string{"plain"});
        QVERIFY(meta.fields.gateWeight && meta.fields.logprob && meta.fields.meanSoftmax);
        QVERIFY(!meta.fields.routerLogit && !meta.fields.selectionScore && !meta.fields.tokenText && !meta.fields.expertOutNorm);
    }

    void onlyWhatIsAskedForIsKept()
    {
        RunSpec spec;
        spec.capture = {false, false, false, false};
        const auto memory = trace(*m_model, {sequence("a", 5)}, spec);
        const TraceFields &fields = memory->meta().fields;
        QVERIFY(!fields.gateWeight && !fields.logprob && !fields.predictedId);
        QVERIFY(memory->tokens({0, 5}).logprob.empty());
        std::vector<ExpertId> ids(5 * 4);
        memory->expertIds({0, 5}, 0, ids);
        QVERIFY(std::all_of(ids.begin(), ids.end(), [](ExpertId id) { return id < 9; }));
    }

    void expertNormsAreThoseOfTheUnweightedOutput()
    {
        RunSpec spec;
        spec.capture.expertOutNorms = true;
        const auto memory = trace(*m_model, {sequence("a", 6)}, spec);
        std::vector<float> norms(6 * 4);
        memory->expertOutNorms({0, 6}, 2, norms);
        // computed again for one token from what the router read
        Capturer captured{m_backend};
        Forward forward{*m_model, m_backend, nullptr, &captured};
        Batch batch;
        batch.append(0, sequence("a", 6).tokens, 0, -1);
        forward.run(batch, nullptr, {});
        const Buffer x = hostBuffer(DType::F32, {1, 44});
        std::copy_n(captured.floats["router_input.2"].begin() + 3 * 44, 44, x.tensor().f32());
        const Buffer y = hostBuffer(DType::F32, {1, 44});
        const std::int32_t expert = captured.ids["expert_id.2"][3 * 4 + 1];
        m_backend.experts(x, {1, 1, {expert}, {1.0f}, {1}}, *m_model->layer(2).experts, y, nullptr);
        const float norm = std::sqrt(std::inner_product(y.tensor().f32(), y.tensor().f32() + 44, y.tensor().f32(), 0.0f));
        QVERIFY(std::fabs(norms[3 * 4 + 1] / norm - 1) < 1e-3f); // kept as f16
    }

    void tokenBytesAreRecorded()
    {
        auto files = std::make_shared<ModelFiles>(*Golden{"qwen3_moe"}.files());
        files->tokenizerJson = "{}";
        const auto model = Model::load(files, m_backend, {});
        const Numbered tokenizer;
        const auto memory = trace(*model, {sequence("a", 3)}, {}, &tokenizer);
        QCOMPARE(memory->tokens({0, 3}).bytes, (std::vector<std::string>{"<11>", "<48>", "<85>"}));
    }

    void overridesChangeWhatTheModelComputes()
    {
        Batch batch;
        batch.append(0, sequence("a", 7).tokens, 0, -1);
        Watch own, changed;
        Forward{*m_model, m_backend, nullptr, &own}.run(batch, nullptr, {});
        const Weakest weakest;
        Forward{*m_model, m_backend, &weakest, &changed}.run(batch, nullptr, {});
        QCOMPARE(own.counts, std::vector<std::int32_t>(7, 4));
        QCOMPARE(changed.counts, std::vector<std::int32_t>(7, 1));
        QVERIFY(own.last != changed.last);
    }

    void progressCountsTokens()
    {
        std::vector<std::int64_t> seen;
        const Progress progress{{}, [&](std::int64_t done, std::int64_t total, std::string_view unit) {
                                    QCOMPARE(total, 30);
                                    QCOMPARE(unit, std::string_view{"tokens"});
                                    seen.push_back(done);
                                }};
        RunSpec spec;
        spec.batchTokens = 8;
        trace(*m_model, {sequence("a", 20), sequence("b", 10)}, spec, nullptr, progress);
        QVERIFY(std::is_sorted(seen.begin(), seen.end()));
        QCOMPARE(seen.back(), 30);
        QVERIFY(seen.size() > 8); // between layers, not only between batches
    }

    void tracingStopsBetweenLayers()
    {
        std::stop_source stop;
        int reports = 0;
        const Progress progress{stop.get_token(), [&](std::int64_t, std::int64_t, std::string_view) {
                                    if (++reports == 2)
                                        stop.request_stop();
                                }};
        MemoryTrace memory;
        memory.begin(traceMeta(*m_model, m_backend, {}));
        QVERIFY_EXCEPTION_THROWN(
            traceSequences(*m_model, m_backend, std::vector{sequence("a", 20)}, {}, nullptr, memory, progress), Cancelled);
        QCOMPARE(reports, 2);
        QVERIFY(memory.meta().sequences.empty());
    }

    void stoppedGenerationKeepsWhatWasRun()
    {
        std::stop_source stop;
        RunSpec spec;
        spec.maxNewTokens = 50;
        int drawn = 0;
        MemoryTrace memory;
        memory.begin(traceMeta(*m_model, m_backend, spec));
        const auto onToken = [&](const GeneratedToken &) {
            if (++drawn == 4)
                stop.request_stop();
        };
        QVERIFY_EXCEPTION_THROWN(
            generate(*m_model, m_backend, sequence("p", 5), spec, nullptr, &memory, onToken, Progress{stop.get_token()}), Cancelled);
        memory.finish({});
        QCOMPARE(drawn, 4);
        QCOMPARE(memory.meta().sequences.size(), std::size_t{1});
        QCOMPARE(memory.meta().sequences[0].nPrompt, 5);
        QCOMPARE(memory.meta().sequences[0].nGenerated, 3);
        const TokenColumns columns = memory.tokens({0, 8});
        QCOMPARE(columns.phase[4], Phase::Prefill);
        QCOMPARE(columns.phase[5], Phase::Decode);
        QVERIFY(!std::isnan(columns.logprob[7]));
    }

    void generationEndsWithEndOfText()
    {
        RunSpec spec;
        spec.maxNewTokens = 20;
        const GenerateResult free = generate(*m_model, m_backend, sequence("p", 5), spec, nullptr, nullptr, {}, {});
        QCOMPARE(free.tokens.size(), std::size_t{20});
        QVERIFY(!free.stoppedByEos);
        auto files = std::make_shared<ModelFiles>(*Golden{"qwen3_moe"}.files());
        files->generationConfigJson = "{\"eos_token_id\": [" + std::to_string(free.tokens[3].id) + "]}";
        const auto model = Model::load(files, m_backend, {});
        const GenerateResult ended = generate(*model, m_backend, sequence("p", 5), spec, nullptr, nullptr, {}, {});
        QVERIFY(ended.stoppedByEos);
        QVERIFY(ended.tokens.size() <= 4);
        QCOMPARE(ended.tokens.back().id, free.tokens[3].id);
    }

    void generationEndsWithTheContext()
    {
        RunSpec spec;
        spec.maxNewTokens = 20;
        QCOMPARE(generate(*m_model, m_backend, sequence("p", 126), spec, nullptr, nullptr, {}, {}).tokens.size(), std::size_t{2});
        QCOMPARE(generate(*m_model, m_backend, sequence("p", 128), spec, nullptr, nullptr, {}, {}).tokens.size(), std::size_t{0});
    }

    void sameSeedSameText()
    {
        RunSpec spec;
        spec.maxNewTokens = 12;
        spec.sampling = {1.5f, 0, 0.95f, 5};
        const auto ids = [&] {
            std::vector<std::int32_t> out;
            for (const GeneratedToken &token : generate(*m_model, m_backend, sequence("p", 5), spec, nullptr, nullptr, {}, {}).tokens)
                out.push_back(token.id);
            return out;
        };
        const std::vector<std::int32_t> first = ids();
        QCOMPARE(ids(), first);
        spec.sampling.seed = 6;
        QVERIFY(ids() != first);
    }

    void refused()
    {
        QVERIFY(refusal({sequence("long one", 129)})
                    .contains("sequence \"long one\": the text has 129 tokens, and the model's context holds 128"));
        QVERIFY(refusal({sequence("none", 0)}).contains("there are no tokens to run"));
        TokenSequence foreign = sequence("foreign", 3);
        foreign.tokens[1] = 139;
        QVERIFY(refusal({foreign}).contains("token id 139 is outside the model's vocabulary of 139"));
        foreign.tokens[1] = -1;
        QVERIFY(refusal({foreign}).contains("token id -1"));
        RunSpec spec;
        spec.batchTokens = 0;
        QVERIFY(refusal({sequence("a", 3)}, spec).contains("a batch of 0 tokens"));
        const RoutingDescription description;
        QVERIFY(refusal({sequence("a", 3)}, {}, {.description = &description}).contains("do not belong together"));
    }
};

QTEST_APPLESS_MAIN(TestRun)
#include "test_run.moc"
