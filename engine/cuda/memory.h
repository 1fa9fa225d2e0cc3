// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Device memory from the driver's stream-ordered pool, which keeps what is freed: allocating costs about a microsecond.
// Scratch: such memory for the length of an operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cuda_runtime_api.h>
#include <string>

namespace expertscope::cuda {

class Context;

/// "12.3 GB", "0.4 MB"
std::string sizeText(std::uint64_t bytes);

struct DeviceMemory {
    std::size_t total = 0;
    std::size_t free = 0; ///< what the pool keeps unused counts as free
};
/// As if the device had no more than EXPERTSCOPE_CUDA_MEMORY says, in GB; throws Error (Usage) where that is no size.
DeviceMemory deviceMemory(int device);

/// Makes the device's pool keep freed memory instead of handing it back at every wait.
void keepFreedMemory(int device);

/// Throws Error (Device) saying what needs how much and what is free.
void *allocateBytes(int device, std::size_t bytes, cudaStream_t stream, const std::string &what);

/// Memory for work on the context's stream, given back in its order: Context::take and give.
void *takeBytes(Context &context, std::size_t bytes, const std::string &what);
void giveBytes(Context &context, void *memory);

/// Room for `count` values, undefined at first, until the end of the scope: what was launched before that may still use it.
template<class T>
class Scratch {
public:
    Scratch(Context &context, std::int64_t count, const char *what)
        : m_context{context}
        , m_data{count == 0 ? nullptr : static_cast<T *>(takeBytes(context, static_cast<std::size_t>(count) * sizeof(T), what))}
    {
    }
    ~Scratch()
    {
        if (m_data)
            giveBytes(m_context, m_data);
    }
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;
    T *data() const { return m_data; }

private:
    Context &m_context;
    T *m_data;
};

} // namespace expertscope::cuda
