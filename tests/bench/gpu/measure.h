// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Tokens per second of prefill and decode by what is recorded, each beside the time that no program can beat on the same device.
#pragma once

#include "ceilings.h"
#include "engine/forward/model.h"

#include <functional>
#include <string>
#include <vector>

namespace expertscope {

struct MeasureOptions {
    std::vector<int> prefillTokens{512, 4096, 32768};
    std::vector<int> decodeBatches{1, 8, 64};
    int sequenceTokens = 4096; ///< longer prefills are packed from sequences of this length
    int decodeSteps = 64;
    int rounds = 5; ///< of each measurement, the median counts
    double secondsPerFigure = 8; ///< no further round is begun after it
};

struct Figure {
    std::string what; ///< "prefill", "decode" (steps kept by the backend, if it keeps them), "plain" (operation by operation)
    std::string recording; ///< "off", "ids", "logits"
    int size = 0; ///< tokens, or sequences side by side
    double seconds = 0; ///< of the prefill, or of one step
    double tokensPerSecond = 0;
    double floorSeconds = 0; ///< the larger of bytes over bandwidth and operations over the matrix rate; 0 where those are not known
    const char *bound = ""; ///< which of them: "bytes", "operations"
    bool kept = false; ///< the backend kept the step, and did it as a whole
    double fraction() const { return seconds > 0 ? floorSeconds / seconds : 0; }
};

/// What a run of `rows` new tokens in sequences that have `past` tokens each must do: multiply-adds twice, and bytes read.
struct Work {
    double operations = 0;
    double bytes = 0;
};
/// headRows: rows that go through the head. Weights of 2 bytes; experts as many as that many tokens reach on average, if each is as
/// likely as any other.
Work workOf(const ModelConfig &config, std::int64_t sequences, std::int64_t rowsPerSequence, std::int64_t past, std::int64_t headRows);

/// Measures all; `done` hears of each figure.
void measure(const Model &model, Backend &backend, const Ceilings &ceilings, const MeasureOptions &options,
    const std::function<void(const Figure &)> &done);

} // namespace expertscope
