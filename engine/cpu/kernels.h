// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Kernels: the innermost loops, one table of them per instruction set, chosen once at run time.
// Included by files compiled for newer processors: it must not pull in library code (see kernels_vector.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace expertscope::cpu {

/// How a weight's numbers are stored.
enum class Stored : std::uint8_t { F32, F16, BF16 };

/// First of some rows of a stored matrix [out, in]; any alignment.
struct StoredRows {
    const void *data = nullptr;
    Stored type = Stored::F32;
    std::int64_t stride = 0; ///< elements from row to row
};

/// Weight rows a product kernel takes in one call (fewer at the matrix's end).
inline constexpr std::int64_t blockRows = 32;

/// A few rows of activations [rows, depth], laid out as a product kernel reads them.
struct PanelShape {
    int rows = 0;
    int width = 0; ///< rows padded to whole vectors; padding is zero
    std::int64_t depth = 0; ///< in
    int terms = 1; ///< bf16 kernels: numbers each activation is the sum of (1 rounds it, 2 keep 16 bits, 3 all)
};

/// columns = W panel^T: every kernel writes its result transposed, [blockRows, width], one column per activation row.
struct ProductKernel {
    int lanes = 1; ///< widths are multiples of this
    int maxWidth = 1; ///< of one panel
    std::size_t (*panelBytes)(const PanelShape &) = nullptr;
    /// rows: pointers to shape.rows rows of depth numbers.
    void (*pack)(const float *const *rows, const PanelShape &, void *panel) = nullptr;
    /// Packs numbers [first, first + count) of every row from columns [count, width]; first is a multiple of blockRows.
    void (*packColumns)(const float *columns, std::int64_t first, std::int64_t count, const PanelShape &, void *panel) = nullptr;
    /// n <= blockRows weight rows; columns has room for blockRows x width.
    void (*multiply)(const StoredRows &weights, std::int64_t n, const PanelShape &, const void *panel, float *columns) = nullptr;
};

/// Running softmax over a stream of blocks, per column.
struct SoftmaxState {
    float *max = nullptr; ///< [width] largest value so far; start with -infinity
    float *sum = nullptr; ///< [width] of exp(value - max); start with 0
    float *shrink = nullptr; ///< [width] out: what earlier exponentials must be multiplied by
};

struct Kernels {
    const char *name = "";
    int lanes = 1;
    ProductKernel few; ///< up to 3 rows, any stored type: reads each weight once, activations stay f32
    ProductKernel panels; ///< any number of rows, any stored type, activations stay f32
    const ProductKernel *bf16 = nullptr; ///< bf16 weights, activations as sums of bf16 terms; null where the processor cannot

    /// out[r][i] = columns[i][r] (+ bias[i]); columns [n, width].
    void (*storeRows)(
        const float *columns, std::int64_t n, int width, int rows, const float *bias, float *out, std::int64_t outStride) = nullptr;
    void (*widen)(const void *from, Stored type, std::int64_t n, float *out) = nullptr;
    void (*add)(float *x, const float *y, std::int64_t n) = nullptr;
    void (*addScaled)(float *x, const float *y, float factor, std::int64_t n) = nullptr;
    void (*scale)(float *x, float factor, std::int64_t n) = nullptr;
    void (*clamp)(float *x, float limit, std::int64_t n) = nullptr;
    /// gate = silu(gate) * up.
    void (*siluTimes)(float *gate, const float *up, std::int64_t n) = nullptr;
    float (*sumOfSquares)(const float *x, std::int64_t n) = nullptr;
    /// out = x * factor * weight.
    void (*normalise)(const float *x, const float *weight, float factor, float *out, std::int64_t n) = nullptr;
    /// Rotates (x[i], x[half + i]) by the angle whose cosine and sine are given.
    void (*rotate)(float *x, const float *cosine, const float *sine, std::int64_t half) = nullptr;

    /// columns [n, width] (+)= A [n, k] panel [k, width], A[i][j] at a + i * rowStride + j * columnStride; one stride is 1.
    void (*product)(const float *a, std::int64_t rowStride, std::int64_t columnStride, std::int64_t n, std::int64_t k, const float *panel,
        int width, float *columns, bool accumulate) = nullptr;
    /// scores [n, width] becomes exp(scale * scores - max); value i of column c counts only if lowest[c] <= first + i <= highest[c].
    void (*softmax)(float *scores, std::int64_t n, int width, float scale, std::int64_t first, const std::int32_t *lowest,
        const std::int32_t *highest, const SoftmaxState &state) = nullptr;
    /// columns[i][c] *= factor[c].
    void (*scaleColumns)(float *columns, std::int64_t n, int width, const float *factor) = nullptr;
    /// Adds a block of logits [n, width] of entries first... to each column's running max, sum of exp(. - max) and argmax.
    void (*logSumExp)(
        const float *logits, std::int64_t n, int width, std::int64_t first, float *max, float *sum, std::int32_t *best) = nullptr;
};

const Kernels &baselineKernels();
const Kernels &avx2Kernels();
const Kernels &avx512Kernels();
/// Products of bf16 pairs with AVX-512 BF16 instructions.
const ProductKernel &avx512Bf16Product();
/// The same with AMX tiles; the process must have asked for them (isa.h).
const ProductKernel &amxProduct();

} // namespace expertscope::cpu
