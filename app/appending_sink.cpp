// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/appending_sink.h"

#include "engine/core/error.h"

namespace expertscope {

AppendingSink::AppendingSink(MemoryTrace &target)
    : m_target{target}
    , m_tokens{target.meta().tokens}
    , m_sequences{static_cast<std::int32_t>(target.meta().sequences.size())}
{
}

void AppendingSink::begin(const TraceMeta &meta)
{
    const TraceMeta &held = m_target.meta();
    if (meta.layers != held.layers || meta.experts != held.experts || meta.slotCount != held.slotCount || meta.fields != held.fields)
        throw Error{ErrorKind::Check, "the recording does not have the shape of the trace it should be added to", held.title,
            "Record it as a trace of its own"};
}

void AppendingSink::append(const TraceBlock &block)
{
    TraceBlock moved = block;
    for (std::int32_t &sequence : moved.seqIndex)
        sequence += m_sequences;
    m_target.append(moved);
}

void AppendingSink::endSequence(const SequenceInfo &info, std::span<const float> meanSoftmax)
{
    SequenceInfo moved = info;
    moved.firstToken += m_tokens;
    m_target.endSequence(moved, meanSoftmax);
}

} // namespace expertscope
