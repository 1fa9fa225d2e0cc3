// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Staging: pinned host memory in two halves, through which uploads and downloads go at the speed of the bus:
// while one half is on its way the host fills or empties the other.
#pragma once

#include <array>
#include <cstddef>
#include <cuda_runtime_api.h>

namespace expertscope::cuda {

class Staging {
public:
    explicit Staging(cudaStream_t stream);
    ~Staging();
    Staging(const Staging &) = delete;
    Staging &operator=(const Staging &) = delete;

    /// Copies to the device in stream order; `from` may be used again on return.
    void upload(void *to, const void *from, std::size_t bytes);
    /// Copies from the device what the stream has made of it so far; done on return.
    void download(void *to, const void *from, std::size_t bytes);

private:
    struct Half {
        std::byte *memory = nullptr;
        cudaEvent_t free = nullptr; ///< the last copy from or to it is done
    };
    /// The half whose turn it is, when its last copy is done.
    Half &next();

    cudaStream_t m_stream;
    std::array<Half, 2> m_halves;
    std::size_t m_turn = 0;
};

} // namespace expertscope::cuda
