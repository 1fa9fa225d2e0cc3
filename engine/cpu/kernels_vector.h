// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The kernels in vectors of ES_LANES floats: included once by each kernels_<instruction set>.cpp, which defines ES_LANES.
// Those files are compiled for newer processors, so everything here is local to the file and calls no library code: an
// inline function of a header, compiled there, could be the copy that the linker keeps for the whole program.
#pragma once

#include "engine/cpu/kernels.h"

#if ES_LANES > 4
#include <immintrin.h>
#endif

#if defined(__clang__)
#define ES_UNROLL _Pragma("unroll")
#else
#define ES_UNROLL _Pragma("GCC unroll 16")
#endif

namespace expertscope::cpu {

namespace {

constexpr int L = ES_LANES;
using Vf = float __attribute__((vector_size(L * 4)));
using Vi = std::int32_t __attribute__((vector_size(L * 4)));
using Vu = std::uint32_t __attribute__((vector_size(L * 4)));
using Vh = std::uint16_t __attribute__((vector_size(L * 2)));

constexpr float infinity = __builtin_huge_valf();

template<typename To, typename From>
To bits(From from)
{
    return __builtin_bit_cast(To, from);
}

Vf splat(float value)
{
    return value - Vf{}; // folds to a broadcast; 0 + value would not, because of -0
}

// Copies instead of dereferencing: mapped weights have no alignment to rely on.
template<typename V = Vf>
V load(const void *from)
{
    V v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}

template<typename V>
void store(void *to, V v)
{
    __builtin_memcpy(to, &v, sizeof v);
}

/// The first count lanes; the rest is `rest`.
Vf loadSome(const float *from, std::int64_t count, float rest = 0)
{
    Vf v = splat(rest);
    for (std::int64_t i = 0; i < count; ++i)
        v[i] = from[i];
    return v;
}

void storeSome(float *to, std::int64_t count, Vf v)
{
    for (std::int64_t i = 0; i < count; ++i)
        to[i] = v[i];
}

/// Runs body(offset, lanes) over n numbers, whole vectors first.
template<typename Body>
void forVectors(std::int64_t n, const Body &body)
{
    std::int64_t i = 0;
    for (; i + L <= n; i += L)
        body(i, static_cast<std::int64_t>(L));
    if (i < n)
        body(i, n - i);
}

Vf loadUpTo(const float *from, std::int64_t lanes, float rest = 0)
{
    return lanes == L ? load(from) : loadSome(from, lanes, rest);
}

void storeUpTo(float *to, std::int64_t lanes, Vf v)
{
    if (lanes == L)
        store(to, v);
    else
        storeSome(to, lanes, v);
}

/// Sum of all lanes, always in the same order.
float sumLanes(Vf v)
{
    float part[L];
    store(part, v);
    for (int width = L / 2; width > 0; width /= 2)
        for (int i = 0; i < width; ++i)
            part[i] += part[i + width];
    return part[0];
}

Vf maximum(Vf a, Vf b)
{
    return a > b ? a : b;
}

/// e^x to about one unit in the last place: 2^n times a polynomial on +-ln(2)/2 (Cephes' expf scheme).
Vf exponential(Vf x)
{
    const Vf low = splat(-87.3f);
    const Vf inside = x < low ? low : (x > splat(88.7f) ? splat(88.7f) : x);
    const Vf shifted = inside * 1.44269504f + 12582912.0f; // rounds to an integer in the low bits
    const Vf n = shifted - 12582912.0f;
    const Vf r = (inside - n * 0.693359375f) + n * 2.12194440e-4f;
    Vf p = splat(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    // In two halves, since 2^n alone overflows just below the largest result.
    const Vi e = __builtin_convertvector(n, Vi);
    const Vi half = e >> 1;
    const Vf scaled = p * bits<Vf>((half + 127) << 23) * bits<Vf>((e - half + 127) << 23);
    const Vf result = x < low ? splat(0) : (x > splat(88.72f) ? splat(infinity) : scaled);
    return x == x ? result : x; // NaN must show, not become a number
}

Vf widened(const float *from)
{
    return load(from);
}

struct Bf16 {
    std::uint16_t value;
};
struct F16 {
    std::uint16_t value;
};

Vf widened(const Bf16 *from)
{
    return bits<Vf>(__builtin_convertvector(load<Vh>(from), Vu) << 16);
}

float widenedOne(const float *from)
{
    float value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
}

float widenedOne(const Bf16 *from)
{
    std::uint16_t half;
    __builtin_memcpy(&half, from, sizeof half);
    return bits<float>(static_cast<std::uint32_t>(half) << 16);
}

/// One half-precision number by integer arithmetic and one exact multiplication (which also makes subnormals right).
float widenedOne(const F16 *from)
{
    std::uint16_t half;
    __builtin_memcpy(&half, from, sizeof half);
    const std::uint32_t magnitude = half & 0x7fffu;
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
    const std::uint32_t value =
        magnitude >= 0x7c00u ? (magnitude << 13 | 0x7f800000u) : bits<std::uint32_t>(bits<float>(magnitude << 13) * 0x1p112f);
    return bits<float>(value | sign);
}

Vf widened(const F16 *from)
{
#if ES_LANES == 16
    return bits<Vf>(_mm512_cvtph_ps(load<__m256i>(from)));
#elif ES_LANES == 8
    return bits<Vf>(_mm256_cvtph_ps(load<__m128i>(from)));
#else
    Vf v = {};
    for (int i = 0; i < L; ++i)
        v[i] = widenedOne(from + i);
    return v;
#endif
}

/// Calls body with a pointer of the stored type.
template<typename Body>
void asStored(const void *data, Stored type, const Body &body)
{
    switch (type) {
    case Stored::F32:
        return body(static_cast<const float *>(data));
    case Stored::F16:
        return body(static_cast<const F16 *>(data));
    case Stored::BF16:
        return body(static_cast<const Bf16 *>(data));
    }
}

template<typename T>
void widenRow(const T *from, std::int64_t n, float *out)
{
    std::int64_t i = 0;
    for (; i + L <= n; i += L)
        store(out + i, widened(from + i));
    for (; i < n; ++i)
        out[i] = widenedOne(from + i);
}

void widen(const void *from, Stored type, std::int64_t n, float *out)
{
    asStored(from, type, [&](const auto *data) { widenRow(data, n, out); });
}

// ---- Transposes -----------------------------------------------------------------------------------------------------

template<int... I>
struct Indices {
};

template<int N, int... I>
struct MakeIndices : MakeIndices<N - 1, N - 1, I...> {
};

template<int... I>
struct MakeIndices<0, I...> {
    using Type = Indices<I...>;
};

template<int S, int... I>
void exchange(Vf &a, Vf &b, Indices<I...>)
{
    const Vf first = __builtin_shufflevector(a, b, ((I & S) ? L + I - S : I)...);
    b = __builtin_shufflevector(a, b, ((I & S) ? L + I : I + S)...);
    a = first;
}

template<int S>
void exchangeAll(Vf (&rows)[L])
{
    ES_UNROLL
    for (int i = 0; i < L; ++i)
        if ((i & S) == 0)
            exchange<S>(rows[i], rows[i + S], typename MakeIndices<L>::Type{});
    if constexpr (S > 1)
        exchangeAll<S / 2>(rows);
}

/// rows[i][j] <-> rows[j][i].
void transpose(Vf (&rows)[L])
{
    exchangeAll<L / 2>(rows);
}

void storeRows(const float *columns, std::int64_t n, int width, int rows, const float *bias, float *out, std::int64_t outStride)
{
    std::int64_t i = 0;
    for (; i + L <= n; i += L) {
        const Vf shift = bias ? load(bias + i) : Vf{};
        int r = 0;
        for (; r + L <= width; r += L) {
            Vf tile[L];
            ES_UNROLL
            for (int j = 0; j < L; ++j)
                tile[j] = load(columns + (i + j) * width + r);
            transpose(tile);
            for (int j = 0; j < L && r + j < rows; ++j)
                store(out + (r + j) * outStride + i, tile[j] + shift);
        }
        for (; r < rows; ++r)
            for (std::int64_t j = i; j < i + L; ++j)
                out[r * outStride + j] = columns[j * width + r] + (bias ? bias[j] : 0.0f);
    }
    for (; i < n; ++i)
        for (int r = 0; r < rows; ++r)
            out[r * outStride + i] = columns[i * width + r] + (bias ? bias[i] : 0.0f);
}

// ---- Element by element ---------------------------------------------------------------------------------------------

void add(float *x, const float *y, std::int64_t n)
{
    forVectors(n, [=](std::int64_t i, std::int64_t lanes) { storeUpTo(x + i, lanes, loadUpTo(x + i, lanes) + loadUpTo(y + i, lanes)); });
}

void addScaled(float *x, const float *y, float factor, std::int64_t n)
{
    forVectors(
        n, [=](std::int64_t i, std::int64_t lanes) { storeUpTo(x + i, lanes, loadUpTo(x + i, lanes) + loadUpTo(y + i, lanes) * factor); });
}

void scale(float *x, float factor, std::int64_t n)
{
    forVectors(n, [=](std::int64_t i, std::int64_t lanes) { storeUpTo(x + i, lanes, loadUpTo(x + i, lanes) * factor); });
}

void clamp(float *x, float limit, std::int64_t n)
{
    forVectors(n, [=](std::int64_t i, std::int64_t lanes) {
        const Vf v = loadUpTo(x + i, lanes);
        const Vf below = v > splat(limit) ? splat(limit) : v;
        storeUpTo(x + i, lanes, below < splat(-limit) ? splat(-limit) : below);
    });
}

void siluTimes(float *gate, const float *up, std::int64_t n)
{
    forVectors(n, [=](std::int64_t i, std::int64_t lanes) {
        const Vf g = loadUpTo(gate + i, lanes);
        storeUpTo(gate + i, lanes, g / (1.0f + exponential(-g)) * loadUpTo(up + i, lanes));
    });
}

float sumOfSquares(const float *x, std::int64_t n)
{
    Vf sums[4] = {};
    std::int64_t i = 0;
    for (; i + 4 * L <= n; i += 4 * L)
        for (int j = 0; j < 4; ++j) {
            const Vf v = load(x + i + j * L);
            sums[j] += v * v;
        }
    forVectors(n - i, [&](std::int64_t at, std::int64_t lanes) {
        const Vf v = loadUpTo(x + i + at, lanes);
        sums[0] += v * v;
    });
    return sumLanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

void normalise(const float *x, const float *weight, float factor, float *out, std::int64_t n)
{
    forVectors(n, [=](std::int64_t i, std::int64_t lanes) {
        storeUpTo(out + i, lanes, loadUpTo(x + i, lanes) * factor * loadUpTo(weight + i, lanes));
    });
}

void rotate(float *x, const float *cosine, const float *sine, std::int64_t half)
{
    forVectors(half, [=](std::int64_t i, std::int64_t lanes) {
        const Vf a = loadUpTo(x + i, lanes);
        const Vf b = loadUpTo(x + half + i, lanes);
        const Vf c = loadUpTo(cosine + i, lanes);
        const Vf s = loadUpTo(sine + i, lanes);
        storeUpTo(x + i, lanes, a * c - b * s);
        storeUpTo(x + half + i, lanes, b * c + a * s);
    });
}

// ---- Softmax --------------------------------------------------------------------------------------------------------

void softmaxColumns(float *scores, std::int64_t n, int width, float scale, std::int64_t first, Vi lowest, Vi highest, bool masked,
    float *max, float *sum, float *shrink)
{
    const Vf before = load(max);
    Vf top = before;
    for (std::int64_t i = 0; i < n; ++i) {
        Vf s = load(scores + i * width) * scale;
        if (masked) {
            const Vi at = Vi{} + static_cast<std::int32_t>(first + i);
            s = at < lowest ? splat(-infinity) : (at > highest ? splat(-infinity) : s);
        }
        store(scores + i * width, s);
        top = maximum(top, s);
    }
    const Vf base = top == splat(-infinity) ? Vf{} : top; // nothing visible yet: all exponentials are zero
    Vf total = {};
    for (std::int64_t i = 0; i < n; ++i) {
        const Vf e = exponential(load(scores + i * width) - base);
        store(scores + i * width, e);
        total += e;
    }
    const Vf factor = exponential(before - base);
    store(shrink, factor);
    store(sum, load(sum) * factor + total);
    store(max, top);
}

void softmax(float *scores, std::int64_t n, int width, float scale, std::int64_t first, const std::int32_t *lowest,
    const std::int32_t *highest, const SoftmaxState &state)
{
    for (int c = 0; c < width; c += L) {
        bool masked = false;
        for (int i = 0; i < L; ++i)
            masked = masked || lowest[c + i] > first || highest[c + i] < first + n - 1;
        softmaxColumns(scores + c, n, width, scale, first, load<Vi>(lowest + c), load<Vi>(highest + c), masked, state.max + c,
            state.sum + c, state.shrink + c);
    }
}

void scaleColumns(float *columns, std::int64_t n, int width, const float *factor)
{
    for (int c = 0; c < width; c += L) {
        const Vf f = load(factor + c);
        for (std::int64_t i = 0; i < n; ++i)
            store(columns + i * width + c, load(columns + i * width + c) * f);
    }
}

void logSumExp(const float *logits, std::int64_t n, int width, std::int64_t first, float *max, float *sum, std::int32_t *best)
{
    forVectors(width, [=](std::int64_t c, std::int64_t lanes) {
        const Vf before = loadUpTo(max + c, lanes, -infinity);
        Vf top = before;
        Vi where = {};
        for (std::int64_t j = 0; j < lanes; ++j)
            where[j] = best[c + j];
        for (std::int64_t i = 0; i < n; ++i) {
            const Vf v = loadUpTo(logits + i * width + c, lanes);
            const Vi larger = v > top;
            top = larger ? v : top;
            where = larger ? Vi{} + static_cast<std::int32_t>(first + i) : where;
        }
        const Vf base = top == splat(-infinity) ? Vf{} : top;
        Vf total = loadUpTo(sum + c, lanes) * exponential(before - base);
        for (std::int64_t i = 0; i < n; ++i)
            total += exponential(loadUpTo(logits + i * width + c, lanes) - base);
        storeUpTo(max + c, lanes, top);
        storeUpTo(sum + c, lanes, total);
        for (std::int64_t j = 0; j < lanes; ++j)
            best[c + j] = where[j];
    });
}

} // namespace

} // namespace expertscope::cpu

#include "engine/cpu/kernels_product.h"
