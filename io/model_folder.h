// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Opens a Hugging Face model folder: JSON files as text, safetensors mapped, nothing copied.
// Also lists the models in the user's Hugging Face cache.
#pragma once

#include "engine/core/model_files.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace expertscope {

/// Throws Error (Input): no such folder, no config.json, no weights, shards missing, or damaged headers.
/// `where` may also be "org/name": a model in the user's cache.
std::shared_ptr<const ModelFiles> openModelFolder(const std::string &where);

struct CachedModel {
    std::string name; ///< "org/name"
    std::string revision;
    std::filesystem::path folder;
    std::string family; ///< config.json's model_type; empty if unreadable
};
/// Models in $HF_HUB_CACHE, $HF_HOME/hub or ~/.cache/huggingface/hub that hold a config.json, newest snapshot each; sorted by name.
std::vector<CachedModel> huggingFaceCache();

} // namespace expertscope
