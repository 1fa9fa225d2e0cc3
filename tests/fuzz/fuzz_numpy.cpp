// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The input is an .npy array or a zip file of them (.npz).
#include "io/importers/npy.h"
#include "io/importers/zip_directory.h"
#include "tests/fuzz/require.h"

#include <algorithm>

using namespace expertscope;

namespace {

void readAll(std::unique_ptr<ByteStream> bytes)
{
    NpyArray array{std::move(bytes), "fuzz.npy"};
    std::int64_t count = 1;
    for (const std::int64_t size : array.shape())
        count *= size;
    require(count == array.count() && count >= 0);
    std::vector<float> reals(256);
    const std::size_t some = std::min<std::size_t>(reals.size(), static_cast<std::size_t>(count));
    for (int pass = 0; pass < 2; ++pass) {
        array.rewind();
        array.readReals(std::span{reals}.first(some));
    }
    if (array.holdsIntegers())
        require(static_cast<std::int64_t>(array.allIntegers().size()) == count);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const MappedBytes file{nullptr, text(data, size)};
    parseOrExplain([&] { readAll(storedStream(file, 0, "fuzz.npy")); });
    parseOrExplain([&] {
        for (const ZipEntry &entry : zipEntries(file.bytes, "fuzz.npz")) {
            require(entry.bytes.empty()
                || (entry.bytes.data() >= file.bytes.data() && entry.bytes.data() + entry.bytes.size() <= file.bytes.data() + size));
            parseOrExplain([&] { readAll(openZipEntry(file, entry, "fuzz.npz")); });
        }
    });
    return 0;
}
