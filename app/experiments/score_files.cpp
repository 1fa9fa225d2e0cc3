// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/experiments/score_files.h"

#include "engine/core/error.h"
#include "engine/experiments/score_lines.h"
#include "engine/steering/compiled_recipe.h"
#include "io/line_log.h"
#include "io/recipe.h"
#include "io/sha256.h"

#include <algorithm>
#include <memory>

namespace expertscope {

namespace fs = std::filesystem;

std::string actingPart(Recipe recipe)
{
    recipe.name = recipe.notes = recipe.foundJson = recipe.measuredJson = {};
    return recipeJson(recipe);
}

std::vector<ItemScore> scored(const EvalData &data, const ScoringSettings &settings, const Recipe *recipe, const fs::path &file,
    const Experiment &experiment, const Progress &progress)
{
    ScoreSource source{
        .model = {}, .backend = {}, .recipeSha256 = recipe ? sha256(actingPart(*recipe)) : std::string{}, .settings = settings};
    /// Compiled for each piece of work: what it holds of the model is made and let go where the model is.
    const auto compiled = [&](const LentModel &lent) {
        return recipe ? std::make_unique<CompiledRecipe>(*recipe, lent.model, lent.backend, &lent.tokenizer, data.corpus.labelColumns)
                      : nullptr;
    };
    experiment.model.use([&](const LentModel &lent) {
        source.model = lent.model.info();
        source.backend = lent.backend.info().name;
        compiled(lent); // a recipe that does not fit is found out before a file is made for it
    });
    std::unique_ptr<LineLog> log;
    std::vector<ItemScore> scores;
    const std::size_t items = data.corpus.rows.size();
    if (!file.empty()) {
        const std::string header = scoreHeader(source, data);
        log = std::make_unique<LineLog>(file, header, [&](std::string_view found) { return headerDifference(found, header); });
        const std::vector<std::string> &lines = log->lines();
        if (lines.size() > items)
            throw Error{ErrorKind::Input, "there are more scores than items", log->where(items), "Delete the file, or give another folder"};
        for (std::size_t i = 0; i < lines.size(); ++i)
            scores.push_back(scoreOfLine(lines[i], i, data, log->where(i)));
        if (log->wasCut())
            experiment.note("The last line of " + file.string() + " was cut off; its item is scored again.");
        if (!scores.empty() && scores.size() < items)
            experiment.note("Going on after item " + std::to_string(scores.size()) + " of " + std::to_string(items) + ": " + file.string());
    }
    const auto onScore = [&](std::size_t item, ItemScore score) {
        if (log)
            log->append(scoreLine(item, data.corpus.rows[item].id, score) + '\n');
        scores.push_back(std::move(score));
    };
    ItemScoring scoring{data, settings, scores.size()};
    while (scores.size() < items)
        experiment.model.use([&](const LentModel &lent) {
            const auto steered = compiled(lent);
            scoring.next(lent.model, lent.backend, lent.tokenizer, steered ? steered->steering() : Steering{}, onScore, progress);
        });
    progress.report(std::ssize(data.corpus.rows), std::ssize(data.corpus.rows), "items");
    return scores;
}

namespace {

bool isOutput(const std::string &extension)
{
    return extension == ".csv" || extension == ".svg" || extension == ".png" || extension == ".pdf";
}

} // namespace

void claimFolder(const fs::path &folder, const std::vector<std::string> &own)
{
    std::error_code error;
    fs::create_directories(folder, error);
    if (error || !fs::is_directory(folder))
        throw Error{ErrorKind::Input, "the folder cannot be made", folder.string(), "Choose another folder, or change its permissions"};
    for (const fs::directory_entry &entry : fs::directory_iterator{folder}) {
        const std::string name = entry.path().filename().string();
        const std::string extension = entry.path().extension().string();
        if (!isOutput(extension) && std::find(own.begin(), own.end(), name) == own.end())
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
