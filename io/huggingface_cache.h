// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Where the Hugging Face libraries keep downloaded models: models--org--name/{refs/main, snapshots/<revision>/, blobs/}.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace expertscope {

struct CacheSnapshot {
    std::string name; ///< "org/name"
    std::string revision;
    std::filesystem::path folder;
};

/// $HF_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub or ~/.cache/huggingface/hub; may not exist.
std::filesystem::path huggingFaceCacheFolder();

/// Could this be the name of a model ("org/name", or "name" as some old ones have it)?
bool isModelName(std::string_view text);

/// What refs/main points to, or else the newest snapshot with a config.json.
std::optional<CacheSnapshot> cachedSnapshot(std::string_view name);

/// The snapshot of every model in the cache, sorted by name.
std::vector<CacheSnapshot> cachedSnapshots();

/// The name and revision of a folder that lies in some Hugging Face cache, as its path tells them.
std::optional<CacheSnapshot> snapshotOfFolder(const std::filesystem::path &folder);

} // namespace expertscope
