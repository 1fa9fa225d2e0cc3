// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The parts of the verb steer: one subcommand a file.
#pragma once

namespace CLI {
class App;
}

namespace expertscope {

struct Command;

void declareSteerAblate(CLI::App &app, Command &command);
void declareSteerFind(CLI::App &app, Command &command);
void declareSteerKSweep(CLI::App &app, Command &command);
void declareSteerRoutes(CLI::App &app, Command &command);
void declareSteerSweep(CLI::App &app, Command &command);

} // namespace expertscope
