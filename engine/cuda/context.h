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
#include <vector>

namespace expertscope::cuda {

class KeptStep;

class Context : public std::enable_shared_from_this<Context> {
public:
    /// Throws Error (Device) in words where there is no usable GPU; Error (Usage) on a wrong EXPERTSCOPE_BF16_TERMS or
    /// EXPERTSCOPE_CUDA_GRAPHS.
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
    /// Throws Error (Device) while a step is captured: the host would have a part in it.
    void needHost() const;
    /// Throws as needHost().
    Staging &staging();
    Inputs &inputs() { return *m_inputs; }
    /// Waits until everything on stream() is done. Throws as needHost().
    void wait();

    /// Device memory with undefined contents, freed in stream order by its last owner; `what` names it where there is no room.
    std::shared_ptr<void> allocate(std::size_t bytes, const std::string &what);
    /// The same without an owner.
    void *take(std::size_t bytes, const std::string &what);
    void give(void *memory);

    /// Whether work may be kept as a graph: EXPERTSCOPE_CUDA_GRAPHS=0 says no.
    bool keepsSteps() const { return m_keepsSteps; }
    /// The step that all work on stream() goes to; null but while one is captured.
    KeptStep *capturing() const { return m_capturing; }
    void setCapturing(KeptStep *step);

private:
    Context() = default;
    void start();

    Device m_device;
    bool m_roundsActivations = true;
    bool m_keepsSteps = true;
    cudaStream_t m_stream = nullptr;
    cudaStream_t m_copies = nullptr;
    cublasHandle_t m_blas = nullptr;
    void *m_workspace = nullptr;
    KeptStep *m_capturing = nullptr;
    std::vector<void *> m_given; ///< memory from outside that was given back during a capture
    std::unique_ptr<Staging> m_staging;
    std::unique_ptr<Inputs> m_inputs;
};

} // namespace expertscope::cuda
