// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/steering/token_spans.h"

#include "engine/core/error.h"
#include "engine/core/utf8.h"
#include "engine/text/tokenizer.h"

#include <algorithm>

namespace expertscope {

namespace {

/// Bytes that are not UTF-8 become '?', so that offsets stay: a character may be cut by the end of a token or of the text.
std::string sameLengthUtf8(std::string_view bytes)
{
    std::string out{bytes};
    for (std::size_t at = 0; const auto bad = firstInvalidUtf8(std::string_view{out}.substr(at));) {
        at += *bad;
        out[at] = '?';
    }
    return out;
}

} // namespace

TokenSpans::TokenSpans(const Tokenizer *tokenizer, std::vector<std::string> labelColumns)
    : m_tokenizer{tokenizer}
    , m_labelColumns{std::move(labelColumns)}
{
}

int TokenSpans::add(const TokenSpan &span, RunPhase phase)
{
    const auto known = std::find_if(m_spans.begin(), m_spans.end(), [&](const Span &at) { return at.what == span && at.phase == phase; });
    if (known != m_spans.end())
        return static_cast<int>(known - m_spans.begin());
    Span added{span, phase, {}};
    if (span.kind == TokenSpan::Kind::Pattern) {
        if (!m_tokenizer)
            throw Error{ErrorKind::Check, "tokens are chosen by a pattern, and the model has no tokenizer", "recipe, tokens",
                "Put the model's tokenizer.json into its folder"};
        added.regex.emplace(span.pattern, Regex::ofRecipe);
        m_hasPattern = true;
    }
    m_spans.push_back(std::move(added));
    return static_cast<int>(m_spans.size()) - 1;
}

void TokenSpans::begin(std::span<const TokenSequence> sequences)
{
    m_sequences.assign(sequences.size(), {});
    for (std::size_t s = 0; s < sequences.size(); ++s) {
        Sequence &sequence = m_sequences[s];
        sequence.nPrompt = sequences[s].nPrompt;
        sequence.inside.resize(m_spans.size());
        for (std::size_t i = 0; i < m_spans.size(); ++i)
            if (m_spans[i].what.kind == TokenSpan::Kind::Label)
                sequence.inside[i] = {hasLabel(sequences[s].info, m_spans[i].what)};
        if (!m_hasPattern)
            continue;
        for (std::int32_t token : sequences[s].tokens)
            appendText(sequence, token);
        match(sequence);
    }
}

void TokenSpans::append(std::int32_t number, std::int32_t token)
{
    if (!m_hasPattern || number < 0 || static_cast<std::size_t>(number) >= m_sequences.size())
        return;
    Sequence &sequence = m_sequences[static_cast<std::size_t>(number)];
    appendText(sequence, token);
    match(sequence);
}

bool TokenSpans::contains(int span, const RoutingPlace &place) const
{
    const Span &asked = m_spans[static_cast<std::size_t>(span)];
    if (asked.phase != RunPhase::Both && (asked.phase == RunPhase::Prefill) != (place.phase == Phase::Prefill))
        return false;
    if (asked.what.kind == TokenSpan::Kind::All)
        return true;
    if (place.sequence < 0 || static_cast<std::size_t>(place.sequence) >= m_sequences.size())
        return false;
    const Sequence &sequence = m_sequences[static_cast<std::size_t>(place.sequence)];
    const std::vector<bool> &inside = sequence.inside[static_cast<std::size_t>(span)];
    switch (asked.what.kind) {
    case TokenSpan::Kind::Prompt:
        return place.position < sequence.nPrompt;
    case TokenSpan::Kind::Generated:
        return place.position >= sequence.nPrompt;
    case TokenSpan::Kind::Label:
        return inside.front();
    case TokenSpan::Kind::Position:
        return place.position == asked.what.position;
    default:
        return static_cast<std::size_t>(place.position) < inside.size() && inside[static_cast<std::size_t>(place.position)];
    }
}

bool TokenSpans::isEverything(int span) const
{
    const Span &asked = m_spans[static_cast<std::size_t>(span)];
    return asked.phase == RunPhase::Both && asked.what.kind == TokenSpan::Kind::All;
}

void TokenSpans::appendText(Sequence &sequence, std::int32_t token) const
{
    sequence.text += m_tokenizer->tokenBytes(token);
    sequence.ends.push_back(sequence.text.size());
}

void TokenSpans::match(Sequence &sequence) const
{
    const std::string text = sameLengthUtf8(sequence.text);
    for (std::size_t i = 0; i < m_spans.size(); ++i) {
        if (!m_spans[i].regex)
            continue;
        std::vector<bool> &inside = sequence.inside[i];
        const std::size_t known = inside.size(); // a token that has been run stays what it was
        inside.resize(sequence.ends.size());
        for (const auto &[begin, end] : m_spans[i].regex->matches(text)) {
            const auto after = std::upper_bound(sequence.ends.begin(), sequence.ends.end(), begin);
            for (auto token = static_cast<std::size_t>(after - sequence.ends.begin()); token < inside.size(); ++token) {
                const std::size_t first = token ? sequence.ends[token - 1] : 0;
                if (first >= end)
                    break;
                if (token >= known && sequence.ends[token] > first)
                    inside[token] = true;
            }
        }
    }
}

bool TokenSpans::hasLabel(const SequenceInfo &info, const TokenSpan &span) const
{
    if (span.label == "id")
        return info.id == span.value;
    if (span.label == "language")
        return info.language == span.value;
    if (span.label == "domain")
        return info.domain == span.value;
    if (span.label == "parallel_id")
        return info.parallelId == span.value;
    const auto column = std::find(m_labelColumns.begin(), m_labelColumns.end(), span.label);
    if (column == m_labelColumns.end())
        throw Error{ErrorKind::Check, "tokens are chosen by the label \"" + span.label + "\", and the texts have no such column",
            "recipe, tokens", "Use id, language, domain, parallel_id or a further column of the corpus"};
    const auto at = static_cast<std::size_t>(column - m_labelColumns.begin());
    return at < info.labels.size() && info.labels[at] == span.value;
}

} // namespace expertscope
