// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The backends there are to choose from, the best first. Shared by the window and the command line; Qt-free.
#pragma once

#include "engine/core/backend.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace expertscope {

struct BackendChoice {
    std::string id; ///< BackendInfo::name: "cpu", "cuda"
    std::string title; ///< "CPU", "GPU (CUDA)"
    std::function<std::unique_ptr<Backend>()> make; ///< throws Error (Device) where it cannot be had
    std::string caution = {}; ///< why it is taken only where it is asked for, a sentence without full stop; empty = it need not be
};

std::vector<BackendChoice> backendChoices();

struct MadeBackend {
    std::unique_ptr<Backend> backend;
    std::string missing; ///< why a better one was not to be had, one sentence; empty where it was
};

/// The first that can be had, of several one without a caution; throws what the last one throws.
MadeBackend makeFirst(const std::vector<BackendChoice> &choices);

} // namespace expertscope
