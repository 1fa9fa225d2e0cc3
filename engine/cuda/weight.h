// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// CudaWeight: a matrix in device memory, row-major, each row the weights of one output.
// F32 and BF16 stay what they are; F16, and whatever must be Exact, becomes F32 (BF16 too where activations are not to be rounded).
#pragma once

#include "engine/core/backend.h"
#include "engine/cuda/context.h"

namespace expertscope::cuda {

class CudaWeight final : public Weight {
public:
    CudaWeight(std::shared_ptr<void> memory, DType type, std::int64_t rows, std::int64_t cols)
        : m_memory{std::move(memory)}
        , m_type{type}
        , m_rows{rows}
        , m_cols{cols}
    {
    }
    std::int64_t rows() const override { return m_rows; }
    std::int64_t cols() const override { return m_cols; }
    DType type() const { return m_type; } ///< F32 or BF16
    const void *data() const { return m_memory.get(); } ///< [rows, cols] on the device, 256-byte aligned

private:
    std::shared_ptr<void> m_memory;
    DType m_type;
    std::int64_t m_rows, m_cols;
};

inline const CudaWeight &cudaWeight(const Weight &weight)
{
    return static_cast<const CudaWeight &>(weight);
}

/// Brings a stored matrix (F32, F16, BF16; host memory) to the device. Throws Error (Input) on another type or shape.
std::shared_ptr<const CudaWeight> loadWeight(Context &context, const Tensor &stored, Products products);

/// Brings stored numbers (F32, F16, BF16; host memory) to the device as f32.
Buffer loadVector(Context &context, const Tensor &stored);

} // namespace expertscope::cuda
