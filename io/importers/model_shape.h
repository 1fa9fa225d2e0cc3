// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The shape of a mixture of experts as a config.json tells it, for any architecture: what an import is checked against.
// Knows less than families/, which is for models that can be run.
#pragma once

#include "engine/core/trace.h"

#include <filesystem>
#include <string_view>
#include <vector>

namespace expertscope {

struct ModelShape {
    ModelInfo model; ///< what the config says of it; the name is the folder's
    std::vector<int> moeLayers; ///< numbers of the layers that have experts
};

/// From config.json or the folder that holds it. Throws Error (Input): unreadable, not JSON, or no mixture of experts.
ModelShape readModelShape(const std::filesystem::path &folderOrConfig);
ModelShape parseModelShape(std::string_view configJson, const std::string &where);

} // namespace expertscope
