// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/forward/binder.h"

#include "engine/core/error.h"

#include <algorithm>

namespace expertscope {

namespace {

constexpr const char *remedy = "Take the complete checkpoint this config.json was published with";

/// "model.layers.{l}.mlp.experts.{e}.up_proj.weight" with the numbers filled in.
std::string numbered(std::string name, int layer, int expert = -1)
{
    const auto fill = [&name](std::string_view mark, int number) {
        const std::size_t at = name.find(mark);
        if (at != std::string::npos)
            name.replace(at, mark.size(), std::to_string(number));
    };
    fill("{l}", layer);
    fill("{e}", expert);
    return name;
}

std::string firstFew(const std::vector<std::string> &items)
{
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(items.size(), 4); ++i)
        text += (i ? "; " : "") + items[i];
    if (items.size() > 4)
        text += "; and " + std::to_string(items.size() - 4) + " more";
    return text;
}

} // namespace

Binder::Binder(Model &model, const TensorNames &names)
    : m_model{model}
    , m_names{names}
{
    const ModelConfig &config = model.m_config;
    matrix(names.embedding, {config.vocab, config.hidden}, model.m_embedding);
    if (!config.tiedHead)
        matrix(names.head, {config.vocab, config.hidden}, model.m_head);
    vector(names.finalNorm, config.hidden, model.m_finalNorm);
    model.m_layers.assign(config.layers.size(), {});
    for (int l = 0; l < static_cast<int>(config.layers.size()); ++l)
        bindLayer(l);
}

void Binder::bindLayer(int layer)
{
    const LayerConfig &config = m_model.m_config.layers[static_cast<std::size_t>(layer)];
    LayerWeights &weights = m_model.m_layers[static_cast<std::size_t>(layer)];
    vector(numbered(m_names.inputNorm, layer), m_model.m_config.hidden, weights.inputNorm);
    vector(numbered(m_names.ffnNorm, layer), m_model.m_config.hidden, weights.ffnNorm);
    bindAttention(layer, config.attention);
    if (const MoeFfn *moe = config.moe())
        bindMoe(layer, *moe);
    else
        bindMlp({numbered(m_names.denseGate, layer), numbered(m_names.denseUp, layer), numbered(m_names.denseDown, layer)},
            std::get<DenseFfn>(config.ffn).width, weights.dense);
}

void Binder::bindAttention(int layer, const AttentionConfig &attention)
{
    LayerWeights &weights = m_model.m_layers[static_cast<std::size_t>(layer)];
    const std::int64_t hidden = m_model.m_config.hidden;
    const std::int64_t queries = std::int64_t{attention.heads} * attention.headDim;
    const std::int64_t keys = std::int64_t{attention.kvHeads} * attention.headDim;
    matrix(numbered(m_names.q, layer), {queries, hidden}, weights.q);
    m_model.m_config.layers[static_cast<std::size_t>(layer)].attention.bf16Weights =
        !m_matrices.empty() && m_matrices.back().to == &weights.q && m_matrices.back().stored.dtype == DType::BF16;
    matrix(numbered(m_names.k, layer), {keys, hidden}, weights.k);
    matrix(numbered(m_names.v, layer), {keys, hidden}, weights.v);
    matrix(numbered(m_names.out, layer), {hidden, queries}, weights.out);
    if (attention.qkvBias) {
        vector(numbered(m_names.qBias, layer), queries, weights.qBias);
        vector(numbered(m_names.kBias, layer), keys, weights.kBias);
        vector(numbered(m_names.vBias, layer), keys, weights.vBias);
    }
    if (attention.outBias)
        vector(numbered(m_names.outBias, layer), hidden, weights.outBias);
    if (attention.qkNorm != QkNorm::None) {
        const bool perHead = attention.qkNorm == QkNorm::PerHead;
        vector(numbered(m_names.qNorm, layer), perHead ? attention.headDim : queries, weights.qNorm);
        vector(numbered(m_names.kNorm, layer), perHead ? attention.headDim : keys, weights.kNorm);
    }
}

void Binder::bindMoe(int layer, const MoeFfn &moe)
{
    LayerWeights &weights = m_model.m_layers[static_cast<std::size_t>(layer)];
    const std::int64_t hidden = m_model.m_config.hidden;
    std::vector<StoredMlp> &experts = m_experts[layer];
    experts.resize(static_cast<std::size_t>(moe.experts));
    matrix(numbered(m_names.router, layer), {moe.experts, hidden}, weights.router, Products::Exact);
    if (moe.selectionBias) {
        const Tensor bias = take(numbered(m_names.selectionBias, layer), {moe.experts});
        for (std::int64_t e = 0; bias.data && e < moe.experts; ++e)
            weights.selectionBias.push_back(valueAt(bias, e));
    }
    if (!m_names.fusedGateUp.empty())
        bindFused(layer, moe);
    else
        for (int e = 0; e < moe.experts; ++e)
            experts[static_cast<std::size_t>(e)] = {take(numbered(m_names.expertGate, layer, e), {moe.width, hidden}),
                take(numbered(m_names.expertUp, layer, e), {moe.width, hidden}),
                take(numbered(m_names.expertDown, layer, e), {hidden, moe.width})};
    if (*m_expertType == '\0' && experts.front().gate.data)
        m_expertType = name(experts.front().gate.dtype);
    if (moe.sharedWidth > 0)
        bindMlp({numbered(m_names.sharedGate, layer), numbered(m_names.sharedUp, layer), numbered(m_names.sharedDown, layer)},
            moe.sharedWidth, weights.shared);
    if (moe.sharedGate)
        matrix(numbered(m_names.sharedRouter, layer), {1, hidden}, weights.sharedGate, Products::Exact);
}

