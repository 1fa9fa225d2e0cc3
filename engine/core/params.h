// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Parameters of an analysis, an intervention or a policy: declared once, so that forms, --set, recipes, saved sessions and reports
// come from the declaration.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace expertscope {

struct ParamKind {
    enum class Type { Integer, Real, Flag, Choice, Text };
    std::string_view id; ///< as written in --set and in files
    std::string_view title; ///< label of a form
    std::string_view help; ///< meaning and unit, in a sentence
    Type type = Type::Text;
    std::string_view standard; ///< the default, as text; a flag is "on" or "off"
    double least = 0, most = 0; ///< of a number, inclusive; equal = unbounded
    std::string_view choices = {}; ///< of a Choice, separated by "|"
};

/// Values of declared parameters as text, by id; what is not given has its default.
using ParamValues = std::vector<std::pair<std::string, std::string>>;

/// One list of declarations from several that analyses share.
template<std::size_t... N>
constexpr auto joined(const std::array<ParamKind, N> &...lists)
{
    std::array<ParamKind, (N + ...)> all{};
    std::size_t at = 0;
    const auto append = [&](const auto &list) {
        for (const ParamKind &kind : list)
            all[at++] = kind;
    };
    (append(lists), ...);
    return all;
}

/// The values to run with: every declared parameter has one, checked against its declaration.
class Params {
public:
    /// Defaults with `given` (id, text) laid over them. Throws Error (Usage) for an unknown id, a value of the wrong type or out of range.
    Params(std::span<const ParamKind> kinds, std::span<const std::pair<std::string, std::string>> given = {});

    std::int64_t integer(std::string_view id) const;
    double real(std::string_view id) const;
    double realOr(std::string_view id, double otherwise) const; ///< `otherwise` where it is not declared
    bool flag(std::string_view id) const;
    const std::string &text(std::string_view id) const; ///< of a Text or a Choice
    /// All in the order of their declaration.
    const std::vector<std::pair<std::string, std::string>> &all() const { return m_values; }

private:
    std::vector<std::pair<std::string, std::string>> m_values;
};

} // namespace expertscope
