// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/backends.h"

#include "engine/core/error.h"

namespace expertscope {

std::vector<BackendChoice> backendChoices()
{
    return {{"cuda", "GPU (CUDA)", makeCudaBackend,
                "the CUDA engine has not been proven on a GPU yet, so it is used only where it is asked for"},
        {"cpu", "CPU", makeCpuBackend}};
}

MadeBackend makeFirst(const std::vector<BackendChoice> &choices)
{
    MadeBackend made;
    for (const BackendChoice &choice : choices) {
        if (choices.size() > 1 && !choice.caution.empty()) {
            made.missing = choice.caution;
            continue;
        }
        try {
            made.backend = choice.make();
            break;
        } catch (const Error &error) {
            if (&choice == &choices.back())
                throw;
            if (made.missing.empty())
                made.missing = error.message;
        }
    }
    return made;
}

} // namespace expertscope
