// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/token_filter.h"

#include "engine/analysis/needs.h"
#include "engine/core/error.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <unordered_map>

namespace expertscope {

namespace {

constexpr std::int64_t rowsPerRead = 4096;

/// The token ids of the trace, 4 bytes a token.
std::vector<std::int32_t> tokenIds(const RoutingTrace &trace, const Progress &progress)
{
    std::vector<std::int32_t> ids;
    const std::int64_t tokens = trace.meta().tokens;
    for (std::int64_t at = 0; at < tokens; at += rowsPerRead) {
        progress.check();
        const TokenColumns columns = trace.tokens({at, std::min(at + rowsPerRead, tokens)});
        ids.insert(ids.end(), columns.tokenId.begin(), columns.tokenId.end());
    }
    return ids;
}

/// How many ids all prompts share at their beginning (step 1) or end (step -1); at least one token of the shortest is left.
std::int64_t sharedEnd(const TraceMeta &meta, const std::vector<std::int32_t> &ids, const std::vector<int> &sequences, int step)
{
    std::int64_t shared = std::numeric_limits<std::int64_t>::max();
    const SequenceInfo *first = nullptr;
    for (const int s : sequences) {
        const SequenceInfo &info = meta.sequences[static_cast<std::size_t>(s)];
        if (info.nPrompt == 0)
            continue;
        if (!first)
            first = &info;
        shared = std::min(shared, info.nPrompt - 1);
        const auto id = [&](const SequenceInfo &of, std::int64_t i) {
            return ids[static_cast<std::size_t>(step > 0 ? of.firstToken + i : of.firstToken + of.nPrompt - 1 - i)];
        };
        std::int64_t same = 0;
        while (same < shared && id(info, same) == id(*first, same))
            ++same;
        shared = same;
    }
    return first ? shared : 0;
}

/// Clears what the switches that look at one sequence alone leave out.
void filterBySequence(const TokenFilter &filter, std::int64_t prefix, std::int64_t suffix, const SequenceInfo &info, std::uint8_t *counted)
{
    for (std::int64_t i = 0; i < info.range().count(); ++i) {
        const bool prompt = i < info.nPrompt;
        const bool special = i < prefix || (prompt && i >= info.nPrompt - suffix);
        const bool inPhase = filter.phase == "all" || (filter.phase == "prompt") == prompt;
        const bool inPosition = i >= filter.firstPosition && (filter.endPosition == 0 || i < filter.endPosition);
        counted[static_cast<std::size_t>(i)] = !special && inPhase && inPosition;
    }
}

void keepSharedIds(const TraceMeta &meta, const std::vector<std::int32_t> &ids, const ParallelTexts &texts,
    std::vector<std::uint8_t> &counted, std::vector<std::string> &notes)
{
    std::unordered_map<std::int32_t, std::size_t> languagesOf; // of each id: how many of the first g languages have it, or fewer than g
    const auto eachToken = [&](std::size_t g, const auto &body) {
        for (std::size_t p = 0; p < texts.ids.size(); ++p)
            if (const int unit = texts.unitOf(g, p); unit >= 0) {
                const TokenRange range = meta.sequences[static_cast<std::size_t>(texts.sequences[static_cast<std::size_t>(unit)])].range();
                for (auto t = static_cast<std::size_t>(range.begin); t < static_cast<std::size_t>(range.end); ++t)
                    if (counted[t])
                        body(t);
            }
    };
    for (std::size_t g = 0; g < texts.languages.size(); ++g)
        eachToken(g, [&](std::size_t t) {
            std::size_t &languages = languagesOf[ids[t]];
            if (languages == g)
                languages = g + 1;
        });
    for (std::size_t g = 0; g < texts.languages.size(); ++g)
        eachToken(g, [&](std::size_t t) { counted[t] = languagesOf[ids[t]] == texts.languages.size(); });
    const auto shared =
        std::count_if(languagesOf.begin(), languagesOf.end(), [&](const auto &entry) { return entry.second == texts.languages.size(); });
    notes.push_back(std::to_string(shared) + " of " + std::to_string(languagesOf.size()) + " token ids occur in all "
        + std::to_string(texts.languages.size()) + " languages; only they count.");
}

/// Keeps the first tokens of each translation, as many as the shortest translation of the text has.
void matchLengths(const TraceMeta &meta, const ParallelTexts &texts, std::vector<std::uint8_t> &counted)
{
    for (std::size_t p = 0; p < texts.ids.size(); ++p) {
        std::vector<TokenRange> translations;
        for (std::size_t g = 0; g < texts.languages.size(); ++g)
            if (const int unit = texts.unitOf(g, p); unit >= 0)
                translations.push_back(meta.sequences[static_cast<std::size_t>(texts.sequences[static_cast<std::size_t>(unit)])].range());
        const auto begin = counted.begin();
        std::int64_t shortest = std::numeric_limits<std::int64_t>::max();
        for (const TokenRange &range : translations)
            shortest = std::min<std::int64_t>(shortest, std::count(begin + range.begin, begin + range.end, 1));
        for (const TokenRange &range : translations) {
            std::int64_t kept = 0;
            for (std::int64_t t = range.begin; t < range.end; ++t)
                if (std::uint8_t &counts = counted[static_cast<std::size_t>(t)]; counts && ++kept > shortest)
                    counts = 0;
        }
    }
}

} // namespace

bool TokenFilter::all() const
{
    return specialTokens && phase == "all" && firstPosition == 0 && endPosition == 0 && !sharedIds && !matchLength;
}

TokenFilter tokenFilter(const Params &params)
{
    return {.specialTokens = params.flag("special-tokens"),
        .phase = params.text("phase"),
        .firstPosition = params.integer("first-position"),
        .endPosition = params.integer("end-position")};
}

TokenFilter translationFilter(const Params &params)
{
    TokenFilter filter = tokenFilter(params);
    filter.sharedIds = params.flag("shared-ids");
    filter.matchLength = params.flag("match-length");
    return filter;
}

std::vector<std::uint8_t> countedTokens(const RoutingTrace &trace, const TokenFilter &filter, const ParallelTexts &texts,
    const Progress &progress, std::vector<std::string> &notes)
{
    if (filter.all())
        return {};
    const TraceMeta &meta = trace.meta();
    std::vector<std::int32_t> ids;
    if (!filter.specialTokens || filter.sharedIds) {
        requireTokenIds(meta, filter.sharedIds ? "shared-ids" : "special-tokens");
        ids = tokenIds(trace, progress);
    }
    const std::int64_t prefix = filter.specialTokens ? 0 : sharedEnd(meta, ids, texts.sequences, 1);
    const std::int64_t suffix = filter.specialTokens ? 0 : sharedEnd(meta, ids, texts.sequences, -1);
    std::vector<std::uint8_t> counted(static_cast<std::size_t>(meta.tokens), 0);
    std::int64_t before = 0;
    for (const int s : texts.sequences) {
        const SequenceInfo &info = meta.sequences[static_cast<std::size_t>(s)];
        before += info.range().count();
        filterBySequence(filter, prefix, suffix, info, counted.data() + info.firstToken);
    }
    if (!filter.specialTokens)
        notes.push_back("All prompts share their first " + std::to_string(prefix) + " and last " + std::to_string(suffix)
            + " tokens, which were left out as special tokens.");
    if (filter.sharedIds)
        keepSharedIds(meta, ids, texts, counted, notes);
    if (filter.matchLength)
        matchLengths(meta, texts, counted);
    const auto left = std::accumulate(counted.begin(), counted.end(), std::int64_t{0});
    if (left == 0)
        throw Error{ErrorKind::Check, "no token is left to count", "", "Widen the positions, the phase or the token filters"};
    notes.push_back(std::to_string(left) + " of " + std::to_string(before) + " tokens count after the token filters.");
    return counted;
}

} // namespace expertscope
