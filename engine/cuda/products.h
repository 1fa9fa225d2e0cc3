// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Products with a weight: of many rows by cuBLAS, of a few by kernels that read each weight once. BF16 weights take activations
// rounded to bf16 where there are many rows, and as they are where there are few; sums are f32.
#pragma once

#include "engine/cuda/numbers.h"
#include "engine/cuda/weight.h"

#include <optional>

namespace expertscope::cuda {

/// Some rows of a weight.
struct WeightRows {
    const void *data = nullptr;
    DType type = DType::F32;
    int rows = 0; ///< outputs
    int cols = 0; ///< inputs
};
WeightRows allRows(const CudaWeight &weight);
WeightRows someRows(const CudaWeight &weight, std::int64_t begin, std::int64_t end);

/// Rows on the device that are multiplied by one weight or several; rounded to bf16 once, if ever.
class Activations {
public:
    /// x [rows, width], f32.
    Activations(Context &context, const float *x, std::int64_t rows, int width);
    std::int64_t rows() const { return m_rows; }
    int width() const { return m_width; }
    const float *f32() const { return m_f32; }
    const Bf16 *bf16();

private:
    Context &m_context;
    const float *m_f32;
    std::int64_t m_rows;
    int m_width;
    std::optional<Scratch<Bf16>> m_bf16;
};

/// out [T, weight.rows] = x W^T (+ bias, which may be null).
void multiply(Context &context, Activations &x, const WeightRows &weight, const float *bias, float *out);

/// multiply() of few rows: x [rows <= mostFewRows, weight.cols]. The same numbers whatever the number of rows.
constexpr int mostFewRows = 8;
void multiplyFewRows(Context &context, const float *x, int rows, const WeightRows &weight, const float *bias, float *out);

} // namespace expertscope::cuda
