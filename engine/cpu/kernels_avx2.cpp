// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The kernels for AVX2, FMA and F16C.
#define ES_LANES 8
#include "engine/cpu/kernels_vector.h"

namespace expertscope::cpu {

const Kernels &avx2Kernels()
{
    static constexpr Kernels kernels ES_KERNEL_TABLE("AVX2");
    return kernels;
}

} // namespace expertscope::cpu
