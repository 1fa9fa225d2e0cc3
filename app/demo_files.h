// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The bundled demo: where its files are, wherever the program was started from.
#pragma once

#include <QString>
#include <QStringList>

namespace expertscope {

struct DemoFiles {
    QString model; ///< folder
    QStringList corpus; ///< files, the parallel sentences first
    QStringList evaluation; ///< files to evaluate a model on
    QString plan; ///< of a steering experiment
    bool complete() const { return !model.isEmpty() && !corpus.isEmpty(); }
};

/// Looks in $EXPERTSCOPE_DATA_DIR alone if it is set; else beside the program, in ../share/expertscope, and in resources/demo of a
/// source tree above the program. What is not found is empty.
DemoFiles findDemo();

} // namespace expertscope
