// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The safetensors file: 8 bytes header length (little-endian), a JSON header {name: {dtype, shape, data_offsets}}, then one block
// of numbers without holes or overlaps. https://github.com/huggingface/safetensors#format
#pragma once

#include "engine/core/tensor.h"

#include <filesystem>
#include <string_view>
#include <vector>

namespace expertscope {

struct SafetensorsEntry {
    std::string name;
    DType dtype = DType::F32;
    Shape shape;
    std::uint64_t begin = 0, end = 0; ///< bytes from the start of the file; end - begin = count * element size
};

constexpr std::size_t safetensorsPrefixBytes = 8;

/// Bytes that the prefix and the JSON header take, from a file's first bytes (all of it, or at least safetensorsPrefixBytes).
/// Throws Error (Input): too short, or a length beyond the file or above 100 MB (the limit of the format's own library).
std::uint64_t safetensorsHeaderBytes(std::string_view start, std::uint64_t fileBytes, const std::string &where);

/// The entries, in the order of their data. `start` holds the prefix and the header; the data need not be in memory.
/// Throws Error (Input) naming `where` and the tensor on anything the format does not allow, on element types other than those of
/// DType, and on more than four dimensions.
std::vector<SafetensorsEntry> parseSafetensors(std::string_view start, std::uint64_t fileBytes, const std::string &where);

struct SafetensorsFile {
    std::string header; ///< prefix and JSON
    std::uint64_t fileBytes = 0;
    std::vector<std::pair<std::string, Tensor>> tensors;
    std::vector<std::shared_ptr<void>> owners; ///< of the memory that the tensors view
};

/// Maps a file; the tensors view the mapping. Those that do not lie on a multiple of their element size (files of writers that do
/// not pad the header) are copied to aligned memory instead. Throws Error as above.
SafetensorsFile mapSafetensors(const std::filesystem::path &path);

} // namespace expertscope
