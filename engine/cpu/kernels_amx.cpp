// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Products of bf16 weights with AMX tiles. A stored block of 16 rows by 32 numbers is a tile as it lies in the file, so
// weights are neither copied nor repacked; the activations are the other factor.
// The rules of kernels_vector.h hold here too: nothing from the library.
#include "engine/cpu/kernels_bf16.h"

#include <immintrin.h>

namespace expertscope::cpu {

namespace {

struct TileConfig {
    std::uint8_t palette = 1;
    std::uint8_t startRow = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t columnBytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

/// Adds `steps` steps to the sums in tiles 0-3: weight tiles 4 and 5, activation tiles 6 and 7.
template<bool TwoTiles>
void addSteps(const std::byte *weights, std::int64_t strideBytes, std::int64_t steps, int terms, const std::byte *panel)
{
    constexpr std::int64_t tiles = TwoTiles ? 2 : 1;
    for (std::int64_t step = 0; step < steps; ++step) {
        _tile_loadd(4, weights + step * 64, strideBytes);
        _tile_loadd(5, weights + step * 64 + 16 * strideBytes, strideBytes);
        for (int term = 0; term < terms; ++term) {
            const std::byte *x = panel + (step * terms + term) * tiles * bf16TileBytes;
            _tile_loadd(6, x, 64);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(2, 5, 6);
            if constexpr (TwoTiles) {
                _tile_loadd(7, x + bf16TileBytes, 64);
                _tile_dpbf16ps(1, 4, 7);
                _tile_dpbf16ps(3, 5, 7);
            }
        }
    }
}

template<bool TwoTiles>
void multiplyBlock(const StoredRows &weights, std::int64_t n, const PanelShape &shape, const std::byte *panel, float *columns)
{
    const auto *w = static_cast<const std::byte *>(weights.data);
    const std::int64_t strideBytes = weights.stride * 2;
    const std::int64_t stepBytes = shape.terms * (TwoTiles ? 2 : 1) * bf16TileBytes;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    std::int64_t step = 0;
    if (n == blockRows) {
        step = shape.depth / bf16Step;
        addSteps<TwoTiles>(w, strideBytes, step, shape.terms, panel);
    }
    // Where a tile would reach over the end of a row or of the matrix, it is read from a padded copy.
    for (; step * bf16Step < shape.depth; ++step) {
        alignas(64) std::byte copy[blockRows * 64] = {};
        const std::int64_t left = shape.depth - step * bf16Step;
        const auto bytes = static_cast<std::size_t>(left < bf16Step ? left : bf16Step) * 2;
        for (std::int64_t i = 0; i < n; ++i)
            __builtin_memcpy(copy + i * 64, w + i * strideBytes + step * 64, bytes);
        asm volatile("" ::: "memory"); // GCC does not know that tile loads read memory
        addSteps<TwoTiles>(copy, 64, 1, shape.terms, panel + step * stepBytes);
    }
    const std::int64_t lineBytes = shape.width * 4;
    _tile_stored(0, columns, lineBytes);
    _tile_stored(2, columns + 16 * shape.width, lineBytes);
    if constexpr (TwoTiles) {
        _tile_stored(1, columns + 16, lineBytes);
        _tile_stored(3, columns + 16 * shape.width + 16, lineBytes);
    }
}

void multiply(const StoredRows &weights, std::int64_t n, const PanelShape &shape, const void *panel, float *columns)
{
    // Once per thread: nobody else in the process uses tiles, and configuring them costs as much as a small product.
    static constexpr TileConfig config;
    static thread_local bool configured = false;
    if (!configured)
        _tile_loadconfig(&config);
    configured = true;
    const auto *x = static_cast<const std::byte *>(panel);
    if (shape.width == 32)
        multiplyBlock<true>(weights, n, shape, x, columns);
    else
        multiplyBlock<false>(weights, n, shape, x, columns);
}

} // namespace

const ProductKernel &amxProduct()
{
    static const ProductKernel kernel = [] {
        ProductKernel tiles = avx512Bf16Product();
        tiles.maxWidth = 32;
        tiles.multiply = multiply;
        return tiles;
    }();
    return kernel;
}

} // namespace expertscope::cpu
