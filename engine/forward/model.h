// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Model: a family's configuration with its weights bound once, by name, type and expected shape; const afterwards.
#pragma once

#include "engine/core/backend.h"
#include "engine/core/model_config.h"
#include "engine/core/model_files.h"
#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <memory>
#include <vector>

namespace expertscope {

struct LayerWeights {
    Buffer inputNorm; ///< [H]
    WeightPtr q, k, v; ///< [nH*D, H], [nKV*D, H], [nKV*D, H]
    Buffer qBias, kBias, vBias, outBias; ///< empty where the family has none
    Buffer qNorm, kNorm; ///< [nH*D], [nKV*D] or [D], [D]; empty where the family has none
    WeightPtr out; ///< [H, nH*D]
    Buffer ffnNorm; ///< [H]
    GatedMlp dense; ///< of a dense layer
    WeightPtr router; ///< [E, H]
    std::vector<float> selectionBias; ///< [E]; empty where the family has none
    ExpertWeightsPtr experts; ///< [E]; null for a dense layer
    GatedMlp shared; ///< of a shared expert
    WeightPtr sharedGate; ///< [1, H]
};

class Model {
public:
    /// Throws Error (Input) on a dense model, an unknown family, an absurd config, or a missing, extra or wrongly shaped tensor;
    /// Error (Device) if the model does not fit in memory. `files` is kept alive by the model. Reports bytes.
    static std::shared_ptr<const Model> load(std::shared_ptr<const ModelFiles> files, Backend &backend, const Progress &progress);

    const ModelConfig &config() const { return m_config; }
    const ModelFiles &files() const { return *m_files; }
    const ModelInfo &info() const { return m_info; }
    const WeightPtr &embedding() const { return m_embedding; } ///< [V, H]
    const WeightPtr &head() const { return m_head; } ///< [V, H]; the embedding where tied
    const Buffer &finalNorm() const { return m_finalNorm; } ///< [H]
    const LayerWeights &layer(int l) const { return m_layers[static_cast<std::size_t>(l)]; }
    std::int64_t weightBytes() const { return m_weightBytes; }

private:
    friend class Binder;
    Model() = default;

    std::shared_ptr<const ModelFiles> m_files;
    ModelConfig m_config;
    ModelInfo m_info;
    WeightPtr m_embedding, m_head;
    Buffer m_finalNorm;
    std::vector<LayerWeights> m_layers;
    std::int64_t m_weightBytes = 0;
};

} // namespace expertscope
