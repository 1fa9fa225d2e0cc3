// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The CUDA backend as far as it is: it finds and tries the device, and says that its operations are still to come.
#include "engine/core/backend.h"
#include "engine/core/error.h"
#include "engine/cuda/device.h"

namespace expertscope {

std::unique_ptr<Backend> makeCudaBackend()
{
    const cuda::Device device = cuda::openDevice();
    throw Error{ErrorKind::Device, "the CUDA backend is not ready yet in this version, though " + device.name + " was found",
        "choosing the backend", "Use the CPU; the operations for CUDA come with a later release"};
}

} // namespace expertscope
