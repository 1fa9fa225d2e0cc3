// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/model_folder.h"

#include "engine/core/error.h"
#include "io/huggingface_cache.h"
#include "io/input_file.h"
#include "io/safetensors.h"
#include "io/sha256.h"
#include "io/shard_index.h"
#include "io/utf8.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace expertscope {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t largestConfigBytes = 16'000'000;
constexpr std::uint64_t largestTokenizerBytes = 256'000'000; // the largest known, of 262,144 tokens, has 34 MB
constexpr const char *singleFile = "model.safetensors";
constexpr const char *indexFile = "model.safetensors.index.json";

std::string readJson(const fs::path &file, std::uint64_t limitBytes)
{
    std::string text = readWholeFile(file, limitBytes);
    if (text.starts_with("version https://git-lfs"))
        throw Error{ErrorKind::Input, "this is a Git LFS pointer, not the file itself", file.string(),
            "Fetch the files: run \"git lfs pull\" in the folder"};
    return text;
}

std::string readJsonIfThere(const fs::path &file, std::uint64_t limitBytes)
{
    // A link into nowhere counts as there: its target was lost, and reading it says so.
    return fs::exists(fs::symlink_status(file)) ? readJson(file, limitBytes) : std::string{};
}

std::vector<std::string> fileNames(const fs::path &folder)
{
    std::vector<std::string> names;
    std::error_code failed;
    for (fs::directory_iterator it{folder, failed}, end; !failed && it != end; it.increment(failed))
        names.push_back(it->path().filename().string());
    if (failed)
        throw Error{ErrorKind::Input, "the folder cannot be read: " + failed.message(), folder.string(), "Check its permissions"};
    std::sort(names.begin(), names.end());
    return names;
}

[[noreturn]] void failOnFile(const fs::path &file)
{
    std::string start(8, '\0');
    InputFile opened{file};
    start.resize(opened.read(start));
    const std::string where = file.string();
    if (start.starts_with("GGUF"))
        throw Error{ErrorKind::Input, "this is a GGUF file, which this version does not open", where,
            "Give the folder of the model's Hugging Face version (config.json and safetensors)"};
    if (start.starts_with("\x89HDF\r\n\x1a\n"))
        throw Error{
            ErrorKind::Input, "this is an HDF5 file, not a model", where, "If it is a routing trace, open it as one; a model is a folder"};
    throw Error{ErrorKind::Input, "a model is a folder, but this is a file", where,
        "Give the folder that holds config.json and the safetensors files"};
}

/// The folder's name; with its parent's where the name alone says nothing ("run7/checkpoint-500", "demo/model").
std::string nameOf(const fs::path &folder)
{
    const std::string name = folder.filename().string();
    const bool saysNothing = name == "model" || name == "final" || name.starts_with("checkpoint");
    const std::string parent = folder.parent_path().filename().string();
    return saysNothing && !parent.empty() && parent != "." && parent != ".." ? parent + '/' + name : name;
}

struct Place {
    fs::path folder;
    std::string name, revision;
};

Place resolve(const std::string &where)
{
    std::error_code failed;
    const fs::path given{where};
    if (!where.empty() && fs::exists(given, failed)) {
        if (!fs::is_directory(given, failed))
            failOnFile(given);
        // Not canonical(): a snapshot that is reached through a link keeps the name that the person gave it.
        fs::path folder = fs::absolute(given).lexically_normal();
        if (!folder.has_filename())
            folder = folder.parent_path();
        if (const auto snapshot = snapshotOfFolder(folder))
            return {folder, snapshot->name, snapshot->revision};
        return {folder, nameOf(folder), {}};
    }
    if (const auto snapshot = cachedSnapshot(where))
        return {snapshot->folder, snapshot->name, snapshot->revision};
    if (isModelName(where))
        throw Error{ErrorKind::Input,
            "there is no folder of this name, nor a model of this name in the Hugging Face cache " + huggingFaceCacheFolder().string(),
            where, "Download it first (hf download " + where + ") or give the path of a model folder"};
    throw Error{ErrorKind::Input, "there is no such folder", shown(where),
        "Give the path of a model folder, or org/name of a model in the Hugging Face cache"};
}

