// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the CUDA operations share: the device, its two streams, cuBLAS, memory and staging.
// One host thread at a time may use a context. All kernels run on one stream, so that none waits for another by hand.
#pragma once

#include "engine/cuda/device.h"
#include "engine/cuda/inputs.h"
#include "engine/cuda/memory.h"
#include "engine/cuda/staging.h"

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <memory>

namespace expertscope::cuda {

class Context : public std::enable_shared_from_this<Context> {
public:
    /// Throws Error (Device) in words where there is no usable GPU; Error (Usage) on a wrong EXPERTSCOPE_BF16_TERMS.
    static std::shared_ptr<Context> open();
    ~Context();
    Context(const Context &) = delete;
    Context &operator=(const Context &) = delete;

    const Device &device() const { return m_device; }
    cudaStream_t stream() const { return m_stream; } ///< of all kernels
    cudaStream_t copies() const { return m_copies; } ///< of results on their way to the host
    cublasHandle_t blas() const { return m_blas; } ///< on stream(), f32 sums, no TF32
    /// Whether products with BF16 weights may round activations to bf16. EXPERTSCOPE_BF16_TERMS=3 says no: such weights become F32.
    bool roundsActivations() const { return m_roundsActivations; }
    Staging &staging() { return *m_staging; }
    Inputs &inputs() { return *m_inputs; }
    /// Waits until everything on stream() is done.
    void wait();

    /// Device memory with undefined contents, freed in stream order by its last owner; `what` names it where there is no room.
    std::shared_ptr<void> allocate(std::size_t bytes, const std::string &what);

private:
    Context() = default;
    void start();

    Device m_device;
    bool m_roundsActivations = true;
    cudaStream_t m_stream = nullptr;
    cudaStream_t m_copies = nullptr;
    cublasHandle_t m_blas = nullptr;
    void *m_workspace = nullptr;
    std::unique_ptr<Staging> m_staging;
    std::unique_ptr<Inputs> m_inputs;
};

} // namespace expertscope::cuda
