// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ModelConfig: everything about an architecture that is data. Per layer, so that dense first layers, sliding windows
// or shared experts need no "if family". Made by families/ from config.json; shapes follow methods "7. ARCHITECTURE TABLE".
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace expertscope {

enum class QkNorm {
    None,
    FullVector, ///< RMSNorm over the whole projected q and k (olmoe)
    PerHead, ///< RMSNorm over each head's D values (qwen3_moe)
};

struct AttentionConfig {
    int heads = 0; ///< nH
    int kvHeads = 0; ///< nKV, divides nH
    int headDim = 0; ///< D
    bool qkvBias = false;
    bool outBias = false;
    QkNorm qkNorm = QkNorm::None;
    float clipQkv = 0; ///< clamp q, k, v to +-this after the norm of the full vectors, if any; 0 = off
    int slidingWindow = 0; ///< a token sees itself and this many - 1 before it; 0 = all
    double ropeTheta = 10000;
    std::vector<float> ropeInvFreq; ///< [D/2] inverse frequencies, half-split pairs, scaling already applied
    float ropeScale = 1; ///< multiplies cos and sin
    bool bf16Weights = false; ///< the projections are stored in BF16: a backend may round queries, keys and values to it as well
};

struct DenseFfn {
    int width = 0;
};

enum class ScoreFunction { Softmax, Sigmoid };

/// The family's defaults of the routing stages S0-S9.
struct MoeFfn {
    int experts = 0; ///< E
    int topK = 0; ///< k
    int width = 0; ///< I, of one expert
    ScoreFunction score = ScoreFunction::Softmax;
    bool selectionBias = false;
    int groups = 1; ///< G
    int topkGroups = 1; ///< groups kept
    bool normalise = false;
    double scale = 1.0;
    int sharedWidth = 0; ///< 0 = no shared expert
    bool sharedGate = false; ///< shared output times sigmoid(g.x)
};

struct LayerConfig {
    AttentionConfig attention;
    std::variant<DenseFfn, MoeFfn> ffn;
    const MoeFfn *moe() const { return std::get_if<MoeFfn>(&ffn); }
};

struct ModelConfig {
    std::string family; ///< id of the family, config.json's model_type
    int hidden = 0; ///< H
    int vocab = 0; ///< V
    int maxPositions = 0;
    float normEps = 1e-5f;
    bool tiedHead = false;
    std::vector<LayerConfig> layers;
    std::vector<std::int32_t> eosIds;
    std::int32_t bosId = -1; ///< -1 = none

    std::vector<int> moeLayers() const; ///< numbers of the layers that have experts
    int maxTopK() const; ///< largest k of any layer
    int maxExperts() const; ///< largest E of any layer
};

} // namespace expertscope
