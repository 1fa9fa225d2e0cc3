// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// LineLog: a text file that grows line by line and survives being cut off: what long work goes on from.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace expertscope {

class LineLog {
public:
    /// Opens the file, or makes it, for this program alone. A new file gets `header` as its first line; an existing one must begin with
    /// it, else `difference` says in a sentence how its first line is another. A last line without an end is what an interruption left
    /// and is removed. Throws Error: Input if the file cannot be read or written, or is in use; Check if its header is another.
    LineLog(const std::filesystem::path &file, const std::string &header, const std::function<std::string(std::string_view)> &difference);
    ~LineLog();
    LineLog(const LineLog &) = delete;
    LineLog &operator=(const LineLog &) = delete;

    const std::vector<std::string> &lines() const { return m_lines; } ///< as they were on opening, without the header
    bool wasCut() const { return m_wasCut; } ///< a last line was removed
    /// Where line `index` stands, for messages: "file:12".
    std::string where(std::size_t index) const;
    /// Adds lines, each with its end; what is appended together is written together. Throws Error (Input).
    void append(std::string_view lines);

private:
    [[noreturn]] void fail(const char *doing) const;

    std::filesystem::path m_file;
    int m_descriptor = -1;
    std::vector<std::string> m_lines;
    bool m_wasCut = false;
};

} // namespace expertscope
