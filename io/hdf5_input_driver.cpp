// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/hdf5_input_driver.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace expertscope::h5 {

namespace {

// HDF5 File Format Specification 3.0, III.E "Global Heap", with offsets and lengths of 8 bytes
constexpr std::size_t headerBytes = 16; // of the collection, and of each object in it
constexpr std::size_t alignment = 8;
constexpr char signature[] = {'G', 'C', 'O', 'L', 1, 0, 0, 0};

template<typename T>
T load(std::span<const std::byte> bytes, std::size_t at)
{
    T value;
    std::memcpy(&value, &bytes[at], sizeof value);
    return value;
}

template<typename T>
void store(std::span<std::byte> bytes, std::size_t at, T value)
{
    std::memcpy(&bytes[at], &value, sizeof value);
}

/// Puts empty objects with the missing indices into the free space that starts at `at`.
bool fillGaps(std::span<std::byte> table, const std::vector<bool> &known, std::size_t at)
{
    for (std::size_t index = 1; index < known.size(); ++index) {
        if (known[index])
            continue;
        if (at + headerBytes > table.size())
            return false;
        std::fill_n(table.begin() + static_cast<std::ptrdiff_t>(at), headerBytes, std::byte{0});
        store(table, at, static_cast<std::uint16_t>(index));
        at += headerBytes;
    }
    std::fill(table.begin() + static_cast<std::ptrdiff_t>(at), table.end(), std::byte{0});
    if (at + headerBytes <= table.size())
        store(table, at + 8, static_cast<std::uint64_t>(table.size() - at));
    return true;
}

struct InputFile {
    H5FD_t base{}; // first: the library sees only this
    int handle = -1;
    haddr_t endAllocated = 0;
    haddr_t size = 0;
    dev_t device = 0;
    ino_t inode = 0;
};

InputFile *own(H5FD_t *file)
{
    return reinterpret_cast<InputFile *>(file);
}
const InputFile *own(const H5FD_t *file)
{
    return reinterpret_cast<const InputFile *>(file);
}

H5FD_t *openFile(const char *name, unsigned flags, hid_t, haddr_t)
{
    const int handle = flags & H5F_ACC_RDWR ? -1 : open(name, O_RDONLY | O_CLOEXEC);
    if (handle < 0)
        return nullptr;
    struct stat status { };
    if (fstat(handle, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(handle);
        return nullptr;
    }
    auto *file = new InputFile;
    file->handle = handle;
    file->size = static_cast<haddr_t>(status.st_size);
    file->device = status.st_dev;
    file->inode = status.st_ino;
    return &file->base;
}

herr_t closeFile(H5FD_t *file)
{
    close(own(file)->handle);
    delete own(file);
    return 0;
}

/// Orders files by what they are on disk, so that the library knows one it has open already.
int compare(const H5FD_t *a, const H5FD_t *b)
{
    const InputFile &x = *own(a), &y = *own(b);
    if (x.device != y.device)
        return x.device < y.device ? -1 : 1;
    return x.inode == y.inode ? 0 : x.inode < y.inode ? -1 : 1;
}

herr_t query(const H5FD_t *, unsigned long *features)
{
    *features = H5FD_FEAT_ACCUMULATE_METADATA_READ | H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
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

haddr_t endOfFile(const H5FD_t *file, H5FD_mem_t)
{
    return own(file)->size;
}

herr_t readBytes(H5FD_t *file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void *to)
{
    const InputFile &f = *own(file);
    if (address > f.size)
        return -1;
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
    // the library reads its tables in pieces that may reach past the end
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(done), out.end(), std::byte{0});
    return mendTextTable(out) ? 0 : -1;
}

herr_t refuseWrite(H5FD_t *, H5FD_mem_t, hid_t, haddr_t, std::size_t, const void *)
{
    return -1;
}

herr_t lockFile(H5FD_t *, hbool_t)
{
    return 0; // reading a finished file needs no lock, and read-only or network disks may know none
}
herr_t unlockFile(H5FD_t *)
{
    return 0;
}

const H5FD_class_t driver = [] {
    H5FD_class_t d{};
    d.name = "expertscope_input";
    d.maxaddr = (haddr_t{1} << 62) - 1;
    d.fc_degree = H5F_CLOSE_WEAK;
    d.open = openFile;
    d.close = closeFile;
    d.cmp = compare;
    d.query = query;
    d.get_eoa = endAllocated;
    d.set_eoa = setEndAllocated;
    d.get_eof = endOfFile;
    d.read = readBytes;
    d.write = refuseWrite;
    d.lock = lockFile;
    d.unlock = unlockFile;
    const H5FD_mem_t map[H5FD_MEM_NTYPES] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(map), std::end(map), std::begin(d.fl_map));
    return d;
}();

} // namespace

bool mendTextTable(std::span<std::byte> bytes)
{
    if (bytes.size() < headerBytes || std::memcmp(bytes.data(), signature, sizeof signature) != 0)
        return true;
    const auto size = load<std::uint64_t>(bytes, 8);
    if (size > bytes.size())
        return true; // only its beginning: the library comes back for the rest
    if (size < headerBytes || size % alignment != 0)
        return false;
    const std::span<std::byte> table = bytes.first(size);
    std::vector<bool> known(1, true);
    std::size_t objects = 0, at = headerBytes;
    while (at + headerBytes <= size) {
        const auto index = load<std::uint16_t>(table, at);
        const auto length = load<std::uint64_t>(table, at + 8);
        if (index == 0) { // the free space is the last object and counts its own header
            if (length != size - at)
                return false;
            break;
        }
        if (load<std::uint32_t>(table, at + 4) != 0 || length > size - at - headerBytes)
            return false;
        const std::size_t room = headerBytes + (length + alignment - 1) / alignment * alignment;
        if (room > size - at || (index < known.size() && known[index]))
            return false;
        if (index >= known.size())
            known.resize(std::size_t{index} + 1);
        known[index] = true;
        ++objects;
        at += room;
    }
    return objects + 1 == known.size() || fillGaps(table, known, at);
}

hid_t makeInputAccess()
{
    static const hid_t id = H5FDregister(&driver);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0 || H5Pset_driver(access, id, nullptr) < 0)
        return -1;
    return access;
}

} // namespace expertscope::h5
