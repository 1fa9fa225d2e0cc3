// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The two ways into the window: for a person, and without a screen as pictures of the demo.
#pragma once

#include <QString>

namespace expertscope {

/// Opens the window on the files and folders among the arguments; runs until it is closed. Returns the exit code: 5 without a display.
int runWindow(int argc, char **argv);

/// Runs the demo without a display and writes its trace (HDF5) and pictures of the window, light and dark, and of every view into
/// a folder; prints the names of the files. Returns the exit code.
int renderDemo(int argc, char **argv, const QString &outFolder);

} // namespace expertscope
