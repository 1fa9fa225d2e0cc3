// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/importers/import.h"

#include "engine/core/error.h"
#include "io/importers/formats.h"

#include <algorithm>

namespace expertscope {

namespace {

const ForeignFormat *const formats[] = {&aggregateCountsFormat, &numpyTraceFormat, &sglangDumpFormat, &engineResponsesFormat};

const ForeignFormat *formatOf(const std::filesystem::path &file)
{
    const auto recognises = [&](const ForeignFormat *format) {
        try {
            return format->recognises(file);
        } catch (const std::exception &) {
            return false;
        }
    };
    const auto found = std::find_if(std::begin(formats), std::end(formats), recognises);
    return found == std::end(formats) ? nullptr : *found;
}

/// The files themselves, or those of the one folder that can be imported, by name.
std::vector<std::filesystem::path> listed(std::span<const std::filesystem::path> paths)
{
    std::error_code code;
    if (paths.size() != 1 || !std::filesystem::is_directory(paths.front(), code))
        return {paths.begin(), paths.end()};
    std::vector<std::filesystem::path> files;
    for (std::filesystem::directory_iterator at{paths.front(), code}, end; !code && at != end; at.increment(code))
        if (std::error_code unknown; at->is_regular_file(unknown) && formatOf(at->path()))
            files.push_back(at->path());
    std::sort(files.begin(), files.end());
    return files;
}

} // namespace

std::string foreignTraceKind(const std::filesystem::path &path)
{
    std::error_code code;
    if (std::filesystem::is_directory(path, code) && std::filesystem::exists(path / "config.json", code))
        return {}; // a model
    const std::vector<std::filesystem::path> files = listed({&path, 1});
    const ForeignFormat *format = files.empty() ? nullptr : formatOf(files.front());
    return format ? format->title : std::string{};
}

void importTrace(std::span<const std::filesystem::path> paths, const ImportOptions &options, TraceSink &sink, ImportReport &report,
    const Progress &progress)
{
    report = {};
    std::error_code code;
    for (const std::filesystem::path &path : paths)
        if (!std::filesystem::exists(path, code))
            throw Error{ErrorKind::Input, "there is no such file", path.string(), "Check the name"};
    const std::vector<std::filesystem::path> files = listed(paths);
    const ForeignFormat *format = files.empty() ? nullptr : formatOf(files.front());
    if (!format) {
        std::string known;
        for (const ForeignFormat *one : formats)
            known += (known.empty() ? "" : ", ") + std::string{one->title};
        throw Error{ErrorKind::Input, "this is no recording that can be imported", paths.empty() ? "" : paths.front().string(),
            "Give one of: " + known};
    }
    for (const std::filesystem::path &file : files)
        if (formatOf(file) != format)
            throw Error{ErrorKind::Input, "this is not of the same format as " + files.front().string(), file.string(),
                "Import files of one recording at a time"};
    report.format = format->title;
    format->read(files, options, sink, report, progress);
}

TraceMeta importedMeta(std::span<const std::filesystem::path> files, const ImportOptions &options, const char *format)
{
    constexpr std::size_t mostNamed = 8;
    std::string names;
    for (std::size_t i = 0; i < std::min(files.size(), mostNamed); ++i)
        names += (i ? ", " : "") + files[i].filename().string();
    if (files.size() > mostNamed)
        names += " and " + std::to_string(files.size() - mostNamed) + " more";
    TraceMeta meta;
    meta.fields.tokenId = false;
    meta.title = options.title.empty() ? names : options.title;
    meta.dateCreated = currentDate();
    meta.producer = "Expertscope";
    meta.producerVersion = EXPERTSCOPE_VERSION;
    meta.history = meta.dateCreated + " imported from " + names + " (" + format + ") by Expertscope " EXPERTSCOPE_VERSION;
    meta.engine.commandLine = options.commandLine;
    return meta;
}

bool hasExtension(const std::filesystem::path &file, std::initializer_list<std::string_view> extensions)
{
    std::string extension = file.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
        [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

} // namespace expertscope
