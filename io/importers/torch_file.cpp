// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/importers/torch_file.h"

#include "engine/core/error.h"
#include "io/utf8.h"

#include <algorithm>
#include <cstring>

namespace expertscope {

namespace {

constexpr std::size_t mostValues = 8 << 20;
constexpr std::uint64_t largestPickle = 256 << 20;

/// Bytes of a number; 0 for storages that hold no integers.
std::int64_t integerBytes(const std::string &storageType)
{
    static const std::map<std::string, std::int64_t> known{
        {"ByteStorage", 1}, {"CharStorage", 1}, {"ShortStorage", 2}, {"IntStorage", 4}, {"LongStorage", 8}};
    const auto at = known.find(storageType);
    return at == known.end() ? 0 : at->second;
}

} // namespace

TorchFile::TorchFile(const std::filesystem::path &file)
    : m_bytes{mapFile(file)}
    , m_where{file.string()}
{
    open();
}

TorchFile::TorchFile(MappedBytes bytes, std::string where)
    : m_bytes{std::move(bytes)}
    , m_where{std::move(where)}
{
    open();
}

void TorchFile::fail(const std::string &what) const
{
    throw Error{ErrorKind::Input, what, m_where, "Give a file that torch.save wrote, of plain tensors of integers"};
}

void TorchFile::open()
{
    constexpr std::string_view pickleName = "/data.pkl";
    const std::vector<ZipEntry> entries = zipEntries(m_bytes.bytes, m_where);
    const auto pickle =
        std::find_if(entries.begin(), entries.end(), [&](const ZipEntry &entry) { return entry.name.ends_with(pickleName); });
    if (pickle == entries.end())
        fail("there is no data.pkl in the file");
    const std::string stem = pickle->name.substr(0, pickle->name.size() - pickleName.size());
    const std::string storages = stem + "/data/";
    for (const ZipEntry &entry : entries) {
        if (entry.isDeflated && entry.name.starts_with(stem))
            fail("the entry " + shown(entry.name) + " is compressed, which torch.save does not do");
        if (entry.name.starts_with(storages))
            m_storages[entry.name.substr(storages.size())] = entry.bytes;
        else if (entry.name == stem + "/byteorder")
            m_isBigEndian = entry.bytes == "big";
    }
    if (pickle->sizeBytes > largestPickle)
        fail("the pickle in the file is larger than 256 MB");
    std::string text(static_cast<std::size_t>(pickle->sizeBytes), '\0');
    openZipEntry(m_bytes, *pickle, m_where)->read(text);
    m_root = parsePickle(text, m_where, mostValues);
}

std::string_view TorchFile::storage(const PickledTensor &tensor) const
{
    const auto at = m_storages.find(tensor.storageKey);
    const std::int64_t unit = integerBytes(tensor.storageType);
    if (unit == 0)
        fail("a tensor of " + shown(tensor.storageType) + " holds no integers");
    if (at == m_storages.end())
        fail("the numbers of a tensor are not in the file: " + shown("data/" + tensor.storageKey));
    return at->second.substr(0, at->second.size() / static_cast<std::size_t>(unit) * static_cast<std::size_t>(unit));
}

std::int64_t TorchFile::count(const PickledTensor &tensor) const
{
    const std::int64_t held = static_cast<std::int64_t>(storage(tensor).size()) / integerBytes(tensor.storageType);
    std::int64_t numbers = 1, last = tensor.offset;
    const auto outside = [&]() { fail("a tensor says it lies outside its storage"); };
    for (std::size_t axis = 0; axis < tensor.shape.size(); ++axis) {
        const std::int64_t size = tensor.shape[axis];
        if (size == 0)
            return 0;
        // a stride of 0 would let a small file stand for any number of values
        if (size > 1 && (tensor.stride[axis] < 1 || tensor.stride[axis] > held || size - 1 > held / tensor.stride[axis]))
            outside();
        last += size > 1 ? (size - 1) * tensor.stride[axis] : 0;
        if (last >= held || numbers > held / size)
            outside();
        numbers *= size;
    }
    if (last >= held)
        outside();
    return numbers;
}

void TorchFile::readIntegers(const PickledTensor &tensor, std::int64_t first, std::span<std::int64_t> to) const
{
    if (first < 0 || static_cast<std::int64_t>(to.size()) > count(tensor) - first)
        fail("a tensor holds fewer numbers than are read from it");
    const std::string_view from = storage(tensor);
    const auto unit = static_cast<std::size_t>(integerBytes(tensor.storageType));
    const bool isUnsigned = tensor.storageType == "ByteStorage";
    std::vector<std::int64_t> index(tensor.shape.size());
    std::int64_t rest = first;
    for (std::size_t axis = index.size(); axis-- > 0;) {
        index[axis] = rest % tensor.shape[axis];
        rest /= tensor.shape[axis];
    }
    for (std::int64_t &number : to) {
        std::int64_t at = tensor.offset;
        for (std::size_t axis = 0; axis < index.size(); ++axis)
            at += index[axis] * tensor.stride[axis];
        char raw[8] = {};
        std::memcpy(raw, from.data() + static_cast<std::size_t>(at) * unit, unit);
        if (m_isBigEndian)
            std::reverse(raw, raw + unit);
        std::uint64_t bits = 0;
        for (std::size_t i = unit; i-- > 0;)
            bits = bits << 8 | static_cast<unsigned char>(raw[i]);
        const bool isNegative = !isUnsigned && unit < 8 && (bits >> (8 * unit - 1) & 1u) != 0;
        number = static_cast<std::int64_t>(isNegative ? bits | ~std::uint64_t{0} << (8 * unit) : bits);
        for (std::size_t axis = index.size(); axis-- > 0;) {
            if (++index[axis] < tensor.shape[axis])
                break;
            index[axis] = 0;
        }
    }
}

} // namespace expertscope
