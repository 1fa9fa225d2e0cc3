// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Typed access to the fields of a tokenizer.json; a wrong type or a missing field is an Error that names it.
#pragma once

#include "engine/core/error.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace expertscope::text {

using Json = nlohmann::json;

[[noreturn]] inline void fail(const std::string &what, const std::string &where)
{
    throw Error{ErrorKind::Input, what, "tokenizer.json, " + where, "Use the tokenizer.json published with the model"};
}

[[noreturn]] inline void unsupported(const std::string &where, const std::string &type)
{
    throw Error{ErrorKind::Input, where + " of type \"" + type + "\" is not supported", "tokenizer.json",
        "Supported are byte-level BPE and SentencePiece-style BPE tokenizers (GPT-2, GPT-NeoX, OLMo, Qwen, Llama, Mixtral)"};
}

template<typename T>
T field(const Json &object, const char *name, const std::string &where)
{
    const auto found = object.is_object() ? object.find(name) : object.end();
    if (!object.is_object() || found == object.end())
        fail(std::string{"\""} + name + "\" is missing", where);
    try {
        return found->template get<T>();
    } catch (const Json::exception &) {
        fail(std::string{"\""} + name + "\" has the wrong type", where);
    }
}

template<typename T>
T fieldOr(const Json &object, const char *name, T fallback, const std::string &where)
{
    if (!object.is_object() || !object.contains(name) || object.at(name).is_null())
        return fallback;
    return field<T>(object, name, where);
}

/// The object under a name, or null if it is absent or null.
inline const Json *part(const Json &object, const char *name)
{
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

/// The list under a name; Error if it is not a list.
inline const Json &list(const Json &object, const char *name, const std::string &where)
{
    const Json *found = object.is_object() ? part(object, name) : nullptr;
    if (!found || !found->is_array())
        fail(std::string{"\""} + name + "\" is not a list", where);
    return *found;
}

} // namespace expertscope::text
