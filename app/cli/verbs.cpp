// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/cli/verbs.h"

#include "app/cli/options.h"
#include "engine/core/error.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

namespace expertscope {

std::span<const Verb> verbs()
{
    static constexpr Verb list[] = {
        {"info", "Says what a model folder or a trace file is", declareInfo},
        {"trace", "Runs a corpus through a model and writes every routing decision to an HDF5 file", declareTrace},
        {"analyse", "Answers a question about one trace or two: divergence, load, specialisation, ...", declareAnalyse},
        {"eval", "Examines a model on texts, multiple choice or generation, by language and label", declareEval},
        {"import", "Turns what another tool recorded into a trace file, after checks", declareImport},
        {"recipe", "Checks and prints a routing recipe, says how two differ, or exports one for other tools", declareRecipe},
        {"steer", "Finds experts, measures what they do, and runs steering experiments with controls", declareSteer},
        {"generate", "Continues a prompt, and records its routing if asked to", declareGenerate},
    };
    return list;
}

namespace {

bool isVerb(std::string_view word, std::span<const Verb> all)
{
    return std::any_of(all.begin(), all.end(), [&](const Verb &verb) { return word == verb.id; });
}

/// A file has a dot or lies in a folder, or is there; a model of the cache is org/name.
bool namesNothing(std::string_view word)
{
    std::error_code code;
    return word.find_first_of("./\\") == std::string_view::npos && !std::filesystem::exists(word, code);
}

void refuseUnknownVerb(std::string_view word, std::span<const Verb> all)
{
    std::vector<std::string_view> known;
    std::string list;
    for (const Verb &verb : all) {
        known.push_back(verb.id);
        list += (list.empty() ? "" : ", ") + std::string{verb.id};
    }
    const std::string_view guess = meant(word, known);
    throw Error{ErrorKind::Usage, "no such verb or file", std::string{word},
        (guess.empty() ? "" : "Did you mean " + std::string{guess} + "? ") + "The verbs are " + list
            + "; expertscope --help says what they do"};
}

/// As typed, with quotes where an argument needs them.
std::string commandLine(int argc, const char *const *argv)
{
    std::string line = "expertscope";
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        const bool plain = !argument.empty() && argument.find_first_of(" \t\n'\"\\$*?&|;<>()") == std::string::npos;
        line += plain ? " " + argument : " '" + argument + "'";
    }
    return line;
}

} // namespace

bool isCommandLine(int argc, const char *const *argv, std::span<const Verb> all)
{
    if (argc < 2)
        return false;
    const std::string_view first = argv[1];
    return first.starts_with('-') || isVerb(first, all) || namesNothing(first);
}

int runCommandLine(int argc, const char *const *argv, std::span<const Verb> all, PaintFigure paint)
{
    Command command;
    command.paint = std::move(paint);
    command.line = commandLine(argc, argv);
    CLI::App app{"Expertscope: which experts a Mixture-of-Experts language model uses, and why.\n"
                 "Without a verb it opens the window; give it a model folder, a trace or a corpus to open that."};
    app.set_version_flag("--version", "expertscope " EXPERTSCOPE_VERSION);
    app.require_subcommand(0, 1);
    bool quiet = false;
    for (const Verb &verb : all) {
        CLI::App *sub = app.add_subcommand(verb.id, verb.help);
        sub->add_flag("-q,--quiet", quiet, "No progress and no remarks on standard error");
        sub->parse_complete_callback([&] { command.terminal.setQuiet(quiet); });
        verb.declare(*sub, command);
    }
    try {
        if (const std::string_view first = argc > 1 ? argv[1] : "--help"; !first.starts_with('-') && !isVerb(first, all))
            refuseUnknownVerb(first, all);
        app.parse(argc, argv);
        return command.exitCode;
    } catch (const CLI::ParseError &error) {
        const int code = app.exit(error, std::cout, std::cerr);
        return code == 0 ? 0 : static_cast<int>(ErrorKind::Usage);
    } catch (const Error &error) {
        command.terminal.error(error.what());
        return static_cast<int>(error.kind);
    } catch (const Cancelled &) {
        command.terminal.error("stopped; nothing was written");
        return 130;
    } catch (const std::exception &error) {
        command.terminal.error(std::string{"unexpected failure: "} + error.what() + ". Please report it with the command line.");
        return static_cast<int>(ErrorKind::Device);
    }
}

} // namespace expertscope
