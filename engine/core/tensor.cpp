// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/tensor.h"

#include "engine/core/error.h"

#include <bit>
#include <cstdlib>
#include <cstring>

namespace expertscope {

std::size_t sizeBytes(DType type)
{
    switch (type) {
    case DType::F32:
    case DType::I32:
        return 4;
    case DType::F16:
    case DType::BF16:
        return 2;
    case DType::I64:
        return 8;
    case DType::U8:
        return 1;
    }
    return 0;
}

const char *name(DType type)
{
    switch (type) {
    case DType::F32:
        return "F32";
    case DType::F16:
        return "F16";
    case DType::BF16:
        return "BF16";
    case DType::I32:
        return "I32";
    case DType::I64:
        return "I64";
    case DType::U8:
        return "U8";
    }
    return "?";
}

Shape::Shape(std::initializer_list<std::int64_t> list)
{
    if (list.size() > dims.size())
        throw Error{
            ErrorKind::Input, "a tensor has more than four dimensions", {}, "Only model weights of up to four dimensions are supported"};
    for (std::int64_t d : list)
        dims[static_cast<std::size_t>(rank++)] = d;
}

std::int64_t Shape::count() const
{
    std::int64_t n = 1;
    for (int i = 0; i < rank; ++i)
        n *= (*this)[i];
    return n;
}

bool Shape::operator==(const Shape &other) const
{
    if (rank != other.rank)
        return false;
    for (int i = 0; i < rank; ++i)
        if ((*this)[i] != other[i])
            return false;
    return true;
}

std::string Shape::text() const
{
    std::string out = "[";
    for (int i = 0; i < rank; ++i)
        out += (i ? ", " : "") + std::to_string((*this)[i]);
    return out + "]";
}

Tensor Tensor::row(std::int64_t i) const
{
    Tensor slice = rows(i, i + 1);
    Shape inner;
    for (int a = 1; a < shape.rank; ++a)
        inner.dims[static_cast<std::size_t>(inner.rank++)] = shape[a];
    slice.shape = inner;
    return slice;
}

Tensor Tensor::rows(std::int64_t begin, std::int64_t end) const
{
    Tensor part = *this;
    const auto rowBytes = static_cast<std::int64_t>(bytes()) / (shape[0] ? shape[0] : 1);
    part.data = static_cast<std::byte *>(data) + begin * rowBytes;
    part.shape.dims[0] = end - begin;
    return part;
}

Tensor Tensor::reshaped(Shape to) const
{
    Tensor same = *this;
    same.shape = to;
    return same;
}

Buffer hostBuffer(DType type, Shape shape)
{
    const std::size_t bytes = static_cast<std::size_t>(shape.count()) * sizeBytes(type);
    const std::size_t rounded = (bytes + 63) / 64 * 64;
    void *memory = std::aligned_alloc(64, rounded ? rounded : 64);
    if (!memory)
        throw Error{ErrorKind::Device, "out of memory: " + std::to_string(bytes) + " bytes are not to be had",
            "allocating a tensor " + shape.text(), "Use a shorter batch (--batch-tokens) or close other programs"};
    std::memset(memory, 0, rounded);
    return Buffer{std::shared_ptr<void>{memory, std::free}, Tensor{memory, type, shape}};
}

float valueAt(const Tensor &tensor, std::int64_t i)
{
    switch (tensor.dtype) {
    case DType::F32:
        return static_cast<const float *>(tensor.data)[i];
    case DType::F16:
        return f16ToF32(static_cast<const std::uint16_t *>(tensor.data)[i]);
    case DType::BF16:
        return bf16ToF32(static_cast<const std::uint16_t *>(tensor.data)[i]);
    default:
        throw Error{ErrorKind::Input, "a weight of type " + std::string{name(tensor.dtype)} + " cannot be used", {},
            "Use F32, F16 or BF16 weights"};
    }
}

float bf16ToF32(std::uint16_t bits)
{
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::uint16_t f32ToBf16(float value)
{
    const auto u = std::bit_cast<std::uint32_t>(value);
    if ((u & 0x7fffffffu) > 0x7f800000u) // NaN stays NaN
        return static_cast<std::uint16_t>((u >> 16) | 0x40u);
    return static_cast<std::uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

float f16ToF32(std::uint16_t bits)
{
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
    std::uint32_t exponent = (bits >> 10) & 0x1fu;
    std::uint32_t mantissa = bits & 0x3ffu;
    if (exponent == 0x1f)
        return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
    if (exponent == 0) {
        const float tiny = static_cast<float>(mantissa) * 0x1p-24f;
        return sign ? -tiny : tiny;
    }
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

std::uint16_t f32ToF16(float value)
{
    const auto u = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (u >> 16) & 0x8000u;
    const std::uint32_t magnitude = u & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return static_cast<std::uint16_t>(sign | 0x7e00u);
    if (magnitude >= 0x477ff000u) // rounds to 65536 or more
        return static_cast<std::uint16_t>(sign | 0x7c00u);
    if (magnitude < 0x38800000u) { // subnormal half: let float addition do the rounding
        const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
        return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000u));
    }
    const std::uint32_t odd = (magnitude >> 13) & 1u;
    return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

} // namespace expertscope
