// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ConfigReader: typed, range-checked access to the fields of a config.json, with errors a person can act on.
// A field that is null counts as absent, as in the reference implementation.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace expertscope {

/// Closed range a value must lie in.
template<typename T>
struct Limits {
    T least;
    T most;
};

/// All readers throw Error (Input) that names the file and the field: absent without a fallback, of the wrong type, or out of range.
class ConfigReader {
public:
    /// Throws Error (Input) if `text` is not a JSON object. `file` is for messages.
    ConfigReader(std::string_view text, std::string file);

    bool has(std::string_view key) const { return find(key) != nullptr; }
    bool hasKeyContaining(std::string_view part) const;
    /// The first of several names of one field that is present; the first name if none is.
    std::string_view present(std::initializer_list<std::string_view> names) const;

    std::int64_t integer(std::string_view key, Limits<std::int64_t> limits, std::optional<std::int64_t> fallback = {}) const;
    int integer32(std::string_view key, Limits<int> limits, std::optional<int> fallback = {}) const;
    double number(std::string_view key, Limits<double> limits, std::optional<double> fallback = {}) const;
    bool boolean(std::string_view key, bool fallback) const;
    std::string text(std::string_view key, std::optional<std::string> fallback = {}) const;
    std::vector<std::string> texts(std::string_view key) const; ///< empty if absent
    std::vector<std::int64_t> integers(std::string_view key, Limits<std::int64_t> limits) const; ///< one value or a list; empty if absent
    std::optional<ConfigReader> object(std::string_view key) const;

    /// An Error about one field, for rules that span fields.
    [[noreturn]] void fail(std::string_view key, const std::string &message) const;

private:
    ConfigReader() = default;
    const nlohmann::json *find(std::string_view key) const;
    const nlohmann::json *require(std::string_view key, bool optional) const;
    [[noreturn]] void wrongType(std::string_view key, const char *expected, const nlohmann::json &value) const;

    nlohmann::json m_object;
    std::string m_file;
};

} // namespace expertscope
