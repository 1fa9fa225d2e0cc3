// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A NumPy array file (.npy, versions 1 to 3), read from front to back. Arrays of Python objects, which are pickles, are refused.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include "io/importers/byte_stream.h"

#include <vector>

namespace expertscope {

class NpyArray {
public:
    /// Throws Error (Input): no .npy, Fortran order, not plain numbers, or as many bytes as its shape does not say.
    NpyArray(std::unique_ptr<ByteStream> bytes, std::string where);

    const std::vector<std::int64_t> &shape() const { return m_shape; }
    std::int64_t count() const { return m_count; }
    bool holdsIntegers() const { return m_kind != 'f'; }

    void rewind();
    /// The next values as ids: TokenRecording::badId for those no id can be. Needs integers.
    void readIds(std::span<std::int32_t> to);
    /// The next values. Needs integers; throws Error (Input) on one that 64 bits with a sign cannot hold.
    void readIntegers(std::span<std::int64_t> to);
    void readReals(std::span<float> to);
    std::vector<std::int64_t> allIntegers();

    [[noreturn]] void fail(const std::string &what) const;

private:
    void parseHeader(std::string_view header);
    template<typename T, typename Convert>
    void readAs(std::span<T> to, const Convert &convert);

    std::unique_ptr<ByteStream> m_bytes;
    std::string m_where;
    std::vector<std::int64_t> m_shape;
    std::int64_t m_count = 0;
    std::uint64_t m_dataAt = 0;
    char m_kind = 'i'; ///< i, u or f
    unsigned m_elementBytes = 1;
    bool m_isBigEndian = false;
};

} // namespace expertscope
