// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Options and loading shared by the verbs that run a model.
#pragma once

#include "engine/core/backend.h"
#include "engine/forward/model.h"
#include "engine/text/tokenizer.h"

#include <memory>
#include <string>

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace expertscope {

class Terminal;

struct ModelOptions {
    std::string model; ///< folder, or org/name from the Hugging Face cache
    std::string device = "auto"; ///< auto, cpu, cuda
    int threads = 0; ///< 0 = one per core
};

/// Returns the option that names the model.
CLI::Option *declareModelOptions(CLI::App &app, ModelOptions &options);

struct LoadedModel {
    std::unique_ptr<Backend> backend; ///< outlives the model
    std::shared_ptr<const Model> model;
    std::shared_ptr<const Tokenizer> tokenizer;
};

/// Throws Error: an unreadable folder, a model that is not supported or does not fit, or one without tokenizer.json.
LoadedModel loadModel(const ModelOptions &options, Terminal &terminal);

} // namespace expertscope
