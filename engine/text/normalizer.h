// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The normaliser of a tokenizer.json: a chain of text changes made before anything is split.
#pragma once

#include "engine/text/json_fields.h"

#include <functional>
#include <string>
#include <vector>

namespace expertscope::text {

class Normalizer {
public:
    /// json may be null: no change.
    static Normalizer fromJson(const Json *json);
    std::string operator()(std::string text) const;

private:
    using Step = std::function<std::string(std::string)>;
    void add(const Json &json, int depth);
    std::vector<Step> m_steps;
};

} // namespace expertscope::text
