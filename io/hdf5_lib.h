// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Thin checked wrappers around libhdf5: one thread inside at a time, ids that close themselves, failures as Error.
// Everything in io/ that touches HDF5 goes through these; the library's own error printing is off.
#pragma once

#include <atomic>
#include <hdf5.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace expertscope::h5 {

/// Held while libhdf5 is entered: the library is not safe for several threads, whatever its build. May be nested.
class Lane {
public:
    Lane();

private:
    std::unique_lock<std::recursive_mutex> m_lock;
};

/// Any HDF5 identifier; closes itself inside the lane.
class Id {
public:
    Id() = default;
    explicit Id(hid_t id)
        : m_id{id}
    {
    }
    Id(Id &&other) noexcept
        : m_id{std::exchange(other.m_id, -1)}
    {
    }
    Id &operator=(Id &&other) noexcept
    {
        std::swap(m_id, other.m_id);
        return *this;
    }
    ~Id() { close(); }
    void close() noexcept;
    operator hid_t() const { return m_id; }

private:
    hid_t m_id = -1;
};

/// What messages say about the file at hand.
struct Context {
    std::string path;
    /// Of a file being written: errno of the first write that failed, else 0. Null for a file being read.
    std::shared_ptr<std::atomic<int>> writeError;
};

/// Throws Error (Input): "cannot `doing` `name`: the library's innermost reason", with a remedy that fits.
[[noreturn]] void fail(const Context &context, const char *doing, const std::string &name = {});

/// Passes a result of a library call on; a negative one fails, and so does any after a failed write.
template<std::signed_integral R>
R check(R result, const Context &context, const char *doing, const std::string &name = {})
{
    if (result < 0 || (context.writeError && *context.writeError != 0))
        fail(context, doing, name);
    return result;
}

template<typename T>
hid_t nativeType();
template<>
inline hid_t nativeType<std::int8_t>()
{
    return H5T_NATIVE_INT8;
}
template<>
inline hid_t nativeType<std::uint8_t>()
{
    return H5T_NATIVE_UINT8;
}
template<>
inline hid_t nativeType<std::int16_t>()
{
    return H5T_NATIVE_INT16;
}
template<>
inline hid_t nativeType<std::uint16_t>()
{
    return H5T_NATIVE_UINT16;
}
template<>
inline hid_t nativeType<std::int32_t>()
{
    return H5T_NATIVE_INT32;
}
template<>
inline hid_t nativeType<std::int64_t>()
{
    return H5T_NATIVE_INT64;
}
template<>
inline hid_t nativeType<std::uint64_t>()
{
    return H5T_NATIVE_UINT64;
}
template<>
inline hid_t nativeType<float>()
{
    return H5T_NATIVE_FLOAT;
}
template<>
inline hid_t nativeType<double>()
{
    return H5T_NATIVE_DOUBLE;
}

/// Property list for making an object that does not keep the time it was made at: the same data are the same bytes.
Id creationList(const Context &context, hid_t propertyClass, const std::string &name = {});

/// IEEE half precision, little-endian.
Id halfType();
/// Variable-length UTF-8.
Id stringType();

/// Texts as HDF5 wants them: an array of C strings. NUL, which they cannot hold, becomes U+FFFD.
class CStrings {
public:
    explicit CStrings(std::span<const std::string> texts);
    const char *const *pointers() const { return m_pointers.data(); }

private:
    std::vector<std::string> m_texts;
    std::vector<const char *> m_pointers;
};

void writeAttribute(const Context &context, hid_t object, const char *name, const std::string &value);
void writeAttribute(const Context &context, hid_t object, const char *name, const std::vector<std::string> &values);
/// Numbers: a scalar for one value given as such, else an array.
void writeNumbers(const Context &context, hid_t object, const char *name, hid_t memoryType, const void *values, int count, bool scalar);

template<typename T>
requires std::is_arithmetic_v<T>
void writeAttribute(const Context &context, hid_t object, const char *name, T value)
{
    writeNumbers(context, object, name, nativeType<T>(), &value, 1, true);
}
template<typename T>
requires std::is_arithmetic_v<T>
void writeAttribute(const Context &context, hid_t object, const char *name, std::span<const T> values)
{
    writeNumbers(context, object, name, nativeType<T>(), values.data(), static_cast<int>(values.size()), false);
}

/// Number of dimensions and their sizes; a scalar has none.
std::vector<hsize_t> dimensions(const Context &context, hid_t space);

} // namespace expertscope::h5
