// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cpu/memory.h"

#include "engine/core/error.h"

#include <string>
#include <sys/mman.h>
#include <utility>

namespace expertscope::cpu {

Memory::Memory(std::size_t bytes)
    : m_bytes{bytes}
{
    if (bytes == 0)
        return;
    void *const pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        throw Error{ErrorKind::Device, "out of memory: " + std::to_string(bytes) + " bytes are not to be had",
            "working memory of the CPU backend", "Use a shorter batch or context, or close other programs"};
    madvise(pages, bytes, MADV_HUGEPAGE); // a wish: it fails where the kernel has none
    m_data = static_cast<std::byte *>(pages);
}

Memory::Memory(Memory &&other) noexcept
    : m_data{std::exchange(other.m_data, nullptr)}
    , m_bytes{std::exchange(other.m_bytes, 0)}
{
}

Memory &Memory::operator=(Memory &&other) noexcept
{
    std::swap(m_data, other.m_data);
    std::swap(m_bytes, other.m_bytes);
    return *this;
}

Memory::~Memory()
{
    if (m_data)
        munmap(m_data, m_bytes);
}

} // namespace expertscope::cpu
