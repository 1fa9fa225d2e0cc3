// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/recipe.h"

#include "engine/core/error.h"
#include "io/input_file.h"
#include "io/part_file.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <string_view>
#include <system_error>

namespace expertscope {

namespace {

constexpr std::uint64_t largestFileBytes = 64'000'000;

} // namespace

Recipe readRecipe(const std::filesystem::path &file)
{
    return parseRecipe(readWholeFile(file, largestFileBytes), file.string());
}

bool isRecipeFile(const std::filesystem::path &file)
{
    std::error_code code;
    if (!std::filesystem::is_regular_file(file, code))
        return false;
    std::array<char, 4096> first{};
    std::ifstream in{file, std::ios::binary};
    in.read(first.data(), std::ssize(first));
    const std::string_view text{first.data(), static_cast<std::size_t>(in.gcount())};
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    return start != text.npos && text[start] == '{' && text.find("\"expertscope_recipe\"") != text.npos;
}

void writeRecipe(const Recipe &recipe, const std::filesystem::path &file, bool overwrite)
{
    PartFile part{file, overwrite};
    std::ofstream out{part.part(), std::ios::binary};
    out << recipeJson(recipe);
    out.close();
    if (!out)
        throw Error{ErrorKind::Input, "the recipe could not be written", file.string(), "Make room on the disk, or write elsewhere"};
    part.commit();
}

} // namespace expertscope
