// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/token_counts.h"

#include "engine/analysis/statistics.h"
#include "engine/analysis/trace_pass.h"
#include "engine/core/utf8.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace expertscope {

namespace {

constexpr std::int64_t rowsPerRead = 4096; // the trace file's own chunk

constexpr std::size_t rowsTogether = 65536; ///< that are counted at a time, in the order of their keys

struct Seen {
    std::uint32_t index = 0; ///< in order of first appearance
    std::int64_t occurrences = 0, sequences = 0;
    int lastSequence = -1;
    std::string text;
};

/// The key of every token of a block; -1 where it has none. `after` is the id of the token behind the block, -1 for none.
std::vector<std::int32_t> keysOf(const TokenColumns &columns, TokenKey key, std::int32_t after)
{
    switch (key) {
    case TokenKey::Input:
        return columns.tokenId;
    case TokenKey::Predicted:
        return columns.predictedId;
    case TokenKey::Position:
        return columns.position;
    case TokenKey::Next:
        break;
    }
    std::vector<std::int32_t> next(columns.tokenId.begin() + 1, columns.tokenId.end());
    next.push_back(after);
    return next;
}

/// The rows that have a key, key by key: the counts of a key are then in the cache for all of its rows.
std::vector<std::uint32_t> rowsByKey(std::span<const std::uint32_t> labels, std::size_t keys)
{
    std::vector<std::uint32_t> next(keys + 1); // where the next row of a key goes
    for (const std::uint32_t key : labels)
        if (key != FrequentKeys::none)
            ++next[key + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    std::vector<std::uint32_t> rows(next.back());
    for (std::size_t row = 0; row < labels.size(); ++row)
        if (labels[row] != FrequentKeys::none)
            rows[next[labels[row]]++] = static_cast<std::uint32_t>(row);
    return rows;
}

} // namespace

std::string_view name(TokenKey key)
{
    switch (key) {
    case TokenKey::Input:
        return "input";
    case TokenKey::Next:
        return "next";
    case TokenKey::Predicted:
        return "predicted";
    case TokenKey::Position:
        break;
    }
    return "position";
}

FrequentKeys frequentKeys(const RoutingTrace &trace, TokenKey key, std::int64_t leastOccurrences,
    const std::function<std::string(std::int32_t)> &textOfToken, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    std::unordered_map<std::int32_t, Seen> seen;
    std::unordered_map<std::int32_t, std::string> textsOfTrace; // of ids that are predicted or come next
    FrequentKeys result;
    result.rows.assign(static_cast<std::size_t>(meta.tokens), FrequentKeys::none);
    const bool isToken = key != TokenKey::Position;
    const bool texts = isToken && meta.fields.tokenText && meta.fields.tokenId && (!textOfToken || key == TokenKey::Input);
    auto sequence = std::size_t{0};
    for (std::int64_t begin = 0; begin < meta.tokens; begin += rowsPerRead) {
        progress.check();
        const TokenRange range{begin, std::min(begin + rowsPerRead, meta.tokens)};
        const TokenColumns columns = trace.tokens(range);
        const std::int32_t after =
            key == TokenKey::Next && range.end < meta.tokens ? trace.tokens({range.end, range.end + 1}).tokenId.front() : -1;
        const std::vector<std::int32_t> keys = keysOf(columns, key, after);
        for (std::int64_t row = range.begin; row < range.end; ++row) {
            while (sequence < meta.sequences.size() && row >= meta.sequences[sequence].range().end)
                ++sequence;
            const auto i = static_cast<std::size_t>(row - range.begin);
            if (texts)
                textsOfTrace.try_emplace(columns.tokenId[i], columns.bytes[i]);
            const bool last = sequence < meta.sequences.size() && row + 1 == meta.sequences[sequence].range().end;
            if (keys[i] < 0 || (key == TokenKey::Next && last))
                continue;
            const auto [at, isNew] = seen.try_emplace(keys[i]);
            if (isNew)
                at->second.index = static_cast<std::uint32_t>(seen.size() - 1);
            ++at->second.occurrences;
            if (at->second.lastSequence != static_cast<int>(sequence)) {
                at->second.lastSequence = static_cast<int>(sequence);
                ++at->second.sequences;
            }
            result.rows[static_cast<std::size_t>(row)] = at->second.index;
        }
    }
    std::vector<std::uint32_t> indexOf(seen.size(), FrequentKeys::none);
    for (const auto &[id, entry] : seen)
        (entry.occurrences >= leastOccurrences ? result.counted : result.rare) += entry.occurrences;
    for (const auto &[id, entry] : seen)
        if (entry.occurrences >= leastOccurrences)
            result.keys.push_back(id);
    std::sort(result.keys.begin(), result.keys.end());
    for (std::size_t v = 0; v < result.keys.size(); ++v) {
        const std::int32_t id = result.keys[v];
        const Seen &entry = seen.at(id);
        indexOf[entry.index] = static_cast<std::uint32_t>(v);
        result.occurrences.push_back(entry.occurrences);
        result.sequences.push_back(entry.sequences);
        const auto known = textsOfTrace.find(id);
        result.texts.push_back(known != textsOfTrace.end() ? wellFormedUtf8(known->second)
                : isToken && textOfToken                   ? wellFormedUtf8(textOfToken(id))
                                                           : std::string{});
    }
    for (std::uint32_t &row : result.rows)
        if (row != FrequentKeys::none)
            row = indexOf[row];
    return result;
}

std::vector<std::uint32_t> shuffledRows(const FrequentKeys &keys, std::uint64_t seed, std::uint64_t stream)
{
    std::vector<std::uint32_t> labels;
    for (const std::uint32_t row : keys.rows)
        if (row != FrequentKeys::none)
            labels.push_back(row);
    Random random{seed, stream};
    random.shuffle(std::span{labels});
    std::vector<std::uint32_t> rows = keys.rows;
    auto next = labels.begin();
    for (std::uint32_t &row : rows)
        if (row != FrequentKeys::none)
            row = *next++;
    return rows;
}

void forEachLayerKeyCounts(const RoutingTrace &trace, std::size_t keys, std::span<const std::span<const std::uint32_t>> labellings,
    bool firstChoices, const Progress &progress, const std::function<void(int layer, std::span<const KeyCounts> counts)> &body)
{
    const TraceMeta &meta = trace.meta();
    const auto experts = static_cast<std::size_t>(meta.experts), width = static_cast<std::size_t>(meta.slotCount);
    struct State {
        std::vector<KeyCounts> counts; ///< of each labelling
        std::vector<ExpertId> ids; ///< of the rows since the last count
    };
    std::vector<State> states(meta.layers.size()); // of the layers under way only
    forEachBlock(trace, {}, progress, [&](const LayerBlock &block) {
        State &state = states[static_cast<std::size_t>(block.layer)];
        if (block.range.begin == 0) {
            state.counts.resize(labellings.size());
            for (KeyCounts &tables : state.counts) {
                tables.first.assign(firstChoices ? keys * experts : 0, 0);
                tables.chosen.assign(keys * experts, 0);
            }
        }
        state.ids.insert(state.ids.end(), block.ids.begin(), block.ids.end());
        const std::size_t rows = state.ids.size() / width;
        if (rows < rowsTogether && block.range.end < meta.tokens)
            return;
        const std::size_t begin = static_cast<std::size_t>(block.range.end) - rows;
        for (std::size_t l = 0; l < labellings.size(); ++l) {
            const auto labels = labellings[l].subspan(begin, rows);
            KeyCounts &tables = state.counts[l];
            for (const std::uint32_t row : rowsByKey(labels, keys)) {
                const auto ids = std::span{state.ids}.subspan(row * width, width);
                const std::size_t first = labels[row] * experts;
                if (firstChoices && ids.front() != noExpert)
                    ++tables.first[first + ids.front()];
                for (const ExpertId id : ids)
                    if (id != noExpert)
                        ++tables.chosen[first + id];
            }
        }
        state.ids.clear();
        if (block.range.end == meta.tokens) {
            body(block.layer, state.counts);
            state = {};
        }
    });
}

} // namespace expertscope
