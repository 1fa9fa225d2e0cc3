// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/hdf5_array.h"

#include "engine/core/error.h"
#include "engine/core/tensor.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace expertscope::h5 {

namespace {

constexpr std::size_t cacheBytes = std::size_t{96} << 20;
constexpr std::int64_t largestBlockBytes = std::int64_t{64} << 20;
constexpr std::int64_t rowsReadBytes = 256 << 10; // per read of an unchunked dataset
constexpr std::int64_t largestRatio = 1100; // deflate reaches 1032 at most
constexpr std::int64_t largestCount = std::int64_t{1} << 46;

std::vector<std::byte> unshuffled(const std::vector<std::byte> &bytes, std::size_t elementBytes)
{
    std::vector<std::byte> out(bytes.size());
    const std::size_t count = bytes.size() / elementBytes;
    for (std::size_t b = 0; b < elementBytes; ++b)
        for (std::size_t i = 0; i < count; ++i)
            out[i * elementBytes + b] = bytes[b * count + i];
    return out;
}

template<typename From>
From load(const std::byte *at)
{
    From value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

} // namespace

BlockCache::Block BlockCache::find(const Key &key)
{
    std::lock_guard lock{m_mutex};
    const auto found = m_index.find(key);
    if (found == m_index.end())
        return {};
    m_entries.splice(m_entries.begin(), m_entries, found->second);
    return found->second->block;
}

void BlockCache::insert(const Key &key, Block block)
{
    std::lock_guard lock{m_mutex};
    if (m_index.count(key))
        return;
    m_bytes += block->size();
    m_entries.push_front({key, std::move(block)});
    m_index[key] = m_entries.begin();
    while (m_bytes > cacheBytes && m_entries.size() > 1) {
        m_bytes -= m_entries.back().block->size();
        m_index.erase(m_entries.back().key);
        m_entries.pop_back();
    }
}

Array::Array(const Context &context, BlockCache &cache, hid_t parent, const char *name, NumberKind kind, int rank)
    : m_context{context}
    , m_cache{&cache}
    , m_number{cache.newArray()}
    , m_name{name}
{
    Lane lane;
    m_dataset = Id{check(H5Dopen2(parent, name, H5P_DEFAULT), m_context, "open", m_name)};
    readType(Id{check(H5Dget_type(m_dataset), m_context, "read the type of", m_name)}, kind);
    readLayout(rank);
    requireStored();
}

void Array::damaged(const std::string &what) const
{
    throw Error{ErrorKind::Input, m_name + ' ' + what, m_context.path,
        "The file is damaged or was not written as a routing trace: record it again or copy it again from where it came"};
}

void Array::readType(hid_t type, NumberKind kind)
{
    m_elementBytes = H5Tget_size(type);
    if (kind == NumberKind::Integer) {
        if (H5Tget_class(type) != H5T_INTEGER || m_elementBytes > 8 || H5Tget_precision(type) != 8 * m_elementBytes
            || (m_elementBytes & (m_elementBytes - 1)) != 0)
            damaged("does not hold plain integers");
        m_isSigned = H5Tget_sign(type) == H5T_SGN_2;
    } else {
        m_isReal = true;
        const Id half = halfType();
        const Id swappedHalf{H5Tcopy(half)};
        H5Tset_order(swappedHalf, H5T_ORDER_BE);
        const hid_t known[] = {H5T_IEEE_F32LE, H5T_IEEE_F64LE, half, H5T_IEEE_F32BE, H5T_IEEE_F64BE, swappedHalf};
        if (!std::any_of(std::begin(known), std::end(known), [&](hid_t one) { return H5Tequal(type, one) > 0; }))
            damaged("does not hold plain real numbers");
    }
    m_isBigEndian = m_elementBytes > 1 && H5Tget_order(type) == H5T_ORDER_BE;
}

void Array::readLayout(int rank)
{
    const Id space{check(H5Dget_space(m_dataset), m_context, "read the shape of", m_name)};
    const std::vector<hsize_t> size = dimensions(m_context, space);
    if (static_cast<int>(size.size()) != rank)
        damaged("has " + std::to_string(size.size()) + " dimensions instead of " + std::to_string(rank));
    m_rank = rank;
    // axis of the file -> rows, layers, width
    const int axis[3][3] = {{0}, {0, 2}, {0, 1, 2}};
    const auto axisOf = [&](int a) { return axis[rank - 1][a]; };
    std::int64_t count = 1;
    for (int a = 0; a < rank; ++a) {
        if (size[static_cast<std::size_t>(a)] > largestCount
            || (count > 0 && static_cast<std::int64_t>(size[static_cast<std::size_t>(a)]) > largestCount / count))
            damaged("says it holds more values than any file could");
        m_size[axisOf(a)] = static_cast<std::int64_t>(size[static_cast<std::size_t>(a)]);
        count *= m_size[axisOf(a)];
    }

    const Id create{check(H5Dget_create_plist(m_dataset), m_context, "read the layout of", m_name)};
    const H5D_layout_t layout = H5Pget_layout(create);
    m_isChunked = layout == H5D_CHUNKED;
    if (m_isChunked) {
        hsize_t chunk[3] = {};
        check(H5Pget_chunk(create, rank, chunk), m_context, "read the layout of", m_name);
        for (int a = 0; a < rank; ++a)
            m_block[axisOf(a)] = static_cast<std::int64_t>(std::clamp<hsize_t>(chunk[a], 1, largestCount));
    } else if ((layout == H5D_CONTIGUOUS || layout == H5D_COMPACT) && H5Pget_external_count(create) == 0) {
        const std::int64_t rowBytes = std::max<std::int64_t>(1, m_size[1] * m_size[2] * static_cast<std::int64_t>(m_elementBytes));
        m_block[0] = std::max<std::int64_t>(1, rowsReadBytes / rowBytes);
        m_block[1] = std::max<std::int64_t>(1, m_size[1]);
        m_block[2] = std::max<std::int64_t>(1, m_size[2]);
    } else {
        damaged("keeps its data outside the file");
    }
    const auto unit = static_cast<std::int64_t>(m_elementBytes);
    if (m_block[0] > largestBlockBytes || m_block[1] > largestBlockBytes || m_block[2] > largestBlockBytes
        || m_block[0] * m_block[1] > largestBlockBytes || m_block[0] * m_block[1] * m_block[2] > largestBlockBytes / unit)
        damaged("is stored in pieces of more than 64 MiB");
    for (int i = 0; i < H5Pget_nfilters(create); ++i) {
        unsigned flags = 0, config = 0;
        std::size_t values = 0;
        m_filters.push_back(H5Pget_filter2(create, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &config));
        if (m_filters.back() != H5Z_FILTER_SHUFFLE && m_filters.back() != H5Z_FILTER_DEFLATE)
            throw Error{ErrorKind::Input, m_name + " is compressed by a method that is not part of every HDF5 build", m_context.path,
                "Rewrite it once: h5repack -f SHUF -f GZIP=1 FILE NEWFILE"};
    }
}

void Array::requireStored() const
{
    const std::int64_t raw = m_size[0] * m_size[1] * m_size[2] * static_cast<std::int64_t>(m_elementBytes);
    const auto stored = static_cast<std::int64_t>(
        std::min<hsize_t>(H5Dget_storage_size(m_dataset), std::numeric_limits<std::int64_t>::max() / (2 * largestRatio)));
    H5Eclear2(H5E_DEFAULT);
    if (m_filters.empty() ? stored < raw : stored * largestRatio < raw)
        damaged("is said to hold " + std::to_string(m_size[0]) + " rows, but the data is not there");
}

std::size_t Array::blockBytes() const
{
    return static_cast<std::size_t>(m_block[0] * m_block[1] * m_block[2]) * m_elementBytes;
}

std::vector<std::byte> Array::readChunk(const hsize_t *offset) const
{
    std::vector<std::byte> bytes;
    std::uint32_t skipped = 0;
    {
        Lane lane;
        hsize_t stored = 0;
        check(H5Dget_chunk_storage_size(m_dataset, offset, &stored), m_context, "find a part of", m_name);
        if (stored == 0)
            damaged("lacks the part that begins at row " + std::to_string(offset[0]));
        if (stored > blockBytes() + blockBytes() / 8 + 1024 || (m_filters.empty() && stored != blockBytes()))
            damaged("holds a part of the wrong size at row " + std::to_string(offset[0]));
        bytes.resize(stored);
        check(H5Dread_chunk(m_dataset, H5P_DEFAULT, offset, &skipped, bytes.data()), m_context, "read", m_name);
    }
    return unfilter(std::move(bytes), skipped);
}

std::vector<std::byte> Array::unfilter(std::vector<std::byte> bytes, std::uint32_t skipped) const
{
    for (std::size_t i = m_filters.size(); i-- > 0;) {
        if (skipped >> i & 1u)
            continue;
        if (m_filters[i] == H5Z_FILTER_DEFLATE) {
            std::vector<std::byte> plain(blockBytes());
            uLongf size = plain.size();
            const int result =
                uncompress(reinterpret_cast<Bytef *>(plain.data()), &size, reinterpret_cast<const Bytef *>(bytes.data()), bytes.size());
            if (result != Z_OK || size != plain.size())
                damaged("holds a part that cannot be decompressed");
            bytes = std::move(plain);
        } else if (m_elementBytes > 1) {
            bytes = unshuffled(bytes, m_elementBytes);
        }
    }
    if (bytes.size() != blockBytes())
        damaged("holds a part of the wrong size");
    return bytes;
}

std::vector<std::byte> Array::readRows(std::int64_t firstRow) const
{
    Lane lane;
    const Id space{check(H5Dget_space(m_dataset), m_context, "read", m_name)};
    std::vector<hsize_t> count = dimensions(m_context, space), start(count.size(), 0);
    start[0] = static_cast<hsize_t>(firstRow);
    count[0] = static_cast<hsize_t>(std::min(m_block[0], m_size[0] - firstRow));
    check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr), m_context, "read", m_name);
    const Id memory{check(H5Screate_simple(m_rank, count.data(), nullptr), m_context, "read", m_name)};
    const Id type{check(H5Dget_type(m_dataset), m_context, "read", m_name)};
    std::vector<std::byte> bytes(blockBytes());
    check(H5Dread(m_dataset, type, memory, space, H5P_DEFAULT, bytes.data()), m_context, "read", m_name);
    return bytes;
}

