// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// model.safetensors.index.json: which tensor is in which shard of a model folder.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace expertscope {

constexpr std::uint64_t largestShardIndexBytes = 64'000'000;

/// File name by tensor name. Throws Error (Input): broken JSON, no or empty weight_map, a tensor named twice, a file that is not
/// plainly a .safetensors file of the same folder.
std::map<std::string, std::string, std::less<>> parseShardIndex(std::string_view json, const std::string &where);

} // namespace expertscope
