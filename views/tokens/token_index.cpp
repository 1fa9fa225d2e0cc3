// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/tokens/token_index.h"

#include "views/common/token_text.h"

#include <algorithm>

namespace expertscope {

namespace {

constexpr std::int64_t readTokens = 65'536;
constexpr std::int64_t newlineAfter = 48; ///< tokens before a line end may close a block
constexpr std::int64_t wordAfter = 500; ///< tokens before a word end may
constexpr std::int64_t atMost = 700; ///< then any character end does

bool startsCharacter(std::string_view bytes)
{
    return bytes.empty() || (static_cast<unsigned char>(bytes.front()) & 0xc0) != 0x80;
}

} // namespace

TokenIndexPtr TokenIndex::build(const RoutingTrace &trace, const Progress &progress)
{
    auto index = std::make_shared<TokenIndex>();
    const TraceMeta &meta = trace.meta();
    index->m_offsets.reserve(static_cast<std::size_t>(meta.tokens) + 1);
    index->m_offsets.push_back(0);
    index->m_ids.reserve(static_cast<std::size_t>(meta.tokens));
    for (std::int64_t first = 0; first < meta.tokens; first += readTokens) {
        progress.check();
        const TokenRange range{first, std::min(meta.tokens, first + readTokens)};
        const TokenColumns columns = trace.tokens(range);
        for (std::size_t i = 0; i < static_cast<std::size_t>(range.count()); ++i) {
            if (i < columns.bytes.size())
                index->m_text += columns.bytes[i];
            index->m_offsets.push_back(static_cast<std::int64_t>(index->m_text.size()));
            index->m_ids.push_back(i < columns.tokenId.size() ? columns.tokenId[i] : -1);
        }
        progress.report(range.end, meta.tokens, "tokens");
    }
    for (std::size_t sequence = 0; sequence < meta.sequences.size(); ++sequence)
        index->cut(meta.sequences[sequence], static_cast<int>(sequence));
    return index;
}

void TokenIndex::cut(const SequenceInfo &info, int sequence)
{
    const TokenRange range = info.range();
    TokenBlock block{sequence, {range.begin, range.begin}, 0, true};
    for (std::int64_t token = range.begin; token < std::min(range.end, tokens()); ++token) {
        const std::string_view text = bytes(token);
        const std::int64_t count = block.range.count();
        const std::string_view before = count > 0 ? bytes(token - 1) : std::string_view();
        const bool newLine = count >= newlineAfter && !before.empty() && before.back() == '\n';
        const bool newWord = count >= wordAfter && !text.empty() && text.front() == ' ';
        if (newLine || newWord || (count >= atMost && startsCharacter(text))) {
            m_blocks.push_back(block);
            block = {sequence, {token, token}, 0, false};
        }
        block.range.end = token + 1;
        block.characters += std::max<std::int64_t>(
            1, std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
    }
    if (block.range.count() > 0)
        m_blocks.push_back(block);
}

bool TokenIndex::continues(const TokenIndex &earlier) const
{
    return tokens() >= earlier.tokens() && std::equal(earlier.m_offsets.begin(), earlier.m_offsets.end(), m_offsets.begin())
        && std::equal(earlier.m_ids.begin(), earlier.m_ids.end(), m_ids.begin()) && m_text.starts_with(earlier.m_text);
}

std::string_view TokenIndex::bytes(std::int64_t token) const
{
    const auto i = static_cast<std::size_t>(token);
    return std::string_view(m_text).substr(
        static_cast<std::size_t>(m_offsets[i]), static_cast<std::size_t>(m_offsets[i + 1] - m_offsets[i]));
}

int TokenIndex::blockOf(std::int64_t token) const
{
    const auto after = std::upper_bound(
        m_blocks.begin(), m_blocks.end(), token, [](std::int64_t value, const TokenBlock &block) { return value < block.range.begin; });
    if (after == m_blocks.begin() || token >= std::prev(after)->range.end)
        return -1;
    return static_cast<int>(after - m_blocks.begin()) - 1;
}

int TokenIndex::blockOfSequence(int sequence) const
{
    const auto at = std::lower_bound(
        m_blocks.begin(), m_blocks.end(), sequence, [](const TokenBlock &block, int value) { return block.sequence < value; });
    return at == m_blocks.end() || at->sequence != sequence ? -1 : static_cast<int>(at - m_blocks.begin());
}

std::vector<TokenRange> TokenIndex::find(const QString &query, std::size_t most, const Progress &progress) const
{
    std::vector<TokenRange> found;
    if (query.isEmpty())
        return found;
    for (std::size_t first = 0; first < m_blocks.size() && found.size() < most;) {
        progress.check();
        std::size_t end = first;
        while (end < m_blocks.size() && m_blocks[end].sequence == m_blocks[first].sequence)
            ++end;
        const TokenRange range{m_blocks[first].range.begin, m_blocks[end - 1].range.end};
        std::vector<std::string_view> pieces;
        for (std::int64_t token = range.begin; token < range.end; ++token)
            pieces.push_back(bytes(token));
        const TokenText text =
            tokenText(pieces, std::span(m_ids).subspan(static_cast<std::size_t>(range.begin), pieces.size()), range.begin);
        for (qsizetype at = text.text.indexOf(query, 0, Qt::CaseInsensitive); at >= 0 && found.size() < most;
             at = text.text.indexOf(query, at + query.size(), Qt::CaseInsensitive)) {
            const auto holds = [](const TextCluster &cluster, qsizetype position) { return cluster.end <= position; };
            const auto from = std::lower_bound(text.clusters.begin(), text.clusters.end(), at, holds);
            const auto to = std::lower_bound(text.clusters.begin(), text.clusters.end(), at + query.size() - 1, holds);
            if (from != text.clusters.end() && to != text.clusters.end())
                found.push_back({range.begin + from->firstToken, range.begin + to->lastToken + 1});
        }
        first = end;
    }
    return found;
}

} // namespace expertscope
