// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Streams, events and graphs of the emulated GPU. A graph keeps the streams it was captured from as lanes, and each lane goes on as late as
// it may, like a stream: at a wait of another lane, or at the end.
#pragma once

#include "cuda_runtime.h"

#include <deque>
#include <memory>
#include <vector>

namespace emulator {

class Run;

struct Graph {
    std::vector<std::vector<std::function<void(Run &)>>> lanes; ///< the stream that was captured, and those that joined it
    std::vector<std::shared_ptr<void>> memory; ///< allocated inside; freed with the graph
    Graph();
    ~Graph();
    bool owns(const void *memory) const;
};

/// One launch of a graph.
class Run {
public:
    explicit Run(std::shared_ptr<const Graph> graph);
    void until(std::size_t lane, std::size_t done);
    void finish();

private:
    std::shared_ptr<const Graph> m_graph;
    std::vector<std::size_t> m_done; ///< of each lane
};

struct Capture {
    cudaStream_t origin;
    cudaStreamCaptureMode mode;
    std::shared_ptr<Graph> graph = std::make_shared<Graph>();
    std::vector<cudaStream_t> streams; ///< of each lane
    std::vector<std::vector<std::size_t>> known; ///< of each lane: how much of each lane is done where it stands
    bool broken = false;
};

struct Stream {
    std::deque<std::function<void()>> queue;
    std::uint64_t queued = 0, done = 0;
    std::shared_ptr<Capture> capture;
    std::size_t lane = 0; ///< of the capture
    void until(std::uint64_t ticket);
};

struct Event {
    cudaStream_t stream = nullptr;
    std::uint64_t ticket = 0; ///< of the work before the last record
    std::shared_ptr<Capture> capture; ///< where it was recorded last, if that was in one
    std::vector<std::size_t> known; ///< how much of each of its lanes is done then
};

/// The graph that a stream is being captured into; null outside of captures.
Graph *capturedBy(cudaStream_t stream);
bool isCapturing();
/// In a mode other than the relaxed one.
bool isStrictlyCapturing();
bool isGraphMemory(const void *memory);
/// Makes the captures that go on invalid, and keeps what was done.
cudaError_t forbidden(const char *what, cudaError_t error);

} // namespace emulator
