// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Names and sizes that the writer and the reader of the trace file share.
#pragma once

#include <cstdint>

namespace expertscope::layout {

inline constexpr const char *format = "moe-routing-trace";
inline constexpr const char *version = "1.0";
inline constexpr int majorVersion = 1;

inline constexpr int mostExpertsInOneByte = 255; ///< above, expert_id is i2
inline constexpr std::uint8_t noExpertByte = 255;
inline constexpr std::int16_t noExpertShort = -1;

inline constexpr std::int64_t slotChunkRows = 4096; ///< of [T, M, K]
inline constexpr std::int64_t expertChunkRows = 1024; ///< of [T, M, E]
inline constexpr std::int64_t tokenChunkRows = 16384; ///< of [T]
inline constexpr std::int64_t sequenceChunkRows = 1024;

/// Label columns of the corpus are datasets "label_<name>" in /sequences with their exact name in this attribute.
inline constexpr const char *labelPrefix = "label_";
inline constexpr const char *labelName = "label_name";
inline constexpr const char *labelIndex = "label_index";

} // namespace expertscope::layout
