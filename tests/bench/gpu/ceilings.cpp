// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "ceilings.h"

#include "engine/core/tensor.h"

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace expertscope {

namespace {

void check(cudaError_t status)
{
    if (status != cudaSuccess)
        throw std::runtime_error{std::string{"measuring the GPU's ceilings: "} + cudaGetErrorString(status)};
}

/// A stream and memory that is got and given back on it.
class Device {
public:
    Device() { check(cudaStreamCreateWithFlags(&m_stream, cudaStreamNonBlocking)); }
    ~Device()
    {
        for (void *memory : m_memory)
            cudaFreeAsync(memory, m_stream);
        cudaStreamSynchronize(m_stream);
        cudaStreamDestroy(m_stream);
    }
    Device(const Device &) = delete;
    Device &operator=(const Device &) = delete;

    cudaStream_t stream() const { return m_stream; }
    void *memory(std::size_t bytes)
    {
        void *data = nullptr;
        check(cudaMallocAsync(&data, bytes, m_stream));
        m_memory.push_back(data);
        return data;
    }

private:
    cudaStream_t m_stream = nullptr;
    std::vector<void *> m_memory;
};

double medianSeconds(const Device &device, const std::function<void()> &work)
{
    constexpr int runs = 9;
    std::vector<double> seconds;
    for (int run = 0; run <= runs; ++run) {
        check(cudaStreamSynchronize(device.stream()));
        const auto started = std::chrono::steady_clock::now();
        work();
        check(cudaStreamSynchronize(device.stream()));
        if (run > 0)
            seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
    }
    std::nth_element(seconds.begin(), seconds.begin() + runs / 2, seconds.end());
    return seconds[runs / 2];
}

double matrixFlops(std::int64_t size)
{
    const auto count = static_cast<std::size_t>(size * size);
    std::vector<std::uint16_t> numbers(count);
    std::uint64_t state = 42;
    for (std::uint16_t &number : numbers) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        number = f32ToBf16(static_cast<float>(state >> 40) / static_cast<float>(1 << 24) - 0.5f);
    }
    Device device;
    void *const a = device.memory(2 * count), *const b = device.memory(2 * count), *const c = device.memory(2 * count);
    for (void *to : {a, b})
        check(cudaMemcpyAsync(to, numbers.data(), 2 * count, cudaMemcpyHostToDevice, device.stream()));
    cublasHandle_t handle = nullptr;
    if (cublasCreate(&handle) != CUBLAS_STATUS_SUCCESS || cublasSetStream(handle, device.stream()) != CUBLAS_STATUS_SUCCESS)
        throw std::runtime_error{"cuBLAS does not start"};
    const int n = static_cast<int>(size);
    const float one = 1, zero = 0;
    cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
    const double seconds = medianSeconds(device, [&] {
        status = cublasGemmEx(handle, CUBLAS_OP_T, CUBLAS_OP_N, n, n, n, &one, a, CUDA_R_16BF, n, b, CUDA_R_16BF, n, &zero, c, CUDA_R_16BF,
            n, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
    });
    cublasDestroy(handle);
    if (status != CUBLAS_STATUS_SUCCESS)
        throw std::runtime_error{"cuBLAS refuses a bf16 product"};
    return 2.0 * static_cast<double>(count) * static_cast<double>(size) / seconds;
}

} // namespace

Ceilings measureCeilings(std::int64_t matrixSize, std::int64_t copyBytes)
{
    Ceilings ceilings;
    ceilings.matrixFlops = matrixFlops(matrixSize);
    const auto bytes = static_cast<std::size_t>(copyBytes);
    Device device;
    void *const from = device.memory(bytes), *const to = device.memory(bytes);
    check(cudaMemsetAsync(from, 1, bytes, device.stream()));
    const double seconds =
        medianSeconds(device, [&] { check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, device.stream())); });
    ceilings.bandwidth = 2.0 * static_cast<double>(copyBytes) / seconds;
    return ceilings;
}

} // namespace expertscope
