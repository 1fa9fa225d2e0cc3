// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope report: records, opens or imports a trace, runs every analysis and writes the report. Paints without a display.
#pragma once

namespace CLI {
class App;
}

namespace expertscope {

struct Command;

void declareReport(CLI::App &app, Command &command);

} // namespace expertscope
