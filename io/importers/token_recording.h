// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// TokenRecording: what all foreign traces of tokens have in common, read in blocks; importTokens() checks it and sends it to a sink.
// Each format fills in the small things and reads its own numbers; what it does not say stays empty.
#pragma once

#include "io/importers/import.h"
#include "io/importers/import_checks.h"

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace expertscope {

class TokenRecording {
public:
    static constexpr std::int32_t noId = -1; ///< an empty place
    static constexpr std::int32_t badId = std::numeric_limits<std::int32_t>::min(); ///< a number no id can be

    struct Sequence {
        std::string id;
        std::int64_t nPrompt = 0, nGenerated = 0;
    };

    virtual ~TokenRecording() = default;
    /// To the first token again.
    virtual void rewind() = 0;
    /// The next n tokens. ids: [n, L, K]; weights: [n, L, K], empty unless hasWeights. Throws Error (Input) on damaged data.
    virtual void read(std::int64_t n, std::span<std::int32_t> ids, std::span<float> weights) = 0;

    std::int64_t tokens = 0; ///< T
    int layers = 0; ///< L
    int slotCount = 0; ///< K
    bool hasWeights = false;
    int experts = 0; ///< E; 0 = the file does not say
    std::vector<int> layerNumbers; ///< [L] the model's own; empty = the file does not say
    std::vector<Sequence> sequences; ///< cover all tokens in order; empty = the file knows none
    std::vector<std::int32_t> tokenId; ///< [T]; empty = the file does not say
    std::vector<std::int32_t> position; ///< [T]; empty = counted from the start of the sequence
    std::vector<Phase> phase; ///< [T]; empty = prompt, then generated, by sequence
    std::optional<std::vector<std::vector<int>>> physicalToLogical; ///< [L][P] where ids are of physical experts
    std::vector<TraceCheck> ownChecks; ///< those that only this format can make; a "fail" refuses it
};

/// A value read from a file as an id: badId where no id can be that number.
template<typename T>
std::int32_t idFrom(T value)
{
    return value < static_cast<T>(-1) && std::numeric_limits<T>::is_signed         ? TokenRecording::badId
        : std::numeric_limits<T>::digits > 31 && value > static_cast<T>(INT32_MAX) ? TokenRecording::badId
                                                                                   : static_cast<std::int32_t>(value);
}

/// Runs the checks over the whole recording, then sends it to the sink: empty layers and places left out, places in order of falling
/// weight. Throws Error (Check) before the sink sees anything if a check refuses.
void importTokens(TokenRecording &recording, std::span<const std::filesystem::path> files, const ImportOptions &options, TraceSink &sink,
    ImportReport &report, const Progress &progress);

} // namespace expertscope
