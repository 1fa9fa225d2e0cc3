// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Reads ranges of a numeric dataset of a foreign HDF5 file. Filters are undone here, outside the lane and with a bounded result:
// the library would inflate whatever a damaged or hostile chunk asks for.
#pragma once

#include "io/hdf5_lib.h"

#include <cstddef>
#include <list>
#include <memory>
#include <unordered_map>

namespace expertscope::h5 {

/// Decoded blocks of all arrays of a file; the least recently used go first.
class BlockCache {
public:
    using Block = std::shared_ptr<const std::vector<std::byte>>;
    struct Key {
        std::uint64_t array;
        std::uint64_t block;
        bool operator==(const Key &) const = default;
    };
    /// Null if it is not there.
    Block find(const Key &key);
    void insert(const Key &key, Block block);
    /// A number for the next array that uses the cache.
    std::uint64_t newArray() { return ++m_arrays; }

private:
    struct Hash {
        std::size_t operator()(const Key &key) const
        {
            return static_cast<std::size_t>((key.array << 40 ^ key.block) * 0x9e3779b97f4a7c15u);
        }
    };
    struct Entry {
        Key key;
        Block block;
    };
    std::mutex m_mutex;
    std::list<Entry> m_entries; ///< most recently used first
    std::unordered_map<Key, std::list<Entry>::iterator, Hash> m_index;
    std::size_t m_bytes = 0;
    std::uint64_t m_arrays = 0;
};

enum class NumberKind { Integer, Real };

/// A dataset of rank 1 [rows], 2 [rows, width] or 3 [rows, layers, width]. Const reads are safe from any thread.
class Array {
public:
    /// Throws Error (Input) unless `name` in `parent` is a dataset of that kind and rank, chunked or contiguous inside the file, with
    /// no filters but shuffle and deflate, and with as much data behind it as its size says.
    Array(const Context &context, BlockCache &cache, hid_t parent, const char *name, NumberKind kind, int rank);

    std::int64_t rows() const { return m_size[0]; }
    std::int64_t layers() const { return m_size[1]; }
    std::int64_t width() const { return m_size[2]; }
    const std::string &name() const { return m_name; }
    hid_t id() const { return m_dataset; }

    /// out: [rowCount, width] of one layer. Throws Error on damaged data or a number that T cannot hold.
    template<typename T>
    void read(std::int64_t firstRow, std::int64_t rowCount, std::int64_t layer, std::span<T> out) const;
    /// The whole array, layer 0 of rank 1 and 2.
    template<typename T>
    std::vector<T> readAll() const
    {
        std::vector<T> out(static_cast<std::size_t>(rows() * width()));
        read<T>(0, rows(), 0, out);
        return out;
    }

private:
    void readType(hid_t type, NumberKind kind);
    void readLayout(int rank);
    void requireStored() const;
    BlockCache::Block block(std::int64_t rowBlock, std::int64_t layerBlock, std::int64_t widthBlock) const;
    std::vector<std::byte> readChunk(const hsize_t *offset) const;
    std::vector<std::byte> readRows(std::int64_t firstRow) const;
    std::vector<std::byte> unfilter(std::vector<std::byte> bytes, std::uint32_t skipped) const;
    std::vector<std::byte> gather(std::int64_t firstRow, std::int64_t rowCount, std::int64_t layer) const;
    std::size_t blockBytes() const;
    [[noreturn]] void damaged(const std::string &what) const;

    Context m_context;
    BlockCache *m_cache;
    std::uint64_t m_number; ///< of this array in the cache
    std::string m_name;
    Id m_dataset;
    int m_rank = 1;
    std::int64_t m_size[3] = {1, 1, 1};
    std::int64_t m_block[3] = {1, 1, 1}; ///< the chunk, or rows read at once where there is none
    bool m_isChunked = false;
    bool m_isReal = false;
    bool m_isSigned = false;
    bool m_isBigEndian = false;
    std::size_t m_elementBytes = 1;
    std::vector<H5Z_filter_t> m_filters; ///< in the order they were applied
};

} // namespace expertscope::h5
