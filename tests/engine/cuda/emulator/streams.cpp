// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "streams.h"

#include "emulator.h"

#include <algorithm>
#include <set>
#include <utility>

namespace emulator {

/// A graph, or one that can be launched.
struct GraphHandle {
    std::shared_ptr<Graph> graph;
};

namespace {

Counts counted;
bool refusesGraphs = false;
std::string faults;
std::vector<std::shared_ptr<Capture>> captures; ///< that go on
std::set<const Graph *> graphs;

std::vector<std::size_t> &grown(std::vector<std::size_t> &known, std::size_t lanes)
{
    known.resize(std::max(known.size(), lanes));
    return known;
}

/// What is done of each lane where a captured stream stands.
std::vector<std::size_t> knownTo(const Stream &stream)
{
    std::vector<std::size_t> known = stream.capture->known[stream.lane];
    grown(known, stream.capture->streams.size())[stream.lane] = stream.capture->graph->lanes[stream.lane].size();
    return known;
}

void join(cudaStream_t stream, const std::shared_ptr<Capture> &capture)
{
    stream->capture = capture;
    stream->lane = capture->streams.size();
    capture->streams.push_back(stream);
    capture->graph->lanes.emplace_back();
    capture->known.emplace_back();
}

} // namespace

Graph::Graph()
{
    graphs.insert(this);
}

Graph::~Graph()
{
    graphs.erase(this);
}

bool Graph::owns(const void *block) const
{
    return std::any_of(memory.begin(), memory.end(), [block](const std::shared_ptr<void> &own) { return own.get() == block; });
}

Run::Run(std::shared_ptr<const Graph> graph)
    : m_graph{std::move(graph)}
    , m_done(m_graph->lanes.size())
{
}

void Run::until(std::size_t lane, std::size_t done)
{
    while (m_done[lane] < done)
        m_graph->lanes[lane][m_done[lane]++](*this);
}

void Run::finish()
{
    for (std::size_t lane = 0; lane < m_done.size(); ++lane)
        until(lane, m_graph->lanes[lane].size());
}

void Stream::until(std::uint64_t ticket)
{
    while (done < ticket) {
        const std::function<void()> work = std::move(queue.front());
        queue.pop_front();
        ++done;
        work();
    }
}

Graph *capturedBy(cudaStream_t stream)
{
    return stream->capture ? stream->capture->graph.get() : nullptr;
}

bool isCapturing()
{
    return !captures.empty();
}

bool isStrictlyCapturing()
{
    return std::any_of(captures.begin(), captures.end(),
        [](const std::shared_ptr<Capture> &capture) { return capture->mode != cudaStreamCaptureModeRelaxed; });
}

bool isGraphMemory(const void *memory)
{
    return std::any_of(graphs.begin(), graphs.end(), [memory](const Graph *graph) { return graph->owns(memory); });
}

cudaError_t forbidden(const char *what, cudaError_t error)
{
    for (const std::shared_ptr<Capture> &capture : captures)
        capture->broken = true;
    faults += std::string{faults.empty() ? "" : "; "} + what;
    return error;
}

std::string captureFaults()
{
    return std::exchange(faults, {});
}

void refuseGraphs(bool refuse)
{
    refusesGraphs = refuse;
}

Counts counts()
{
    return counted;
}

void enqueue(cudaStream_t stream, std::function<void()> work)
{
    if (Graph *const graph = capturedBy(stream)) {
        graph->lanes[stream->lane].push_back([work = std::move(work)](Run &) { work(); });
        return;
    }
    ++counted.launches;
    stream->queue.push_back(std::move(work));
    ++stream->queued;
}

} // namespace emulator

using namespace emulator;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    *stream = new Stream;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    stream->until(stream->queued);
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    if (stream->capture || isStrictlyCapturing())
        return forbidden("cudaStreamSynchronize", cudaErrorStreamCaptureUnsupported);
    ++counted.waits;
    stream->until(stream->queued);
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
    if (!event->capture) {
        if (stream->capture)
            return forbidden("a wait for work outside of the capture", cudaErrorStreamCaptureIsolation);
        if (cudaStream_t const other = event->stream)
            enqueue(stream, [other, ticket = event->ticket] { other->until(ticket); });
        return cudaSuccess;
    }
    if (std::find(captures.begin(), captures.end(), event->capture) == captures.end())
        return forbidden("a wait for an event of a capture that has ended", cudaErrorCapturedEvent);
    if (!stream->capture)
        join(stream, event->capture);
    else if (stream->capture != event->capture)
        return forbidden("a wait for another capture", cudaErrorStreamCaptureMerge);
    std::vector<std::size_t> &known = stream->capture->known[stream->lane];
    for (std::size_t lane = 0; lane < event->known.size(); ++lane) {
        std::size_t &own = grown(known, event->known.size())[lane];
        own = std::max(own, event->known[lane]);
    }
    stream->capture->graph->lanes[stream->lane].push_back([known = event->known](Run &run) {
        for (std::size_t lane = 0; lane < known.size(); ++lane)
            run.until(lane, known[lane]);
    });
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    *event = new Event;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    if (stream->capture)
        *event = {nullptr, 0, stream->capture, knownTo(*stream)};
    else
        *event = {stream, stream->queued, nullptr, {}};
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    if (event->capture)
        return forbidden("cudaEventSynchronize of a captured event", cudaErrorCapturedEvent);
    if (isStrictlyCapturing())
        return forbidden("cudaEventSynchronize", cudaErrorStreamCaptureUnsupported);
    ++counted.waits;
    if (event->stream)
        event->stream->until(event->ticket);
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode)
{
    if (stream->capture)
        return cudaErrorInvalidValue;
    const auto capture = std::make_shared<Capture>(stream, mode);
    captures.push_back(capture);
    join(stream, capture);
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    *graph = nullptr;
    const std::shared_ptr<Capture> capture = stream->capture;
    if (!capture)
        return cudaErrorInvalidValue;
    if (capture->origin != stream)
        return forbidden("the end of a capture on another stream", cudaErrorStreamCaptureUnmatched);
    const std::vector<std::size_t> known = knownTo(*stream);
    std::erase(captures, capture);
    for (cudaStream_t captured : capture->streams)
        captured->capture = nullptr;
    if (capture->broken)
        return cudaErrorStreamCaptureInvalidated;
    for (std::size_t lane = 0; lane < known.size(); ++lane)
        if (known[lane] < capture->graph->lanes[lane].size())
            return cudaErrorStreamCaptureUnjoined;
    *graph = new GraphHandle{capture->graph};
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status)
{
    *status = !stream->capture    ? cudaStreamCaptureStatusNone
        : stream->capture->broken ? cudaStreamCaptureStatusInvalidated
                                  : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long)
{
    if (refusesGraphs)
        return cudaErrorMemoryAllocation;
    *exec = new GraphHandle{*graph};
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    if (stream->capture)
        return forbidden("the launch of a graph", cudaErrorStreamCaptureUnsupported);
    ++counted.graphLaunches;
    enqueue(stream, [run = std::make_shared<Run>(exec->graph)] { run->finish(); });
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    delete exec;
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return cudaSuccess;
}
