// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/offscreen.h"

namespace expertscope {

namespace {

char program[] = "expertscope";
char *arguments[] = {program, nullptr};
int count = 1;

} // namespace

Offscreen::Offscreen()
    : m_app{prepared(m_runtime), arguments}
{
}

/// The environment must be set before the application is made.
int &Offscreen::prepared(const QTemporaryDir &runtime)
{
    if (!qEnvironmentVariableIsSet("QT_QPA_PLATFORM"))
        qputenv("QT_QPA_PLATFORM", "offscreen");
    if (!qEnvironmentVariableIsSet("XDG_RUNTIME_DIR"))
        qputenv("XDG_RUNTIME_DIR", runtime.path().toLocal8Bit());
    return count;
}

} // namespace expertscope
