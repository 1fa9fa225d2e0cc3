// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The products in f32: few rows (memory-bound, reads each weight once) and panels of rows (compute-bound).
// Second half of kernels_vector.h; the same rules hold.
#pragma once

namespace expertscope::cpu {

namespace {

// ---- Few rows -------------------------------------------------------------------------------------------------------

std::size_t fewBytes(const PanelShape &shape)
{
    return static_cast<std::size_t>(shape.rows) * static_cast<std::size_t>(shape.depth) * sizeof(float);
}

void fewPack(const float *const *rows, const PanelShape &shape, void *panel)
{
    for (int r = 0; r < shape.rows; ++r)
        __builtin_memcpy(static_cast<float *>(panel) + r * shape.depth, rows[r], static_cast<std::size_t>(shape.depth) * sizeof(float));
}

void fewPackColumns(const float *columns, std::int64_t first, std::int64_t count, const PanelShape &shape, void *panel)
{
    for (int r = 0; r < shape.rows; ++r)
        for (std::int64_t i = 0; i < count; ++i)
            static_cast<float *>(panel)[r * shape.depth + first + i] = columns[i * shape.width + r];
}

/// Sums of M rows of x with R weight rows at once: several streams of weights are read faster than one.
template<int R, int M, typename T>
void dotRows(const T *w, std::int64_t stride, const float *x, std::int64_t k, float *out, std::int64_t outStride)
{
    constexpr int chains = 2; // the same for every R, so that a sum does not depend on how its row was grouped
    Vf sums[R][M][chains] = {};
    std::int64_t i = 0;
    for (; i + chains * L <= k; i += chains * L) {
        ES_UNROLL
        for (int c = 0; c < chains; ++c) {
            Vf values[M];
            ES_UNROLL
            for (int m = 0; m < M; ++m)
                values[m] = load(x + m * k + i + c * L);
            ES_UNROLL
            for (int r = 0; r < R; ++r) {
                const Vf weights = widened(w + r * stride + i + c * L);
                ES_UNROLL
                for (int m = 0; m < M; ++m)
                    sums[r][m][c] += weights * values[m];
            }
        }
    }
    for (int r = 0; r < R; ++r)
        for (int m = 0; m < M; ++m) {
            float sum = sumLanes(sums[r][m][0] + sums[r][m][1]);
            for (std::int64_t j = i; j < k; ++j)
                sum += widenedOne(w + r * stride + j) * x[m * k + j];
            out[r * outStride + m] = sum;
        }
}

template<int M, typename T>
void fewMultiplyStored(const T *w, std::int64_t stride, std::int64_t n, const PanelShape &shape, const float *x, float *columns)
{
    // Rows far apart lie in different pages, which the processor fetches ahead independently of each other.
    constexpr int rowsAtOnce = 4;
    const std::int64_t apart = n / rowsAtOnce;
    for (std::int64_t i = 0; i < apart; ++i)
        dotRows<rowsAtOnce, M>(w + i * stride, apart * stride, x, shape.depth, columns + i * shape.width, apart * shape.width);
    for (std::int64_t i = apart * rowsAtOnce; i < n; ++i)
        dotRows<1, M>(w + i * stride, stride, x, shape.depth, columns + i * shape.width, shape.width);
}

void fewMultiply(const StoredRows &weights, std::int64_t n, const PanelShape &shape, const void *panel, float *columns)
{
    const auto *x = static_cast<const float *>(panel);
    asStored(weights.data, weights.type, [&](const auto *w) {
        if (shape.rows == 1)
            fewMultiplyStored<1>(w, weights.stride, n, shape, x, columns);
        else if (shape.rows == 2)
            fewMultiplyStored<2>(w, weights.stride, n, shape, x, columns);
        else
            fewMultiplyStored<3>(w, weights.stride, n, shape, x, columns);
    });
}

// ---- Panels ---------------------------------------------------------------------------------------------------------

constexpr int tileRows = L == 16 ? 8 : 4; // rows of A whose sums fit in registers with three vectors of columns each
constexpr std::int64_t depthBlock = 256; // numbers summed before they are added to memory: keeps a panel's part in cache

/// columns [N, V*L] (+)= A [N, k] panel [k, V*L]. Contiguous: A's rows are (columnStride 1); else its columns are (rowStride 1).
template<int N, int V, bool Contiguous>
void productTile(
    const float *a, std::int64_t stride, std::int64_t k, const float *panel, std::int64_t width, float *columns, bool accumulate)
{
    Vf sums[N][V] = {};
    for (std::int64_t j = 0; j < k; ++j) {
        Vf x[V];
        ES_UNROLL
        for (int v = 0; v < V; ++v)
            x[v] = load(panel + j * width + v * L);
        ES_UNROLL
        for (int i = 0; i < N; ++i) {
            const Vf factor = splat(widenedOne(Contiguous ? a + i * stride + j : a + j * stride + i));
            ES_UNROLL
            for (int v = 0; v < V; ++v)
                sums[i][v] += factor * x[v];
        }
    }
    ES_UNROLL
    for (int i = 0; i < N; ++i) {
        ES_UNROLL
        for (int v = 0; v < V; ++v) {
            float *to = columns + i * width + v * L;
            store(to, accumulate ? load(to) + sums[i][v] : sums[i][v]);
        }
    }
}

template<int V, bool Contiguous>
void productRows(const float *a, std::int64_t stride, std::int64_t n, std::int64_t k, const float *panel, std::int64_t width,
    float *columns, bool accumulate)
{
    const std::int64_t step = Contiguous ? stride : 1;
    std::int64_t i = 0;
    for (; i + tileRows <= n; i += tileRows)
        productTile<tileRows, V, Contiguous>(a + i * step, stride, k, panel, width, columns + i * width, accumulate);
    for (; i < n; ++i)
        productTile<1, V, Contiguous>(a + i * step, stride, k, panel, width, columns + i * width, accumulate);
}

void product(const float *a, std::int64_t rowStride, std::int64_t columnStride, std::int64_t n, std::int64_t k, const float *panel,
    int width, float *columns, bool accumulate)
{
    const bool contiguous = columnStride == 1;
    const std::int64_t stride = contiguous ? rowStride : columnStride;
    for (int c = 0; c < width;) {
        const int vectors = (width - c) / L;
        const auto rows = vectors >= 3 ? (contiguous ? productRows<3, true> : productRows<3, false>)
            : vectors == 2             ? (contiguous ? productRows<2, true> : productRows<2, false>)
                                       : (contiguous ? productRows<1, true> : productRows<1, false>);
        rows(a, stride, n, k, panel + c, width, columns + c, accumulate);
        c += L * (vectors >= 3 ? 3 : vectors);
    }
}

std::size_t panelBytes(const PanelShape &shape)
{
    return static_cast<std::size_t>(shape.width) * static_cast<std::size_t>(shape.depth) * sizeof(float);
}

void panelPack(const float *const *rows, const PanelShape &shape, void *panel)
{
    auto *to = static_cast<float *>(panel);
    for (int r = 0; r < shape.width; r += L) {
        std::int64_t k = 0;
        for (; k + L <= shape.depth; k += L) {
            Vf tile[L];
            for (int i = 0; i < L; ++i)
                tile[i] = r + i < shape.rows ? load(rows[r + i] + k) : Vf{};
            transpose(tile);
            ES_UNROLL
            for (int i = 0; i < L; ++i)
                store(to + (k + i) * shape.width + r, tile[i]);
        }
        for (; k < shape.depth; ++k)
            for (int i = 0; i < L; ++i)
                to[k * shape.width + r + i] = r + i < shape.rows ? rows[r + i][k] : 0.0f;
    }
}

void panelPackColumns(const float *columns, std::int64_t first, std::int64_t count, const PanelShape &shape, void *panel)
{
    __builtin_memcpy(static_cast<float *>(panel) + first * shape.width, columns,
        static_cast<std::size_t>(count) * static_cast<std::size_t>(shape.width) * sizeof(float));
}

template<typename T>
void panelMultiplyStored(const T *w, std::int64_t stride, std::int64_t n, const PanelShape &shape, const float *x, float *columns)
{
    for (std::int64_t i = 0; i < n; i += tileRows) {
        const std::int64_t rows = n - i < tileRows ? n - i : tileRows;
        for (std::int64_t k = 0; k < shape.depth; k += depthBlock) {
            const std::int64_t count = shape.depth - k < depthBlock ? shape.depth - k : depthBlock;
            // Stored halves become floats here, one tile at a time, never the whole matrix.
            alignas(64) float tile[tileRows * depthBlock];
            for (std::int64_t r = 0; r < rows; ++r)
                widenRow(w + (i + r) * stride + k, count, tile + r * depthBlock);
            product(tile, depthBlock, 1, rows, count, x + k * shape.width, shape.width, columns + i * shape.width, k > 0);
        }
    }
}

void panelMultiplyStored(const float *w, std::int64_t stride, std::int64_t n, const PanelShape &shape, const float *x, float *columns)
{
    product(w, stride, 1, n, shape.depth, x, shape.width, columns, false);
}

void panelMultiply(const StoredRows &weights, std::int64_t n, const PanelShape &shape, const void *panel, float *columns)
{
    asStored(weights.data, weights.type,
        [&](const auto *w) { panelMultiplyStored(w, weights.stride, n, shape, static_cast<const float *>(panel), columns); });
}

} // namespace

/// The table of this instruction set.
#define ES_KERNEL_TABLE(title)                                                                                                             \
    {                                                                                                                                      \
        title, L, {1, 3, fewBytes, fewPack, fewPackColumns, fewMultiply},                                                                  \
            {L, 3 * L, panelBytes, panelPack, panelPackColumns, panelMultiply}, nullptr, storeRows, widen, add, addScaled, scale, clamp,   \
            siluTimes, sumOfSquares, normalise, rotate, product, softmax, scaleColumns, logSumExp                                          \
    }

} // namespace expertscope::cpu
