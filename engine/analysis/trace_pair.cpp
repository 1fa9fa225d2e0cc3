// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/trace_pair.h"

#include "engine/core/error.h"
#include "engine/core/parallel.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace expertscope {

namespace {

constexpr std::int64_t rowsPerRead = 4096; // the trace file's own chunk
constexpr std::int64_t rowsPerReadOfLogits = 1024;

void checkTokens(const TracePair &pair, const SequenceInfo &info, std::int64_t offset)
{
    for (std::int64_t begin = info.range().begin; begin < info.range().end; begin += rowsPerRead) {
        const TokenRange range{begin, std::min(begin + rowsPerRead, info.range().end)};
        const std::vector<std::int32_t> a = pair.first->tokens(range).tokenId;
        const std::vector<std::int32_t> b = pair.second->tokens({range.begin + offset, range.end + offset}).tokenId;
        const auto differs = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
        if (differs.first != a.end())
            throw Error{ErrorKind::Check,
                "the traces hold different tokens: sequence \"" + info.id + "\", token "
                    + std::to_string(begin - info.range().begin + (differs.first - a.begin())) + " is id " + std::to_string(*differs.first)
                    + " in one and " + std::to_string(*differs.second) + " in the other",
                pair.second->meta().title, "Record both traces from the same texts with the same tokenizer"};
    }
}

/// Reads what both traces hold of consecutive rows of the first; reads of the second may be scattered.
struct Reader {
    std::vector<ExpertId> firstIds, secondIds;
    std::vector<float> firstWeights, secondWeights, firstLogits, secondLogits;

    void read(const RoutingTrace &trace, TokenRange range, int layer, bool isFirst, bool weights, bool logits)
    {
        const auto n = static_cast<std::size_t>(range.count());
        auto &ids = isFirst ? firstIds : secondIds;
        auto &gates = isFirst ? firstWeights : secondWeights;
        auto &raw = isFirst ? firstLogits : secondLogits;
        ids.resize(n * static_cast<std::size_t>(trace.meta().slotCount));
        trace.expertIds(range, layer, ids);
        if (weights) {
            gates.resize(ids.size());
            trace.gateWeights(range, layer, gates);
        }
        if (logits) {
            raw.resize(n * static_cast<std::size_t>(trace.meta().experts));
            trace.routerLogits(range, layer, raw);
        }
    }
};

} // namespace

TracePair alignTraces(const TracePtr &first, const TracePtr &second, const Progress &progress)
{
    const TraceMeta &a = first->meta(), &b = second->meta();
    TracePair pair{
        .first = first, .second = second, .sequences = {}, .offset = {}, .layers = {}, .firstLayer = {}, .secondLayer = {}, .notes = {}};
    if (a.experts != b.experts)
        throw Error{ErrorKind::Check,
            "the traces have " + std::to_string(a.experts) + " and " + std::to_string(b.experts)
                + " experts in a layer: no expert of one is an expert of the other",
            b.title, "Compare traces of one model, or of its checkpoints"};
    for (int m = 0; m < a.moeLayers(); ++m)
        if (const auto at = std::find(b.layers.begin(), b.layers.end(), a.layers[static_cast<std::size_t>(m)]); at != b.layers.end()) {
            pair.layers.push_back(*at);
            pair.firstLayer.push_back(m);
            pair.secondLayer.push_back(static_cast<int>(at - b.layers.begin()));
        }
    std::map<std::string, std::vector<int>> ofId;
    for (std::size_t s = 0; s < b.sequences.size(); ++s)
        ofId[b.sequences[s].id].push_back(static_cast<int>(s));
    std::map<std::string, std::size_t> used;
    const bool known = a.fields.tokenId && b.fields.tokenId;
    for (std::size_t s = 0; s < a.sequences.size(); ++s) {
        progress.check();
        const SequenceInfo &info = a.sequences[s];
        const auto found = ofId.find(info.id);
        const std::size_t nth = used[info.id]++;
        if (found == ofId.end() || nth >= found->second.size())
            continue;
        const SequenceInfo &other = b.sequences[static_cast<std::size_t>(found->second[nth])];
        if (info.range().count() != other.range().count())
            throw Error{ErrorKind::Check,
                "the traces hold different tokens: sequence \"" + info.id + "\" has " + std::to_string(info.range().count())
                    + " in one and " + std::to_string(other.range().count()) + " in the other",
                b.title, "Record both traces from the same texts with the same tokenizer, and without generating"};
        const std::int64_t offset = other.firstToken - info.firstToken;
        if (known)
            checkTokens(pair, info, offset);
        if (info.range().count() > 0) {
            pair.sequences.push_back(static_cast<int>(s));
            pair.offset.push_back(offset);
        }
    }
    if (pair.sequences.empty() || pair.layers.empty())
        throw Error{ErrorKind::Check, pair.layers.empty() ? "the traces share no layer" : "the traces share no sequence that has tokens",
            b.title, "Record both traces from the same texts, with the same sequence ids"};
    const auto count = [](std::size_t n, const char *what) { return std::to_string(n) + " " + what; };
    if (pair.sequences.size() < std::max(a.sequences.size(), b.sequences.size()))
        pair.notes.push_back(count(pair.sequences.size(), "sequences are in both traces and have tokens; the first trace has ")
            + count(a.sequences.size(), "and the second ") + std::to_string(b.sequences.size()) + ".");
    if (pair.layers.size() < std::max(a.layers.size(), b.layers.size()))
        pair.notes.push_back("Only the " + count(pair.layers.size(), "layers that both traces have are compared."));
    if (!known)
        pair.notes.push_back("A trace holds no token ids: that the texts are the same could be checked by their lengths only.");
    return pair;
}

