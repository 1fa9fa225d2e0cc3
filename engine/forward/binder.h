// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Binder: finds every tensor a model needs in its files, under the names of the layout they were stored in.
// First all are looked up and checked, then all are made ready, so that a wrong checkpoint costs no time and no memory.
#pragma once

#include "engine/families/families.h"
#include "engine/forward/model.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace expertscope {

class Binder {
public:
    Binder(Model &model, const TensorNames &names);

    /// How many tensors are missing or of another shape or an unusable type.
    std::size_t problems() const { return m_problems.size(); }
    std::int64_t bytes() const { return m_bytes; } ///< of all tensors that will be used
    std::vector<std::vector<StoredMlp>> experts() const; ///< of each MoE layer, in the order they are prepared
    const char *expertType() const { return m_expertType; } ///< stored type of the experts' weights

    /// Throws Error (Input) naming the first few tensors that are missing, wrong or not known.
    void check() const;
    /// Makes all weights ready for products. Reports bytes.
    void prepare(Backend &backend, const Progress &progress) const;

private:
    struct Matrix {
        Tensor stored;
        WeightPtr *to;
        Products products;
    };
    struct Vector {
        Tensor stored;
        Buffer *to;
    };

    void bindLayer(int layer);
    void bindAttention(int layer, const AttentionConfig &attention);
    void bindMoe(int layer, const MoeFfn &moe);
    void bindFused(int layer, const MoeFfn &moe);
    void bindMlp(const std::array<std::string, 3> &names, std::int64_t width, GatedMlp &mlp);
    void matrix(const std::string &name, Shape shape, WeightPtr &to, Products products = Products::Fast);
    void vector(const std::string &name, std::int64_t length, Buffer &to);
    Tensor take(const std::string &name, const Shape &shape);
    bool ignorable(const std::string &name) const;

    Model &m_model;
    const TensorNames &m_names;
    std::vector<Matrix> m_matrices;
    std::map<int, std::vector<StoredMlp>> m_experts; ///< [E] of each MoE layer
    std::vector<Vector> m_vectors;
    std::vector<std::string> m_problems;
    std::set<std::string, std::less<>> m_taken;
    std::int64_t m_bytes = 0;
    const char *m_expertType = "";
};

} // namespace expertscope
