// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// TokenIndex: the text of a whole trace in one compact store, cut into blocks that can be laid out one at a time.
// Built off the UI thread in one pass; 12 bytes a token plus the text itself.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <QString>

#include <memory>
#include <string_view>
#include <vector>

namespace expertscope {

/// A stretch of one sequence, a few lines to a few screens long, that begins where a new line does no harm.
struct TokenBlock {
    int sequence = 0;
    TokenRange range;
    std::int64_t characters = 0; ///< about how many; for height estimates
    bool first = false; ///< of its sequence: the header is drawn above it
};

class TokenIndex {
public:
    /// Throws Cancelled, or Error on a damaged trace.
    static std::shared_ptr<const TokenIndex> build(const RoutingTrace &trace, const Progress &progress);

    /// Whether this is the same text with more behind it; the blocks they share then begin alike too, but for the last.
    bool continues(const TokenIndex &earlier) const;

    std::int64_t tokens() const { return static_cast<std::int64_t>(m_ids.size()); }
    std::string_view bytes(std::int64_t token) const;
    /// -1 where the trace does not say.
    std::int32_t id(std::int64_t token) const { return m_ids[static_cast<std::size_t>(token)]; }
    const std::vector<TokenBlock> &blocks() const { return m_blocks; }
    /// Index of the block that holds a token; -1 if none does.
    int blockOf(std::int64_t token) const;
    /// Index of the first block of a sequence; -1 if it has none.
    int blockOfSequence(int sequence) const;

    /// Token ranges whose text holds the query, ignoring case, in order; at most `most`.
    std::vector<TokenRange> find(const QString &query, std::size_t most, const Progress &progress) const;

private:
    void cut(const SequenceInfo &info, int sequence);

    std::string m_text;
    std::vector<std::int64_t> m_offsets; ///< [T + 1]
    std::vector<std::int32_t> m_ids; ///< [T]
    std::vector<TokenBlock> m_blocks;
};

using TokenIndexPtr = std::shared_ptr<const TokenIndex>;

} // namespace expertscope
