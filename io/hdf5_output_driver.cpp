// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/hdf5_output_driver.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <span>
#include <unistd.h>
#include <vector>

namespace expertscope::h5 {

namespace {

struct OutputFile {
    H5FD_t base{}; // first: the library sees only this
    int handle = -1;
    haddr_t endAllocated = 0;
    haddr_t endWritten = 0;
    std::atomic<int> *writeError = nullptr;
    /// The library's own tables that could not be written, so that it can still walk them while it closes the file.
    std::map<haddr_t, std::vector<std::byte>> unwritten;
};

OutputFile *own(H5FD_t *file)
{
    return reinterpret_cast<OutputFile *>(file);
}
const OutputFile *own(const H5FD_t *file)
{
    return reinterpret_cast<const OutputFile *>(file);
}

H5FD_t *openFile(const char *name, unsigned, hid_t access, haddr_t)
{
    const auto *writeError = static_cast<std::atomic<int> *const *>(H5Pget_driver_info(access));
    const int handle = open(name, O_RDWR | O_TRUNC | O_CLOEXEC);
    if (!writeError || handle < 0)
        return nullptr;
    auto *file = new OutputFile;
    file->handle = handle;
    file->writeError = *writeError;
    return &file->base;
}

herr_t closeFile(H5FD_t *file)
{
    if (close(own(file)->handle) != 0 && *own(file)->writeError == 0)
        *own(file)->writeError = errno;
    delete own(file);
    return 0;
}

herr_t query(const H5FD_t *, unsigned long *features)
{
    *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA
        | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

haddr_t endAllocated(const H5FD_t *file, H5FD_mem_t)
{
    return own(file)->endAllocated;
}

herr_t setEndAllocated(H5FD_t *file, H5FD_mem_t, haddr_t end)
{
    own(file)->endAllocated = end;
    return 0;
}

haddr_t endWritten(const H5FD_t *file, H5FD_mem_t)
{
    return own(file)->endWritten;
}

herr_t readBytes(H5FD_t *file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void *to)
{
    OutputFile &f = *own(file);
    const std::span<std::byte> out{static_cast<std::byte *>(to), size};
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got = pread(f.handle, out.data() + done, size - done, static_cast<off_t>(address + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += static_cast<std::size_t>(got);
    }
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(done), out.end(), std::byte{0});
    for (const auto &[start, bytes] : f.unwritten) {
        const haddr_t from = std::max(start, address), end = std::min<haddr_t>(start + bytes.size(), address + size);
        if (from < end)
            std::memcpy(&out[from - address], &bytes[from - start], end - from);
    }
    return 0;
}

herr_t writeBytes(H5FD_t *file, H5FD_mem_t kind, hid_t, haddr_t address, std::size_t size, const void *from)
{
    OutputFile &f = *own(file);
    const std::span<const std::byte> bytes{static_cast<const std::byte *>(from), size};
    for (std::size_t done = 0; done < size && *f.writeError == 0;) {
        const ssize_t put = pwrite(f.handle, bytes.data() + done, size - done, static_cast<off_t>(address + done));
        if (put > 0)
            done += static_cast<std::size_t>(put);
        else if (put == 0 || errno != EINTR)
            *f.writeError = put == 0 ? ENOSPC : errno;
    }
    if (*f.writeError != 0 && kind != H5FD_MEM_DRAW)
        f.unwritten[address].assign(bytes.begin(), bytes.end());
    f.endWritten = std::max<haddr_t>(f.endWritten, address + size);
    return 0;
}

herr_t truncateFile(H5FD_t *file, hid_t, hbool_t)
{
    OutputFile &f = *own(file);
    if (f.endWritten == f.endAllocated)
        return 0;
    if (*f.writeError == 0 && ftruncate(f.handle, static_cast<off_t>(f.endAllocated)) != 0)
        *f.writeError = errno;
    f.endWritten = f.endAllocated;
    return 0;
}

/// Only for the file that its writer has just made for itself: nobody else knows its name.
herr_t lockFile(H5FD_t *, hbool_t)
{
    return 0;
}
herr_t unlockFile(H5FD_t *)
{
    return 0;
}

const H5FD_class_t driver = [] {
    H5FD_class_t d{};
    d.name = "expertscope_output";
    d.maxaddr = (haddr_t{1} << 62) - 1;
    d.fc_degree = H5F_CLOSE_STRONG;
    d.fapl_size = sizeof(std::atomic<int> *);
    d.open = openFile;
    d.close = closeFile;
    d.query = query;
    d.get_eoa = endAllocated;
    d.set_eoa = setEndAllocated;
    d.get_eof = endWritten;
    d.read = readBytes;
    d.write = writeBytes;
    d.truncate = truncateFile;
    d.lock = lockFile;
    d.unlock = unlockFile;
    const H5FD_mem_t map[H5FD_MEM_NTYPES] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(map), std::end(map), std::begin(d.fl_map));
    return d;
}();

} // namespace

hid_t makeOutputAccess(std::atomic<int> *writeError)
{
    static const hid_t id = H5FDregister(&driver);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0 || H5Pset_driver(access, id, &writeError) < 0)
        return -1;
    return access;
}

} // namespace expertscope::h5
