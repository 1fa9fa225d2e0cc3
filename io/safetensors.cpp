// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/safetensors.h"

#include "engine/core/error.h"
#include "io/input_file.h"
#include "io/json_events.h"
#include "io/utf8.h"

#include <algorithm>
#include <cstring>

namespace expertscope {
namespace {

constexpr std::uint64_t longestHeaderBytes = 100'000'000;
constexpr const char *damaged = "The file is damaged or incomplete: download it again and compare its size and checksum";

struct StoredType {
    std::string_view name;
    DType type;
};
constexpr StoredType storedTypes[] = {
    {"F32", DType::F32},
    {"F16", DType::F16},
    {"BF16", DType::BF16},
    {"I32", DType::I32},
    {"I64", DType::I64},
    {"U8", DType::U8},
};

/// {name: {dtype, shape, data_offsets}, "__metadata__": {string: string}}; offsets still count from the end of the header.
class HeaderReader final : public JsonEvents {
public:
    HeaderReader(const std::string &where, std::uint64_t dataBytes)
        : JsonEvents{where, damaged, 3}
        , m_where{where}
        , m_dataBytes{dataBytes}
    {
    }
    std::vector<SafetensorsEntry> entries;

private:
    void opened(Container kind) override
    {
        const Container wanted = depth() == 3 ? Container::Array : Container::Object;
        const bool known = depth() < 3 || (!inMetadata() && (key(2) == "shape" || key(2) == "data_offsets"));
        if (kind != wanted || !known)
            fail(depth() == 1 ? "the header is not a JSON object" : inEntry("has a part that a safetensors header does not have"));
        if (depth() == 2)
            m_entry = {};
    }

    void scalar(JsonScalar value) override
    {
        if (depth() < 2)
            fail(depth() == 0 ? "the header is not a JSON object" : inEntry("is not a JSON object"));
        if (depth() == 3) {
            const std::uint64_t *number = std::get_if<std::uint64_t>(&value);
            if (!number)
                fail(inEntry("has a size or offset that is not a whole number of 64 bits"));
            (key(2) == "shape" ? m_entry.shape : m_entry.offsets).push_back(*number);
            return;
        }
        const std::string *text = std::get_if<std::string>(&value);
        if (inMetadata() && !text)
            fail("the metadata hold something that is not text");
        if (!inMetadata() && (!text || key(2) != "dtype"))
            fail(inEntry("has a field " + shown(key(2)) + " that is not as the format says"));
        if (!inMetadata())
            m_entry.dtype = *text;
    }

    void closing(Container) override
    {
        if (depth() == 3)
            (key(2) == "shape" ? m_entry.hasShape : m_entry.hasOffsets) = true;
        if (depth() == 2 && !inMetadata())
            entries.push_back(checkedEntry());
    }

    SafetensorsEntry checkedEntry() const
    {
        if (m_entry.dtype.empty() || !m_entry.hasShape || !m_entry.hasOffsets)
            fail(inEntry("lacks its dtype, shape or data_offsets"));
        const auto *stored =
            std::find_if(std::begin(storedTypes), std::end(storedTypes), [&](const StoredType &t) { return t.name == m_entry.dtype; });
        if (stored == std::end(storedTypes))
            throw Error{ErrorKind::Input, inEntry("has the element type " + shown(m_entry.dtype) + ", which is not supported"), m_where,
                "Supported are F32, F16, BF16, I32, I64 and U8: use the model's unquantised BF16 or F16 version"};
        SafetensorsEntry entry{key(1), stored->type, {}, 0, 0};
        if (m_entry.shape.size() > entry.shape.dims.size())
            throw Error{ErrorKind::Input, inEntry("has " + std::to_string(m_entry.shape.size()) + " dimensions"), m_where,
                "Only model weights of up to four dimensions are supported"};
        if (m_entry.offsets.size() != 2)
            fail(inEntry("has data_offsets that are not two numbers"));
        entry.begin = m_entry.offsets[0];
        entry.end = m_entry.offsets[1];
        if (entry.begin > entry.end || entry.end > m_dataBytes)
            fail(inEntry("lies at bytes " + std::to_string(entry.begin) + " to " + std::to_string(entry.end) + " of only "
                + std::to_string(m_dataBytes) + " bytes of data"));
        // Zero sizes are kept out of the product so that no other size escapes the limit.
        std::uint64_t bytes = sizeBytes(entry.dtype);
        bool empty = false;
        for (const std::uint64_t size : m_entry.shape) {
            if (size && (__builtin_mul_overflow(bytes, size, &bytes) || bytes > static_cast<std::uint64_t>(INT64_MAX)))
                fail(inEntry("has an impossible shape"));
            empty = empty || size == 0;
            entry.shape.dims[static_cast<std::size_t>(entry.shape.rank++)] = static_cast<std::int64_t>(size);
        }
        if (entry.end - entry.begin != (empty ? 0 : bytes))
            fail(inEntry("is " + std::string{stored->name} + " " + entry.shape.text() + ", which does not fit its "
                + std::to_string(entry.end - entry.begin) + " bytes"));
        return entry;
    }

