// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The CUDA backend's Router: routing stays on the device, and what is wanted of it comes to pinned memory on the second stream
// while the next layers run.
#pragma once

#include "engine/core/backend.h"
#include "engine/cuda/context.h"
#include "engine/cuda/routing.h"

#include <memory>
#include <vector>

namespace expertscope::cuda {

/// Pinned host memory, which is too slow to get to get it for each layer. Pieces come back when their owner goes.
class PinnedPieces : public std::enable_shared_from_this<PinnedPieces> {
public:
    ~PinnedPieces();
    std::shared_ptr<std::byte> take(std::size_t bytes);

private:
    struct Piece {
        std::byte *memory;
        std::size_t bytes;
    };
    std::vector<Piece> m_free;
};

/// What the routers of a backend share.
struct RoutingDesk {
    explicit RoutingDesk(std::shared_ptr<Context> context_)
        : context{std::move(context_)}
    {
    }
    std::shared_ptr<Context> context;
    std::shared_ptr<PinnedPieces> pinned = std::make_shared<PinnedPieces>();
};

/// See Backend::makeRouter; null for more than maxRoutedExperts experts. The desk outlives the router and what it routed.
std::unique_ptr<Router> makeRouter(
    RoutingDesk &desk, const MoeFfn &rule, std::span<const float> selectionBias, const RoutingChanges *changes);

} // namespace expertscope::cuda
