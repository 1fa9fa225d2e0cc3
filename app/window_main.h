// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The two ways into the window: for a person, and without a screen as pictures of the demo.
#pragma once

#include <QSize>
#include <QStringList>

namespace expertscope {

/// Opens the window on the files and folders among the arguments; runs until it is closed. Returns the exit code: 5 without a display.
int runWindow(int argc, char **argv);

struct DemoRun {
    QString folder; ///< for what is written
    QStringList traces; ///< to show instead of the demo
    QSize size; ///< of the window
};

/// Without a display: runs the demo and writes its trace (HDF5), or opens traces; writes pictures of the window, light and dark, and of
/// every view; prints the names of the files. Returns the exit code.
int renderDemo(int argc, char **argv, const DemoRun &run);

} // namespace expertscope
