// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Device memory from the driver's stream-ordered pool, which keeps what is freed: allocating costs about a microsecond and may
// stand inside a captured graph. Scratch: such memory for the length of an operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cuda_runtime_api.h>
#include <string>

namespace expertscope::cuda {

/// "12.3 GB", "0.4 MB"
std::string sizeText(std::uint64_t bytes);

struct DeviceMemory {
    std::size_t total = 0;
    std::size_t free = 0; ///< what the pool keeps unused counts as free
};
DeviceMemory deviceMemory(int device);

/// Makes the device's pool keep freed memory instead of handing it back at every wait.
void keepFreedMemory(int device);

/// Throws Error (Device) saying what needs how much and what is free.
void *allocateBytes(int device, std::size_t bytes, cudaStream_t stream, const std::string &what);

/// Room for `count` values, undefined at first, until the end of the scope: what was launched before that may still use it.
template<class T>
class Scratch {
public:
    /// C: the Context; a template only because that includes this file.
    template<class C>
    Scratch(C &context, std::int64_t count, const char *what)
        : m_stream{context.stream()}
        , m_data{count == 0 ? nullptr
                            : static_cast<T *>(
                                allocateBytes(context.device().index, static_cast<std::size_t>(count) * sizeof(T), context.stream(), what))}
    {
    }
    ~Scratch()
    {
        if (m_data)
            cudaFreeAsync(m_data, m_stream);
    }
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;
    T *data() const { return m_data; }

private:
    cudaStream_t m_stream;
    T *m_data;
};

} // namespace expertscope::cuda
