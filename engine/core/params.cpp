// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/params.h"

#include "engine/core/error.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

namespace expertscope {

namespace {

template<typename T>
bool parse(std::string_view text, T &value)
{
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

std::string range(const ParamKind &kind)
{
    if (kind.least >= kind.most)
        return {};
    char text[80];
    std::snprintf(text, sizeof text, " from %g to %g", kind.least, kind.most);
    return text;
}

bool isChoice(std::string_view choices, std::string_view value)
{
    while (!choices.empty()) {
        const auto bar = choices.find('|');
        if (choices.substr(0, bar) == value)
            return true;
        choices.remove_prefix(bar == std::string_view::npos ? choices.size() : bar + 1);
    }
    return false;
}

/// Empty if the value is one, else what would be.
std::string expected(const ParamKind &kind, std::string_view value)
{
    const auto inRange = [&](double x) { return std::isfinite(x) && (kind.least >= kind.most || (x >= kind.least && x <= kind.most)); };
    switch (kind.type) {
    case ParamKind::Type::Integer: {
        std::int64_t number = 0;
        return parse(value, number) && inRange(static_cast<double>(number)) ? "" : "a whole number" + range(kind);
    }
    case ParamKind::Type::Real: {
        double number = 0;
        return parse(value, number) && inRange(number) ? "" : "a number" + range(kind);
    }
    case ParamKind::Type::Flag:
        return value == "on" || value == "off" ? "" : "on or off";
    case ParamKind::Type::Choice: {
        if (isChoice(kind.choices, value))
            return {};
        std::string list{kind.choices};
        std::replace(list.begin(), list.end(), '|', ',');
        return "one of " + list;
    }
    case ParamKind::Type::Text:
        break;
    }
    return {};
}

} // namespace

Params::Params(std::span<const ParamKind> kinds, std::span<const std::pair<std::string, std::string>> given)
{
    for (const ParamKind &kind : kinds)
        m_values.emplace_back(kind.id, kind.standard);
    for (const auto &[id, value] : given) {
        const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const ParamKind &k) { return k.id == id; });
        if (kind == kinds.end()) {
            std::string known;
            for (const ParamKind &k : kinds)
                known += (known.empty() ? "" : ", ") + std::string{k.id};
            throw Error{ErrorKind::Usage, "there is no setting of that name", id,
                known.empty() ? "There are no settings here" : "Its settings are " + known};
        }
        if (const std::string wanted = expected(*kind, value); !wanted.empty())
            throw Error{ErrorKind::Usage, "'" + value + "' is not a value of this setting", id, "Give " + wanted};
        m_values[static_cast<std::size_t>(kind - kinds.begin())].second = value;
    }
}

const std::string &Params::text(std::string_view id) const
{
    const auto at = std::find_if(m_values.begin(), m_values.end(), [&](const auto &value) { return value.first == id; });
    if (at == m_values.end())
        throw std::out_of_range{"no parameter " + std::string{id}};
    return at->second;
}

std::int64_t Params::integer(std::string_view id) const
{
    std::int64_t value = 0;
    parse(text(id), value);
    return value;
}

double Params::realOr(std::string_view id, double otherwise) const
{
    const bool declared = std::any_of(m_values.begin(), m_values.end(), [&](const auto &value) { return value.first == id; });
    return declared ? real(id) : otherwise;
}

double Params::real(std::string_view id) const
{
    double value = 0;
    parse(text(id), value);
    return value;
}

bool Params::flag(std::string_view id) const
{
    return text(id) == "on";
}

} // namespace expertscope
