// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RoutingTrace: what every token chose in every MoE layer, behind one reading interface, in memory or in a file.
// TraceSink: what the recorder writes to. TraceMeta: all that is small and true of the whole trace.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace expertscope {

using ExpertId = std::uint16_t;
inline constexpr ExpertId noExpert = 0xffff; ///< an empty slot (a policy chose fewer, or nothing was recorded)

/// Half-open range of token rows of a trace.
struct TokenRange {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::int64_t count() const { return end - begin; }
    bool operator==(const TokenRange &) const = default;
};

enum class Phase : std::int8_t { Prefill = 0, Decode = 1 };

struct SequenceInfo {
    std::string id;
    std::string language;
    std::string domain;
    std::string parallelId;
    std::vector<std::string> labels; ///< one per TraceMeta::labelColumns
    std::string sha256; ///< of the text
    std::int64_t firstToken = 0; ///< row of its first token
    std::int64_t nPrompt = 0; ///< tokens
    std::int64_t nGenerated = 0; ///< tokens
    TokenRange range() const { return {firstToken, firstToken + nPrompt + nGenerated}; }
    bool operator==(const SequenceInfo &) const = default;
};

/// Attributes of /model in trace-format.md.
struct ModelInfo {
    std::string name, family, revision, sha256, fileFormat, quantisation, tokenizerSha256;
    std::string scoreFunction; ///< "softmax", "sigmoid"
    int nLayers = 0; ///< decoder layers, dense ones included
    int nExperts = 0;
    int topK = 0;
    int nShared = 0;
    bool normalise = false;
    double scaling = 1.0;
    int nGroup = 1;
    int topkGroup = 1;
    bool operator==(const ModelInfo &) const = default;
};

/// Attributes of /engine in trace-format.md.
struct EngineInfo {
    std::string name, version, backend, device, dtype, commandLine;
    std::uint64_t seed = 0;
    bool operator==(const EngineInfo &) const = default;
};

/// One row of /checks.
struct TraceCheck {
    std::string name;
    std::string status; ///< "pass", "warn", "fail", or "skip": it could not be made, and note says why
    double value = 0;
    double limit = 0;
    std::string note = {};
    /// Values that were not measured (NaN) are alike.
    bool operator==(const TraceCheck &other) const
    {
        const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
        return name == other.name && status == other.status && same(value, other.value) && same(limit, other.limit) && note == other.note;
    }
};

/// What was done to one expert of one layer while a trace was recorded.
struct Intervention {
    int layer = 0; ///< the model's own number
    int expert = 0;
    std::string op; ///< "force_max", "force_min", "mask", "add_bias", "scale_abs", or another op of a recipe with _ for -
    double value = 0; ///< its strength, or what it adds; 0 where it has none
    bool operator==(const Intervention &) const = default;
};

/// How the routing of a trace was changed.
struct RoutingDescription {
    std::string recipe; ///< JSON; empty = the model's own routing
    std::vector<Intervention> interventions; ///< the recipe's edits, row by row
    bool operator==(const RoutingDescription &) const = default;
};

/// What somebody wrote about an expert.
struct ExpertNote {
    int layer = 0; ///< the model's own number
    int expert = 0;
    std::string text;
    bool operator==(const ExpertNote &) const = default;
};

/// Which optional fields a trace holds.
struct TraceFields {
    bool gateWeight = false;
    bool routerLogit = false; ///< raw logits, before softmax and before any selection bias
    bool selectionScore = false; ///< only where a bias or groups change the choice
    bool expertOutNorm = false; ///< L2 norm of each chosen expert's unweighted output
    bool nActive = false; ///< the count per token and layer varies
    bool logprob = false;
    bool predictedId = false;
    bool tokenText = false;
    bool meanSoftmax = false; ///< mean full softmax per sequence
    bool tokenId = true; ///< what the tokens are; not where another tool recorded the routing alone
    bool operator==(const TraceFields &) const = default;
};

/// Now, or SOURCE_DATE_EPOCH where it is set, so that the same run can give the same bytes: ISO 8601, UTC, ends in Z.
std::string currentDate();

struct TraceMeta {
    std::string title, history, dateCreated, producer, producerVersion;
    ModelInfo model;
    EngineInfo engine;
    RoutingDescription routing;
    std::map<std::string, std::string> languageNames; ///< by code, where a file says them: "de" -> "German"
    std::vector<ExpertNote> expertNotes;
    std::vector<TraceCheck> checks;
    TraceFields fields;
    std::int64_t tokens = 0; ///< T
    int slotCount = 0; ///< K, the largest number of chosen experts (Qt makes "slots" a macro)
    int experts = 0; ///< E
    std::vector<int> layers; ///< [M] the model's own numbers of its MoE layers
    std::vector<std::string> labelColumns;
    std::vector<SequenceInfo> sequences; ///< [S]
    std::vector<std::string> notes; ///< what a reader did not know or left out, in words; empty for a recording
    int moeLayers() const { return static_cast<int>(layers.size()); }
    /// Index of the sequence that holds a token row; -1 if none does.
    int sequenceOf(std::int64_t token) const;
};

/// Per-token columns of a range, n rows each; a column the trace does not hold is empty.
struct TokenColumns {
    std::vector<std::int32_t> tokenId, position, seqIndex, predictedId;
    std::vector<Phase> phase;
    std::vector<float> logprob; ///< natural log, of the actual token given its prefix; NaN at position 0
    std::vector<std::string> bytes; ///< the token's own bytes, not always valid UTF-8
};