void Binder::bindFused(int layer, const MoeFfn &moe)
{
    const std::int64_t hidden = m_model.m_config.hidden;
    const std::int64_t width = moe.width;
    const Tensor gateUp = take(numbered(m_names.fusedGateUp, layer), {moe.experts, 2 * width, hidden});
    const Tensor down = take(numbered(m_names.fusedDown, layer), {moe.experts, hidden, width});
    if (!gateUp.data || !down.data)
        return;
    for (int e = 0; e < moe.experts; ++e)
        m_experts[layer][static_cast<std::size_t>(e)] = {gateUp.row(e).rows(0, width), gateUp.row(e).rows(width, 2 * width), down.row(e)};
}

void Binder::bindMlp(const std::array<std::string, 3> &names, std::int64_t width, GatedMlp &mlp)
{
    const std::int64_t hidden = m_model.m_config.hidden;
    matrix(names[0], {width, hidden}, mlp.gate);
    matrix(names[1], {width, hidden}, mlp.up);
    matrix(names[2], {hidden, width}, mlp.down);
}

void Binder::matrix(const std::string &name, Shape shape, WeightPtr &to, Products products)
{
    const Tensor stored = take(name, shape);
    if (stored.data)
        m_matrices.push_back({stored, &to, products});
}

void Binder::vector(const std::string &name, std::int64_t length, Buffer &to)
{
    const Tensor stored = take(name, {length});
    if (stored.data)
        m_vectors.push_back({stored, &to});
}

Tensor Binder::take(const std::string &name, const Shape &shape)
{
    const auto found = m_model.m_files->tensors.find(name);
    if (found == m_model.m_files->tensors.end()) {
        m_problems.push_back(name + " is missing");
        return {};
    }
    m_taken.insert(name);
    const Tensor &stored = found->second;
    if (!(stored.shape == shape)) {
        m_problems.push_back(name + " has the shape " + stored.shape.text() + " instead of " + shape.text());
        return {};
    }
    if (stored.dtype != DType::F32 && stored.dtype != DType::F16 && stored.dtype != DType::BF16) {
        m_problems.push_back(name + " is stored as " + expertscope::name(stored.dtype) + " instead of F32, F16 or BF16");
        return {};
    }
    m_bytes += static_cast<std::int64_t>(stored.bytes());
    return stored;
}

bool Binder::ignorable(const std::string &name) const
{
    if (name.ends_with("rotary_emb.inv_freq") || name.starts_with("mtp.") || (m_model.m_config.tiedHead && name == m_names.head))
        return true;
    // layers past the last are for predicting several tokens ahead; they take no part in the forward pass
    const std::string prefix = m_names.inputNorm.substr(0, m_names.inputNorm.find("{l}"));
    if (!name.starts_with(prefix))
        return false;
    const std::string digits = name.substr(prefix.size(), name.find('.', prefix.size()) - prefix.size());
    const bool number =
        !digits.empty() && digits.size() < 6 && std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    return number && std::stoul(digits) >= m_model.m_config.layers.size();
}

void Binder::check() const
{
    const ModelFiles &files = *m_model.m_files;
    if (!m_problems.empty())
        throw Error{ErrorKind::Input, "the weights do not fit config.json: " + firstFew(m_problems), files.path, remedy};
    std::vector<std::string> unknown;
    for (const auto &[name, tensor] : files.tensors)
        if (!m_taken.contains(name) && !ignorable(name))
            unknown.push_back(name);
    if (!unknown.empty())
        throw Error{ErrorKind::Input,
            "the files hold weights that a " + m_model.m_config.family + " model of this config.json does not have: " + firstFew(unknown),
            files.path, remedy};
}

std::vector<std::vector<StoredMlp>> Binder::experts() const
{
    std::vector<std::vector<StoredMlp>> out;
    for (const auto &[layer, experts] : m_experts)
        out.push_back(experts);
    return out;
}

void Binder::prepare(Backend &backend, const Progress &progress) const
{
    std::int64_t done = 0;
    const auto advance = [&](const Tensor &stored) {
        done += static_cast<std::int64_t>(stored.bytes());
        progress.report(done, m_bytes, "bytes");
        progress.check();
    };
    for (const Vector &vector : m_vectors) {
        *vector.to = backend.prepareVector(vector.stored);
        advance(vector.stored);
    }
    for (const Matrix &matrix : m_matrices) {
        *matrix.to = backend.prepare(matrix.stored, matrix.products);
        advance(matrix.stored);
    }
    for (const auto &[layer, experts] : m_experts) {
        m_model.m_layers[static_cast<std::size_t>(layer)].experts = backend.prepareExperts(experts);
        for (const StoredMlp &mlp : experts)
            for (const Tensor &stored : {mlp.gate, mlp.up, mlp.down})
                advance(stored);
    }
    if (m_model.m_config.tiedHead)
        m_model.m_head = m_model.m_embedding;
}

} // namespace expertscope
