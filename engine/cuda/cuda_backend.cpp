// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The CUDA backend as far as it is: it finds and tries the device, and says that its operations are still to come.
#include "engine/core/backend.h"
#include "engine/core/error.h"
#include "engine/cuda/device.h"

namespace expertscope {

std::unique_ptr<Backend> makeCudaBackend()
{
    std::string found = "none that it can use";
    try {
        found = cuda::openDevice().name;
    } catch (const Error &) {
        // whatever is wrong with driver or card, mending it would not bring the engine
    }
    throw Error{ErrorKind::Device, "the CUDA engine is not in this version yet; this build looks for a GPU and found " + found,
        "choosing the backend", "Use the CPU (--device cpu)"};
}

} // namespace expertscope