struct RoutingSummary;

/// Reads are const, safe from any thread, and cost what they return: a trace may be far larger than memory.
/// Layers are indices into TraceMeta::layers. All throw Error on a damaged file.
class RoutingTrace {
public:
    virtual ~RoutingTrace() = default;
    virtual const TraceMeta &meta() const = 0;

    virtual TokenColumns tokens(TokenRange range) const = 0;
    /// Chosen experts of one layer, slot 0 the largest weight. ids: [n, K], noExpert where empty.
    virtual void expertIds(TokenRange range, int layer, std::span<ExpertId> ids) const = 0;
    /// What multiplied each expert's output. weights: [n, K], 0 where empty. Needs fields.gateWeight.
    virtual void gateWeights(TokenRange range, int layer, std::span<float> weights) const = 0;
    /// logits: [n, E]. Needs fields.routerLogit.
    virtual void routerLogits(TokenRange range, int layer, std::span<float> logits) const = 0;
    /// scores: [n, E]. Needs fields.selectionScore.
    virtual void selectionScores(TokenRange range, int layer, std::span<float> scores) const = 0;
    /// norms: [n, K]. Needs fields.expertOutNorm.
    virtual void expertOutNorms(TokenRange range, int layer, std::span<float> norms) const = 0;
    /// Mean full softmax of one sequence. mean: [M, E]. Needs fields.meanSoftmax.
    virtual void meanSoftmax(int sequence, std::span<float> mean) const = 0;
    /// How often each expert was chosen over the whole trace, [M, E].
    virtual std::vector<std::int64_t> load() const = 0;
    /// Sum of gate weights over the whole trace, [M, E].
    virtual std::vector<double> gateMass() const = 0;
    /// What another tool counted, where that is all there is: a trace of no tokens. Null for a trace of tokens.
    virtual std::shared_ptr<const RoutingSummary> importedCounts() const { return nullptr; }
};

using TracePtr = std::shared_ptr<const RoutingTrace>;

/// Throws Error (Usage) unless the range and the layer are inside the trace. For implementations of RoutingTrace.
void checkRead(const TraceMeta &meta, TokenRange range, int layer);
/// The same, and that the field is there and the caller's buffer holds rows of `width` values for the range.
void checkRead(const TraceMeta &meta, TokenRange range, int layer, bool hasField, const char *field, std::size_t bufferSize, int width);
/// Throws Error (Usage) unless the trace has mean softmaxes, that sequence, and the buffer holds [M, E].
void checkMeanSoftmaxRead(const TraceMeta &meta, int sequence, std::size_t bufferSize);

/// A run of consecutive tokens as recorded; layouts as in the file. Optional fields are empty when not recorded.
struct TraceBlock {
    std::int64_t count = 0; ///< n tokens
    std::vector<std::int32_t> tokenId, position, seqIndex, predictedId; ///< [n]
    std::vector<Phase> phase; ///< [n]
    std::vector<float> logprob; ///< [n]
    std::vector<std::string> bytes; ///< [n]
    std::vector<ExpertId> expertId; ///< [M, n, K]: layer-major, as it is recorded and stored
    std::vector<float> gateWeight; ///< [M, n, K]
    std::vector<std::uint16_t> routerLogit; ///< [M, n, E] f16 bits
    std::vector<std::uint16_t> selectionScore; ///< [M, n, E] f16 bits
    std::vector<std::uint16_t> expertOutNorm; ///< [M, n, K] f16 bits
};

/// Throws Error (Check) unless every column that meta.fields names has the size it should, no other is filled, and every expert id
/// is below meta.experts or noExpert. For implementations of TraceSink.
void checkBlock(const TraceMeta &meta, const TraceBlock &block);
/// Throws Error (Check) unless the sequence starts at `firstToken` (sequences follow one another without a gap), ends at or before
/// `appended`, and its labels and mean softmax have the sizes that meta says.
void checkSequence(
    const TraceMeta &meta, const SequenceInfo &info, std::span<const float> meanSoftmax, std::int64_t firstToken, std::int64_t appended);

/// Throws Error (Check) unless the counts have the sizes that meta and their own groups say, no group occurs twice, and nothing is counted
/// below zero or more often than there are tokens. For implementations of TraceSink and RoutingTrace.
void checkCounts(const TraceMeta &meta, const RoutingSummary &counts);

/// Receives a recording as a stream, from one thread: begin, then blocks and sequences in token order, then finish.
/// A recording may be cut short: finish() keeps every sequence that was ended and drops the tokens of one that was not.
/// A sink that is destroyed before finish() leaves nothing behind.
class TraceSink {
public:
    virtual ~TraceSink() = default;
    /// meta.tokens and meta.sequences are still empty: they grow with the stream.
    virtual void begin(const TraceMeta &meta) = 0;
    virtual void append(const TraceBlock &block) = 0;
    /// After the last token of a sequence. meanSoftmax: [M, E] mean of the full softmax over its tokens.
    virtual void endSequence(const SequenceInfo &info, std::span<const float> meanSoftmax) = 0;
    /// In the place of blocks and sequences: what another tool counted, with the layers and experts of meta. Throws Error (Usage) for a
    /// sink that takes recordings only, Error (Check) as checkCounts() does.
    virtual void importCounts(const RoutingSummary &counts);
    virtual void finish(std::span<const TraceCheck> checks) = 0;
};

} // namespace expertscope
