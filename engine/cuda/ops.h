// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The CUDA backend's operations, one file each; see engine/core/backend.h for what they compute. Tensors lie on the device.
// They return when the work is on the stream, not when it is done.
#pragma once

#include "engine/core/backend.h"
#include "engine/cuda/context.h"
#include "engine/cuda/weight.h"

namespace expertscope::cuda {

void rmsNorm(Context &context, const Tensor &x, const Tensor &weight, float eps, const Tensor &out);

} // namespace expertscope::cuda
