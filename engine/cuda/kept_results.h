// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// KeptResults: what a kept step brings to the host. Results of its layers lie side by side on the device and, when the graph is done, come
// to the same places in pinned memory, as a rule in one copy.
#pragma once

#include "engine/cuda/kept_memory.h"

#include <cstddef>
#include <vector>

namespace expertscope::cuda {

class KeptResults {
public:
    KeptResults();
    ~KeptResults();
    KeptResults(const KeptResults &) = delete;
    KeptResults &operator=(const KeptResults &) = delete;

    struct Place {
        std::byte *device;
        std::byte *host;
    };
    /// While the step is captured; 16-byte aligned.
    Place take(KeptMemory &memory, std::size_t bytes);
    /// After a launch: puts the copies on the stream.
    void bring(cudaStream_t stream);
    /// Until the last copies are done; at once if there have been none. A lost device is not for destructors to tell of: hence no throw.
    cudaError_t wait() const { return cudaEventSynchronize(m_there); }

private:
    struct Chunk {
        Place begin;
        std::size_t bytes;
        std::size_t used;
    };
    std::vector<Chunk> m_chunks;
    cudaEvent_t m_there = nullptr;
};

} // namespace expertscope::cuda
