// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Writes datasets that grow along their first axis: rows are gathered into chunks, which writer threads shuffle, deflate and
// hand over whole. The library's own filter pipeline would do that inside the lane, one chunk after the other.
#pragma once

#include "io/hdf5_lib.h"

#include <array>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <thread>

namespace expertscope::h5 {

/// One chunk of a dataset, unfiltered, on its way to the file.
struct Chunk {
    hid_t dataset = -1;
    std::string name;
    std::array<hsize_t, 3> offset{};
    std::vector<std::byte> bytes;
    std::size_t elementBytes = 1;
    bool compress = true; ///< the dataset has the filters shuffle and deflate, else none
    std::uint64_t number = 0; ///< in the order of submission
};

/// The writer threads. They compress side by side and write in the order of submission, so that the same data give the same file. Bytes in
/// flight are bounded, so a slow disk slows the producer instead of filling memory.
class ChunkQueue {
public:
    explicit ChunkQueue(Context context);
    /// Chunks that were not written yet are dropped.
    ~ChunkQueue();
    /// Waits while too much is in flight. Throws what a writer thread met.
    void submit(Chunk chunk);
    /// Returns when everything is written. Throws what a writer thread met.
    void drain();

private:
    void work(const std::stop_token &stop);
    void pack(Chunk &chunk) const;

    Context m_context;
    std::mutex m_mutex;
    std::condition_variable_any m_changed;
    std::deque<Chunk> m_waiting;
    std::size_t m_bytesInFlight = 0;
    std::uint64_t m_submitted = 0, m_written = 0; ///< chunks
    std::exception_ptr m_failure;
    std::vector<std::jthread> m_threads;
};

/// What a growing dataset is; the row is everything behind the first axis.
struct GrowingSpec {
    std::string name;
    hid_t fileType = -1;
    hsize_t layers = 1; ///< size of the second axis where `rank` is 3
    hsize_t width = 1; ///< values per row and layer
    int rank = 1; ///< 1: [T], 3: [T, layers, width]
    hsize_t chunkRows = 4096;
    hsize_t chunkLayers = 1; ///< 1, or all layers in one chunk
    const void *fill = nullptr; ///< one value of fileType for unwritten cells; null = zero
    bool compress = true;
};

class GrowingDataset {
public:
    GrowingDataset(const Context &context, ChunkQueue &queue, hid_t parent, const GrowingSpec &spec);

    /// rows of every layer, layer-major: [layers, rows, width] in the file's type.
    void append(const void *values, std::int64_t rows);
    template<typename T>
    void append(const std::vector<T> &values)
    {
        append(values.data(), static_cast<std::int64_t>(values.size() * sizeof(T) / (m_rowBytes * m_layers)));
    }
    /// Hands over the last, partly filled chunks. Nothing may be appended afterwards.
    void flush();
    /// Cuts the dataset to fewer rows, after flush() and ChunkQueue::drain().
    void truncate(std::int64_t rows);

    hid_t id() const { return m_dataset; }
    std::int64_t rows() const { return m_rows; }
    /// Gives the dataset away; this object is finished with.
    Id release() { return std::move(m_dataset); }

private:
    void handOver();
    void resize(std::int64_t rows);

    Context m_context;
    ChunkQueue *m_queue;
    GrowingSpec m_spec;
    Id m_dataset;
    std::size_t m_elementBytes = 1;
    std::size_t m_rowBytes = 1; ///< of one layer
    std::size_t m_layers = 1; ///< chunk buffers side by side
    std::vector<std::byte> m_fill;
    std::vector<std::vector<std::byte>> m_buffers; ///< one a layer
    std::int64_t m_buffered = 0;
    std::int64_t m_rows = 0;
};

} // namespace expertscope::h5
