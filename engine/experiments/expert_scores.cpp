// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/expert_scores.h"

#include "engine/analysis/result_parts.h"
#include "engine/analysis/sequence_counts.h"

#include <algorithm>
#include <cmath>

namespace expertscope {

std::vector<ExpertScores> activationShares(const RoutingTrace &trace, const std::vector<std::vector<int>> &sets, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    const auto experts = static_cast<std::size_t>(meta.experts);
    std::vector<ExpertScores> shares(sets.size(), {meta.layers, meta.experts, std::vector<double>(meta.layers.size() * experts, noNumber)});
    forEachLayerCounts(trace, {}, progress, [&](int layer, std::span<const std::uint32_t> counts) {
        for (std::size_t set = 0; set < sets.size(); ++set)
            for (std::size_t e = 0; e < experts; ++e) {
                double sum = 0;
                for (const int s : sets[set]) {
                    const auto sequence = static_cast<std::size_t>(s);
                    sum +=
                        static_cast<double>(counts[sequence * experts + e]) / static_cast<double>(meta.sequences[sequence].range().count());
                }
                if (!sets[set].empty())
                    shares[set].values[static_cast<std::size_t>(layer) * experts + e] = sum / static_cast<double>(sets[set].size());
            }
    });
    return shares;
}

ExpertScores difference(const ExpertScores &target, const ExpertScores &baseline)
{
    ExpertScores result = target;
    for (std::size_t i = 0; i < result.values.size(); ++i)
        result.values[i] -= baseline.values[i];
    return result;
}

ExpertScores largestDifference(const std::vector<ExpertScores> &languages, const ExpertScores &pivot)
{
    ExpertScores result{pivot.layers, pivot.experts, std::vector<double>(pivot.values.size(), noNumber)};
    for (const ExpertScores &language : languages)
        for (std::size_t i = 0; i < result.values.size(); ++i)
            result.values[i] = std::fmax(result.values[i], language.values[i] - pivot.values[i]);
    return result;
}

ExpertScores scoresOfMatrix(const Matrix &matrix, const TraceMeta &meta)
{
    return {meta.layers, meta.experts, matrix.values};
}

Matrix matrixOfScores(const ExpertScores &scores, std::string id, std::string title, std::string valueTitle)
{
    Matrix matrix = layerExpertMatrix(std::move(id), std::move(title), std::move(valueTitle), "1", scores.layers, scores.experts);
    matrix.values = scores.values;
    matrix.neutral = 0;
    return matrix;
}

} // namespace expertscope
