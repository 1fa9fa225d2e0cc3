// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The program without a window (EXPERTSCOPE_GUI=OFF).
#include "app/cli/verbs.h"

int main(int argc, char **argv)
{
    const char *const help[] = {argv[0], "--help"};
    return argc < 2 ? expertscope::runCommandLine(2, help, expertscope::verbs())
                    : expertscope::runCommandLine(argc, argv, expertscope::verbs());
}
