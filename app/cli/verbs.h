// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The verbs of the command line: one file each, listed in verbs.cpp. Qt-free.
#pragma once

#include "app/cli/terminal.h"

#include <functional>
#include <span>
#include <string>

namespace CLI {
class App;
}

namespace expertscope {

struct AnalysisKind;
struct Matrix;
struct Result;
struct Series;

/// One of the two: what a figure shows of a result.
struct FigurePart {
    const Series *series = nullptr;
    const Matrix *matrix = nullptr;
};
/// Writes the part as a picture, in place of what is there, by the file's suffix. Throws Error (Input).
using PaintFigure = std::function<void(const AnalysisKind &kind, const Result &result, const FigurePart &part, const std::string &file)>;

/// What one invocation of the program shares with its verb.
struct Command {
    Terminal terminal;
    std::string line; ///< as typed; stored in traces
    int exitCode = 0; ///< set by the verb
    PaintFigure paint; ///< empty where the program cannot
};

struct Verb {
    const char *id;
    const char *help; ///< one line
    /// Declares options and an example, and sets the callback that runs the verb.
    void (*declare)(CLI::App &app, Command &command);
};

/// The verbs that need no Qt; the program with a window adds its own.
std::span<const Verb> verbs();

void declareAnalyse(CLI::App &app, Command &command);
void declareEval(CLI::App &app, Command &command);
void declareImport(CLI::App &app, Command &command);
void declareInfo(CLI::App &app, Command &command);
void declareRecipe(CLI::App &app, Command &command);
void declareSteer(CLI::App &app, Command &command);
void declareTrace(CLI::App &app, Command &command);
void declareGenerate(CLI::App &app, Command &command);

/// Whether the arguments name a verb or an option, or what can only be a verb mistyped, rather than something to open in the window.
bool isCommandLine(int argc, const char *const *argv, std::span<const Verb> all);

/// Runs the command line; `paint` may be empty. Exit codes: 0 fine, 2 usage, 3 input unreadable, 4 input fails checks, 5 model or device,
/// 130 interrupted.
int runCommandLine(int argc, const char *const *argv, std::span<const Verb> all, PaintFigure paint = {});

} // namespace expertscope
