// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/hdf5_chunk_writer.h"

#include "engine/core/error.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

namespace expertscope::h5 {

namespace {

constexpr std::size_t mostBytesInFlight = std::size_t{16} << 20;
constexpr int gzipLevel = 1; // expert ids are within 1.3-1.5 times their entropy already: higher levels only cost time

/// HDF5's shuffle filter: the first bytes of all elements, then all second bytes, and so on.
std::vector<std::byte> shuffled(const std::vector<std::byte> &bytes, std::size_t elementBytes)
{
    std::vector<std::byte> out(bytes.size());
    const std::size_t count = bytes.size() / elementBytes;
    for (std::size_t b = 0; b < elementBytes; ++b)
        for (std::size_t i = 0; i < count; ++i)
            out[b * count + i] = bytes[i * elementBytes + b];
    return out;
}

} // namespace

ChunkQueue::ChunkQueue(Context context)
    : m_context{std::move(context)}
{
    const unsigned threads = std::clamp(std::thread::hardware_concurrency() / 4, 1u, 8u);
    for (unsigned i = 0; i < threads; ++i)
        m_threads.emplace_back([this](const std::stop_token &stop) { work(stop); });
}

ChunkQueue::~ChunkQueue()
{
    for (std::jthread &thread : m_threads)
        thread.request_stop();
}

void ChunkQueue::submit(Chunk chunk)
{
    std::unique_lock lock{m_mutex};
    const std::size_t bytes = chunk.bytes.size();
    m_changed.wait(lock, [&] { return m_failure || m_bytesInFlight == 0 || m_bytesInFlight + bytes <= mostBytesInFlight; });
    if (m_failure)
        std::rethrow_exception(m_failure);
    m_bytesInFlight += bytes;
    chunk.number = m_submitted++;
    m_waiting.push_back(std::move(chunk));
    m_changed.notify_all();
}

void ChunkQueue::drain()
{
    std::unique_lock lock{m_mutex};
    m_changed.wait(lock, [&] { return m_failure || m_bytesInFlight == 0; });
    if (m_failure)
        std::rethrow_exception(m_failure);
}

void ChunkQueue::work(const std::stop_token &stop)
{
    while (true) {
        Chunk chunk;
        {
            std::unique_lock lock{m_mutex};
            if (!m_changed.wait(lock, stop, [&] { return !m_waiting.empty(); }) || stop.stop_requested())
                return;
            chunk = std::move(m_waiting.front());
            m_waiting.pop_front();
        }
        const std::size_t bytes = chunk.bytes.size();
        std::exception_ptr failure;
        try {
            pack(chunk);
            {
                std::unique_lock lock{m_mutex};
                if (!m_changed.wait(lock, stop, [&] { return m_written == chunk.number; }))
                    return;
            }
            Lane lane;
            check(H5Dwrite_chunk(chunk.dataset, H5P_DEFAULT, 0, chunk.offset.data(), chunk.bytes.size(), chunk.bytes.data()), m_context,
                "write", chunk.name);
        } catch (...) {
            failure = std::current_exception();
        }
        std::lock_guard lock{m_mutex};
        m_bytesInFlight -= bytes;
        ++m_written;
        if (failure && !m_failure)
            m_failure = failure;
        m_changed.notify_all();
    }
}

void ChunkQueue::pack(Chunk &chunk) const
{
    if (!chunk.compress)
        return;
    const std::vector<std::byte> plain = chunk.elementBytes > 1 ? shuffled(chunk.bytes, chunk.elementBytes) : std::move(chunk.bytes);
    // also where nothing is gained: the compressed form carries a checksum
    uLongf size = compressBound(plain.size());
    chunk.bytes.resize(size);
    if (compress2(
            reinterpret_cast<Bytef *>(chunk.bytes.data()), &size, reinterpret_cast<const Bytef *>(plain.data()), plain.size(), gzipLevel)
        != Z_OK)
        fail(m_context, "compress", chunk.name);
    chunk.bytes.resize(size);
}

GrowingDataset::GrowingDataset(const Context &context, ChunkQueue &queue, hid_t parent, const GrowingSpec &spec)
    : m_context{context}
    , m_queue{&queue}
    , m_spec{spec}
{
    Lane lane;
    m_elementBytes = H5Tget_size(spec.fileType);
    m_layers = spec.layers / spec.chunkLayers;
    m_rowBytes = spec.chunkLayers * spec.width * m_elementBytes;
    m_fill.assign(m_elementBytes, std::byte{0});
    if (spec.fill)
        std::memcpy(m_fill.data(), spec.fill, m_elementBytes);
    m_buffers.resize(m_layers);

    const hsize_t size[3] = {0, spec.layers, spec.width};
    const hsize_t largest[3] = {H5S_UNLIMITED, spec.layers, spec.width};
    const hsize_t chunk[3] = {spec.chunkRows, spec.chunkLayers, spec.width};
    const Id space{check(H5Screate_simple(spec.rank, size, largest), context, "describe", spec.name)};
    const Id create = creationList(context, H5P_DATASET_CREATE, spec.name);
    check(H5Pset_chunk(create, spec.rank, chunk), context, "describe", spec.name);
    check(H5Pset_fill_value(create, spec.fileType, m_fill.data()), context, "describe", spec.name);
    if (spec.compress) {
        check(H5Pset_shuffle(create), context, "describe", spec.name);
        check(H5Pset_deflate(create, gzipLevel), context, "describe", spec.name);
    }
    m_dataset = Id{
        check(H5Dcreate2(parent, spec.name.c_str(), spec.fileType, space, H5P_DEFAULT, create, H5P_DEFAULT), context, "create", spec.name)};
}

void GrowingDataset::append(const void *values, std::int64_t rows)
{
    const auto *from = static_cast<const std::byte *>(values);
    const auto chunkRows = static_cast<std::int64_t>(m_spec.chunkRows);
    for (std::int64_t done = 0; done < rows;) {
        const std::int64_t part = std::min(rows - done, chunkRows - m_buffered);
        for (std::size_t layer = 0; layer < m_layers; ++layer) {
            std::vector<std::byte> &buffer = m_buffers[layer];
            buffer.resize(m_spec.chunkRows * m_rowBytes);
            std::memcpy(buffer.data() + static_cast<std::size_t>(m_buffered) * m_rowBytes,
                from + (layer * static_cast<std::size_t>(rows) + static_cast<std::size_t>(done)) * m_rowBytes,
                static_cast<std::size_t>(part) * m_rowBytes);
        }
        m_buffered += part;
        m_rows += part;
        done += part;
        if (m_buffered == chunkRows)
            handOver();
    }
}

void GrowingDataset::flush()
{
    if (m_buffered == 0)
        return;
    for (std::vector<std::byte> &buffer : m_buffers)
        for (std::size_t at = static_cast<std::size_t>(m_buffered) * m_rowBytes; at < buffer.size(); at += m_elementBytes)
            std::memcpy(buffer.data() + at, m_fill.data(), m_elementBytes);
    handOver();
}

void GrowingDataset::truncate(std::int64_t rows)
{
    m_rows = rows;
    resize(rows);
}

void GrowingDataset::handOver()
{
    // a chunk can only be written inside the dataset's size
    resize(m_rows);
    const auto firstRow = static_cast<hsize_t>(m_rows - m_buffered);
    for (std::size_t layer = 0; layer < m_layers; ++layer)
        m_queue->submit(
            {m_dataset, m_spec.name, {firstRow, layer, 0}, std::exchange(m_buffers[layer], {}), m_elementBytes, m_spec.compress});
    m_buffered = 0;
}

void GrowingDataset::resize(std::int64_t rows)
{
    Lane lane;
    const hsize_t size[3] = {static_cast<hsize_t>(rows), m_spec.layers, m_spec.width};
    check(H5Dset_extent(m_dataset, size), m_context, "enlarge", m_spec.name);
}

} // namespace expertscope::h5
