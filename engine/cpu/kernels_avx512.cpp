// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The kernels for AVX-512 (F, BW, DQ, VL).
#define ES_LANES 16
#include "engine/cpu/kernels_vector.h"

namespace expertscope::cpu {

const Kernels &avx512Kernels()
{
    static constexpr Kernels kernels ES_KERNEL_TABLE("AVX-512");
    return kernels;
}

} // namespace expertscope::cpu
