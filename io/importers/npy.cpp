// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/importers/npy.h"

#include "engine/core/error.h"
#include "engine/core/tensor.h"
#include "io/importers/token_recording.h"
#include "io/utf8.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

namespace expertscope {

namespace {

constexpr std::uint64_t largestHeader = 1 << 20;
constexpr std::int64_t largestCount = std::int64_t{1} << 46;
constexpr std::size_t mostDimensions = 8;
constexpr std::size_t valuesPerRead = 1 << 16;

/// The text after 'name': in a Python dictionary, from its first character that is no space.
std::string_view valueOf(std::string_view header, std::string_view name)
{
    const std::size_t at = header.find(name);
    const std::size_t colon = at == std::string_view::npos ? at : header.find_first_not_of(' ', at + name.size());
    if (colon == std::string_view::npos || header[colon] != ':')
        return {};
    const std::size_t value = header.find_first_not_of(' ', colon + 1);
    return value == std::string_view::npos ? std::string_view{} : header.substr(value);
}

} // namespace

NpyArray::NpyArray(std::unique_ptr<ByteStream> bytes, std::string where)
    : m_bytes{std::move(bytes)}
    , m_where{std::move(where)}
{
    char start[12] = {};
    if (m_bytes->sizeBytes() < sizeof start)
        fail("this is not a NumPy array");
    m_bytes->read({start, 8});
    if (std::memcmp(start, "\x93NUMPY", 6) != 0)
        fail("this is not a NumPy array");
    const unsigned lengthBytes = start[6] == 1 ? 2 : 4;
    m_bytes->read({start + 8, lengthBytes});
    std::uint64_t length = 0;
    for (unsigned i = lengthBytes; i-- > 0;)
        length = length << 8 | static_cast<unsigned char>(start[8 + i]);
    m_dataAt = 8 + lengthBytes + length;
    if (start[6] < 1 || start[6] > 3 || length > largestHeader || m_dataAt > m_bytes->sizeBytes())
        fail("the header of the array is of another version, or too long");
    std::string header(static_cast<std::size_t>(length), '\0');
    m_bytes->read(header);
    parseHeader(header);
    if (m_bytes->sizeBytes() - m_dataAt != static_cast<std::uint64_t>(m_count) * m_elementBytes)
        fail("the array says it holds " + std::to_string(m_count) + " numbers, but its data is of another size");
}

void NpyArray::fail(const std::string &what) const
{
    throw Error{ErrorKind::Input, what, m_where, "Save plain numbers with numpy.save or numpy.savez, allow_pickle=False"};
}

void NpyArray::parseHeader(std::string_view header)
{
    const std::string_view type = valueOf(header, "'descr'"), order = valueOf(header, "'fortran_order'"),
                           shape = valueOf(header, "'shape'");
    if (type.size() < 5 || type[0] != '\'' || std::string_view{"<>|="}.find(type[1]) == std::string_view::npos)
        fail("the array does not hold plain numbers");
    if (type[2] == 'O')
        fail("the array holds Python objects, which could run code when they are read");
    m_isBigEndian = type[1] == '>';
    m_kind = type[2];
    m_elementBytes = static_cast<unsigned>(type[3] - '0');
    const bool isKnown = m_kind == 'f'
        ? m_elementBytes == 2 || m_elementBytes == 4 || m_elementBytes == 8
        : (m_kind == 'i' || m_kind == 'u') && (m_elementBytes == 1 || m_elementBytes == 2 || m_elementBytes == 4 || m_elementBytes == 8);
    if (type[4] != '\'' || !isKnown)
        fail("the array does not hold plain numbers");
    if (!order.starts_with("False"))
        fail("the array is in Fortran order; numpy.ascontiguousarray puts it right");
    if (!shape.starts_with('('))
        fail("the array has no shape");
    m_count = 1;
    for (std::size_t at = 1; at < shape.size() && shape[at] != ')';) {
        if (shape[at] == ' ' || shape[at] == ',') {
            ++at;
            continue;
        }
        std::int64_t size = -1;
        const auto [end, error] = std::from_chars(shape.data() + at, shape.data() + shape.size(), size);
        if (error != std::errc{} || size < 0 || size > largestCount || m_shape.size() == mostDimensions
            || (size > 0 && m_count > largestCount / size))
            fail("the shape of the array makes no sense");
        at = static_cast<std::size_t>(end - shape.data());
        m_shape.push_back(size);
        m_count *= size;
    }
}

void NpyArray::rewind()
{
    m_bytes->rewind();
    std::string skipped(static_cast<std::size_t>(m_dataAt), '\0');
    m_bytes->read(skipped);
}

template<typename T, typename Convert>
void NpyArray::readAs(std::span<T> to, const Convert &convert)
{
    std::vector<char> raw(std::min(to.size(), valuesPerRead) * m_elementBytes);
    for (std::size_t done = 0; done < to.size();) {
        const std::size_t n = std::min(valuesPerRead, to.size() - done);
        m_bytes->read({raw.data(), n * m_elementBytes});
        if (m_isBigEndian)
            for (std::size_t i = 0; i < n; ++i)
                std::reverse(raw.data() + i * m_elementBytes, raw.data() + (i + 1) * m_elementBytes);
        const auto each = [&]<typename From>(From) {
            for (std::size_t i = 0; i < n; ++i) {
                From value;
                std::memcpy(&value, raw.data() + i * sizeof value, sizeof value);
                to[done + i] = convert(value);
            }
        };
        if (m_kind == 'f')
            m_elementBytes == 2 ? each(std::uint16_t{}) : m_elementBytes == 4 ? each(float{}) : each(double{});
        else if (m_kind == 'u')
            m_elementBytes == 1       ? each(std::uint8_t{})
                : m_elementBytes == 2 ? each(std::uint16_t{})
                : m_elementBytes == 4 ? each(std::uint32_t{})
                                      : each(std::uint64_t{});
        else
            m_elementBytes == 1       ? each(std::int8_t{})
                : m_elementBytes == 2 ? each(std::int16_t{})
                : m_elementBytes == 4 ? each(std::int32_t{})
                                      : each(std::int64_t{});
        done += n;
    }
}

void NpyArray::readIds(std::span<std::int32_t> to)
{
    if (!holdsIntegers())
        fail("expert ids must be whole numbers");
    readAs(to, []<typename From>(From value) {
        if constexpr (std::is_integral_v<From>)
            return idFrom(value);
        else
            return TokenRecording::badId;
    });
}

void NpyArray::readIntegers(std::span<std::int64_t> to)
{
    if (!holdsIntegers())
        fail("the array must hold whole numbers");
    readAs(to, [&]<typename From>(From value) -> std::int64_t {
        if constexpr (std::is_integral_v<From>) {
            if (!std::in_range<std::int64_t>(value))
                fail("a number of the array is too large");
            return static_cast<std::int64_t>(value);
        } else {
            return 0;
        }
    });
}

void NpyArray::readReals(std::span<float> to)
{
    readAs(to, [&]<typename From>(From value) {
        if constexpr (std::is_same_v<From, std::uint16_t>)
            return m_kind == 'f' ? f16ToF32(value) : static_cast<float>(value);
        else
            return static_cast<float>(value);
    });
}

std::vector<std::int64_t> NpyArray::allIntegers()
{
    rewind();
    std::vector<std::int64_t> values(static_cast<std::size_t>(m_count));
    readIntegers(values);
    return values;
}

} // namespace expertscope
