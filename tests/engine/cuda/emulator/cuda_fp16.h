// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Stands in for NVIDIA's header: half precision as bits.
#pragma once

#include "engine/core/tensor.h"

struct alignas(2) __half {
    std::uint16_t bits;
};
inline float __half2float(__half value)
{
    return expertscope::f16ToF32(value.bits);
}
