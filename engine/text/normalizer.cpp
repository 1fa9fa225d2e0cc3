// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/text/normalizer.h"

#include "engine/text/pattern.h"
#include "engine/text/unicode.h"

#include <map>

namespace expertscope::text {

namespace {

std::string stripped(std::string_view text, bool left, bool right)
{
    std::size_t begin = 0;
    std::size_t end = text.size();
    while (left && begin < end && isWhiteSpace(codePointAt(text, begin)))
        begin += utf8Length(text, begin);
    while (right && end > begin) {
        const std::size_t last = previousCharacter(text, end);
        if (!isWhiteSpace(codePointAt(text, last)))
            break;
        end = last;
    }
    return std::string{text.substr(begin, end - begin)};
}

} // namespace

Normalizer Normalizer::fromJson(const Json *json)
{
    Normalizer normalizer;
    if (json)
        normalizer.add(*json, 0);
    return normalizer;
}

void Normalizer::add(const Json &json, int depth)
{
    static const std::map<std::string, NormalForm, std::less<>> forms{
        {"NFC", NormalForm::Nfc}, {"NFD", NormalForm::Nfd}, {"NFKC", NormalForm::Nfkc}, {"NFKD", NormalForm::Nfkd}};
    const std::string where = "normalizer";
    const auto type = field<std::string>(json, "type", where);
    if (depth > 8)
        fail("sequences are nested too deeply", where);
    if (type == "Sequence") {
        for (const Json &step : list(json, "normalizers", where))
            add(step, depth + 1);
    } else if (const auto form = forms.find(type); form != forms.end()) {
        m_steps.emplace_back([f = form->second](const std::string &text) { return normalise(text, f); });
    } else if (type == "Lowercase") {
        m_steps.emplace_back([](const std::string &text) { return lowerCase(text); });
    } else if (type == "StripAccents") {
        m_steps.emplace_back([](const std::string &text) { return withoutCombiningMarks(text); });
    } else if (type == "Prepend") {
        m_steps.emplace_back(
            [prefix = field<std::string>(json, "prepend", where)](std::string text) { return text.empty() ? text : prefix + text; });
    } else if (type == "Replace") {
        m_steps.emplace_back(
            [pattern = Pattern::fromJson(field<Json>(json, "pattern", where), where), content = field<std::string>(json, "content", where)](
                const std::string &text) { return pattern.replaced(text, content); });
    } else if (type == "Strip") {
        m_steps.emplace_back([left = fieldOr(json, "strip_left", true, where), right = fieldOr(json, "strip_right", true, where)](
                                 const std::string &text) { return stripped(text, left, right); });
    } else {
        unsupported("a normalizer", type);
    }
}

std::string Normalizer::operator()(std::string text) const
{
    // Replacements of replacements can make anything of a short text; the most that Unicode asks for is 18 times its bytes.
    const std::size_t longest = 100 * text.size() + 4096;
    for (const Step &step : m_steps) {
        text = step(std::move(text));
        if (text.size() > longest)
            fail("it makes a text more than a hundred times as long", "normalizer");
    }
    return text;
}

} // namespace expertscope::text
