// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Options and loading shared by the verbs that run a model.
#pragma once

#include "app/experiments/experiment.h"
#include "engine/core/backend.h"
#include "engine/forward/model.h"
#include "engine/text/tokenizer.h"

#include <functional>
#include <memory>
#include <optional>
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

/// Says how experts came and went, where not all of them fit on the device.
void noteExperts(const LoadedModel &open, Terminal &terminal);

/// The model of a command: loaded when it is first asked for, after everything else was found to be in order, and lent at once: nobody
/// else waits for it.
class OwnModel final : public ModelAccess {
public:
    OwnModel(const ModelOptions &options, Terminal &terminal)
        : m_options{options}
        , m_terminal{terminal}
    {
    }
    void use(const std::function<void(const LentModel &)> &work) override;

private:
    const ModelOptions &m_options;
    Terminal &m_terminal;
    std::optional<LoadedModel> m_open;
};

/// What an experiment that a command runs reports to: the terminal.
Experiment experimentOf(ModelAccess &model, Terminal &terminal);

/// Runs `work`. Where it is stopped, says that the scores in `folder` are kept, and returns the exit code for that; else 0. Without a
/// folder Cancelled goes on.
int untilStopped(const std::string &folder, Terminal &terminal, const std::function<void()> &work);

} // namespace expertscope
