// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the options of several verbs share: limits that read well, and what somebody may have meant by a word.
#pragma once

#include <CLI/CLI.hpp>

#include <span>
#include <string>
#include <string_view>

namespace expertscope {

/// Accepts numbers from `least` on; CLI11's own check names the largest number there is as the other end.
CLI::Validator atLeast(double least);

/// The candidate that differs least from a word, if a slip of the keyboard explains it: at most two letters left out, put in, changed or
/// swapped with their neighbour (Damerau 1964), and fewer than half of the word. Else empty.
std::string_view meant(std::string_view word, std::span<const std::string_view> candidates);

} // namespace expertscope
