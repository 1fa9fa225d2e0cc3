// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/text/bpe.h"

#include "engine/text/unicode.h"

#include <array>
#include <cstdio>
#include <queue>

namespace expertscope::text {

namespace {

std::int32_t idOf(const Vocabulary &vocabulary, const std::string &token, const std::string &where)
{
    const auto found = vocabulary.find(token);
    if (found == vocabulary.end())
        fail("\"" + token + "\" is not in the vocabulary", where);
    return found->second;
}

std::pair<std::string, std::string> mergeParts(const Json &merge, const std::string &where)
{
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
        return {merge[0].get<std::string>(), merge[1].get<std::string>()};
    if (merge.is_string()) { // the older form: "left right"
        const auto &text = merge.get_ref<const std::string &>();
        const std::size_t space = text.find(' ');
        if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos)
            return {text.substr(0, space), text.substr(space + 1)};
    }
    fail("a merge is not a pair of tokens", where);
}

} // namespace

Bpe Bpe::fromJson(const Json &json)
{
    const std::string where = "model";
    const auto type = fieldOr<std::string>(json, "type", "BPE", where);
    if (type != "BPE")
        unsupported("a tokenizer model", type);
    Bpe bpe;
    const Json vocabulary = field<Json>(json, "vocab", where);
    if (!vocabulary.is_object() || vocabulary.empty())
        fail("\"vocab\" is not an object of tokens and ids, or is empty", where);
    bpe.m_vocabulary.reserve(vocabulary.size());
    for (const auto &[token, id] : vocabulary.items()) {
        if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() > 10'000'000)
            fail("the id of \"" + token + "\" is not a number from 0 to 10000000", where);
        bpe.m_vocabulary.emplace(token, id.get<std::int32_t>());
    }
    bpe.m_continuingPrefix = fieldOr<std::string>(json, "continuing_subword_prefix", {}, where);
    bpe.m_endSuffix = fieldOr<std::string>(json, "end_of_word_suffix", {}, where);
    bpe.m_byteFallback = fieldOr(json, "byte_fallback", false, where);
    bpe.m_fuseUnknown = fieldOr(json, "fuse_unk", false, where);
    bpe.m_ignoreMerges = fieldOr(json, "ignore_merges", false, where);
    if (const auto unknown = fieldOr<std::string>(json, "unk_token", {}, where); !unknown.empty())
        bpe.m_unknown = idOf(bpe.m_vocabulary, unknown, "model, unk_token");

    const Json &merges = list(json, "merges", where);
    bpe.m_merges.reserve(merges.size());
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
        const std::string at = "model, merge " + std::to_string(rank);
        const auto [left, right] = mergeParts(merges[rank], at);
        if (right.size() < bpe.m_continuingPrefix.size())
            fail("the right half of a merge lacks the continuing-subword prefix", at);
        const std::int32_t merged = idOf(bpe.m_vocabulary, left + right.substr(bpe.m_continuingPrefix.size()), at);
        const std::uint64_t key = pairKey(idOf(bpe.m_vocabulary, left, at), idOf(bpe.m_vocabulary, right, at));
        bpe.m_merges.insert_or_assign(key, Merge{static_cast<std::int32_t>(rank), merged});
    }
    if (bpe.m_byteFallback) {
        for (int byte = 0; byte < 256; ++byte) {
            std::array<char, 8> name{};
            std::snprintf(name.data(), name.size(), "<0x%02X>", static_cast<unsigned>(byte));
            const auto found = bpe.m_vocabulary.find(std::string_view{name.data()});
            bpe.m_byteIds.push_back(found == bpe.m_vocabulary.end() ? -1 : found->second);
        }
    }
    return bpe;
}

