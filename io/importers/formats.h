// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The list of foreign formats. A new one is a file that defines a ForeignFormat, and one line in import.cpp.
#pragma once

#include "io/importers/import.h"

namespace expertscope {

struct ForeignFormat {
    const char *title; ///< "NumPy trace"
    /// Whether the file can be of this format, by name and bytes. May throw Error, which means no.
    bool (*recognises)(const std::filesystem::path &file);
    void (*read)(std::span<const std::filesystem::path> files, const ImportOptions &options, TraceSink &sink, ImportReport &report,
        const Progress &progress);
};

extern const ForeignFormat aggregateCountsFormat, numpyTraceFormat, sglangDumpFormat, engineResponsesFormat;

/// Logical experts [layers][physical experts] from an .npy of that shape.
std::vector<std::vector<int>> readPhysicalMap(const std::filesystem::path &file, int layers);

/// What every importer says of where a trace came from: title, date, producer, a line of history.
TraceMeta importedMeta(std::span<const std::filesystem::path> files, const ImportOptions &options, const char *format);

/// Whether the file ends in one of the extensions (".json"), whatever the case.
bool hasExtension(const std::filesystem::path &file, std::initializer_list<std::string_view> extensions);

} // namespace expertscope
