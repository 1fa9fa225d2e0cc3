// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Which instructions this processor, kernel and user allow, and its name.
// EXPERTSCOPE_ISA=baseline|avx2|avx512|avx512bf16|amx sets the most that is used (for tests and comparisons).
#pragma once

#include <string>

namespace expertscope::cpu {

/// In rising order; each includes those before it.
enum class Isa { Baseline, Avx2, Avx512, Avx512Bf16, Amx };

/// The best this machine has, at most what EXPERTSCOPE_ISA says. Asks the kernel for AMX state where the processor has it.
/// Throws Error (Usage) if the variable holds another word.
Isa usableIsa();

const char *title(Isa isa);

/// The processor's name as the system gives it.
std::string processorName();

} // namespace expertscope::cpu