std::vector<std::int32_t> Bpe::characters(std::string_view piece) const
{
    std::vector<std::int32_t> symbols;
    bool unknownPending = false;
    const auto flushUnknown = [&] {
        if (unknownPending)
            symbols.push_back(*m_unknown);
        unknownPending = false;
    };
    for (std::size_t at = 0; at < piece.size();) {
        const std::size_t length = utf8Length(piece, at);
        std::string symbol = at == 0 ? std::string{} : m_continuingPrefix;
        symbol += piece.substr(at, length);
        const std::size_t begin = at;
        at += length;
        if (at == piece.size())
            symbol += m_endSuffix;
        if (const auto found = m_vocabulary.find(symbol); found != m_vocabulary.end()) {
            flushUnknown();
            symbols.push_back(found->second);
            continue;
        }
        bool spelled = m_byteFallback;
        std::vector<std::int32_t> bytes;
        for (const char byte : piece.substr(begin, length)) {
            const std::int32_t id = m_byteFallback ? m_byteIds[static_cast<unsigned char>(byte)] : -1;
            spelled = spelled && id >= 0;
            bytes.push_back(id);
        }
        if (spelled) {
            symbols.insert(symbols.end(), bytes.begin(), bytes.end());
        } else if (m_unknown) {
            if (!m_fuseUnknown)
                flushUnknown();
            unknownPending = true;
        }
    }
    flushUnknown();
    return symbols;
}

void Bpe::mergeAll(std::vector<std::int32_t> &symbols) const
{
    // A linked list over the symbols and a queue of possible merges, lowest rank first, then leftmost: O(n log n), since a
    // SentencePiece-style text is one piece however long it is.
    struct Candidate {
        std::int32_t rank, id, left;
        bool operator>(const Candidate &o) const { return rank != o.rank ? rank > o.rank : left > o.left; }
    };
    const auto count = static_cast<std::int32_t>(symbols.size());
    std::vector<std::int32_t> next(symbols.size());
    std::vector<std::int32_t> previous(symbols.size());
    std::vector<bool> gone(symbols.size(), false);
    for (std::int32_t i = 0; i < count; ++i) {
        next[static_cast<std::size_t>(i)] = i + 1 < count ? i + 1 : -1;
        previous[static_cast<std::size_t>(i)] = i - 1;
    }
    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
    const auto mergeAt = [&](std::size_t left) {
        return m_merges.find(pairKey(symbols[left], symbols[static_cast<std::size_t>(next[left])]));
    };
    const auto consider = [&](std::int32_t left) {
        if (left < 0 || next[static_cast<std::size_t>(left)] < 0)
            return;
        if (const auto merge = mergeAt(static_cast<std::size_t>(left)); merge != m_merges.end())
            queue.push({merge->second.rank, merge->second.id, left});
    };
    for (std::int32_t i = 0; i + 1 < count; ++i)
        consider(i);
    while (!queue.empty()) {
        const Candidate top = queue.top();
        queue.pop();
        const auto left = static_cast<std::size_t>(top.left);
        if (gone[left] || next[left] < 0)
            continue;
        // The pair may have changed since it was queued; the reference accepts it as long as it still makes the same token.
        if (const auto merge = mergeAt(left); merge == m_merges.end() || merge->second.id != top.id)
            continue;
        const auto right = static_cast<std::size_t>(next[left]);
        symbols[left] = top.id;
        gone[right] = true;
        next[left] = next[right];
        if (next[left] >= 0)
            previous[static_cast<std::size_t>(next[left])] = top.left;
        consider(previous[left]);
        consider(top.left);
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < symbols.size(); ++i)
        if (!gone[i])
            symbols[kept++] = symbols[i];
    symbols.resize(kept);
}

void Bpe::encode(std::string_view piece, std::vector<std::int32_t> &ids) const
{
    if (m_ignoreMerges) {
        if (const auto whole = m_vocabulary.find(piece); whole != m_vocabulary.end()) {
            ids.push_back(whole->second);
            return;
        }
    }
    std::vector<std::int32_t> symbols = characters(piece);
    mergeAll(symbols);
    ids.insert(ids.end(), symbols.begin(), symbols.end());
}

} // namespace expertscope::text