BlockCache::Block Array::block(std::int64_t rowBlock, std::int64_t layerBlock, std::int64_t widthBlock) const
{
    const std::int64_t layerBlocks = (m_size[1] + m_block[1] - 1) / m_block[1], widthBlocks = (m_size[2] + m_block[2] - 1) / m_block[2];
    const BlockCache::Key key{m_number, static_cast<std::uint64_t>((rowBlock * layerBlocks + layerBlock) * widthBlocks + widthBlock)};
    if (BlockCache::Block known = m_cache->find(key))
        return known;
    std::vector<std::byte> bytes;
    if (m_isChunked) {
        const auto row = static_cast<hsize_t>(rowBlock * m_block[0]), layer = static_cast<hsize_t>(layerBlock * m_block[1]),
                   column = static_cast<hsize_t>(widthBlock * m_block[2]);
        const hsize_t offset[3] = {row, m_rank == 3 ? layer : column, column};
        bytes = readChunk(offset);
    } else {
        bytes = readRows(rowBlock * m_block[0]);
    }
    if (m_isBigEndian)
        for (std::size_t at = 0; at < bytes.size(); at += m_elementBytes)
            std::reverse(&bytes[at], &bytes[at] + m_elementBytes);
    const auto shared = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    m_cache->insert(key, shared);
    return shared;
}

