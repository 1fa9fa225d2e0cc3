// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/number_list.h"

#include "engine/core/error.h"

#include <algorithm>
#include <charconv>

namespace expertscope {

std::vector<std::int64_t> numberList(const std::string &text, const std::string &setting, std::int64_t least, std::int64_t most)
{
    constexpr std::size_t mostNumbers = 16;
    const auto refuse = [&] {
        throw Error{ErrorKind::Usage, "\"" + text + "\" is not a list of numbers for " + setting, "settings",
            "Give up to " + std::to_string(mostNumbers) + " whole numbers between " + std::to_string(least) + " and " + std::to_string(most)
                + ", separated by commas"};
    };
    std::vector<std::int64_t> numbers;
    const char *at = text.data(), *const end = at + text.size();
    while (true) {
        while (at != end && *at == ' ')
            ++at;
        std::int64_t number = 0;
        const auto [after, error] = std::from_chars(at, end, number);
        if (error != std::errc{} || number < least || number > most || numbers.size() == mostNumbers)
            refuse();
        numbers.push_back(number);
        at = after;
        while (at != end && *at == ' ')
            ++at;
        if (at == end)
            break;
        if (*at++ != ',')
            refuse();
    }
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
}

} // namespace expertscope