void forEachPairBlock(
    const TracePair &pair, bool weights, bool logits, const Progress &progress, const std::function<void(const PairBlock &)> &body)
{
    const TraceMeta &meta = pair.first->meta();
    const std::int64_t most = logits ? rowsPerReadOfLogits : rowsPerRead;
    const auto widthA = static_cast<std::size_t>(meta.slotCount), widthB = static_cast<std::size_t>(pair.second->meta().slotCount);
    const auto experts = static_cast<std::size_t>(meta.experts);
    // runs of sequences that lie together in both traces are read at once
    struct Run {
        TokenRange rows;
        std::int64_t offset;
    };
    std::vector<Run> runs;
    std::int64_t tokens = 0;
    for (std::size_t s = 0; s < pair.sequences.size(); ++s) {
        const TokenRange range = meta.sequences[static_cast<std::size_t>(pair.sequences[s])].range();
        tokens += range.count();
        if (!runs.empty() && runs.back().rows.end == range.begin && runs.back().offset == pair.offset[s])
            runs.back().rows.end = range.end;
        else
            runs.push_back({range, pair.offset[s]});
    }
    std::mutex reporting;
    std::int64_t rowsDone = 0;
    const auto layers = std::ssize(pair.layers);
    parallelFor(layers, 1, [&](std::int64_t firstLayer, std::int64_t endLayer) {
        Reader reader;
        const auto part = [](const auto &values, std::size_t at, std::size_t n, std::size_t width) {
            return values.empty() ? std::span<const std::remove_cvref_t<decltype(values.front())>>{}
                                  : std::span{values}.subspan(at * width, n * width);
        };
        for (std::int64_t m = firstLayer; m < endLayer; ++m) {
            std::size_t sequence = 0;
            for (const Run &run : runs)
                for (std::int64_t begin = run.rows.begin; begin < run.rows.end; begin += most) {
                    progress.check();
                    const TokenRange range{begin, std::min(begin + most, run.rows.end)};
                    reader.read(*pair.first, range, pair.firstLayer[static_cast<std::size_t>(m)], true, weights, logits);
                    reader.read(*pair.second, {range.begin + run.offset, range.end + run.offset},
                        pair.secondLayer[static_cast<std::size_t>(m)], false, weights, logits);
                    for (std::int64_t row = range.begin; row < range.end;) {
                        const auto whole = [&] { return meta.sequences[static_cast<std::size_t>(pair.sequences[sequence])].range(); };
                        while (row >= whole().end)
                            ++sequence;
                        const std::int64_t end = std::min(range.end, whole().end);
                        const auto at = static_cast<std::size_t>(row - range.begin), n = static_cast<std::size_t>(end - row);
                        body({.layer = static_cast<std::size_t>(m),
                            .sequence = sequence,
                            .row = row,
                            .tokens = n,
                            .firstIds = part(reader.firstIds, at, n, widthA),
                            .secondIds = part(reader.secondIds, at, n, widthB),
                            .firstWeights = part(reader.firstWeights, at, n, widthA),
                            .secondWeights = part(reader.secondWeights, at, n, widthB),
                            .firstLogits = part(reader.firstLogits, at, n, experts),
                            .secondLogits = part(reader.secondLogits, at, n, experts)});
                        row = end;
                    }
                    const std::lock_guard lock{reporting};
                    rowsDone += range.count();
                    progress.report(rowsDone / layers, tokens, "tokens");
                }
        }
    });
}

} // namespace expertscope
