// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// AppendingSink: puts a whole recording behind what a MemoryTrace already holds, moving rows and sequence numbers along.
#pragma once

#include "engine/core/memory_trace.h"

namespace expertscope {

/// The target must have begun. begin() throws Error (Check) if the recording is of another shape; finish() ends nothing.
class AppendingSink final : public TraceSink {
public:
    explicit AppendingSink(MemoryTrace &target);
    void begin(const TraceMeta &meta) override;
    void append(const TraceBlock &block) override;
    void endSequence(const SequenceInfo &info, std::span<const float> meanSoftmax) override;
    void finish(std::span<const TraceCheck>) override { }

private:
    MemoryTrace &m_target;
    std::int64_t m_tokens; ///< the target held before
    std::int32_t m_sequences; ///< the target held before
};

} // namespace expertscope
