// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The CUDA backend of a build without nvcc: says so.
#include "engine/core/backend.h"
#include "engine/core/error.h"

namespace expertscope {

std::unique_ptr<Backend> makeCudaBackend()
{
    throw Error{ErrorKind::Device, "no CUDA engine: this build was made without nvcc", "choosing the backend",
        "Use the CPU (--device cpu), or build where CUDA is installed"};
}

} // namespace expertscope
