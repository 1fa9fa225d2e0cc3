// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Traces for tests: random ones of any shape from a seed, and the comparison of two traces field by field.
#pragma once

#include "engine/core/memory_trace.h"

#include <functional>
#include <string>

namespace expertscope::test {

struct TraceShape {
    int experts = 8;
    int slotCount = 2;
    std::vector<int> layers{0, 1, 3};
    int sequences = 5;
    int maxTokens = 40; ///< per sequence; lengths are random from 0 to this
    TraceFields fields{true, false, false, false, false, true, true, true, true};
};

inline TraceFields allFields()
{
    return {true, true, true, true, true, true, true, true, true};
}

/// The meta every field of which is filled with something recognisable.
TraceMeta metaOf(const TraceShape &shape);

/// Random tokens `first` .. `first + count` of sequence `seqIndex`. Logits, ids and weights belong together unless nActive empties slots.
TraceBlock randomBlock(const TraceMeta &meta, std::int64_t count, std::int32_t seqIndex, std::int32_t firstPosition, std::uint64_t seed);

/// Feeds a random recording (begin to finish) to a sink: sequences with random labels, in blocks of random sizes that ignore sequence
/// borders.
void record(TraceSink &sink, const TraceShape &shape, std::uint64_t seed);

/// A random trace in memory.
TracePtr randomTrace(const TraceShape &shape, std::uint64_t seed);

/// Empty if both traces hold the same; else which field differs, and where. notes are not compared.
std::string difference(const RoutingTrace &a, const RoutingTrace &b);

} // namespace expertscope::test
