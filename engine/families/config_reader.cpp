// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/families/config_reader.h"

#include "engine/core/error.h"
#include "engine/core/json_depth.h"

namespace expertscope {

namespace {

constexpr const char *remedy = "Take the config.json the model was published with, or mend this field";

/// As it stands in the file, cut short: hostile files may hold megabytes.
std::string shown(const nlohmann::json &value)
{
    if (value.is_structured())
        return value.is_array() ? "a list" : "an object";
    std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (text.size() > 60) {
        std::size_t end = 57;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) // not inside a character
            --end;
        text = text.substr(0, end) + "...";
    }
    return text;
}

nlohmann::json parse(std::string_view text, const std::string &file)
{
    if (isNestedTooDeeply(text))
        throw Error{ErrorKind::Input, "this JSON is nested too deeply", file, "Fetch the file again from where the model was published"};
    nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
    if (!value.is_object())
        throw Error{ErrorKind::Input, value.is_discarded() ? "this is not JSON" : "this JSON is not an object", file,
            "Fetch the file again from where the model was published"};
    return value;
}

template<typename T>
std::string rangeText(Limits<T> limits)
{
    return nlohmann::json(limits.least).dump() + " to " + nlohmann::json(limits.most).dump();
}

} // namespace

ConfigReader::ConfigReader(std::string_view text, std::string file)
    : m_object(parse(text, file))
    , m_file{std::move(file)}
{
}

const nlohmann::json *ConfigReader::find(std::string_view key) const
{
    const auto found = m_object.find(key);
    return found == m_object.end() || found->is_null() ? nullptr : &*found;
}

bool ConfigReader::hasKeyContaining(std::string_view part) const
{
    for (const auto &item : m_object.items())
        if (item.key().find(part) != std::string::npos)
            return true;
    return false;
}

std::string_view ConfigReader::present(std::initializer_list<std::string_view> names) const
{
    for (std::string_view name : names)
        if (has(name))
            return name;
    return *names.begin();
}

const nlohmann::json *ConfigReader::require(std::string_view key, bool optional) const
{
    const nlohmann::json *value = find(key);
    if (!value && !optional)
        fail(key, "is missing");
    return value;
}

void ConfigReader::fail(std::string_view key, const std::string &message) const
{
    throw Error{ErrorKind::Input, std::string{key} + ' ' + message, m_file, remedy};
}

void ConfigReader::wrongType(std::string_view key, const char *expected, const nlohmann::json &value) const
{
    fail(key, "is " + shown(value) + ", not " + expected);
}

std::int64_t ConfigReader::integer(std::string_view key, Limits<std::int64_t> limits, std::optional<std::int64_t> fallback) const
{
    const nlohmann::json *value = require(key, fallback.has_value());
    if (!value)
        return *fallback;
    if (!value->is_number_integer())
        wrongType(key, "a whole number", *value);
    const bool tooLarge = value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(limits.most);
    const auto number = value->get<std::int64_t>();
    if (tooLarge || number < limits.least || number > limits.most)
        fail(key, "is " + shown(*value) + ", outside " + rangeText(limits));
    return number;
}

int ConfigReader::integer32(std::string_view key, Limits<int> limits, std::optional<int> fallback) const
{
    return static_cast<int>(integer(key, {limits.least, limits.most}, fallback));
}

double ConfigReader::number(std::string_view key, Limits<double> limits, std::optional<double> fallback) const
{
    const nlohmann::json *value = require(key, fallback.has_value());
    if (!value)
        return *fallback;
    if (!value->is_number())
        wrongType(key, "a number", *value);
    const auto number = value->get<double>();
    if (!(number >= limits.least && number <= limits.most))
        fail(key, "is " + shown(*value) + ", outside " + rangeText(limits));
    return number;
}

bool ConfigReader::boolean(std::string_view key, bool fallback) const
{
    const nlohmann::json *value = find(key);
    if (!value)
        return fallback;
    if (!value->is_boolean())
        wrongType(key, "true or false", *value);
    return value->get<bool>();
}

std::string ConfigReader::text(std::string_view key, std::optional<std::string> fallback) const
{
    const nlohmann::json *value = require(key, fallback.has_value());
    if (!value)
        return *fallback;
    if (!value->is_string())
        wrongType(key, "a text", *value);
    auto text = value->get<std::string>();
    if (text.size() > 200) // it may end up in a message
        fail(key, "is a text of " + std::to_string(text.size()) + " bytes");
    return text;
}

std::vector<std::string> ConfigReader::texts(std::string_view key) const
{
    const nlohmann::json *value = find(key);
    if (!value)
        return {};
    if (!value->is_array())
        wrongType(key, "a list of texts", *value);
    std::vector<std::string> out;
    for (const nlohmann::json &item : *value) {
        if (!item.is_string())
            wrongType(key, "a list of texts only", item);
        out.push_back(item.get<std::string>());
    }
    return out;
}

std::vector<std::int64_t> ConfigReader::integers(std::string_view key, Limits<std::int64_t> limits) const
{
    const nlohmann::json *value = find(key);
    if (!value)
        return {};
    if (!value->is_array())
        return {integer(key, limits)};
    std::vector<std::int64_t> out;
    for (const nlohmann::json &item : *value) {
        if (!item.is_number_integer())
            wrongType(key, "a list of whole numbers only", item);
        const auto number = item.get<std::int64_t>();
        if (number < limits.least || number > limits.most)
            fail(key, "holds " + shown(item) + ", outside " + rangeText(limits));
        out.push_back(number);
    }
    return out;
}

std::optional<ConfigReader> ConfigReader::object(std::string_view key) const
{
    const nlohmann::json *value = find(key);
    if (!value)
        return {};
    if (!value->is_object())
        wrongType(key, "an object", *value);
    ConfigReader inner;
    inner.m_object = *value;
    inner.m_file = m_file + ", " + std::string{key};
    return inner;
}

} // namespace expertscope