std::vector<std::byte> Array::gather(std::int64_t firstRow, std::int64_t rowCount, std::int64_t layer) const
{
    if (firstRow < 0 || rowCount < 0 || firstRow > m_size[0] - rowCount || layer < 0 || layer >= m_size[1])
        damaged("is shorter than what is read from it");
    const auto unit = static_cast<std::int64_t>(m_elementBytes);
    std::vector<std::byte> out(static_cast<std::size_t>(rowCount * m_size[2] * unit));
    for (std::int64_t row = firstRow; row < firstRow + rowCount;) {
        const std::int64_t rowBlock = row / m_block[0];
        const std::int64_t rowsHere = std::min((rowBlock + 1) * m_block[0], firstRow + rowCount) - row;
        for (std::int64_t column = 0; column < m_size[2]; column += m_block[2]) {
            const BlockCache::Block from = block(rowBlock, layer / m_block[1], column / m_block[2]);
            const auto bytesHere = static_cast<std::size_t>(std::min(m_block[2], m_size[2] - column) * unit);
            for (std::int64_t r = 0; r < rowsHere; ++r) {
                const std::int64_t inBlock = ((row + r - rowBlock * m_block[0]) * m_block[1] + layer % m_block[1]) * m_block[2];
                std::memcpy(out.data() + ((row + r - firstRow) * m_size[2] + column) * unit, from->data() + inBlock * unit, bytesHere);
            }
        }
        row += rowsHere;
    }
    return out;
}

