// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Labels that a person gives for the sequences of an imported trace: a table with a row per sequence, in their order.
#pragma once

#include "engine/core/trace.h"

#include <filesystem>

namespace expertscope {

/// Sets id, language, domain, parallel_id and label columns of the sequences from a CSV, TSV or JSONL file. Columns of text (text, prompt,
/// continuation) are left out. Throws Error (Input): unreadable; (Check): not as many rows as sequences.
void labelSequences(const std::filesystem::path &file, TraceMeta &meta, std::vector<SequenceInfo> &sequences);

} // namespace expertscope
