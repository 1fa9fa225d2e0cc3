// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/text/pre_tokenizer.h"

#include "engine/text/byte_level.h"
#include "engine/text/pattern.h"
#include "engine/text/unicode.h"

#include <map>

namespace expertscope::text {

namespace {

using Ranges = std::vector<std::pair<std::size_t, std::size_t>>;

enum class Behaviour { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

Behaviour behaviourOf(const Json &json, const std::string &where)
{
    static const std::map<std::string, Behaviour, std::less<>> names{{"Removed", Behaviour::Removed}, {"Isolated", Behaviour::Isolated},
        {"MergedWithPrevious", Behaviour::MergedWithPrevious}, {"MergedWithNext", Behaviour::MergedWithNext},
        {"Contiguous", Behaviour::Contiguous}};
    const auto found = names.find(field<std::string>(json, "behavior", where));
    if (found == names.end())
        fail("\"behavior\" is none of Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous", where);
    return found->second;
}

struct Segment {
    std::size_t begin, end;
    bool match;
};

/// The whole text as alternating stretches of match and not match.
std::vector<Segment> segments(std::string_view text, const Ranges &matches, bool invert)
{
    std::vector<Segment> all;
    std::size_t done = 0;
    for (const auto &[begin, end] : matches) {
        if (begin > done)
            all.push_back({done, begin, invert});
        all.push_back({begin, end, !invert});
        done = end;
    }
    if (done < text.size())
        all.push_back({done, text.size(), invert});
    return all;
}

std::vector<Piece> cut(const Piece &piece, const Ranges &matches, Behaviour behaviour, bool invert = false)
{
    std::vector<Segment> kept;
    bool previousMatch = false;
    for (const Segment &segment : segments(piece.text, matches, invert)) {
        const bool joinPrevious = !kept.empty()
            && ((behaviour == Behaviour::MergedWithPrevious && segment.match && !previousMatch)
                || (behaviour == Behaviour::MergedWithNext && !segment.match && previousMatch)
                || (behaviour == Behaviour::Contiguous && segment.match == previousMatch));
        previousMatch = segment.match;
        if (behaviour == Behaviour::Removed && segment.match)
            continue;
        if (joinPrevious)
            kept.back().end = segment.end;
        else
            kept.push_back(segment);
    }
    std::vector<Piece> out;
    for (const Segment &segment : kept)
        out.push_back({piece.text.substr(segment.begin, segment.end - segment.begin), piece.atStart && segment.begin == 0});
    return out;
}

/// Ranges of single characters for which `is` holds.
Ranges characters(std::string_view text, bool (*is)(char32_t))
{
    Ranges found;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = utf8Length(text, i);
        if (is(codePointAt(text, i)))
            found.emplace_back(i, i + length);
        i += length;
    }
    return found;
}

std::function<std::vector<Piece>(const Piece &)> byteLevel(const Json &json, const std::string &where)
{
    const bool prefixSpace = fieldOr(json, "add_prefix_space", true, where);
    const bool useRegex = fieldOr(json, "use_regex", true, where);
    const Pattern words = Pattern::regex(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)");
    return [=](const Piece &piece) {
        Piece whole = piece;
        if (prefixSpace && !whole.text.starts_with(' '))
            whole.text.insert(0, 1, ' ');
        std::vector<Piece> pieces = useRegex ? cut(whole, words.matches(whole.text), Behaviour::Isolated) : std::vector{whole};
        for (Piece &p : pieces)
            p.text = toByteLevel(p.text);
        return pieces;
    };
}

std::function<std::vector<Piece>(const Piece &)> metaspace(const Json &json, const std::string &where)
{
    const auto mark = field<std::string>(json, "replacement", where);
    if (mark.empty())
        fail("\"replacement\" is empty", where);
    // Files older than prepend_scheme say add_prefix_space.
    const auto scheme =
        fieldOr<std::string>(json, "prepend_scheme", fieldOr(json, "add_prefix_space", true, where) ? "always" : "never", where);
    const bool split = fieldOr(json, "split", true, where);
    return [=](const Piece &piece) {
        Piece whole{{}, piece.atStart};
        for (const char c : piece.text)
            c == ' ' ? whole.text.append(mark) : whole.text.append(1, c);
        if ((scheme == "always" || (scheme == "first" && piece.atStart)) && !whole.text.starts_with(mark))
            whole.text.insert(0, mark);
        if (!split)
            return std::vector{whole};
        Ranges marks;
        for (std::size_t at = whole.text.find(mark); at != std::string::npos; at = whole.text.find(mark, at + mark.size()))
            marks.emplace_back(at, at + mark.size());
        return cut(whole, marks, Behaviour::MergedWithNext);
    };
}

} // namespace

PreTokenizer PreTokenizer::fromJson(const Json *json)
{
    PreTokenizer preTokenizer;
    if (json)
        preTokenizer.add(*json, 0);
    return preTokenizer;
}

void PreTokenizer::add(const Json &json, int depth)
{
    const std::string where = "pre_tokenizer";
    const auto type = field<std::string>(json, "type", where);
    if (depth > 8)
        fail("sequences are nested too deeply", where);
    if (type == "Sequence") {
        for (const Json &step : list(json, "pretokenizers", where))
            add(step, depth + 1);
    } else if (type == "ByteLevel") {
        m_steps.push_back(byteLevel(json, where));
    } else if (type == "Metaspace") {
        m_steps.push_back(metaspace(json, where));
    } else if (type == "Split") {
        m_steps.emplace_back([pattern = Pattern::fromJson(field<Json>(json, "pattern", where), where), behaviour = behaviourOf(json, where),
                                 invert = fieldOr(json, "invert", false, where)](
                                 const Piece &piece) { return cut(piece, pattern.matches(piece.text), behaviour, invert); });
    } else if (type == "Digits") {
        const Behaviour behaviour = fieldOr(json, "individual_digits", false, where) ? Behaviour::Isolated : Behaviour::Contiguous;
        m_steps.emplace_back([behaviour](const Piece &piece) { return cut(piece, characters(piece.text, isNumeric), behaviour); });
    } else if (type == "Punctuation") {
        const Behaviour behaviour = json.contains("behavior") ? behaviourOf(json, where) : Behaviour::Isolated;
        m_steps.emplace_back([behaviour](const Piece &piece) { return cut(piece, characters(piece.text, isPunctuation), behaviour); });
    } else if (type == "WhitespaceSplit") {
        m_steps.emplace_back([](const Piece &piece) { return cut(piece, characters(piece.text, isWhiteSpace), Behaviour::Removed); });
    } else if (type == "Whitespace") {
        m_steps.emplace_back([words = Pattern::regex(R"(\w+|[^\w\s]+)")](
                                 const Piece &piece) { return cut(piece, words.matches(piece.text), Behaviour::Removed, true); });
    } else {
        unsupported("a pre-tokenizer", type);
    }
}

std::vector<Piece> PreTokenizer::operator()(Piece piece) const
{
    std::vector<Piece> pieces{std::move(piece)};
    for (const Step &step : m_steps) {
        std::vector<Piece> next;
        for (const Piece &p : pieces)
            for (Piece &part : step(p))
                if (!part.text.empty())
                    next.push_back(std::move(part));
        pieces = std::move(next);
    }
    return pieces;
}

} // namespace expertscope::text
