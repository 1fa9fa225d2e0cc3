// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/cli/score_files.h"

#include "app/cli/terminal.h"
#include "engine/core/error.h"
#include "engine/experiments/score_lines.h"
#include "engine/steering/compiled_recipe.h"
#include "io/line_log.h"
#include "io/recipe.h"
#include "io/sha256.h"

#include <algorithm>
#include <memory>
#include <optional>

namespace expertscope {

namespace fs = std::filesystem;

namespace {

/// What acts: the same for recipes that differ in name, notes and what they say of themselves.
std::string actingPart(Recipe recipe)
{
    recipe.name = recipe.notes = recipe.foundJson = recipe.measuredJson = {};
    return recipeJson(recipe);
}

} // namespace

std::vector<ItemScore> scored(const LoadedModel &open, const EvalData &data, const ScoringSettings &settings, const Recipe *recipe,
    const fs::path &file, Terminal &terminal)
{
    Steering steering;
    std::optional<CompiledRecipe> compiled;
    if (recipe) {
        compiled.emplace(*recipe, *open.model, *open.backend, open.tokenizer.get(), data.corpus.labelColumns);
        steering = compiled->steering();
    }
    std::unique_ptr<LineLog> log;
    std::vector<ItemScore> scores;
    const std::size_t items = data.corpus.rows.size();
    if (!file.empty()) {
        const std::string header = scoreHeader({.model = open.model->info(),
                                                   .backend = open.backend->info().name,
                                                   .recipeSha256 = recipe ? sha256(actingPart(*recipe)) : std::string{},
                                                   .settings = settings},
            data);
        log = std::make_unique<LineLog>(file, header, [&](std::string_view found) { return headerDifference(found, header); });
        const std::vector<std::string> &lines = log->lines();
        if (lines.size() > items)
            throw Error{ErrorKind::Input, "there are more scores than items", log->where(items), "Delete the file, or give another folder"};
        for (std::size_t i = 0; i < lines.size(); ++i)
            scores.push_back(scoreOfLine(lines[i], i, data, log->where(i)));
        if (log->wasCut())
            terminal.note("The last line of " + file.string() + " was cut off; its item is scored again.");
        if (!scores.empty() && scores.size() < items)
            terminal.note("Going on after item " + std::to_string(scores.size()) + " of " + std::to_string(items) + ": " + file.string());
    }
    const auto onScore = [&](std::size_t item, ItemScore score) {
        if (log)
            log->append(scoreLine(item, data.corpus.rows[item].id, score) + '\n');
        scores.push_back(std::move(score));
    };
    if (scores.size() < items)
        scoreItems(*open.model, *open.backend, *open.tokenizer, data, settings, steering, scores.size(), onScore, terminal.progress());
    terminal.endProgress();
    return scores;
}

int untilStopped(const std::string &folder, Terminal &terminal, const std::function<void()> &work)
{
    try {
        work();
        return 0;
    } catch (const Cancelled &) {
        if (folder.empty())
            throw;
        terminal.note("Stopped. The scores so far are in " + folder + "; the same command goes on there.");
        return 130;
    }
}

void claimFolder(const fs::path &folder, const std::vector<std::string> &own)
{
    std::error_code error;
    fs::create_directories(folder, error);
    if (error || !fs::is_directory(folder))
        throw Error{ErrorKind::Input, "the folder cannot be made", folder.string(), "Choose another folder, or change its permissions"};
    for (const fs::directory_entry &entry : fs::directory_iterator{folder}) {
        const std::string name = entry.path().filename().string();
        const std::string extension = entry.path().extension().string();
        if (extension != ".csv" && extension != ".svg" && std::find(own.begin(), own.end(), name) == own.end())
            throw Error{ErrorKind::Input, "the folder holds something else: " + name, folder.string(), "Give a new or empty folder"};
    }
}

std::string fileStem(const std::string &name)
{
    std::string stem;
    for (const char c : name)
        stem += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ? c : '-';
    return stem.empty() || stem.front() == '.' ? '-' + stem : stem;
}

} // namespace expertscope
