// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// KeptMemory: the working memory of a kept step. Operations take and give it back in the order of the stream while they are captured, and
// their kernels find it at the same addresses at every launch. Nothing of it is anybody else's as long as the step lives.
#pragma once

#include "engine/cuda/context.h"

#include <memory>
#include <string>
#include <vector>

namespace expertscope::cuda {

class KeptMemory {
public:
    /// Waits for the context's stream, so that what was freed on it can be had.
    explicit KeptMemory(std::shared_ptr<Context> context);
    ~KeptMemory();
    KeptMemory(const KeptMemory &) = delete;
    KeptMemory &operator=(const KeptMemory &) = delete;

    /// Throws Error (Device) as allocateBytes.
    void *take(std::size_t bytes, const std::string &what);
    /// False if it was not taken here.
    bool give(void *memory);
    /// After the capture: waits until all of it is there.
    void settle();

private:
    struct Piece {
        void *memory;
        std::size_t bytes;
        bool taken;
    };
    std::shared_ptr<Context> m_context;
    cudaStream_t m_stream = nullptr; ///< that is not captured
    std::vector<Piece> m_pieces;
};

} // namespace expertscope::cuda
