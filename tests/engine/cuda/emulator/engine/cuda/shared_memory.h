// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Stands in for the header of the same name.
#pragma once

#include "cuda_runtime.h"

namespace expertscope::cuda {

template<class T>
T *sharedMemory()
{
    return reinterpret_cast<T *>(emulator::dynamicShared());
}

} // namespace expertscope::cuda
