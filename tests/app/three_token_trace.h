// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A trace in memory whose sequences have three tokens each, for tests of what the window does with traces.
#pragma once

#include "app/document.h"
#include "engine/core/memory_trace.h"

namespace expertscope::test {

/// Two MoE layers numbered 1 and 3, 8 experts, top 2; each sequence has three tokens.
inline TraceMeta metaOf(int sequences)
{
    TraceMeta meta;
    meta.layers = {1, 3};
    meta.experts = 8;
    meta.slotCount = 2;
    meta.tokens = sequences * 3;
    for (int i = 0; i < sequences; ++i) {
        SequenceInfo info;
        info.id = "s" + std::to_string(i);
        info.language = i % 2 ? "de" : "en";
        info.firstToken = i * 3;
        info.nPrompt = 3;
        meta.sequences.push_back(info);
    }
    return meta;
}

inline TracePtr traceOf(int sequences, ExpertId first = 0)
{
    MemoryTrace trace;
    TraceMeta meta = metaOf(0);
    trace.begin(meta);
    for (int i = 0; i < sequences; ++i) {
        TraceBlock block;
        block.count = 3;
        block.tokenId = {1, 2, 3};
        block.position = {0, 1, 2};
        block.seqIndex = {i, i, i};
        block.phase.assign(3, Phase::Prefill);
        for (int cell = 0; cell < 2 * 3; ++cell) {
            block.expertId.push_back(static_cast<ExpertId>((first + cell) % 8));
            block.expertId.push_back(static_cast<ExpertId>((first + cell + 1) % 8));
        }
        trace.append(block);
        trace.endSequence(metaOf(i + 1).sequences.back(), {});
    }
    trace.finish({});
    return trace.snapshot();
}

inline OpenTrace openTrace(const QString &key, int sequences, quint64 recording = 1)
{
    return {key, key, recording, traceOf(sequences), {}, {}, {}};
}

} // namespace expertscope::test
