// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The input is a tokenizer.json and, after a record separator (0x1E), a text that it encodes.
#include "engine/text/tokenizer.h"
#include "tests/fuzz/require.h"

#include <algorithm>

using namespace expertscope;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string_view all = text(data, size);
    const std::size_t separator = std::min(all.find('\x1e'), all.size());
    const std::string_view given = all.substr(std::min(separator + 1, all.size())).substr(0, 4096);
    parseOrExplain([&] {
        const auto tokenizer = Tokenizer::fromJson(all.substr(0, separator));
        for (const std::string_view words :
            {given, std::string_view{"Hello,  world!\n\t 12345 it's <s> caf\xC3\xA9 \xE4\xB8\xAD\xE6\x96\x87 \xF0\x9F\x99\x82\xFF"}}) {
            const std::vector<std::int32_t> ids = tokenizer->encode(words, true);
            for (const std::int32_t id : ids) {
                require(id >= 0 && id < tokenizer->vocabSize());
                tokenizer->tokenBytes(id);
            }
            tokenizer->decode(ids, false);
            tokenizer->decode(ids, true);
        }
        for (const std::int32_t id : {-1, 0, INT32_MAX, INT32_MIN})
            tokenizer->decode({&id, 1});
    });
    return 0;
}
