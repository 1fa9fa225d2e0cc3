// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Files of named vectors that NumPy (.npz) and safetensors read. The same vectors give the same bytes.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

namespace expertscope {

struct NamedArray {
    std::string name; ///< ASCII
    std::vector<float> values; ///< one dimension
};

/// A zip file of stored .npy members (version 1.0, '<f4'), as numpy.savez writes it, without dates. For less than 4 GB and 65535
/// arrays. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
std::string npzBytes(std::span<const NamedArray> arrays);
/// See io/safetensors.h. Metadata: text by name.
std::string safetensorsBytes(std::span<const NamedArray> arrays, const std::map<std::string, std::string> &metadata);

} // namespace expertscope
