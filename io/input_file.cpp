// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/input_file.h"

#include "engine/core/error.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace expertscope {
namespace {

std::string reason(int number)
{
    return std::generic_category().message(number);
}

[[noreturn]] void failOpening(const std::string &path, int number)
{
    if (number == ENOENT || number == ENOTDIR)
        throw Error{
            ErrorKind::Input, "there is no such file", path, "Check the path; a link may point to a file that was moved or deleted"};
    if (number == EACCES || number == EPERM)
        throw Error{
            ErrorKind::Input, "the file may not be read", path, "Ask its owner for read permission, or copy it to a folder of your own"};
    throw Error{ErrorKind::Input, "the file cannot be opened: " + reason(number), path, "Check the disk and the path"};
}

} // namespace

InputFile::InputFile(const std::filesystem::path &path, Accept accept)
    : m_path{path.string()}
{
    // Without O_NONBLOCK, opening a named pipe that nobody writes to would wait for ever.
    const int flags = O_RDONLY | O_CLOEXEC | (accept == Accept::RegularFile ? O_NONBLOCK : 0);
    m_descriptor = ::open(m_path.c_str(), flags);
    if (m_descriptor < 0)
        failOpening(m_path, errno);
    struct stat status { };
    const bool known = ::fstat(m_descriptor, &status) == 0;
    const bool wrongSort = known && (S_ISDIR(status.st_mode) || (accept == Accept::RegularFile && !S_ISREG(status.st_mode)));
    if (!known || wrongSort) {
        const int number = errno;
        ::close(m_descriptor);
        if (!known)
            failOpening(m_path, number);
        throw Error{ErrorKind::Input, S_ISDIR(status.st_mode) ? "a file is wanted, but this is a folder" : "this is not a regular file",
            m_path, "Give the path of a file"};
    }
    m_sizeBytes = S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0;
}

InputFile::~InputFile()
{
    ::close(m_descriptor);
}

std::size_t InputFile::read(std::span<char> block)
{
    for (;;) {
        const ssize_t got = ::read(m_descriptor, block.data(), block.size());
        if (got >= 0)
            return static_cast<std::size_t>(got);
        if (errno != EINTR)
            throw Error{ErrorKind::Input, "the file cannot be read: " + reason(errno), m_path, "Check the disk and read it again"};
    }
}

std::string InputFile::readAt(std::uint64_t offset, std::size_t bytes) const
{
    std::string text(bytes, '\0');
    std::size_t done = 0;
    while (done < bytes) {
        const ssize_t got = ::pread(m_descriptor, text.data() + done, bytes - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            throw Error{ErrorKind::Input, "the file cannot be read: " + reason(errno), m_path, "Check the disk and read it again"};
        if (got == 0)
            throw Error{ErrorKind::Input, "the file became shorter while it was read", m_path,
                "Wait until the program that writes it has finished"};
        done += static_cast<std::size_t>(got);
    }
    return text;
}

std::shared_ptr<void> InputFile::map() const
{
    if (m_sizeBytes == 0)
        return std::make_shared<char>();
    const auto bytes = static_cast<std::size_t>(m_sizeBytes);
    void *start = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, m_descriptor, 0);
    if (start == MAP_FAILED)
        throw Error{ErrorKind::Device, "the file cannot be mapped into memory: " + reason(errno), m_path,
            "Close other programs, or raise the limits on address space (ulimit -v) and on mappings (vm.max_map_count)"};
    // Fewer page-table misses when weights are streamed, on file systems that can; the others refuse, which costs nothing.
    ::madvise(start, bytes, MADV_HUGEPAGE);
    return std::shared_ptr<void>{start, [bytes](void *mapped) { ::munmap(mapped, bytes); }};
}

std::string readWholeFile(const std::filesystem::path &path, std::uint64_t limitBytes)
{
    const InputFile file{path};
    if (file.sizeBytes() > limitBytes)
        throw Error{ErrorKind::Input,
            "the file has " + std::to_string(file.sizeBytes()) + " bytes, more than the " + std::to_string(limitBytes)
                + " such a file may have",
            path.string(), "Check that it is the right file"};
    return file.readAt(0, static_cast<std::size_t>(file.sizeBytes()));
}

} // namespace expertscope
