// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a model is made of before it is a Model: texts of its JSON files and views of its mapped weights.
// Made by io/model_folder; the engine opens no file.
#pragma once

#include "engine/core/tensor.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace expertscope {

struct ModelFiles {
    std::string name; ///< folder name, or org/name from the Hugging Face cache
    std::string path; ///< the folder, for messages
    std::string configJson; ///< config.json, whole
    std::string generationConfigJson; ///< empty if the folder has none
    std::string tokenizerJson; ///< tokenizer.json; empty if the folder has none
    std::string tokenizerConfigJson; ///< empty if the folder has none
    std::string fileFormat; ///< "safetensors"
    std::string revision; ///< snapshot id from the cache; empty otherwise
    std::string sha256; ///< over config.json and each safetensors file's size and header: identifies without reading all weights
    std::string tokenizerSha256;
    std::map<std::string, Tensor, std::less<>> tensors; ///< by stored name; data stays in the mapped files
    std::vector<std::shared_ptr<void>> mappings; ///< keeps the files mapped as long as this lives
};

} // namespace expertscope
