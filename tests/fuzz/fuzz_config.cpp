// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The input is a config.json and, after a record separator (0x1E), a generation_config.json.
#include "engine/families/families.h"
#include "tests/fuzz/require.h"

using namespace expertscope;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string_view all = text(data, size);
    const std::size_t separator = std::min(all.find('\x1e'), all.size());
    parseOrExplain([&] {
        const ModelConfig config = configure(all.substr(0, separator), all.substr(std::min(separator + 1, all.size())));
        require(config.hidden > 0 && config.vocab > 0 && !config.layers.empty() && !config.moeLayers().empty());
        for (const LayerConfig &layer : config.layers) {
            const AttentionConfig &attention = layer.attention;
            require(attention.heads > 0 && attention.kvHeads > 0 && attention.heads % attention.kvHeads == 0 && attention.headDim > 0);
            if (const MoeFfn *moe = layer.moe())
                require(moe->topK > 0 && moe->topK <= moe->experts && moe->width > 0);
        }
    });
    return 0;
}
