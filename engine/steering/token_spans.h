// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// TokenSpans: which tokens of the running sequences the spans of a recipe hold, ready to be asked once a row.
#pragma once

#include "engine/core/recipe.h"
#include "engine/core/token_sequence.h"
#include "engine/routing/stages.h"
#include "engine/text/regex.h"

#include <optional>
#include <string>
#include <vector>

namespace expertscope {

class Tokenizer;

class TokenSpans {
public:
    /// The tokenizer may be null where no span is a pattern. labelColumns: names of SequenceInfo::labels.
    TokenSpans(const Tokenizer *tokenizer, std::vector<std::string> labelColumns);

    /// Number of a span, to be asked with contains(): the same for equal ones. Throws Error (Check) on a pattern without a tokenizer, or
    /// one that does not compile.
    int add(const TokenSpan &span, RunPhase phase);

    /// The sequences that will be run; what follows their tokens comes by append(). A pattern is looked for in the text their tokens
    /// stand for. Throws Error (Check) on a label that the corpus does not have.
    void begin(std::span<const TokenSequence> sequences);
    void append(std::int32_t sequence, std::int32_t token);

    bool contains(int span, const RoutingPlace &place) const;
    int count() const { return static_cast<int>(m_spans.size()); }
    /// Whether a span holds every token of every sequence.
    bool isEverything(int span) const;

private:
    struct Sequence {
        std::int64_t nPrompt = 0;
        std::string text; ///< one byte for each byte of its tokens, well-formed; empty where no span is a pattern
        std::vector<std::size_t> ends; ///< in the text, of each token
        std::vector<std::vector<bool>> inside; ///< [span] of a pattern: [T]; of a label: [1]; else empty
    };
    struct Span {
        TokenSpan what;
        RunPhase phase;
        std::optional<Regex> regex;
    };
    void appendText(Sequence &sequence, std::int32_t token) const;
    void match(Sequence &sequence) const;
    bool hasLabel(const SequenceInfo &info, const TokenSpan &span) const;

    const Tokenizer *m_tokenizer;
    std::vector<std::string> m_labelColumns;
    std::vector<Span> m_spans;
    std::vector<Sequence> m_sequences;
    bool m_hasPattern = false;
};

} // namespace expertscope
