// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/part_file.h"

#include "engine/core/error.h"

#include <fcntl.h>
#include <random>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace expertscope {

namespace {

[[noreturn]] void failWith(int code, const char *doing, const std::filesystem::path &file)
{
    std::string remedy = "Choose another folder or name";
    if (code == ENOSPC || code == EDQUOT)
        remedy = "The disk is full: free some space or choose another folder";
    else if (code == EACCES || code == EPERM || code == EROFS)
        remedy = "You may not write there: choose another folder or change its permissions";
    else if (code == ENOENT || code == ENOTDIR)
        remedy = "Create the folder first or choose another one";
    throw Error{ErrorKind::Input, std::string{"cannot "} + doing + ": " + std::strerror(code), file.string(), remedy};
}

[[noreturn]] void refuseExisting(const std::filesystem::path &file)
{
    throw Error{ErrorKind::Input, "the file exists already and was kept", file.string(),
        "Choose another name, or ask for it to be overwritten (--force)"};
}

void syncToDisk(const std::filesystem::path &path, int flags)
{
    const int handle = open(path.c_str(), flags | O_CLOEXEC);
    if (handle < 0)
        failWith(errno, "open the written file again", path);
    const int result = fsync(handle);
    const int code = errno;
    close(handle);
    // some file systems cannot flush a folder; the data itself is what counts
    if (result != 0 && !(flags & O_DIRECTORY))
        failWith(code, "write the file to disk", path);
}

/// rename() that fails with EEXIST instead of replacing, as far as the file system can do that in one step.
int renameNoReplace(const std::filesystem::path &from, const std::filesystem::path &to)
{
    if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (link(from.c_str(), to.c_str()) == 0)
        return unlink(from.c_str());
    if (errno == EEXIST)
        return -1;
    std::error_code ignored;
    if (std::filesystem::exists(std::filesystem::symlink_status(to, ignored))) {
        errno = EEXIST;
        return -1;
    }
    return rename(from.c_str(), to.c_str());
}

} // namespace

PartFile::PartFile(std::filesystem::path file, bool overwrite, std::filesystem::path part)
    : m_file{std::move(file)}
    , m_part{std::move(part)}
    , m_overwrite{overwrite}
{
    std::error_code ignored;
    const auto status = std::filesystem::status(m_file, ignored);
    if (std::filesystem::is_directory(status) || !m_file.has_filename())
        throw Error{ErrorKind::Input, "this is a folder, not a file name", m_file.string(), "Give a file name inside the folder"};
    if (std::filesystem::exists(std::filesystem::symlink_status(m_file, ignored)) && !m_overwrite)
        refuseExisting(m_file);

    if (!m_part.empty()) {
        const int handle = open(m_part.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
        if (handle < 0)
            failWith(errno, "create a file here", m_part);
        close(handle);
        return;
    }
    std::random_device random;
    for (int attempt = 0; attempt < 100; ++attempt) {
        char unique[12];
        std::snprintf(unique, sizeof unique, ".%06x", random() & 0xffffffu);
        m_part = m_file;
        m_part += unique;
        m_part += ".part";
        const int handle = open(m_part.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
        if (handle >= 0) {
            close(handle);
            return;
        }
        if (errno != EEXIST)
            failWith(errno, "create a file here", m_file);
    }
    failWith(EEXIST, "create a file here", m_file);
}

PartFile::~PartFile()
{
    if (!m_done)
        unlink(m_part.c_str());
}

void PartFile::commit()
{
    syncToDisk(m_part, O_RDONLY);
    const int result = m_overwrite ? rename(m_part.c_str(), m_file.c_str()) : renameNoReplace(m_part, m_file);
    if (result != 0) {
        if (errno == EEXIST)
            refuseExisting(m_file);
        failWith(errno, "give the finished file its name", m_file);
    }
    m_done = true;
    const std::filesystem::path folder = m_file.parent_path();
    syncToDisk(folder.empty() ? std::filesystem::path{"."} : folder, O_RDONLY | O_DIRECTORY);
}

} // namespace expertscope
