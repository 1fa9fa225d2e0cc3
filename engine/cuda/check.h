// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ES_CUDA(call): a CUDA runtime call whose failure becomes an Error (Device) that names the call.
// Every call of the runtime in this folder goes through it.
#pragma once

#include <cuda_runtime_api.h>

namespace expertscope::cuda {

/// Throws Error (Device) unless status is cudaSuccess.
void check(cudaError_t status, const char *call);

} // namespace expertscope::cuda

#define ES_CUDA(call) ::expertscope::cuda::check((call), #call)
