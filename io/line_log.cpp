// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/line_log.h"

#include "engine/core/error.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace expertscope {

namespace {

constexpr off_t limitBytes = 2'000'000'000;

} // namespace

LineLog::LineLog(
    const std::filesystem::path &file, const std::string &header, const std::function<std::string(std::string_view)> &difference)
    : m_file{file}
    , m_descriptor{open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)}
{
    if (m_descriptor < 0)
        fail("open the file");
    try {
        struct stat info { };
        if (flock(m_descriptor, LOCK_EX | LOCK_NB) != 0)
            throw Error{
                ErrorKind::Input, "another program is writing this file", m_file.string(), "Wait for it, or write to another folder"};
        if (fstat(m_descriptor, &info) != 0)
            fail("read the file");
        if (!S_ISREG(info.st_mode) || info.st_size > limitBytes)
            throw Error{
                ErrorKind::Input, "this is no file of lines, or it has more than 2 GB", m_file.string(), "Give another file or folder"};
        std::string text(static_cast<std::size_t>(info.st_size), '\0');
        for (std::size_t at = 0; at < text.size();) {
            const ssize_t got = pread(m_descriptor, text.data() + at, text.size() - at, static_cast<off_t>(at));
            if (got <= 0)
                fail("read the file");
            at += static_cast<std::size_t>(got);
        }
        const std::size_t whole = text.find_last_of('\n') == std::string::npos ? 0 : text.find_last_of('\n') + 1;
        const std::string_view first = std::string_view{text}.substr(0, text.find('\n'));
        // a file cut off inside its header is as good as new; anything else without it belongs to somebody
        if (first != header && (whole > 0 || !header.starts_with(first)))
            throw Error{ErrorKind::Check, difference(first), m_file.string(), "Give another folder, or delete this file"};
        m_wasCut = whole < text.size();
        if (m_wasCut && ftruncate(m_descriptor, static_cast<off_t>(whole)) != 0)
            fail("repair the file");
        if (whole == 0)
            append(header + '\n');
        for (std::size_t at = whole == 0 ? 0 : first.size() + 1; at < whole;) {
            const std::size_t end = text.find('\n', at);
            m_lines.push_back(text.substr(at, end - at));
            at = end + 1;
        }
    } catch (...) {
        close(m_descriptor);
        throw;
    }
}

LineLog::~LineLog()
{
    close(m_descriptor);
}

std::string LineLog::where(std::size_t index) const
{
    return m_file.string() + ':' + std::to_string(index + 2);
}

void LineLog::append(std::string_view lines)
{
    while (!lines.empty()) {
        const ssize_t written = write(m_descriptor, lines.data(), lines.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            fail("write to the file");
        lines.remove_prefix(static_cast<std::size_t>(written));
    }
}

void LineLog::fail(const char *doing) const
{
    throw Error{ErrorKind::Input, std::string{"cannot "} + doing + ": " + std::strerror(errno), m_file.string(),
        "Check that the folder is there, may be written, and has room"};
}

} // namespace expertscope
