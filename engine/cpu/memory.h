// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Memory: zero pages from the system that cost nothing until touched, in huge pages where there are any.
// Scratch: a piece of it that only ever grows, so that a layer does not allocate what the last one had.
#pragma once

#include <cstddef>

namespace expertscope::cpu {

class Memory {
public:
    Memory() = default;
    /// Throws Error (Device) if the system has not that much.
    explicit Memory(std::size_t bytes);
    Memory(Memory &&other) noexcept;
    Memory &operator=(Memory &&other) noexcept;
    ~Memory();

    std::byte *data() const { return m_data; }
    std::size_t bytes() const { return m_bytes; }

private:
    std::byte *m_data = nullptr;
    std::size_t m_bytes = 0;
};

class Scratch {
public:
    /// At least this much memory with undefined contents; valid until the next call.
    std::byte *bytes(std::size_t wanted)
    {
        if (wanted > m_memory.bytes()) {
            m_memory = {};
            m_memory = Memory{wanted + wanted / 4};
        }
        return m_memory.data();
    }
    float *floats(std::size_t wanted) { return reinterpret_cast<float *>(bytes(wanted * sizeof(float))); }

private:
    Memory m_memory;
};

} // namespace expertscope::cpu
