// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/cli/load_model.h"

#include "app/backends.h"
#include "app/cli/terminal.h"
#include "engine/core/error.h"
#include "engine/core/parallel.h"
#include "io/model_folder.h"

#include <CLI/CLI.hpp>

namespace expertscope {

CLI::Option *declareModelOptions(CLI::App &app, ModelOptions &options)
{
    CLI::Option *model = app.add_option(
        "-m,--model", options.model, "Model folder (config.json, safetensors, tokenizer.json), or org/name from the Hugging Face cache");
    app.add_option("--device", options.device, "auto (the CPU, until the CUDA engine is proven on a GPU), cpu or cuda")
        ->check(CLI::IsMember{{"auto", "cpu", "cuda"}})
        ->capture_default_str();
    app.add_option("--threads", options.threads, "CPU threads; 0 = one per core")->check(CLI::Range(0, 1024))->capture_default_str();
    return model;
}

namespace {

std::unique_ptr<Backend> makeBackend(const std::string &device, Terminal &terminal)
{
    std::vector<BackendChoice> choices = backendChoices();
    if (device != "auto")
        std::erase_if(choices, [&](const BackendChoice &choice) { return choice.id != device; });
    MadeBackend made = makeFirst(choices);
    if (!made.missing.empty())
        terminal.note("Running on the CPU: " + made.missing + '.');
    return std::move(made.backend);
}

} // namespace

LoadedModel loadModel(const ModelOptions &options, Terminal &terminal)
{
    setThreadCount(options.threads);
    LoadedModel open;
    open.backend = makeBackend(options.device, terminal);
    const auto files = openModelFolder(options.model);
    if (files->tokenizerJson.empty())
        throw Error{ErrorKind::Input, "the model has no tokenizer.json, so text cannot be run", files->path,
            "Put the model's tokenizer.json into its folder"};
    open.tokenizer = Tokenizer::fromJson(files->tokenizerJson);
    open.model = Model::load(files, *open.backend, terminal.progress());
    terminal.endProgress();
    return open;
}

void noteExperts(const LoadedModel &open, Terminal &terminal)
{
    if (const std::string experts = open.backend->info().experts; !experts.empty())
        terminal.note(experts);
}

void OwnModel::use(const std::function<void(const LentModel &)> &work)
{
    if (!m_open)
        m_open = loadModel(m_options, m_terminal);
    work({*m_open->model, *m_open->backend, *m_open->tokenizer});
}

Experiment experimentOf(ModelAccess &model, Terminal &terminal)
{
    const auto say = [&terminal](const std::string &text) { terminal.note(text); };
    return {model, terminal.progress(), say, say};
}

int untilStopped(const std::string &folder, Terminal &terminal, const std::function<void()> &work)
{
    try {
        work();
        return 0;
    } catch (const Cancelled &) {
        if (folder.empty())
            throw;
        terminal.note("Stopped. The scores so far are in " + folder + "; the same command goes on there.");
        return 130;
    }
}

} // namespace expertscope
