// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A setting that is a list of whole numbers: "4,16,64".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace expertscope {

/// Ascending, each once. Throws Error (Usage) that names `setting` unless the text is one to sixteen numbers in [least, most].
std::vector<std::int64_t> numberList(const std::string &text, const std::string &setting, std::int64_t least, std::int64_t most);

} // namespace expertscope
