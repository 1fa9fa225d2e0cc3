// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "random_model.h"

#include "engine/core/tensor.h"
#include "engine/families/families.h"

#include <algorithm>
#include <map>
#include <stdexcept>

namespace expertscope {

namespace {

const std::map<std::string, std::string> configs{
    {"olmoe",
        "{\"model_type\": \"olmoe\", \"vocab_size\": 50304, \"hidden_size\": 2048, \"intermediate_size\": 1024, "
        "\"num_hidden_layers\": 16, \"num_attention_heads\": 16, \"num_key_value_heads\": 16, \"num_experts\": 64, "
        "\"num_experts_per_tok\": 8, \"norm_topk_prob\": false, \"max_position_embeddings\": 4096, \"tie_word_embeddings\": false}"},
    {"qwen3",
        "{\"model_type\": \"qwen3_moe\", \"vocab_size\": 151936, \"hidden_size\": 2048, \"intermediate_size\": 6144, "
        "\"moe_intermediate_size\": 768, \"num_hidden_layers\": 48, \"num_attention_heads\": 32, \"num_key_value_heads\": 4, "
        "\"head_dim\": 128, \"num_experts\": 128, \"num_experts_per_tok\": 8, \"norm_topk_prob\": true, "
        "\"max_position_embeddings\": 40960, \"rope_theta\": 1000000.0, \"tie_word_embeddings\": false}"},
    {"small",
        "{\"model_type\": \"olmoe\", \"vocab_size\": 512, \"hidden_size\": 64, \"intermediate_size\": 32, \"num_hidden_layers\": 2, "
        "\"num_attention_heads\": 4, \"num_key_value_heads\": 4, \"num_experts\": 8, \"num_experts_per_tok\": 2, "
        "\"norm_topk_prob\": false, \"max_position_embeddings\": 4096, \"tie_word_embeddings\": false}"},
};

constexpr std::int64_t blockNumbers = std::int64_t{512} << 20; ///< 1 GiB of BF16, more than the largest tensor has

/// Random numbers of about the size of trained weights: uniform, from a counter, so that they repeat.
std::shared_ptr<std::vector<std::uint16_t>> randomBlock(std::int64_t count)
{
    auto block = std::make_shared<std::vector<std::uint16_t>>(static_cast<std::size_t>(count));
    std::uint64_t state = 42;
    for (std::uint16_t &number : *block) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const float unit = static_cast<float>(state >> 40) / static_cast<float>(1 << 24);
        number = f32ToBf16(0.07f * (unit - 0.5f));
    }
    return block;
}

class Maker {
public:
    Maker(const ModelConfig &config, ModelFiles &files)
        : m_files{files}
    {
        std::int64_t largest = std::int64_t{config.vocab} * config.hidden;
        m_numbers = std::min(blockNumbers, 64 * largest);
        m_random = randomBlock(m_numbers);
        m_ones = std::make_shared<std::vector<std::uint16_t>>(static_cast<std::size_t>(largest), f32ToBf16(1));
        m_files.mappings = {m_random, m_ones};
    }
    void matrix(const std::string &name, std::int64_t rows, std::int64_t cols)
    {
        if (m_at + rows * cols > m_numbers)
            m_at = 0;
        m_files.tensors[name] = {m_random->data() + m_at, DType::BF16, {rows, cols}};
        m_at += rows * cols;
    }
    void norm(const std::string &name, std::int64_t length) { m_files.tensors[name] = {m_ones->data(), DType::BF16, {length}}; }

private:
    ModelFiles &m_files;
    std::shared_ptr<std::vector<std::uint16_t>> m_random, m_ones;
    std::int64_t m_numbers = 0;
    std::int64_t m_at = 0;
};

std::string numbered(std::string name, int layer, int expert = -1)
{
    const auto fill = [&name](std::string_view mark, int number) {
        if (const std::size_t at = name.find(mark); at != std::string::npos)
            name.replace(at, mark.size(), std::to_string(number));
    };
    fill("{l}", layer);
    fill("{e}", expert);
    return name;
}

void makeLayer(Maker &make, const ModelConfig &config, const TensorNames &names, int l)
{
    const LayerConfig &layer = config.layers[static_cast<std::size_t>(l)];
    const AttentionConfig &attention = layer.attention;
    const std::int64_t hidden = config.hidden;
    const std::int64_t queries = std::int64_t{attention.heads} * attention.headDim;
    const std::int64_t keys = std::int64_t{attention.kvHeads} * attention.headDim;
    make.norm(numbered(names.inputNorm, l), hidden);
    make.norm(numbered(names.ffnNorm, l), hidden);
    make.matrix(numbered(names.q, l), queries, hidden);
    make.matrix(numbered(names.k, l), keys, hidden);
    make.matrix(numbered(names.v, l), keys, hidden);
    make.matrix(numbered(names.out, l), hidden, queries);
    if (attention.qkNorm != QkNorm::None) {
        const bool perHead = attention.qkNorm == QkNorm::PerHead;
        make.norm(numbered(names.qNorm, l), perHead ? attention.headDim : queries);
        make.norm(numbered(names.kNorm, l), perHead ? attention.headDim : keys);
    }
    const MoeFfn &moe = *layer.moe();
    make.matrix(numbered(names.router, l), moe.experts, hidden);
    for (int e = 0; e < moe.experts; ++e) {
        make.matrix(numbered(names.expertGate, l, e), moe.width, hidden);
        make.matrix(numbered(names.expertUp, l, e), moe.width, hidden);
        make.matrix(numbered(names.expertDown, l, e), hidden, moe.width);
    }
}

} // namespace

std::vector<std::string> randomModelNames()
{
    std::vector<std::string> names;
    for (const auto &[name, config] : configs)
        names.push_back(name);
    return names;
}

std::shared_ptr<const ModelFiles> randomModel(const std::string &name)
{
    auto files = std::make_shared<ModelFiles>();
    files->name = files->path = "random " + name;
    files->configJson = configs.at(name);
    files->fileFormat = "memory";
    const ModelConfig config = configure(files->configJson, "");
    const TensorNames names = familyOf(config.family).layouts().front();
    Maker make{config, *files};
    make.matrix(names.embedding, config.vocab, config.hidden);
    make.matrix(names.head, config.vocab, config.hidden);
    make.norm(names.finalNorm, config.hidden);
    for (int l = 0; l < static_cast<int>(config.layers.size()); ++l)
        makeLayer(make, config, names, l);
    return files;
}

} // namespace expertscope