template<typename T>
void Array::read(std::int64_t firstRow, std::int64_t rowCount, std::int64_t layer, std::span<T> out) const
{
    const std::vector<std::byte> raw = gather(firstRow, rowCount, layer);
    if (out.size() * m_elementBytes != raw.size())
        damaged("does not fit what is read from it");
    const auto convert = [&]<typename From>(From) {
        for (std::size_t i = 0; i < out.size(); ++i) {
            const From value = load<From>(raw.data() + i * sizeof(From));
            if constexpr (std::is_integral_v<T> && std::is_integral_v<From>) {
                if (!std::in_range<T>(value))
                    damaged("holds a number out of range at row " + std::to_string(firstRow + static_cast<std::int64_t>(i) / m_size[2]));
            }
            out[i] = static_cast<T>(value);
        }
    };
    if constexpr (std::is_floating_point_v<T>) {
        if (!m_isReal)
            damaged("does not hold real numbers");
        if (m_elementBytes == 2)
            for (std::size_t i = 0; i < out.size(); ++i)
                out[i] = static_cast<T>(f16ToF32(load<std::uint16_t>(raw.data() + 2 * i)));
        else if (m_elementBytes == 4)
            convert(float{});
        else
            convert(double{});
    } else {
        if (m_isReal)
            damaged("does not hold integers");
        if (m_elementBytes == 1)
            m_isSigned ? convert(std::int8_t{}) : convert(std::uint8_t{});
        else if (m_elementBytes == 2)
            m_isSigned ? convert(std::int16_t{}) : convert(std::uint16_t{});
        else if (m_elementBytes == 4)
            m_isSigned ? convert(std::int32_t{}) : convert(std::uint32_t{});
        else
            m_isSigned ? convert(std::int64_t{}) : convert(std::uint64_t{});
    }
}

template void Array::read(std::int64_t, std::int64_t, std::int64_t, std::span<std::int8_t>) const;
template void Array::read(std::int64_t, std::int64_t, std::int64_t, std::span<std::uint8_t>) const;
template void Array::read(std::int64_t, std::int64_t, std::int64_t, std::span<std::int32_t>) const;
template void Array::read(std::int64_t, std::int64_t, std::int64_t, std::span<std::int64_t>) const;
template void Array::read(std::int64_t, std::int64_t, std::int64_t, std::span<float>) const;
template void Array::read(std::int64_t, std::int64_t, std::int64_t, std::span<double>) const;

} // namespace expertscope::h5
