// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/expert_paths.h"

#include "engine/analysis/trace_pass.h"

#include <algorithm>
#include <functional>
#include <unordered_map>

namespace expertscope {

namespace {

using Key = std::array<ExpertId, mostPathLayers>;

struct HashKey {
    std::size_t operator()(const Key &key) const
    {
        std::uint64_t hash = 0xcbf29ce484222325u;
        for (const ExpertId id : key)
            hash = (hash ^ id) * 0x100000001b3u;
        return static_cast<std::size_t>(hash ^ (hash >> 29));
    }
};

/// Tokens of one path.
struct Count {
    std::int64_t all = 0; ///< of the sequences that are done
    std::int64_t now = 0; ///< of the sequence being read
    double squares = 0, products = 0; ///< over sequences: of its tokens of the path, of these times its length
};

constexpr std::int64_t rowsPerRead = 4096;
constexpr std::size_t mostDistinct = 2'000'000; // about 200 MB; counted at the end of each sequence

/// Calls body(sequence, path, whether it is the sequence's last token) for every token of a sequence; an empty path is null.
void forEachPath(
    const RoutingTrace &trace, int firstLayer, int endLayer, const Progress &progress, const std::function<void(const Key *, bool)> &body)
{
    const TraceMeta &meta = trace.meta();
    const auto slotCount = static_cast<std::size_t>(meta.slotCount), depth = static_cast<std::size_t>(endLayer - firstLayer);
    std::vector<std::vector<ExpertId>> ids(depth);
    for (std::int64_t at = 0; at < meta.tokens; at += rowsPerRead) {
        progress.check();
        const TokenRange range{at, std::min(at + rowsPerRead, meta.tokens)};
        for (std::size_t m = 0; m < depth; ++m) {
            ids[m].resize(static_cast<std::size_t>(range.count()) * slotCount);
            trace.expertIds(range, firstLayer + static_cast<int>(m), ids[m]);
        }
        forEachSequence(meta, range, [&](int sequence, TokenRange piece) {
            const std::int64_t end = meta.sequences[static_cast<std::size_t>(sequence)].range().end;
            for (std::int64_t t = piece.begin; t < piece.end; ++t) {
                Key key{};
                bool whole = true;
                for (std::size_t m = 0; m < depth; ++m) {
                    key[m] = ids[m][static_cast<std::size_t>(t - range.begin) * slotCount];
                    whole = whole && key[m] != noExpert;
                }
                body(whole ? &key : nullptr, t + 1 == end);
            }
        });
        progress.report(range.end, meta.tokens, "tokens");
    }
}

} // namespace

ExpertPaths countPaths(const RoutingTrace &trace, int firstLayer, int endLayer, std::int64_t minCount, const Progress &progress)
{
    const auto experts = static_cast<std::size_t>(trace.meta().experts), depth = static_cast<std::size_t>(endLayer - firstLayer);
    ExpertPaths result;
    std::unordered_map<Key, Count, HashKey> counts;
    std::vector<Count *> touched; // of the sequence being read
    std::vector<std::int64_t> load(depth * experts), steps((depth - 1) * experts * experts);
    std::int64_t length = 0, sequences = 0;
    double lengthSquares = 0;
    forEachPath(trace, firstLayer, endLayer, progress, [&](const Key *key, bool last) {
        if (key) {
            ++length;
            Count &count = counts[*key];
            if (count.now++ == 0)
                touched.push_back(&count);
            for (std::size_t m = 0; m < depth; ++m) {
                ++load[m * experts + (*key)[m]];
                if (m + 1 < depth)
                    ++steps[(m * experts + (*key)[m]) * experts + (*key)[m + 1]];
            }
        }
        if (!last)
            return;
        const auto tokens = static_cast<double>(length);
        for (Count *count : touched) {
            const auto n = static_cast<double>(count->now);
            count->all += count->now;
            count->squares += n * n;
            count->products += n * tokens;
            count->now = 0;
        }
        touched.clear();
        result.tokens += length;
        lengthSquares += tokens * tokens;
        sequences += length > 0;
        length = 0;
        if (counts.size() > mostDistinct) {
            std::erase_if(counts, [](const auto &entry) { return entry.second.all == 1; });
            result.complete = false;
            if (counts.size() > mostDistinct / 2)
                std::erase_if(counts, [&](const auto &entry) { return entry.second.all < minCount; });
        }
    });

    const auto all = static_cast<double>(result.tokens);
    for (const auto &[key, count] : counts)
        if (count.all >= minCount)
            result.paths.push_back({.experts = key,
                .share = {.y = static_cast<double>(count.all),
                    .x = all,
                    .yy = count.squares,
                    .xy = count.products,
                    .xx = lengthSquares,
                    .sequences = sequences}});
    for (ExpertPath &path : result.paths) {
        path.independent = 1;
        for (std::size_t m = 0; m < depth; ++m) {
            const auto from = static_cast<double>(load[m * experts + path.experts[m]]);
            path.independent *= from / all;
            if (m == 0)
                path.markov = from / all;
            if (m + 1 < depth)
                path.markov *= static_cast<double>(steps[(m * experts + path.experts[m]) * experts + path.experts[m + 1]]) / from;
        }
    }
    std::sort(result.paths.begin(), result.paths.end(),
        [](const ExpertPath &a, const ExpertPath &b) { return a.share.y != b.share.y ? a.share.y > b.share.y : a.experts < b.experts; });
    return result;
}

} // namespace expertscope