    bool inMetadata() const { return key(1) == "__metadata__"; }
    std::string inEntry(const std::string &what) const { return "tensor " + shown(key(1)) + " " + what; }

    struct Fields {
        std::string dtype;
        std::vector<std::uint64_t> shape, offsets;
        bool hasShape = false, hasOffsets = false;
    };
    std::string m_where;
    std::uint64_t m_dataBytes;
    Fields m_entry;
};

void requireGapless(const std::vector<SafetensorsEntry> &entries, std::uint64_t dataBytes, const std::string &where)
{
    std::uint64_t expected = 0;
    for (const SafetensorsEntry &entry : entries) {
        if (entry.begin != expected)
            throw Error{ErrorKind::Input,
                "tensor " + shown(entry.name) + (entry.begin < expected ? " overlaps the tensor before it" : " leaves a hole before it"),
                where, damaged};
        expected = entry.end;
    }
    if (expected != dataBytes)
        throw Error{
            ErrorKind::Input, std::to_string(dataBytes - expected) + " bytes at the end of the file belong to no tensor", where, damaged};
}

} // namespace

std::uint64_t safetensorsHeaderBytes(std::string_view start, std::uint64_t fileBytes, const std::string &where)
{
    if (start.starts_with("version "))
        throw Error{ErrorKind::Input, "this is a Git LFS pointer, not the weights themselves", where,
            "Fetch the weights: run \"git lfs pull\" in the folder"};
    if (fileBytes < safetensorsPrefixBytes || start.size() < safetensorsPrefixBytes)
        throw Error{
            ErrorKind::Input, "a file of " + std::to_string(fileBytes) + " bytes is too short to be a safetensors file", where, damaged};
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < safetensorsPrefixBytes; ++i)
        length |= std::uint64_t{static_cast<unsigned char>(start[i])} << (8 * i);
    if (length > longestHeaderBytes)
        throw Error{ErrorKind::Input, "this is not a safetensors file: its header would have " + std::to_string(length) + " bytes", where,
            "Check that it is the right file; a format other than safetensors has to be converted"};
    if (length > fileBytes - safetensorsPrefixBytes)
        throw Error{ErrorKind::Input,
            "the file is cut short inside its header: " + std::to_string(length) + " bytes are announced, "
                + std::to_string(fileBytes - safetensorsPrefixBytes) + " are there",
            where, damaged};
    return safetensorsPrefixBytes + length;
}

std::vector<SafetensorsEntry> parseSafetensors(std::string_view start, std::uint64_t fileBytes, const std::string &where)
{
    const std::uint64_t headerBytes = safetensorsHeaderBytes(start, fileBytes, where);
    if (start.size() < headerBytes)
        throw Error{ErrorKind::Input, "the header is incomplete", where, damaged};
    const std::uint64_t dataBytes = fileBytes - headerBytes;
    HeaderReader reader{where, dataBytes};
    reader.parse(start.substr(safetensorsPrefixBytes, static_cast<std::size_t>(headerBytes) - safetensorsPrefixBytes));

    std::vector<SafetensorsEntry> entries = std::move(reader.entries);
    std::sort(entries.begin(), entries.end(),
        [](const SafetensorsEntry &a, const SafetensorsEntry &b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
    requireGapless(entries, dataBytes, where);
    for (SafetensorsEntry &entry : entries) {
        entry.begin += headerBytes;
        entry.end += headerBytes;
    }
    return entries;
}

SafetensorsFile mapSafetensors(const std::filesystem::path &path)
{
    const InputFile file{path};
    const std::string where = path.string();
    SafetensorsFile out;
    out.fileBytes = file.sizeBytes();
    // The header is read, not mapped, so that a file that shrinks meanwhile is an error and not a signal.
    const std::string prefix = file.readAt(0, static_cast<std::size_t>(std::min<std::uint64_t>(safetensorsPrefixBytes, out.fileBytes)));
    out.header = file.readAt(0, static_cast<std::size_t>(safetensorsHeaderBytes(prefix, out.fileBytes, where)));
    std::vector<SafetensorsEntry> entries = parseSafetensors(out.header, out.fileBytes, where);

    const std::shared_ptr<void> mapping = file.map();
    out.owners.push_back(mapping);
    out.tensors.reserve(entries.size());
    for (SafetensorsEntry &entry : entries) {
        Tensor tensor{static_cast<std::byte *>(mapping.get()) + entry.begin, entry.dtype, entry.shape};
        if (entry.begin % sizeBytes(entry.dtype) != 0) {
            auto aligned = std::make_shared<Buffer>(hostBuffer(entry.dtype, entry.shape));
            if (const std::size_t bytes = tensor.bytes())
                std::memcpy(aligned->tensor().data, tensor.data, bytes);
            tensor = aligned->tensor();
            out.owners.push_back(std::move(aligned));
        }
        out.tensors.emplace_back(std::move(entry.name), tensor);
    }
    return out;
}

} // namespace expertscope
