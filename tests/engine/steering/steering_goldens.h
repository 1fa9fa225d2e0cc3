// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The recipes of tests/data/steering, and the texts that they were run on.
#pragma once

#include "golden.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace expertscope {

namespace steering_goldens {

inline const std::vector<std::string> families{"olmoe", "mixtral", "qwen2_moe", "qwen3_moe"};
inline const std::vector<std::string> languages{"en", "fr"}; ///< of the sequences

inline std::vector<std::filesystem::path> recipesFor(const std::string &family)
{
    std::vector<std::filesystem::path> out;
    for (const std::string &folder : {std::string{"recipes"}, family})
        for (const auto &entry : std::filesystem::directory_iterator{TEST_DATA_DIR "/steering/" + folder})
            if (entry.path().extension() == ".json")
                out.push_back(entry.path());
    std::sort(out.begin(), out.end());
    return out;
}

inline std::vector<TokenSequence> sequences(const GoldenTensors &golden)
{
    const std::vector<std::int32_t> tokens = golden.ints("token_id");
    const std::vector<std::int32_t> index = golden.ints("seq_index");
    const std::vector<std::int32_t> prompt = golden.ints("prompt_tokens");
    std::vector<TokenSequence> out(prompt.size());
    for (std::size_t s = 0; s < out.size(); ++s) {
        out[s].info.id = "s" + std::to_string(s);
        out[s].info.language = languages.at(s);
        out[s].nPrompt = prompt[s];
    }
    for (std::size_t t = 0; t < tokens.size(); ++t)
        out.at(static_cast<std::size_t>(index[t])).tokens.push_back(tokens[t]);
    return out;
}

} // namespace steering_goldens

} // namespace expertscope
