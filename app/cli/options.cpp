// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/cli/options.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace expertscope {

namespace {

/// Optimal string alignment: edits of one letter and swaps of neighbours, no letter touched twice.
std::size_t distance(std::string_view a, std::string_view b)
{
    std::vector<std::vector<std::size_t>> best(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i)
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                best[i][j] = i + j;
                continue;
            }
            best[i][j] = std::min({best[i - 1][j] + 1, best[i][j - 1] + 1, best[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best[i][j] = std::min(best[i][j], best[i - 2][j - 2] + 1);
        }
    return best[a.size()][b.size()];
}

} // namespace

CLI::Validator atLeast(double least)
{
    char text[32];
    std::snprintf(text, sizeof text, "%g", least);
    return CLI::Validator{[least, limit = std::string{text}](std::string &given) {
                              double value = 0;
                              const bool isNumber = CLI::detail::lexical_cast(given, value);
                              return isNumber && value >= least ? std::string{} : "must be " + limit + " or more, not " + given;
                          },
        ">= " + std::string{text}};
}

std::string_view meant(std::string_view word, std::span<const std::string_view> candidates)
{
    std::string_view closest;
    std::size_t least = std::min<std::size_t>(2, word.size() > 1 ? (word.size() - 1) / 2 : 0) + 1;
    for (const std::string_view candidate : candidates)
        if (const std::size_t apart = distance(word, candidate); apart < least) {
            least = apart;
            closest = candidate;
        }
    return closest;
}

} // namespace expertscope
