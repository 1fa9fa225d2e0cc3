// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Traces with known answers for tests of analyses: two synthetic ones made from integers, so that any language makes the same,
// and traces of real models that are not part of the project and may be absent.
#pragma once

#include "engine/core/trace.h"

#include <string>

namespace expertscope::test {

/// [G1]: top-2 of 16 experts, 4 layers, 512 tokens in one sequence, gate weights. Three tokens in four keep their first expert.
TracePtr goldenTop2();
/// [G2]: top-1 of 16 experts, 4 layers, 512 tokens in one sequence, no gate weights. Three in four go from expert e to 5 e + 3 (mod 16).
TracePtr goldenTop1();

/// FNV-1a-64 over the expert ids, token by token, layer by layer, slot by slot.
std::uint64_t hashOfIds(const RoutingTrace &trace);

/// [ESFT]: real-traces/dsv2lite-NAME.npz of the shared folder ("law", "intent") with NAME as its domain: top-6 of 64 experts, 26 layers,
/// gate weights, token ids not known (-1). Null where the file is absent. Throws Error for a file that is not what it should be.
TracePtr realTrace(const std::string &name);

/// `trace` cut into sequences of `length` tokens (the last may be shorter). For tests of what happens at their borders.
TracePtr cutIntoSequences(const RoutingTrace &trace, std::int64_t length);

} // namespace expertscope::test