[[noreturn]] void failWithoutConfig(const fs::path &folder, const std::vector<std::string> &names)
{
    const auto has = [&](std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); };
    const auto hasEnding = [&](std::string_view ending) {
        return std::any_of(names.begin(), names.end(), [&](const std::string &n) { return n.ends_with(ending); });
    };
    const std::string where = folder.string();
    if (has("adapter_config.json"))
        throw Error{ErrorKind::Input, "this folder holds an adapter (LoRA), not a whole model", where,
            "Merge it into its base model and save that (merge_and_unload)"};
    if (hasEnding(".gguf"))
        throw Error{ErrorKind::Input, "this folder holds a GGUF model, which this version does not open", where,
            "Give the folder of the model's Hugging Face version (config.json and safetensors)"};
    if (has("snapshots") && has("refs"))
        throw Error{ErrorKind::Input, "this is a model's folder in the Hugging Face cache, but none of its snapshots has a config.json",
            where, "Download the model again"};
    throw Error{ErrorKind::Input, "the folder has no config.json", where,
        "Give the folder that holds config.json, tokenizer.json and the safetensors files"};
}

[[noreturn]] void failWithoutWeights(const fs::path &folder, const std::vector<std::string> &names)
{
    const auto ending = [&](std::string_view end) -> const std::string * {
        const auto it = std::find_if(names.begin(), names.end(), [&](const std::string &n) { return n.ends_with(end); });
        return it == names.end() ? nullptr : &*it;
    };
    const std::string where = folder.string();
    if (const std::string *shard = ending(".safetensors"); shard && *shard != "adapter_model.safetensors") {
        if (shard->find("-of-") != std::string::npos)
            throw Error{
                ErrorKind::Input, "there are shards (" + *shard + ") but no " + indexFile, where, "Copy or download the index file too"};
        throw Error{ErrorKind::Input, "there is a weight file " + shown(*shard) + " but none with the standard name " + singleFile, where,
            "Use the model's Hugging Face version, or rename the file if its tensors have the standard names"};
    }
    if (std::find(names.begin(), names.end(), "adapter_config.json") != names.end())
        throw Error{ErrorKind::Input, "this folder holds an adapter (LoRA), not a whole model", where,
            "Merge it into its base model and save that (merge_and_unload)"};
    if (const std::string *pickled = ending(".bin") ? ending(".bin") : ending(".pt"))
        throw Error{ErrorKind::Input,
            "the weights are there only as a PyTorch pickle (" + *pickled + "), which can run code when it is read and is not opened",
            where, "Save them as safetensors: load the model with transformers and call save_pretrained(folder, safe_serialization=True)"};
    throw Error{ErrorKind::Input, std::string{"the folder has no weights ("} + singleFile + " or " + indexFile + ")", where,
        "Download the model's safetensors files too"};
}

std::map<std::string, std::string, std::less<>> weightFiles(
    const fs::path &folder, const std::vector<std::string> &names, std::vector<std::string> &shards)
{
    // As transformers does: the single file wins over an index that lies beside it.
    if (std::binary_search(names.begin(), names.end(), singleFile)) {
        shards = {singleFile};
        return {};
    }
    if (!std::binary_search(names.begin(), names.end(), indexFile))
        failWithoutWeights(folder, names);
    const fs::path index = folder / indexFile;
    auto shardOf = parseShardIndex(readJson(index, largestShardIndexBytes), index.string());
    std::set<std::string> wanted;
    for (const auto &[tensor, shard] : shardOf)
        wanted.insert(shard);
    shards.assign(wanted.begin(), wanted.end());
    std::vector<std::string> missing;
    std::set_difference(shards.begin(), shards.end(), names.begin(), names.end(), std::back_inserter(missing));
    if (!missing.empty())
        throw Error{ErrorKind::Input,
            std::to_string(missing.size()) + " of " + std::to_string(shards.size()) + " weight files are missing, the first is "
                + shown(missing[0]),
            folder.string(), "Finish the download, or copy the missing files into the folder"};
    return shardOf;
}

