// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Products of bf16 weights with AVX-512 BF16 instructions, and the packing that they and the AMX tiles share.
// The rules of kernels_vector.h hold here too: nothing from the library.
#include "engine/cpu/kernels_bf16.h"

#include <immintrin.h>

namespace expertscope::cpu {

namespace {

template<typename To, typename From>
To bits(From from)
{
    return __builtin_bit_cast(To, from);
}

__m512 widened(__m256i halves)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

/// Rounds to bf16 and leaves in x what the rounding lost.
__m256i takeTerm(__m512 &x)
{
    const auto term = bits<__m256i>(_mm512_cvtneps_pbh(x));
    x = _mm512_sub_ps(x, widened(term));
    return term;
}

/// rows[i] word j <-> rows[j] word i.
void transpose(__m512i (&rows)[16])
{
    __m512i pairs[16];
    for (int i = 0; i < 16; i += 2) {
        pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; ++j) {
            rows[i + 2 * j] = _mm512_unpacklo_epi64(pairs[i + j], pairs[i + 2 + j]);
            rows[i + 2 * j + 1] = _mm512_unpackhi_epi64(pairs[i + j], pairs[i + 2 + j]);
        }
    // Now row i + j holds, in each quarter q, column 4q + j of rows i..i+3.
    __m512i halves[16];
    for (int i = 0; i < 16; i += 8)
        for (int j = 0; j < 4; ++j) {
            halves[i + j] = _mm512_shuffle_i32x4(rows[i + j], rows[i + 4 + j], 0x88);
            halves[i + 4 + j] = _mm512_shuffle_i32x4(rows[i + j], rows[i + 4 + j], 0xdd);
        }
    // halves[j], j < 4: columns j and 8 + j; j >= 4: columns j and 8 + j too, of quarters 1 and 3.
    for (int j = 0; j < 8; ++j) {
        rows[j] = _mm512_shuffle_i32x4(halves[j], halves[8 + j], 0x88);
        rows[j + 8] = _mm512_shuffle_i32x4(halves[j], halves[8 + j], 0xdd);
    }
}

std::int64_t stepsOf(std::int64_t depth)
{
    return (depth + bf16Step - 1) / bf16Step;
}

std::size_t panelBytes(const PanelShape &shape)
{
    return static_cast<std::size_t>(stepsOf(shape.depth) * shape.terms * (shape.width / 16) * bf16TileBytes);
}

void pack(const float *const *rows, const PanelShape &shape, void *panel)
{
    const int tiles = shape.width / 16;
    for (std::int64_t step = 0; step < stepsOf(shape.depth); ++step) {
        const std::int64_t first = step * bf16Step;
        const std::int64_t left = shape.depth - first;
        const std::uint32_t present = left >= bf16Step ? 0xffffffffu : (std::uint32_t{1} << left) - 1;
        for (int tile = 0; tile < tiles; ++tile) {
            __m512 low[16];
            __m512 high[16];
            for (int i = 0; i < 16; ++i) {
                const int row = tile * 16 + i;
                const auto mask = row < shape.rows ? present : 0u;
                const float *from = row < shape.rows ? rows[row] + first : rows[0];
                low[i] = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), from);
                high[i] = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), from + 16);
            }
            for (int term = 0; term < shape.terms; ++term) {
                __m512i words[16];
                for (int i = 0; i < 16; ++i) {
                    const __m512i lower = _mm512_zextsi256_si512(takeTerm(low[i]));
                    words[i] = _mm512_inserti64x4(lower, takeTerm(high[i]), 1);
                }
                transpose(words);
                auto *to = static_cast<std::byte *>(panel) + ((step * shape.terms + term) * tiles + tile) * bf16TileBytes;
                for (int i = 0; i < 16; ++i)
                    _mm512_storeu_si512(to + i * 64, words[i]);
            }
        }
    }
}

