// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/memory_plan.h"

#include "engine/core/error.h"

#include <algorithm>
#include <fstream>
#include <limits>

namespace expertscope {

std::int64_t availableMemoryBytes()
{
    std::ifstream meminfo{"/proc/meminfo"};
    for (std::string word; meminfo >> word;) {
        std::int64_t kibibytes = 0;
        if (word == "MemAvailable:" && meminfo >> kibibytes)
            return kibibytes * 1024;
        meminfo.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    return 0;
}

std::string sizeText(std::int64_t bytes)
{
    const bool large = bytes >= 1'000'000'000;
    const std::int64_t tenths = (bytes + (large ? 50'000'000 : 50'000)) / (large ? 100'000'000 : 100'000);
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + (large ? " GB" : " MB");
}

std::int64_t expertSlots(const ModelMemory &model, std::int64_t freeBytes, std::int64_t workBytes)
{
    const std::int64_t left = freeBytes - model.residentBytes - workBytes;
    const std::int64_t slots = model.expertBytes > 0 ? std::min(model.experts, std::max<std::int64_t>(left, 0) / model.expertBytes) : 0;
    const std::int64_t least = std::min<std::int64_t>(model.experts, 2 * std::int64_t{model.atOnce});
    if (left < 0 || slots < least)
        throw Error{ErrorKind::Device,
            "the model needs " + sizeText(model.residentBytes) + " for what every token uses, " + sizeText(workBytes) + " to work in and "
                + sizeText(least * model.expertBytes) + " for " + std::to_string(least) + " experts at a time ("
                + sizeText(model.allBytes()) + " in all), and " + sizeText(freeBytes) + " are free",
            "device memory", "Close other programs that use the device, run smaller batches, or use the CPU"};
    return slots;
}

} // namespace expertscope
