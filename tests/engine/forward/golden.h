// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Golden: one folder of tests/data/families: a small checkpoint, and what the reference implementation computes with it.
// Tensor names and shapes: tests/reference/make_family_goldens.py.
#pragma once

#include "engine/core/backend.h"
#include "engine/forward/forward.h"
#include "engine/forward/run.h"

#include <map>
#include <string>
#include <vector>

namespace expertscope {

/// tests/data of the tree this was built from, or EXPERTSCOPE_TEST_DATA for a program that was carried elsewhere.
std::string testData();

/// The tensors of one golden.safetensors, by name.
class GoldenTensors {
public:
    /// A path below tests/data.
    explicit GoldenTensors(const std::string &file);

    bool has(const std::string &tensor) const { return m_tensors.contains(tensor); }
    std::vector<float> floats(const std::string &tensor) const;
    std::vector<std::int32_t> ints(const std::string &tensor) const;

private:
    std::map<std::string, Tensor> m_tensors;
    std::vector<std::shared_ptr<void>> m_owners;
};

class Golden : public GoldenTensors {
public:
    explicit Golden(const std::string &name);

    const std::string &name() const { return m_name; }
    /// The checkpoint, with no end-of-text token: the reference's greedy continuations go past it.
    std::shared_ptr<const ModelFiles> files() const { return m_files; }
    std::vector<TokenSequence> sequences() const;

    static std::vector<std::string> names();

private:
    std::string m_name;
    std::shared_ptr<const ModelFiles> m_files;
};

/// Keeps everything a forward pass shows, under the names of the golden tensors.
class Capturer final : public ForwardObserver {
public:
    explicit Capturer(Backend &backend)
        : m_backend{backend}
    {
    }
    void onEmbedding(const Batch &, const Tensor &hidden) override { keep("embeddings", hidden); }
    void onAttention(const Batch &, int layer, const Tensor &out) override { keep("attn_out." + std::to_string(layer), out); }
    void onLayer(const Batch &, int layer, const Tensor &hidden) override { keep("hidden." + std::to_string(layer), hidden); }
    void onFinalNorm(const Batch &, const Tensor &normed) override { keep("final_norm", normed); }
    void onMoeInput(const Batch &, int layer, const Tensor &x) override { keep("router_input." + std::to_string(layer), x); }
    void onRouting(const Batch &, const RoutingTap &tap) override;

    std::map<std::string, std::vector<float>> floats; ///< successive batches one after another
    std::map<std::string, std::vector<std::int32_t>> ids; ///< expert_id.l [T, k]

private:
    void keep(const std::string &name, const Tensor &tensor);
    Backend &m_backend;
};

double rootMeanSquare(const std::vector<float> &v);
/// The largest |ours - reference| / max(|reference|, rms of the reference); infinite where a number is missing or not one.
double largestError(const std::vector<float> &ours, const std::vector<float> &reference);

/// Backends by name: "plain" and "cpu".
std::unique_ptr<Backend> makeBackend(const std::string &name);

} // namespace expertscope
