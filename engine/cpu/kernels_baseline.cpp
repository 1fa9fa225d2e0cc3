// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The kernels for the x86-64 baseline (SSE2).
#define ES_LANES 4
#include "engine/cpu/kernels_vector.h"

namespace expertscope::cpu {

const Kernels &baselineKernels()
{
    static constexpr Kernels kernels ES_KERNEL_TABLE("baseline");
    return kernels;
}

} // namespace expertscope::cpu
