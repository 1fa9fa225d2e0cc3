// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/loss_sink.h"

#include <algorithm>
#include <cmath>

namespace expertscope {

LossSink::LossSink(std::size_t sequences, const ModelConfig &config)
    : m_layers{config.moeLayers()}
    , m_experts{static_cast<std::size_t>(config.maxExperts())}
    , m_load(m_layers.size() * m_experts)
{
    m_loss.sum.resize(sequences);
    m_loss.weight.resize(sequences);
}

void LossSink::append(const TraceBlock &block)
{
    for (std::size_t row = 0; row < block.seqIndex.size(); ++row)
        if (!std::isnan(block.logprob[row])) {
            const auto sequence = static_cast<std::size_t>(block.seqIndex[row]);
            m_loss.sum[sequence] -= static_cast<double>(block.logprob[row]);
            ++m_loss.weight[sequence];
        }
    m_predicted.insert(m_predicted.end(), block.predictedId.begin(), block.predictedId.end());
    const std::size_t perLayer = block.expertId.size() / m_layers.size();
    for (std::size_t i = 0; i < block.expertId.size(); ++i)
        if (block.expertId[i] != noExpert)
            ++m_load[i / perLayer * m_experts + block.expertId[i]];
}

std::int64_t LossSink::load(int layer, int expert) const
{
    const auto at = std::lower_bound(m_layers.begin(), m_layers.end(), layer) - m_layers.begin();
    return m_load[static_cast<std::size_t>(at) * m_experts + static_cast<std::size_t>(expert)];
}

LossSink lossOf(const Model &model, Backend &backend, std::span<const TokenSequence> sequences, const Params &settings,
    const Steering &steering, const Progress &progress)
{
    RunSpec spec;
    spec.capture.gateWeights = false;
    spec.batchTokens = settings.integer("batch_tokens");
    LossSink loss{sequences.size(), model.config()};
    traceSequences(model, backend, sequences, spec, nullptr, loss, progress, steering);
    return loss;
}

PairedDifference compareLosses(const LossSink &baseline, const LossSink &other, const Params &settings)
{
    Units units(baseline.loss().sum.size());
    for (std::size_t s = 0; s < units.size(); ++s)
        units[s] = {s};
    return compare(baseline.loss(), other.loss(), units, false, static_cast<std::size_t>(settings.integer("bootstrap")),
        static_cast<std::size_t>(settings.integer("permutations")), static_cast<std::uint64_t>(settings.integer("seed")));
}

} // namespace expertscope
