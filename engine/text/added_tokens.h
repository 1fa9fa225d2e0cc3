// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Added and special tokens: found in the text before BPE sees it, with their word, space and normalisation rules.
#pragma once

#include "engine/text/bpe.h"
#include "engine/text/normalizer.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace expertscope::text {

struct AddedToken {
    std::int32_t id = 0;
    std::string content;
    bool singleWord = false, lstrip = false, rstrip = false, normalized = true, special = false;
};

/// A stretch of text: an added token's id, or -1 for plain text.
struct Stretch {
    std::int32_t id = -1;
    std::size_t begin = 0, end = 0;
};

class AddedTokens {
public:
    static AddedTokens fromJson(const Json *json, const Normalizer &normalizer);

    /// Cuts text at tokens that are looked for before (normalized = false) or after normalisation.
    std::vector<Stretch> split(std::string_view text, bool normalized) const;
    const std::map<std::int32_t, AddedToken> &byId() const { return m_byId; }
    const AddedToken *find(std::int32_t id) const;

private:
    /// Leftmost-longest search: candidates by first byte, longest first.
    struct Needle {
        std::string text;
        std::int32_t id;
    };
    std::map<unsigned char, std::vector<Needle>> m_plain, m_normalized;
    std::map<std::int32_t, AddedToken> m_byId;
};

} // namespace expertscope::text
