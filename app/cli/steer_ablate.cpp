// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope steer ablate: what each of some experts does, measured: the loss on given texts without it.
#include "app/cli/record_corpus.h"
#include "app/cli/result_output.h"
#include "app/cli/steer.h"
#include "app/cli/verbs.h"
#include "engine/core/error.h"
#include "engine/experiments/ablation.h"
#include "io/corpus.h"

#include <CLI/CLI.hpp>

#include <charconv>
#include <memory>
#include <set>

namespace expertscope {

namespace {

struct Options {
    ModelOptions model;
    std::string corpus;
    std::vector<std::string> experts;
    CorpusCut cut;
    std::vector<std::string> settings;
    ResultOutput output;
};

[[noreturn]] void wrong(const std::string &what, const std::string &text)
{
    throw Error{ErrorKind::Usage, what, "--experts " + text, "Write a layer and its experts, for example 3:1,5 or 3:*"};
}

int number(std::string_view text, const std::string &whole)
{
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
        wrong("\"" + std::string{text} + "\" is not a number", whole);
    return value;
}

const MoeFfn &moeLayer(const ModelConfig &config, int layer, const std::string &text)
{
    const int layers = static_cast<int>(config.layers.size());
    if (layer < 0 || layer >= layers)
        wrong("layer " + std::to_string(layer) + " does not exist: the model's layers are 0-" + std::to_string(layers - 1), text);
    const MoeFfn *const moe = config.layers[static_cast<std::size_t>(layer)].moe();
    if (!moe)
        wrong("layer " + std::to_string(layer) + " has no experts", text);
    return *moe;
}

/// "3:1,5" or "3:*".
void addExperts(const std::string &text, const ModelConfig &config, std::vector<ExpertPlace> &to)
{
    const auto colon = text.find(':');
    if (colon == std::string::npos)
        wrong("there is no colon after the layer", text);
    const int layer = number(std::string_view{text}.substr(0, colon), text);
    const int experts = moeLayer(config, layer, text).experts;
    std::string_view list = std::string_view{text}.substr(colon + 1);
    if (list == "*") {
        for (int e = 0; e < experts; ++e)
            to.push_back({layer, e});
        return;
    }
    while (true) {
        const auto comma = list.find(',');
        const int expert = number(list.substr(0, comma), text);
        if (expert < 0 || expert >= experts)
            wrong("expert " + std::to_string(expert) + " does not exist: the experts of layer " + std::to_string(layer) + " are 0-"
                    + std::to_string(experts - 1),
                text);
        to.push_back({layer, expert});
        if (comma == std::string_view::npos)
            return;
        list.remove_prefix(comma + 1);
    }
}

std::vector<ExpertPlace> expertsOf(const Options &options, const ModelConfig &config)
{
    std::vector<ExpertPlace> experts;
    for (const std::string &text : options.experts)
        addExperts(text, config, experts);
    if (options.experts.empty())
        for (int layer : config.moeLayers())
            addExperts(std::to_string(layer) + ":*", config, experts);
    std::set<ExpertPlace> seen;
    std::erase_if(experts, [&](const ExpertPlace &expert) { return !seen.insert(expert).second; });
    return experts;
}

int run(const Options &options, Command &command)
{
    const Params params{ablationKind().params, splitSettings(options.settings)};
    const Corpus corpus = readCorpus(options.corpus);
    const LoadedModel open = loadModel(options.model, command.terminal);
    const ModelConfig &config = open.model->config();
    const std::vector<ExpertPlace> experts = expertsOf(options, config);
    const Sequences sequences = tokenised(corpus, open, options.cut, command.terminal);
    const std::vector<AblationEffect> effects =
        ablateExperts(*open.model, *open.backend, sequences.list, experts, params, command.terminal.progress());
    command.terminal.endProgress();
    const Result result = ablationResult(effects, params, config.moeLayers(), config.maxExperts());
    handOver(ablationKind(), result, options.output, command);
    return 0;
}

} // namespace

void declareSteerAblate(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    declareModelOptions(app, options->model)->required();
    app.add_option("-c,--corpus", options->corpus, "Texts whose loss is measured: JSONL, CSV, TSV or plain text")->required();
    app.add_option(
        "-e,--experts", options->experts, "LAYER:EXPERT,EXPERT,... or LAYER:*; may be given more than once; else all experts of the model");
    app.add_option("--limit", options->cut.limit, "Only the first rows; 0 = all")->check(CLI::NonNegativeNumber);
    app.add_option("--max-tokens", options->cut.maxTokens, "Cut each sequence after this many tokens; 0 = the model's context")
        ->check(CLI::NonNegativeNumber);
    declareSettings(app, options->settings, ablationKind());
    declareResultOutput(app, options->output, command);
    app.footer("Example:\n  expertscope steer ablate --model resources/demo/model --corpus resources/demo/corpus/domains.jsonl --limit 20 "
               "--experts '3:*'");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

} // namespace expertscope
