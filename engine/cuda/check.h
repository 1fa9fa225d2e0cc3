// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ES_CUDA(call), ES_CUBLAS(call): a call of the runtime or of cuBLAS whose failure becomes an Error (Device) that names it.
// Every such call in this folder goes through them.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

namespace expertscope::cuda {

/// Throws Error (Device) unless status is cudaSuccess.
void check(cudaError_t status, const char *call);
/// Throws Error (Device) unless status is CUBLAS_STATUS_SUCCESS.
void check(cublasStatus_t status, const char *call);

} // namespace expertscope::cuda

#define ES_CUDA(call) ::expertscope::cuda::check((call), #call)
#define ES_CUBLAS(call) ::expertscope::cuda::check((call), #call)