void addWeights(ModelFiles &files, const fs::path &folder, const std::vector<std::string> &names)
{
    std::vector<std::string> shards;
    const auto shardOf = weightFiles(folder, names, shards);
    Sha256 identity;
    identity.add(std::uint64_t{files.configJson.size()}).add(files.configJson);
    std::map<std::string_view, std::size_t> foundIn; // views of the keys of files.tensors, which stay where they are
    for (std::size_t s = 0; s < shards.size(); ++s) {
        SafetensorsFile shard = mapSafetensors(folder / shards[s]);
        identity.add(shard.fileBytes).add(shard.header);
        files.mappings.insert(files.mappings.end(), shard.owners.begin(), shard.owners.end());
        for (auto &[name, tensor] : shard.tensors) {
            const auto [at, isNew] = files.tensors.emplace(std::move(name), tensor);
            const auto [place, first] = foundIn.emplace(at->first, s);
            if (!isNew)
                throw Error{ErrorKind::Input,
                    "tensor " + shown(at->first) + " is in two weight files, " + shown(shards[place->second]) + " and " + shown(shards[s]),
                    folder.string(), "Files of two versions are mixed: download the model again into an empty folder"};
        }
    }
    for (const auto &[tensor, shard] : shardOf) {
        const auto place = foundIn.find(tensor);
        if (place == foundIn.end() || shards[place->second] != shard)
            throw Error{ErrorKind::Input, "the index says that tensor " + shown(tensor) + " is in " + shown(shard) + ", but it is not",
                (folder / indexFile).string(), "Files of two versions are mixed: download the model again into an empty folder"};
    }
    if (files.tensors.empty())
        throw Error{ErrorKind::Input, "the weight files hold no tensors", folder.string(), "Download the model again"};
    files.sha256 = identity.hex();
}

} // namespace

std::shared_ptr<const ModelFiles> openModelFolder(const std::string &where)
{
    const Place place = resolve(where);
    const std::vector<std::string> names = fileNames(place.folder);
    if (!std::binary_search(names.begin(), names.end(), "config.json"))
        failWithoutConfig(place.folder, names);
    auto files = std::make_shared<ModelFiles>();
    files->name = place.name;
    files->path = place.folder.string();
    files->revision = place.revision;
    files->fileFormat = "safetensors";
    files->configJson = readJson(place.folder / "config.json", largestConfigBytes);
    files->generationConfigJson = readJsonIfThere(place.folder / "generation_config.json", largestConfigBytes);
    files->tokenizerJson = readJsonIfThere(place.folder / "tokenizer.json", largestTokenizerBytes);
    files->tokenizerConfigJson = readJsonIfThere(place.folder / "tokenizer_config.json", largestConfigBytes);
    if (!files->tokenizerJson.empty())
        files->tokenizerSha256 = sha256(files->tokenizerJson);
    addWeights(*files, place.folder, names);
    return files;
}

std::vector<CachedModel> huggingFaceCache()
{
    std::vector<CachedModel> models;
    for (CacheSnapshot &snapshot : cachedSnapshots()) {
        CachedModel model{std::move(snapshot.name), std::move(snapshot.revision), std::move(snapshot.folder), {}};
        try {
            const auto config = nlohmann::json::parse(readWholeFile(model.folder / "config.json", largestConfigBytes), nullptr, false);
            if (config.is_object() && config.contains("model_type") && config["model_type"].is_string())
                model.family = config["model_type"].get<std::string>();
        } catch (const Error &) { // listed all the same; opening it says what is wrong
        }
        models.push_back(std::move(model));
    }
    return models;
}

} // namespace expertscope
