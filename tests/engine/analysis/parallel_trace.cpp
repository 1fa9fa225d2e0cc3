// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/analysis/parallel_trace.h"

#include "engine/core/softmax.h"
#include "engine/core/tensor.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>
#include <random>

namespace expertscope::test {

namespace {

/// One text in one language, with its mean softmax [M, E].
TraceBlock blockOf(const ParallelShape &shape, const TraceMeta &meta, int language, int text, int count, std::int32_t sequence,
    const LogitOf &logitOf, std::mt19937_64 &random, std::vector<float> &mean)
{
    const auto experts = static_cast<std::size_t>(shape.experts);
    TraceBlock block;
    block.count = count;
    for (int t = 0; t < count; ++t) {
        block.tokenId.push_back(t == 0 ? 0 : 100 * language + t);
        block.position.push_back(t);
        block.seqIndex.push_back(sequence);
        block.phase.push_back(Phase::Prefill);
        if (meta.fields.logprob)
            block.logprob.push_back(t == 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(-1 - language));
        if (meta.fields.tokenText)
            block.bytes.push_back("abcd");
    }
    mean.assign(meta.layers.size() * experts, 0.0f);
    std::vector<float> logits(experts);
    std::vector<ExpertId> order(experts);
    for (int layer = 0; layer < meta.moeLayers(); ++layer)
        for (int t = 0; t < count; ++t) {
            for (std::size_t e = 0; e < experts; ++e) {
                // a sum of twelve uniform numbers: normal enough, and the same with every standard library
                double normal = -6;
                for (int i = 0; i < 12; ++i)
                    normal += static_cast<double>(random() >> 11) * 0x1p-53;
                const double logit = normal + logitOf({language, text, t, layer}, static_cast<int>(e));
                logits[e] = f16ToF32(f32ToF16(static_cast<float>(logit)));
                if (meta.fields.routerLogit)
                    block.routerLogit.push_back(f32ToF16(logits[e]));
            }
            std::iota(order.begin(), order.end(), ExpertId{0});
            std::stable_sort(order.begin(), order.end(), [&](ExpertId a, ExpertId b) { return logits[a] > logits[b]; });
            softmaxInPlace(logits);
            for (std::size_t e = 0; e < experts; ++e)
                mean[static_cast<std::size_t>(layer) * experts + e] += logits[e] / static_cast<float>(count);
            for (std::size_t slot = 0; slot < static_cast<std::size_t>(shape.slotCount); ++slot) {
                block.expertId.push_back(order[slot]);
                if (meta.fields.gateWeight)
                    block.gateWeight.push_back(logits[order[slot]]);
            }
        }
    return block;
}

} // namespace

TracePtr parallelTrace(const ParallelShape &shape, const LogitOf &logitOf)
{
    TraceMeta meta;
    meta.title = "parallel texts";
    meta.fields = shape.fields;
    meta.slotCount = shape.slotCount;
    meta.model.topK = shape.slotCount;
    meta.model.scoreFunction = "softmax";
    meta.experts = shape.experts;
    meta.layers = shape.layers;
    meta.labelColumns = {"half"};
    MemoryTrace trace;
    trace.begin(meta);
    std::mt19937_64 random{shape.seed};
    std::int64_t at = 0;
    std::int32_t sequence = 0;
    for (int p = 0; p < shape.texts; ++p)
        for (int g = 0; g < static_cast<int>(shape.languages.size()); ++g, ++sequence) {
            const int count = shape.tokens + p % 3 + g;
            std::vector<float> mean;
            trace.append(blockOf(shape, meta, g, p, count, sequence, logitOf, random, mean));
            SequenceInfo info;
            info.language = shape.languages[static_cast<std::size_t>(g)];
            info.parallelId = "p" + std::to_string(p);
            info.id = info.parallelId + "-" + info.language;
            info.domain = std::string{"web"};
            info.labels = {std::string{p % 2 == 0 ? "a" : "b"}};
            info.firstToken = at;
            info.nPrompt = count;
            at += count;
            trace.endSequence(info, meta.fields.meanSoftmax ? mean : std::vector<float>{});
        }
    return trace.snapshot();
}

std::shared_ptr<const RoutingSummary> qwen3Counts(const std::vector<std::string> &languages)
{
    const char *shared = std::getenv("EXPERTSCOPE_SHARED");
    const std::filesystem::path folder =
        std::filesystem::path{shared ? shared : SOURCE_DIR "/../shared"} / "data/real-traces/qwen3-30b-mgsm";
    auto counts = std::make_shared<RoutingSummary>();
    counts->grouping = "language";
    counts->experts = 128;
    counts->topK = 8;
    counts->layers.resize(48);
    std::iota(counts->layers.begin(), counts->layers.end(), 0);
    for (const std::string &language : languages) {
        std::ifstream file{folder / (language + ".json")};
        if (!file)
            return nullptr;
        const nlohmann::json json = nlohmann::json::parse(file);
        counts->groups.push_back(language);
        counts->tokens.push_back(json.at("0").at("total_tokens").get<std::int64_t>());
        for (int layer = 0; layer < 48; ++layer)
            for (int e = 0; e < 128; ++e) {
                const nlohmann::json &expert = json.at(std::to_string(layer)).at(std::to_string(e));
                counts->counts.push_back(expert.at("activation_tokens").get<std::int64_t>());
                counts->gateMass.push_back(expert.at("gate_values_sum").get<double>());
            }
    }
    return counts;
}

} // namespace expertscope::test
