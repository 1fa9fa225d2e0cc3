// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The decoder of a tokenizer.json: vocabulary entries back to the bytes of the text.
#pragma once

#include "engine/text/json_fields.h"

#include <functional>
#include <string>
#include <vector>

namespace expertscope::text {

class Decoder {
public:
    /// json may be null: entries are joined by spaces, as the reference library does.
    static Decoder fromJson(const Json *json);

    std::string decode(std::vector<std::string> tokens) const;
    /// One entry as it reads inside a text: nothing is stripped from its start.
    std::string inside(std::string token) const;

private:
    struct Step {
        std::function<std::vector<std::string>(std::vector<std::string>, bool atTextStart)> run;
    };
    void add(const Json &json, int depth);
    std::string joined(std::vector<std::string> tokens, bool atTextStart) const;
    std::vector<Step> m_steps;
};

} // namespace expertscope::text
