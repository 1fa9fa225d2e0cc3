// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Tensor: a non-owning, typed, row-major view of numbers. Buffer: owns memory that Tensors view.
// Views of mapped files (weights) and of backend memory (activations) are the same type.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace expertscope {

enum class DType : std::uint8_t { F32, F16, BF16, I32, I64, U8 };

std::size_t sizeBytes(DType type);
const char *name(DType type);

/// Up to four dimensions, outermost first.
struct Shape {
    std::array<std::int64_t, 4> dims{};
    int rank = 0;

    Shape() = default;
    Shape(std::initializer_list<std::int64_t> list);
    std::int64_t operator[](int axis) const { return dims[static_cast<std::size_t>(axis)]; }
    std::int64_t count() const; ///< number of elements; 1 for rank 0
    bool operator==(const Shape &other) const;
    std::string text() const; ///< "[64, 2048]"
};

/// Contiguous row-major view. `data` is host memory unless the Backend that made it says otherwise.
struct Tensor {
    void *data = nullptr;
    DType dtype = DType::F32;
    Shape shape;

    std::int64_t count() const { return shape.count(); }
    std::size_t bytes() const { return static_cast<std::size_t>(count()) * sizeBytes(dtype); }
    float *f32() const { return static_cast<float *>(data); }
    std::int32_t *i32() const { return static_cast<std::int32_t *>(data); }
    /// The `i`-th slice along the first axis.
    Tensor row(std::int64_t i) const;
    /// Rows [begin, end) along the first axis.
    Tensor rows(std::int64_t begin, std::int64_t end) const;
    /// The same numbers under another shape of equal count.
    Tensor reshaped(Shape to) const;
};

/// Owner of a block of memory; freed by whoever allocated it (host, device, mapped file).
class Buffer {
public:
    Buffer() = default;
    Buffer(std::shared_ptr<void> owner, Tensor view)
        : m_owner{std::move(owner)}
        , m_view{view}
    {
    }
    const Tensor &tensor() const { return m_view; }
    operator const Tensor &() const { return m_view; }
    explicit operator bool() const { return m_view.data != nullptr; }

private:
    std::shared_ptr<void> m_owner;
    Tensor m_view;
};

/// 64-byte aligned, zeroed host memory.
Buffer hostBuffer(DType type, Shape shape);

/// Element `i` of an F32, F16 or BF16 tensor in host memory; Error (Input) on any other type. For odd values, not for loops that matter.
float valueAt(const Tensor &tensor, std::int64_t i);

float f16ToF32(std::uint16_t bits);
std::uint16_t f32ToF16(float value); ///< round to nearest even; overflow to infinity
float bf16ToF32(std::uint16_t bits);
std::uint16_t f32ToBf16(float value); ///< round to nearest even

} // namespace expertscope
