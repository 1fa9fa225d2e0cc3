// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/paired_sides.h"

#include "engine/analysis/needs.h"
#include "engine/core/error.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_set>

namespace expertscope {

namespace {

/// Values of a column in order of first appearance, among sequences that have a parallel id.
std::vector<std::string> valuesOf(const TraceMeta &meta, const std::string &column)
{
    const GroupOf groupOf = groupBy(meta, column);
    std::vector<std::string> values;
    for (const SequenceInfo &info : meta.sequences)
        if (const std::string value = groupOf(info);
            !info.parallelId.empty() && !value.empty() && std::find(values.begin(), values.end(), value) == values.end())
            values.push_back(value);
    return values;
}

std::string sideColumn(const TraceMeta &meta, const std::string &wanted)
{
    if (wanted != "auto")
        return wanted;
    std::vector<std::string> columns = meta.labelColumns;
    columns.insert(columns.end(), {"domain", "language"});
    for (const std::string &column : columns)
        if (valuesOf(meta, column).size() > 1)
            return column;
    throw Error{ErrorKind::Check, "no column of the trace tells two sides of a pair apart", meta.title,
        "Give paired texts the same parallel id and a label column that says the side"};
}

/// Local indices of the tokens of a sequence that the span holds.
std::vector<std::int64_t> spanOf(const SequenceInfo &info, const std::string &span, std::int64_t sharedEnd)
{
    const std::int64_t n = info.range().count();
    const std::int64_t begin = span == "generated" ? info.nPrompt : span == "shared-end" ? n - sharedEnd : 0;
    const std::int64_t end = span == "prompt" ? info.nPrompt : n;
    std::vector<std::int64_t> tokens(static_cast<std::size_t>(std::max<std::int64_t>(0, end - begin)));
    std::iota(tokens.begin(), tokens.end(), begin);
    return tokens;
}

void keepSharedIds(std::vector<std::int64_t> &tokens, const std::vector<std::int32_t> &ids, const std::unordered_set<std::int32_t> &shared)
{
    std::erase_if(tokens, [&](std::int64_t t) { return !shared.contains(ids[static_cast<std::size_t>(t)]); });
}

std::unordered_set<std::int32_t> idsOf(const std::vector<std::int64_t> &tokens, const std::vector<std::int32_t> &ids)
{
    std::unordered_set<std::int32_t> set;
    for (const std::int64_t t : tokens)
        set.insert(ids[static_cast<std::size_t>(t)]);
    return set;
}

} // namespace

PairedSides pairedSides(const RoutingTrace &trace, const PairRequest &request, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    PairedSides pairs;
    pairs.column = sideColumn(meta, request.column);
    const std::vector<std::string> values = valuesOf(meta, pairs.column);
    pairs.side1 = request.side1;
    for (const std::string &value : values)
        if (pairs.side1.empty() && value != request.side2)
            pairs.side1 = value;
    pairs.side2 = request.side2;
    for (const std::string &value : values)
        if (pairs.side2.empty() && value != pairs.side1)
            pairs.side2 = value;
    for (const std::string &side : {pairs.side1, pairs.side2})
        if (std::find(values.begin(), values.end(), side) == values.end()) {
            std::string known;
            for (const std::string &value : values)
                known += (known.empty() ? "" : ", ") + value;
            throw Error{ErrorKind::Usage, "no text with a parallel id has \"" + side + "\" as its " + pairs.column, meta.title,
                known.empty() ? "Give paired texts the same parallel id" : "The values are " + known};
        }
    const GroupOf groupOf = groupBy(meta, pairs.column);
    std::map<std::string, std::pair<int, int>> byId; // ordered, so that the same pairs come in the same order from any trace
    for (std::size_t s = 0; s < meta.sequences.size(); ++s) {
        const SequenceInfo &info = meta.sequences[s];
        if (info.parallelId.empty())
            continue;
        auto &[first, second] = byId.try_emplace(info.parallelId, -1, -1).first->second;
        const std::string side = groupOf(info);
        if (int &at = side == pairs.side1 ? first : second; at < 0 && (side == pairs.side1 || side == pairs.side2))
            at = static_cast<int>(s);
    }
    pairs.counted.assign(static_cast<std::size_t>(meta.tokens), 0);
    std::int64_t alone = 0, empty = 0;
    const bool needsIds = request.span == "shared-end" || request.match == "ids";
    if (needsIds)
        requireTokenIds(meta, request.match == "ids" ? "match" : "span");
    for (const auto &[id, sides] : byId) {
        if (sides.first < 0 || sides.second < 0) {
            ++alone;
            continue;
        }
        progress.check();
        const SequenceInfo &a = meta.sequences[static_cast<std::size_t>(sides.first)],
                           &b = meta.sequences[static_cast<std::size_t>(sides.second)];
        std::vector<std::int32_t> idsA, idsB;
        if (needsIds) {
            idsA = trace.tokens(a.range()).tokenId;
            idsB = trace.tokens(b.range()).tokenId;
        }
        const auto ends = std::mismatch(idsA.rbegin(), idsA.rend(), idsB.rbegin(), idsB.rend());
        const std::int64_t sharedEnd = ends.first - idsA.rbegin();
        std::vector<std::int64_t> spanA = spanOf(a, request.span, sharedEnd), spanB = spanOf(b, request.span, sharedEnd);
        if (request.match == "ids") {
            const auto inA = idsOf(spanA, idsA), inB = idsOf(spanB, idsB);
            keepSharedIds(spanA, idsA, inB);
            keepSharedIds(spanB, idsB, inA);
        } else if (request.match == "length") {
            spanA.resize(std::min(spanA.size(), spanB.size()));
            spanB.resize(spanA.size());
        }
        if (spanA.empty() || spanB.empty()) {
            ++empty;
            continue;
        }
        for (const std::int64_t t : spanA)
            pairs.counted[static_cast<std::size_t>(a.firstToken + t)] = 1;
        for (const std::int64_t t : spanB)
            pairs.counted[static_cast<std::size_t>(b.firstToken + t)] = 1;
        pairs.first.push_back(sides.first);
        pairs.second.push_back(sides.second);
        pairs.firstTokens.push_back(std::ssize(spanA));
        pairs.secondTokens.push_back(std::ssize(spanB));
    }
    if (pairs.first.empty())
        throw Error{ErrorKind::Check, "no pair of \"" + pairs.side1 + "\" and \"" + pairs.side2 + "\" has tokens to compare", meta.title,
            "Give both texts of a pair the same parallel id, or choose another span"};
    if (alone > 0)
        pairs.notes.push_back(std::to_string(alone) + " parallel ids have only one of the two sides and are left out.");
    if (empty > 0)
        pairs.notes.push_back(std::to_string(empty) + " pairs have no token to compare on one side and are left out.");
    return pairs;
}

} // namespace expertscope
