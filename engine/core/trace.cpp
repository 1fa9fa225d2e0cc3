// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/trace.h"

#include "engine/core/error.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <unordered_set>

namespace expertscope {

std::string currentDate()
{
    std::time_t seconds = std::time(nullptr);
    if (const char *fixed = std::getenv("SOURCE_DATE_EPOCH"); fixed && *fixed) {
        std::int64_t value = 0;
        const char *end = fixed + std::strlen(fixed);
        if (std::from_chars(fixed, end, value).ptr == end)
            seconds = static_cast<std::time_t>(value);
    }
    std::tm utc{};
    char text[32] = "";
    if (gmtime_r(&seconds, &utc))
        std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
}

int TraceMeta::sequenceOf(std::int64_t token) const
{
    const auto after =
        std::upper_bound(sequences.begin(), sequences.end(), token, [](std::int64_t t, const SequenceInfo &s) { return t < s.firstToken; });
    if (after == sequences.begin())
        return -1;
    const auto found = after - 1;
    return token < found->range().end ? static_cast<int>(found - sequences.begin()) : -1;
}

void checkRead(const TraceMeta &meta, TokenRange range, int layer)
{
    if (range.begin < 0 || range.end < range.begin || range.end > meta.tokens)
        throw Error{ErrorKind::Usage,
            "tokens " + std::to_string(range.begin) + " to " + std::to_string(range.end) + " are not in the trace", meta.title,
            "Choose tokens between 0 and " + std::to_string(meta.tokens)};
    if (layer < 0 || layer >= meta.moeLayers())
        throw Error{ErrorKind::Usage, "the trace has no MoE layer with index " + std::to_string(layer), meta.title,
            "Choose an index below " + std::to_string(meta.moeLayers())};
}

void checkRead(const TraceMeta &meta, TokenRange range, int layer, bool hasField, const char *field, std::size_t bufferSize, int width)
{
    checkRead(meta, range, layer);
    if (!hasField)
        throw Error{
            ErrorKind::Usage, std::string{"the trace holds no "} + field, meta.title, "Record the trace again with this field switched on"};
    if (bufferSize != static_cast<std::size_t>(range.count()) * static_cast<std::size_t>(width))
        throw Error{
            ErrorKind::Usage, std::string{"the buffer for "} + field + " does not fit the range", meta.title, "Pass one row per token"};
}

void checkMeanSoftmaxRead(const TraceMeta &meta, int sequence, std::size_t bufferSize)
{
    if (!meta.fields.meanSoftmax)
        throw Error{ErrorKind::Usage, "the trace holds no mean softmax per sequence", meta.title,
            "Record the trace again with this field switched on"};
    if (sequence < 0 || static_cast<std::size_t>(sequence) >= meta.sequences.size())
        throw Error{ErrorKind::Usage, "the trace has no sequence with index " + std::to_string(sequence), meta.title,
            "Choose an index below " + std::to_string(meta.sequences.size())};
    if (bufferSize != meta.layers.size() * static_cast<std::size_t>(meta.experts))
        throw Error{ErrorKind::Usage, "the buffer for the mean softmax does not fit", meta.title, "Pass one value per layer and expert"};
}

namespace {

[[noreturn]] void badRecording(const TraceMeta &meta, const std::string &what)
{
    throw Error{ErrorKind::Check, what, meta.title.empty() ? "recording a trace" : "recording " + meta.title,
        "The trace was not kept; please report this with the command that was run"};
}

void checkColumn(const TraceMeta &meta, const char *field, bool wanted, std::size_t size, std::size_t expected)
{
    if (size != (wanted ? expected : 0))
        badRecording(meta,
            std::string{"a block of the recording holds "} + std::to_string(size) + " values of " + field + " instead of "
                + std::to_string(wanted ? expected : 0));
}

} // namespace

void checkBlock(const TraceMeta &meta, const TraceBlock &block)
{
    if (block.count < 0)
        badRecording(meta, "a block of the recording has a negative size");
    const auto n = static_cast<std::size_t>(block.count);
    const std::size_t rows = n * meta.layers.size();
    const std::size_t perSlot = rows * static_cast<std::size_t>(meta.slotCount);
    const std::size_t perExpert = rows * static_cast<std::size_t>(meta.experts);
    const TraceFields &fields = meta.fields;
    checkColumn(meta, "token_id", fields.tokenId, block.tokenId.size(), n);
    checkColumn(meta, "position", true, block.position.size(), n);
    checkColumn(meta, "seq_index", true, block.seqIndex.size(), n);
    checkColumn(meta, "phase", true, block.phase.size(), n);
    checkColumn(meta, "predicted_id", fields.predictedId, block.predictedId.size(), n);
    checkColumn(meta, "logprob", fields.logprob, block.logprob.size(), n);
    checkColumn(meta, "token bytes", fields.tokenText, block.bytes.size(), n);
    checkColumn(meta, "expert_id", true, block.expertId.size(), perSlot);
    checkColumn(meta, "gate_weight", fields.gateWeight, block.gateWeight.size(), perSlot);
    checkColumn(meta, "router_logit", fields.routerLogit, block.routerLogit.size(), perExpert);
    checkColumn(meta, "selection_score", fields.selectionScore, block.selectionScore.size(), perExpert);
    checkColumn(meta, "expert_out_norm", fields.expertOutNorm, block.expertOutNorm.size(), perSlot);
    const auto bad =
        std::find_if(block.expertId.begin(), block.expertId.end(), [&](ExpertId id) { return id >= meta.experts && id != noExpert; });
    if (bad != block.expertId.end())
        badRecording(
            meta, "expert " + std::to_string(*bad) + " was recorded, but the layers have " + std::to_string(meta.experts) + " experts");
}

void checkSequence(
    const TraceMeta &meta, const SequenceInfo &info, std::span<const float> meanSoftmax, std::int64_t firstToken, std::int64_t appended)
{
    if (info.firstToken != firstToken || info.nPrompt < 0 || info.nGenerated < 0 || info.nPrompt > appended || info.nGenerated > appended
        || info.range().end > appended)
        badRecording(meta,
            "sequence " + info.id + " says it covers tokens " + std::to_string(info.firstToken) + " to " + std::to_string(info.range().end)
                + ", which were not recorded for it");
    checkColumn(meta, "labels", true, info.labels.size(), meta.labelColumns.size());
    checkColumn(meta, "mean softmax", meta.fields.meanSoftmax, meta.fields.meanSoftmax ? meanSoftmax.size() : 0,
        meta.layers.size() * static_cast<std::size_t>(meta.experts));
}

void checkCounts(const TraceMeta &meta, const RoutingSummary &counts)
{
    const auto bad = [&](const std::string &what) {
        throw Error{ErrorKind::Check, what, meta.title.empty() ? "imported counts" : meta.title, "Count again what was imported"};
    };
    const std::unordered_set<std::string> names(counts.groups.begin(), counts.groups.end());
    if (counts.grouping.empty() || names.empty() || names.size() != counts.groups.size() || names.contains(""))
        bad("the groups of the counts have no names of their own");
    const std::size_t cells = counts.groups.size() * meta.layers.size() * static_cast<std::size_t>(meta.experts);
    const auto fits = [&](const std::vector<double> &mass) { return mass.empty() || mass.size() == cells; };
    if (counts.layers != meta.layers || counts.experts != meta.experts || counts.tokens.size() != counts.groups.size()
        || counts.counts.size() != cells || !fits(counts.gateMass) || !fits(counts.softmaxMass)
        || meta.fields.gateWeight != !counts.gateMass.empty())
        bad("the counts do not have one value per group, layer and expert");
    const std::size_t perGroup = cells / names.size();
    for (std::size_t i = 0; i < cells; ++i)
        if (counts.counts[i] < 0 || counts.counts[i] > counts.tokens[i / perGroup])
            bad("expert " + std::to_string(i % static_cast<std::size_t>(meta.experts)) + " is counted " + std::to_string(counts.counts[i])
                + " times on " + std::to_string(counts.tokens[i / perGroup]) + " tokens of " + counts.groups[i / perGroup]);
}

void TraceSink::importCounts(const RoutingSummary &)
{
    throw Error{ErrorKind::Usage, "counts cannot be added to a recording of tokens", "", "Keep them in a trace of their own"};
}

} // namespace expertscope
