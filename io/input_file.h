// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A file opened for reading, with errors a person can act on: whole small files, blocks of large ones, read-only mappings.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace expertscope {

class InputFile {
public:
    enum class Accept {
        RegularFile,
        AnyStream, ///< pipes and terminals too (/dev/stdin)
    };
    /// Throws Error (Input): absent, no permission, a folder, or not of the accepted sort.
    explicit InputFile(const std::filesystem::path &path, Accept accept = Accept::RegularFile);
    ~InputFile();
    InputFile(const InputFile &) = delete;
    InputFile &operator=(const InputFile &) = delete;

    std::uint64_t sizeBytes() const { return m_sizeBytes; } ///< when it was opened; 0 for a pipe
    /// The next bytes, up to the length of `block`; 0 at the end.
    std::size_t read(std::span<char> block);
    /// Exactly `bytes` bytes from `offset`. Throws Error (Input) if the file has become shorter.
    std::string readAt(std::uint64_t offset, std::size_t bytes) const;
    /// The whole file, read-only and private, unmapped when the last owner goes. The pages of a file that another program shortens
    /// later cannot be read any more (SIGBUS, as for every program that maps files); a file that is replaced or deleted stays whole.
    std::shared_ptr<void> map() const;

private:
    std::string m_path;
    int m_descriptor = -1;
    std::uint64_t m_sizeBytes = 0;
};

/// A small file, whole. Throws Error (Input) as InputFile does, or if it is larger than `limitBytes`.
std::string readWholeFile(const std::filesystem::path &path, std::uint64_t limitBytes);

} // namespace expertscope
