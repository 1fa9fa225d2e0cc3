// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the CPU operations share: the kernels in use, working memory, and weights as they see them.
// One thread at a time may use a context; its operations spread over the cores themselves.
#pragma once

#include "engine/core/backend.h"
#include "engine/cpu/isa.h"
#include "engine/cpu/kernels.h"
#include "engine/cpu/memory.h"

#include <span>
#include <vector>

namespace expertscope::cpu {

/// A stored matrix, used where it lies: nothing is repacked or converted as a whole.
class CpuWeight final : public Weight {
public:
    /// Throws Error (Input) if the type is none of F32, F16, BF16 or the shape no matrix.
    CpuWeight(const Tensor &stored, Products products);
    std::int64_t rows() const override { return m_rows; }
    std::int64_t cols() const override { return m_cols; }
    Stored type() const { return m_type; }
    Products products() const { return m_products; }
    /// Rows from `first` on.
    StoredRows from(std::int64_t first) const;

private:
    const std::byte *m_data = nullptr;
    std::int64_t m_rows = 0;
    std::int64_t m_cols = 0;
    Stored m_type = Stored::F32;
    Products m_products = Products::Exact;
};

inline const CpuWeight &cpuWeight(const Weight &weight)
{
    return static_cast<const CpuWeight &>(weight);
}

struct CpuExperts final : ExpertWeights {
    std::vector<GatedMlp> mlps; ///< [E]
};

inline std::span<const GatedMlp> cpuExperts(const ExpertWeights &experts)
{
    return static_cast<const CpuExperts &>(experts).mlps;
}

/// Cosines and sines of a batch's positions; every layer of a batch asks for the same ones.
struct RopeTable {
    std::vector<std::int32_t> positions;
    std::vector<float> invFreq;
    float scale = 1;
    std::vector<float> cosine; ///< [T, D/2]
    std::vector<float> sine; ///< [T, D/2]
};

struct CpuContext {
    /// Two terms keep 16 bits of every activation, close to f32, where rounding to bf16 (one term) would keep 8.
    static constexpr int defaultBf16Terms = 2;

    /// EXPERTSCOPE_BF16_TERMS=1|2|3 overrides the terms; throws Error (Usage) on anything else.
    explicit CpuContext(Isa isa);

    Isa isa;
    const Kernels &kernels;
    const ProductKernel *bf16 = nullptr; ///< null where the processor has no bf16 products
    int bf16Terms = defaultBf16Terms; ///< of each activation, with `bf16`
    Scratch packedScratch, hiddenScratch, outputScratch;
    std::vector<RopeTable> ropeTables;
};

} // namespace expertscope::cpu
