// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/huggingface_cache.h"

#include "engine/core/error.h"
#include "io/input_file.h"

#include <algorithm>
#include <cstdlib>

namespace expertscope {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view prefix = "models--";

fs::path variable(const char *name)
{
    const char *value = std::getenv(name);
    return value ? fs::path{value} : fs::path{};
}

/// "models--org--name" -> "org/name"; empty if it is not such a folder.
std::string modelName(const fs::path &repository)
{
    std::string name = repository.filename().string();
    if (!name.starts_with(prefix))
        return {};
    name.erase(0, prefix.size());
    if (const std::size_t slash = name.find("--"); slash != std::string::npos)
        name.replace(slash, 2, "/");
    return isModelName(name) ? name : std::string{};
}

bool isPlainName(std::string_view text)
{
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    };
    return !text.empty() && text.size() <= 128 && text.front() != '.' && std::all_of(text.begin(), text.end(), allowed);
}

bool holdsConfig(const fs::path &folder)
{
    std::error_code ignored;
    return fs::exists(folder / "config.json", ignored);
}

fs::path mainSnapshot(const fs::path &repository)
{
    std::error_code failed;
    const fs::path reference = repository / "refs" / "main";
    if (!fs::is_regular_file(reference, failed))
        return {};
    try {
        std::string revision = readWholeFile(reference, 4096);
        revision.erase(
            std::find_if(revision.begin(), revision.end(), [](char c) { return c == '\n' || c == '\r' || c == ' '; }), revision.end());
        const fs::path folder = repository / "snapshots" / revision;
        return isPlainName(revision) && holdsConfig(folder) ? folder : fs::path{};
    } catch (const Error &) { // unreadable: as good as absent, the newest snapshot is taken
        return {};
    }
}

fs::path newestSnapshot(const fs::path &repository)
{
    fs::path newest;
    fs::file_time_type newestTime{};
    std::error_code failed;
    for (fs::directory_iterator it{repository / "snapshots", failed}, end; !failed && it != end; it.increment(failed)) {
        std::error_code ignored;
        const fs::file_time_type time = fs::last_write_time(it->path(), ignored);
        if (!ignored && holdsConfig(it->path()) && (newest.empty() || time > newestTime)) {
            newest = it->path();
            newestTime = time;
        }
    }
    return newest;
}

std::optional<CacheSnapshot> snapshotOf(const fs::path &repository)
{
    fs::path folder = mainSnapshot(repository);
    if (folder.empty())
        folder = newestSnapshot(repository);
    if (folder.empty())
        return std::nullopt;
    return CacheSnapshot{modelName(repository), folder.filename().string(), folder};
}

} // namespace

fs::path huggingFaceCacheFolder()
{
    if (const fs::path cache = variable("HF_HUB_CACHE"); !cache.empty())
        return cache;
    if (const fs::path home = variable("HF_HOME"); !home.empty())
        return home / "hub";
    if (const fs::path cache = variable("XDG_CACHE_HOME"); !cache.empty())
        return cache / "huggingface" / "hub";
    return variable("HOME") / ".cache" / "huggingface" / "hub";
}

bool isModelName(std::string_view text)
{
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos)
        return isPlainName(text);
    return isPlainName(text.substr(0, slash)) && isPlainName(text.substr(slash + 1));
}

std::optional<CacheSnapshot> cachedSnapshot(std::string_view name)
{
    if (!isModelName(name))
        return std::nullopt;
    std::string folder{name};
    if (const std::size_t slash = folder.find('/'); slash != std::string::npos)
        folder.replace(slash, 1, "--");
    return snapshotOf(huggingFaceCacheFolder() / (std::string{prefix} + folder));
}

std::vector<CacheSnapshot> cachedSnapshots()
{
    std::vector<CacheSnapshot> found;
    std::error_code failed;
    for (fs::directory_iterator it{huggingFaceCacheFolder(), failed}, end; !failed && it != end; it.increment(failed)) {
        if (modelName(it->path()).empty())
            continue;
        if (std::optional<CacheSnapshot> snapshot = snapshotOf(it->path()))
            found.push_back(std::move(*snapshot));
    }
    std::sort(found.begin(), found.end(), [](const CacheSnapshot &a, const CacheSnapshot &b) { return a.name < b.name; });
    return found;
}

std::optional<CacheSnapshot> snapshotOfFolder(const fs::path &folder)
{
    const fs::path snapshots = folder.parent_path();
    const std::string name = modelName(snapshots.parent_path());
    if (snapshots.filename() != "snapshots" || name.empty())
        return std::nullopt;
    return CacheSnapshot{name, folder.filename().string(), folder};
}

} // namespace expertscope
