// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The pre-tokenizer of a tokenizer.json: cuts normalised text into the pieces that BPE works on.
#pragma once

#include "engine/text/json_fields.h"

#include <functional>
#include <string>
#include <vector>

namespace expertscope::text {

struct Piece {
    std::string text;
    bool atStart = false; ///< begins where the whole input begins
};

class PreTokenizer {
public:
    /// json may be null: the text stays whole.
    static PreTokenizer fromJson(const Json *json);
    std::vector<Piece> operator()(Piece piece) const;

private:
    using Step = std::function<std::vector<Piece>(const Piece &)>;
    void add(const Json &json, int depth);
    std::vector<Step> m_steps;
};

} // namespace expertscope::text
