// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Stands in for NVIDIA's header: bfloat16 as bits, rounded to nearest even.
#pragma once

#include "engine/core/tensor.h"

struct alignas(2) __nv_bfloat16 {
    std::uint16_t bits;
};
inline float __bfloat162float(__nv_bfloat16 value)
{
    return expertscope::bf16ToF32(value.bits);
}
inline __nv_bfloat16 __float2bfloat16_rn(float value)
{
    return {expertscope::f32ToBf16(value)};
}
