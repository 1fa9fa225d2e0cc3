// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cpu/context.h"

#include "engine/core/error.h"

#include <cstdlib>

namespace expertscope::cpu {

namespace {

Stored storedType(DType type)
{
    switch (type) {
    case DType::F32:
        return Stored::F32;
    case DType::F16:
        return Stored::F16;
    case DType::BF16:
        return Stored::BF16;
    default:
        throw Error{ErrorKind::Input, std::string{"the CPU backend cannot compute from weights of type "} + name(type), {},
            "Use a checkpoint in F32, F16 or BF16"};
    }
}

const ProductKernel *bf16ProductOf(Isa isa)
{
    return isa == Isa::Amx ? &amxProduct() : isa == Isa::Avx512Bf16 ? &avx512Bf16Product() : nullptr;
}

int termsFromEnvironment()
{
    const char *wanted = std::getenv("EXPERTSCOPE_BF16_TERMS");
    if (!wanted || !*wanted)
        return CpuContext::defaultBf16Terms;
    if (wanted[0] >= '1' && wanted[0] <= '3' && !wanted[1])
        return wanted[0] - '0';
    throw Error{ErrorKind::Usage, "\"" + std::string{wanted} + "\" is no number of bf16 terms", "EXPERTSCOPE_BF16_TERMS",
        "Use 1 (activations rounded to bf16), 2 (to 16 bits) or 3 (exact), or leave the variable unset"};
}

const Kernels &kernelsOf(Isa isa)
{
    return isa >= Isa::Avx512 ? avx512Kernels() : isa == Isa::Avx2 ? avx2Kernels() : baselineKernels();
}

} // namespace

CpuWeight::CpuWeight(const Tensor &stored, Products products)
    : m_data{static_cast<const std::byte *>(stored.data)}
    , m_type{storedType(stored.dtype)}
    , m_products{products}
{
    if (stored.shape.rank != 2)
        throw Error{
            ErrorKind::Input, "a weight has the shape " + stored.shape.text() + " where a matrix is needed", {}, "Check the checkpoint"};
    m_rows = stored.shape[0];
    m_cols = stored.shape[1];
}

StoredRows CpuWeight::from(std::int64_t first) const
{
    const std::int64_t elementBytes = m_type == Stored::F32 ? 4 : 2;
    return {m_data + first * m_cols * elementBytes, m_type, m_cols};
}

CpuContext::CpuContext(Isa level)
    : isa{level}
    , kernels{kernelsOf(level)}
    , bf16{bf16ProductOf(level)}
    , bf16Terms{termsFromEnvironment()}
{
}

} // namespace expertscope::cpu
