// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The input is a safetensors file.
#include "io/safetensors.h"
#include "tests/fuzz/require.h"

using namespace expertscope;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    parseOrExplain([&] {
        std::uint64_t expected = safetensorsHeaderBytes(text(data, size), size, "fuzz.safetensors");
        for (const SafetensorsEntry &entry : parseSafetensors(text(data, size), size, "fuzz.safetensors")) {
            require(entry.begin == expected && entry.end >= entry.begin && entry.end <= size);
            require(entry.end - entry.begin == static_cast<std::uint64_t>(entry.shape.count()) * sizeBytes(entry.dtype));
            expected = entry.end;
        }
        require(expected == size);
    });
    return 0;
}
