// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/check.h"

#include "engine/core/error.h"

namespace expertscope::cuda {

namespace {

constexpr const char *remedy = "Use the CPU (--device cpu), or check the driver with nvidia-smi";

} // namespace

void check(cudaError_t status, const char *call)
{
    if (status != cudaSuccess)
        throw Error{ErrorKind::Device, std::string{"the GPU reports: "} + cudaGetErrorString(status), call, remedy};
}

void check(cublasStatus_t status, const char *call)
{
    if (status != CUBLAS_STATUS_SUCCESS)
        throw Error{ErrorKind::Device, std::string{"the GPU's matrix library reports: "} + cublasGetStatusString(status), call, remedy};
}

} // namespace expertscope::cuda
