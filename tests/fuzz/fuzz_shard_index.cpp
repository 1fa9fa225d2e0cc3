// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The input is a model.safetensors.index.json.
#include "io/shard_index.h"
#include "tests/fuzz/require.h"

using namespace expertscope;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    parseOrExplain([&] {
        const auto shardOf = parseShardIndex(text(data, size), "fuzz.index.json");
        require(!shardOf.empty());
        for (const auto &[tensor, shard] : shardOf)
            require(shard.ends_with(".safetensors") && shard.find('/') == std::string::npos && shard.find('\0') == std::string::npos);
    });
    return 0;
}
