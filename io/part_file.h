// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// PartFile: a file that appears under its name only when it is whole.
// Written to "<name>.<unique>.part" beside it, or under a name the caller keeps for it, flushed to disk and renamed by commit(); removed
// otherwise.
#pragma once

#include <filesystem>

namespace expertscope {

class PartFile {
public:
    /// Creates the empty .part file. Throws Error (Input) if `file` exists and `overwrite` is off, is a folder, or its folder is
    /// missing or cannot be written.
    /// part: where to write, if the caller sees to it that nobody else does; what an interrupted program left there is replaced.
    PartFile(std::filesystem::path file, bool overwrite, std::filesystem::path part = {});
    ~PartFile();
    PartFile(const PartFile &) = delete;
    PartFile &operator=(const PartFile &) = delete;

    const std::filesystem::path &file() const { return m_file; }
    const std::filesystem::path &part() const { return m_part; }
    /// Makes the written bytes durable and gives the file its name. Without overwrite a file that has appeared meanwhile is kept, and
    /// this throws. Throws Error (Input); the .part file is removed then.
    void commit();

private:
    std::filesystem::path m_file;
    std::filesystem::path m_part;
    bool m_overwrite;
    bool m_done = false;
};

} // namespace expertscope