void packColumns(const float *columns, std::int64_t first, std::int64_t count, const PanelShape &shape, void *panel)
{
    const int tiles = shape.width / 16;
    const std::int64_t step = first / bf16Step;
    for (int tile = 0; tile < tiles; ++tile)
        for (int pair = 0; pair < 16; ++pair) {
            const std::int64_t row = 2 * pair;
            const float *from = columns + row * shape.width + tile * 16;
            __m512 even = row < count ? _mm512_loadu_ps(from) : _mm512_setzero_ps();
            __m512 odd = row + 1 < count ? _mm512_loadu_ps(from + shape.width) : _mm512_setzero_ps();
            for (int term = 0; term < shape.terms; ++term) {
                const __m512i low = _mm512_cvtepu16_epi32(takeTerm(even));
                const __m512i high = _mm512_cvtepu16_epi32(takeTerm(odd));
                auto *to = static_cast<std::byte *>(panel) + ((step * shape.terms + term) * tiles + tile) * bf16TileBytes;
                _mm512_storeu_si512(to + pair * 64, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
            }
        }
}

constexpr int tileRows = 8;

/// columns [N, V*16] = W [N, depth] panel^T for one panel of V tiles.
template<int N, int V>
void multiplyTile(const std::uint16_t *weights, std::int64_t stride, const PanelShape &shape, const std::byte *panel, float *columns)
{
    __m512 sums[N][V];
    for (auto &row : sums)
        for (__m512 &sum : row)
            sum = _mm512_setzero_ps();
    const std::int64_t steps = stepsOf(shape.depth);
    for (std::int64_t step = 0; step < steps; ++step) {
        const std::uint16_t *from = weights + step * bf16Step;
        std::int64_t rowStride = stride;
        std::uint16_t rest[N * bf16Step];
        if (const std::int64_t left = shape.depth - step * bf16Step; left < bf16Step) {
            __builtin_memset(rest, 0, sizeof rest);
            for (int i = 0; i < N; ++i)
                __builtin_memcpy(rest + i * bf16Step, from + i * stride, static_cast<std::size_t>(left) * 2);
            from = rest;
            rowStride = bf16Step;
        }
        const std::byte *x = panel + step * shape.terms * V * bf16TileBytes;
        for (int pair = 0; pair < 16; ++pair) {
            __m512bh factor[N];
#pragma GCC unroll 8
            for (int i = 0; i < N; ++i) {
                int word;
                __builtin_memcpy(&word, from + i * rowStride + 2 * pair, sizeof word);
                factor[i] = bits<__m512bh>(_mm512_set1_epi32(word));
            }
            for (int term = 0; term < shape.terms; ++term)
#pragma GCC unroll 3
                for (int v = 0; v < V; ++v) {
                    const auto values = bits<__m512bh>(_mm512_loadu_si512(x + (term * V + v) * bf16TileBytes + pair * 64));
#pragma GCC unroll 8
                    for (int i = 0; i < N; ++i)
                        sums[i][v] = _mm512_dpbf16_ps(sums[i][v], values, factor[i]);
                }
        }
    }
    for (int i = 0; i < N; ++i)
        for (int v = 0; v < V; ++v)
            _mm512_storeu_ps(columns + i * shape.width + v * 16, sums[i][v]);
}

template<int V>
void multiplyRows(const StoredRows &weights, std::int64_t n, const PanelShape &shape, const std::byte *panel, float *columns)
{
    const auto *w = static_cast<const std::uint16_t *>(weights.data);
    std::int64_t i = 0;
    for (; i + tileRows <= n; i += tileRows)
        multiplyTile<tileRows, V>(w + i * weights.stride, weights.stride, shape, panel, columns + i * shape.width);
    for (; i < n; ++i)
        multiplyTile<1, V>(w + i * weights.stride, weights.stride, shape, panel, columns + i * shape.width);
}

void multiply(const StoredRows &weights, std::int64_t n, const PanelShape &shape, const void *panel, float *columns)
{
    const auto *x = static_cast<const std::byte *>(panel);
    if (shape.width == 16)
        multiplyRows<1>(weights, n, shape, x, columns);
    else if (shape.width == 32)
        multiplyRows<2>(weights, n, shape, x, columns);
    else
        multiplyRows<3>(weights, n, shape, x, columns);
}

} // namespace

const ProductKernel &avx512Bf16Product()
{
    static constexpr ProductKernel kernel{16, 48, panelBytes, pack, packColumns, multiply};
    return kernel;
}

} // namespace expertscope::cpu
