// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/device.h"

#include "engine/core/error.h"
#include "engine/cuda/check.h"

namespace expertscope::cuda {

namespace {

constexpr int answer = 90;

__global__ void writeAnswer(int *to)
{
    *to = answer;
}

} // namespace

void check(cudaError_t status, const char *call)
{
    if (status != cudaSuccess)
        throw Error{ErrorKind::Device, std::string{"the GPU reports: "} + cudaGetErrorString(status), call,
            "Use the CPU (--device cpu), or check the driver with nvidia-smi"};
}

Device openDevice()
{
    int count = 0;
    const cudaError_t found = cudaGetDeviceCount(&count);
    if (found == cudaErrorInsufficientDriver)
        throw Error{ErrorKind::Device, "no CUDA device: the NVIDIA driver is missing or older than this build needs",
            "looking for a CUDA device", "Install a newer driver, or use the CPU"};
    if (found == cudaErrorNoDevice || (found == cudaSuccess && count == 0))
        throw Error{ErrorKind::Device, "no CUDA device", "looking for a CUDA device", "Use the CPU"};
    ES_CUDA(found);

    Device device;
    cudaDeviceProp properties{};
    ES_CUDA(cudaGetDeviceProperties(&properties, device.index));
    device.name = properties.name;
    device.major = properties.major;
    device.minor = properties.minor;

    int *memory = nullptr;
    int got = 0;
    ES_CUDA(cudaSetDevice(device.index));
    ES_CUDA(cudaMalloc(&memory, sizeof *memory));
    writeAnswer<<<1, 1>>>(memory);
    const cudaError_t launched = cudaGetLastError();
    const cudaError_t copied = cudaMemcpy(&got, memory, sizeof got, cudaMemcpyDeviceToHost);
    ES_CUDA(cudaFree(memory));
    if (launched == cudaErrorNoKernelImageForDevice)
        throw Error{ErrorKind::Device, "this build has no code for " + device.name, "trying the CUDA device",
            "Build with -DCMAKE_CUDA_ARCHITECTURES=" + std::to_string(10 * device.major + device.minor) + ", or use the CPU"};
    check(launched, "launching a kernel");
    check(copied, "reading a kernel's result");
    if (got != answer)
        throw Error{ErrorKind::Device, device.name + " computes wrongly", "trying the CUDA device",
            "Check the card with nvidia-smi, or use the CPU"};
    return device;
}

} // namespace expertscope::cuda
