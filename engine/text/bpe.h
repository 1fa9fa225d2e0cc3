// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Byte-pair encoding: a vocabulary and ranked merges turn one piece of text into token ids.
#pragma once

#include "engine/text/json_fields.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace expertscope::text {

struct StringHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};
using Vocabulary = std::unordered_map<std::string, std::int32_t, StringHash, std::equal_to<>>;

class Bpe {
public:
    /// json: the "model" object. Throws Error (Input) on another kind of model, or merges that are not in the vocabulary.
    static Bpe fromJson(const Json &json);

    void encode(std::string_view piece, std::vector<std::int32_t> &ids) const;
    const Vocabulary &vocabulary() const { return m_vocabulary; }
    bool byteFallback() const { return m_byteFallback; }

private:
    struct Merge {
        std::int32_t rank, id;
    };
    static std::uint64_t pairKey(std::int32_t left, std::int32_t right)
    {
        return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
    }
    std::vector<std::int32_t> characters(std::string_view piece) const;
    void mergeAll(std::vector<std::int32_t> &symbols) const;

    Vocabulary m_vocabulary;
    std::unordered_map<std::uint64_t, Merge> m_merges; ///< by pairKey
    std::vector<std::int32_t> m_byteIds; ///< [256] ids of "<0x00>".."<0xFF>"; empty unless byte fallback is complete
    std::optional<std::int32_t> m_unknown;
    std::string m_continuingPrefix, m_endSuffix;
    bool m_byteFallback = false, m_fuseUnknown = false, m_ignoreMerges = false;
};

} // namespace expertscope::text
