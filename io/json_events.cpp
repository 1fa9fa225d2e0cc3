// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/json_events.h"

#include "engine/core/error.h"
#include "io/utf8.h"

#include <nlohmann/json.hpp>

namespace expertscope {

struct JsonEvents::Sax {
    JsonEvents &events;

    bool put(JsonScalar value)
    {
        events.scalar(std::move(value));
        return true;
    }
    bool open(Container kind)
    {
        if (events.m_levels.size() == events.m_deepest)
            events.fail("the JSON is nested deeper than " + std::to_string(events.m_deepest) + " levels");
        events.m_levels.emplace_back();
        events.opened(kind);
        return true;
    }
    bool close(Container kind)
    {
        events.closing(kind);
        events.m_levels.pop_back();
        return true;
    }

    bool null() { return put({}); }
    bool boolean(bool value) { return put(value); }
    bool number_integer(std::int64_t value) { return put(value); }
    bool number_unsigned(std::uint64_t value) { return put(value); }
    bool number_float(double, const std::string &text) { return put(JsonFloat{text}); }
    bool string(std::string &value) { return put(std::move(value)); }
    bool binary(nlohmann::json::binary_t &) { return false; }
    bool start_object(std::size_t) { return open(Container::Object); }
    bool end_object() { return close(Container::Object); }
    bool start_array(std::size_t) { return open(Container::Array); }
    bool end_array() { return close(Container::Array); }
    bool key(std::string &value)
    {
        Level &level = events.m_levels.back();
        if (!level.seen.insert(value).second)
            events.fail("the key " + shown(value) + " occurs twice");
        level.key = std::move(value);
        return true;
    }
    bool parse_error(std::size_t byte, const std::string &, const nlohmann::json::exception &)
    {
        events.fail("the JSON is broken at byte " + std::to_string(byte));
    }
};

JsonEvents::JsonEvents(std::string where, std::string remedy, std::size_t deepest)
    : m_where{std::move(where)}
    , m_remedy{std::move(remedy)}
    , m_deepest{deepest}
{
}

void JsonEvents::parse(std::string_view text)
{
    // The parser takes a zero byte for the end of the text and would not look at what follows.
    if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos)
        fail("the JSON is broken at byte " + std::to_string(zero + 1));
    m_levels.clear();
    Sax sax{*this};
    nlohmann::json::sax_parse(text.begin(), text.end(), &sax);
}

void JsonEvents::fail(const std::string &what) const
{
    throw Error{ErrorKind::Input, what, m_where, m_remedy};
}

} // namespace expertscope
