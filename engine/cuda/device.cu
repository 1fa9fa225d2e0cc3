// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/device.h"

#include "engine/core/error.h"
#include "engine/cuda/launch.h"

#include <memory>

namespace expertscope::cuda {

namespace {

constexpr int answer = 90;

__global__ void writeAnswer(int *to)
{
    *to = answer;
}

struct StreamOwner {
    void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
};

/// Runs a kernel and looks at what it wrote.
void tryKernel(const Device &device)
{
    cudaStream_t made = nullptr;
    ES_CUDA(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking));
    const std::unique_ptr<std::remove_pointer_t<cudaStream_t>, StreamOwner> stream{made};
    void *memory = nullptr;
    int got = 0;
    ES_CUDA(cudaMallocAsync(&memory, sizeof got, stream.get()));
    cudaLaunchConfig_t config{};
    config.gridDim = 1;
    config.blockDim = 1;
    config.stream = stream.get();
    const cudaError_t launched = cudaLaunchKernelEx(&config, writeAnswer, static_cast<int *>(memory));
    const cudaError_t copied = cudaMemcpyAsync(&got, memory, sizeof got, cudaMemcpyDeviceToHost, stream.get());
    ES_CUDA(cudaFreeAsync(memory, stream.get()));
    if (launched == cudaErrorNoKernelImageForDevice)
        throw Error{ErrorKind::Device, "this build has no code for " + device.name, "trying the CUDA device",
            "Build with -DCMAKE_CUDA_ARCHITECTURES=" + std::to_string(10 * device.major + device.minor) + ", or use the CPU"};
    check(launched, "launching a kernel");
    check(copied, "reading a kernel's result");
    ES_CUDA(cudaStreamSynchronize(stream.get()));
    if (got != answer)
        throw Error{ErrorKind::Device, device.name + " computes wrongly", "trying the CUDA device",
            "Check the card with nvidia-smi, or use the CPU"};
}

} // namespace

Device openDevice()
{
    int count = 0;
    const cudaError_t found = cudaGetDeviceCount(&count);
    if (found == cudaErrorInsufficientDriver)
        throw Error{ErrorKind::Device, "no CUDA device: the NVIDIA driver is missing or older than this build needs",
            "looking for a CUDA device", "Install a newer driver, or use the CPU (--device cpu)"};
    if (found == cudaErrorNoDevice || (found == cudaSuccess && count == 0))
        throw Error{ErrorKind::Device, "no CUDA device", "looking for a CUDA device", "Use the CPU (--device cpu)"};
    ES_CUDA(found);

    Device device;
    cudaDeviceProp properties{};
    int pools = 0;
    ES_CUDA(cudaGetDeviceProperties(&properties, device.index));
    ES_CUDA(cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, device.index));
    device.name = properties.name;
    device.major = properties.major;
    device.minor = properties.minor;
    device.multiprocessors = properties.multiProcessorCount;
    if (pools == 0)
        throw Error{ErrorKind::Device, device.name + " or its driver has no memory pools", "looking for a CUDA device",
            "Install a newer driver, or use the CPU (--device cpu)"};
    ES_CUDA(cudaSetDevice(device.index));
    tryKernel(device);
    return device;
}

} // namespace expertscope::cuda
