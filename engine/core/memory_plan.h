// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Whether a model fits in a device's memory, and how many of its experts do where it does not.
// Sizes in words, for whoever has to say them.
#pragma once

#include <cstdint>
#include <string>

namespace expertscope {

/// What a model takes of a device's memory.
struct ModelMemory {
    std::int64_t residentBytes = 0; ///< of all weights but the routed experts'
    std::int64_t expertBytes = 0; ///< of the largest routed expert
    std::int64_t experts = 0; ///< routed, of all layers
    int atOnce = 0; ///< the most experts a token is routed to in a layer
    std::int64_t allBytes() const { return residentBytes + experts * expertBytes; }
};

/// How many experts the memory holds beside the other weights and `workBytes` for activations, caches and the library: all of them where
/// they fit. Throws Error (Device) with the sizes where fewer fit than two layers of one token need: one that runs, one on its way.
std::int64_t expertSlots(const ModelMemory &model, std::int64_t freeBytes, std::int64_t workBytes);

/// What a program may still take of the system's memory: its file cache counts as free. 0 = the system does not say.
std::int64_t availableMemoryBytes();

/// "12.3 GB", "0.4 MB"
std::string sizeText(std::int64_t bytes);

} // namespace expertscope
