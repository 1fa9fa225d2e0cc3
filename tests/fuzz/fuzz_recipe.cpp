// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The input is a recipe. One that is read is written and read again as the same, and its check says what is wrong with it.
#include "engine/steering/validate.h"
#include "io/recipe.h"
#include "tests/fuzz/require.h"

using namespace expertscope;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    parseOrExplain([&] {
        const Recipe recipe = parseRecipe(text(data, size), "fuzz.json");
        const std::string written = recipeJson(recipe);
        const Recipe again = parseRecipe(written, "fuzz.json");
        require(again == recipe && recipeJson(again) == written && recipeDifference(recipe, again).empty());
        validate(recipe);
    });
    return 0;
}
