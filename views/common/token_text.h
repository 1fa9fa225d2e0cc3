// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Tokens are bytes; people read characters. TokenText joins the bytes of consecutive tokens into text that can be shaped as a whole,
// and keeps which tokens every character came from, also where one character is spread over several tokens.
#pragma once

#include <QString>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace expertscope {

/// What a user perceives as one character (an extended grapheme cluster), and the tokens it is made of.
struct TextCluster {
    int begin = 0; ///< UTF-16 range in TokenText::text
    int end = 0;
    int firstToken = 0; ///< index into the tokens given
    int lastToken = 0; ///< inclusive; larger than firstToken where tokens share the character
};

struct TokenText {
    QString text; ///< control and bidi-control characters as visible marks, a line break after each newline mark, stray bytes as <0xE4>
    std::vector<TextCluster> clusters;

    /// UTF-16 range of the characters a token has a part in; {0, 0} for an index outside.
    std::pair<int, int> rangeOf(int token) const;
};

/// bytes[i] may be any bytes; tokens without bytes show as their id, like <#2>, and those without an id (-1) as their row of the trace,
/// like ·812, the first token's being firstRow.
TokenText tokenText(std::span<const std::string_view> bytes, std::span<const std::int32_t> ids, std::int64_t firstRow = 0);

/// One token for a label: spaces at its ends, control characters and stray bytes made visible. `row` is shown where there is no id.
QString readableToken(std::string_view bytes, std::int32_t id, std::int64_t row = -1);

/// One token for a table: as it is, only stray bytes and controls made visible; empty where neither bytes nor id are known.
QString plainToken(std::string_view bytes, std::int32_t id);

/// The marks of plainToken (<0xE4>, <U+202E>, <#2>) between isolates, for text that may run from right to left.
QString withIsolatedMarks(QString text);

/// The same text between isolates, so that its direction does not disturb the words around it.
QString isolated(const QString &text);

} // namespace expertscope
