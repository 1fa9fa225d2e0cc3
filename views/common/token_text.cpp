// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/token_text.h"

#include <QRegularExpression>
#include <QTextBoundaryFinder>

#include <algorithm>

namespace expertscope {

namespace {

/// Length of the well-formed UTF-8 character at the start, 0 if there is none (Unicode table 3-7); code: its code point.
std::size_t characterAt(std::string_view bytes, char32_t &code)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) {
        code = lead;
        return 1;
    }
    const std::size_t length = lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
    if (length == 0 || bytes.size() < length)
        return 0;
    code = lead & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (byte(i) & 0x3fU);
    }
    const char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < smallest[length] || code > 0x10ffff || surrogate ? 0 : length;
}

QString hexByte(char byte)
{
    return QStringLiteral("<0x%1>").arg(static_cast<unsigned char>(byte), 2, 16, QLatin1Char('0')).toUpper().replace(u'X', u'x');
}

/// Characters that would be invisible, or would reorder or break what is around them.
QString visibleMark(char32_t code)
{
    switch (code) {
    case U'\n':
        return QStringLiteral("\u21b5\u2028");
    case U'\r':
        return QStringLiteral("\u240d");
    case U'\t':
        return QStringLiteral("\u21e5 ");
    case 0x7f:
        return QStringLiteral("\u2421");
    case 0x2028:
    case 0x2029:
        return QStringLiteral("<U+%1>\u2028").arg(static_cast<uint>(code), 4, 16, QLatin1Char('0'));
    default:
        break;
    }
    if (code < 0x20)
        return QString(QChar(static_cast<char16_t>(0x2400 + code)));
    const bool control = code >= 0x80 && code < 0xa0;
    const bool bidi =
        code == 0x200e || code == 0x200f || code == 0x61c || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    const bool invisible =
        code == 0xfeff || code == 0x200b || code == 0x2060 || code == 0xad || code == 0xfffc || (code >= 0xe0000 && code <= 0xe007f);
    if (control || bidi || invisible)
        return QStringLiteral("<U+%1>").arg(QString::number(static_cast<uint>(code), 16).toUpper().rightJustified(4, u'0'));
    return {};
}

QString characterText(char32_t code)
{
    const QString mark = visibleMark(code);
    return mark.isEmpty() ? QString::fromUcs4(&code, 1) : mark;
}

/// Marks are read from left to right, also inside Arabic.
QString isolatedMark(const QString &mark)
{
    return QChar(0x2066) + mark + QChar(0x2069);
}

QString idMark(std::int32_t id)
{
    return QStringLiteral("<#%1>").arg(id);
}

QString rowMark(std::int64_t row)
{
    return u'\u00b7' + QString::number(row);
}

/// "<|endoftext|>", "<s>", "</think>": a token that is a name, not text. It must neither decide nor follow the direction of the text.
bool looksSpecial(std::string_view bytes)
{
    return bytes.size() >= 3 && bytes.front() == '<' && bytes.back() == '>'
        && std::all_of(bytes.begin(), bytes.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

/// A piece of displayed text and the tokens its bytes came from.
struct Element {
    int begin, end;
    int firstToken, lastToken;
};

} // namespace

std::pair<int, int> TokenText::rangeOf(int token) const
{
    const auto first = std::lower_bound(
        clusters.begin(), clusters.end(), token, [](const TextCluster &cluster, int value) { return cluster.lastToken < value; });
    auto last = first;
    while (last != clusters.end() && last->firstToken <= token)
        ++last;
    return first == last ? std::pair{0, 0} : std::pair{first->begin, (last - 1)->end};
}

TokenText tokenText(std::span<const std::string_view> bytes, std::span<const std::int32_t> ids, std::int64_t firstRow)
{
    std::string joined;
    std::vector<int> owner; // token of each joined byte
    TokenText result;
    std::vector<Element> elements;
    const auto append = [&](const QString &text, int firstToken, int lastToken) {
        const int begin = static_cast<int>(result.text.size());
        result.text += text;
        elements.push_back({begin, static_cast<int>(result.text.size()), firstToken, lastToken});
    };
    const auto flush = [&] {
        for (std::size_t at = 0; at < joined.size();) {
            char32_t code = 0;
            const std::size_t length = characterAt(std::string_view(joined).substr(at), code);
            if (length == 0)
                append(isolatedMark(hexByte(joined[at])), owner[at], owner[at]);
            else
                append(characterText(code), owner[at], owner[at + length - 1]);
            at += std::max<std::size_t>(1, length);
        }
        joined.clear();
        owner.clear();
    };
    for (std::size_t token = 0; token < bytes.size(); ++token) {
        if (bytes[token].empty()) {
            flush();
            const bool known = token < ids.size() && ids[token] >= 0;
            // a blank behind a number: lines break there
            const QString mark =
                known ? isolatedMark(idMark(ids[token])) : isolatedMark(rowMark(firstRow + static_cast<std::int64_t>(token))) + u' ';
            append(mark, static_cast<int>(token), static_cast<int>(token));
            continue;
        }
        if (looksSpecial(bytes[token])) {
            flush();
            append(isolatedMark(QString::fromLatin1(bytes[token].data(), static_cast<qsizetype>(bytes[token].size()))),
                static_cast<int>(token), static_cast<int>(token));
            continue;
        }
        joined += bytes[token];
        owner.resize(joined.size(), static_cast<int>(token));
    }
    flush();
    // The line break after a last newline would only leave an empty line.
    if (result.text.endsWith(QChar(0x2028))) {
        result.text.chop(1);
        --elements.back().end;
    }

    QTextBoundaryFinder finder(QTextBoundaryFinder::Grapheme, result.text);
    std::size_t element = 0;
    for (int begin = 0; begin < result.text.size();) {
        const auto next = static_cast<int>(finder.toNextBoundary());
        const int end = next > begin ? next : static_cast<int>(result.text.size());
        while (elements[element].end <= begin)
            ++element;
        TextCluster cluster{begin, end, elements[element].firstToken, elements[element].lastToken};
        for (std::size_t i = element; i < elements.size() && elements[i].begin < end; ++i)
            cluster.lastToken = std::max(cluster.lastToken, elements[i].lastToken);
        result.clusters.push_back(cluster);
        begin = end;
    }
    return result;
}

QString plainToken(std::string_view bytes, std::int32_t id)
{
    if (bytes.empty())
        return id >= 0 ? idMark(id) : QString();
    QString text;
    for (std::size_t at = 0; at < bytes.size();) {
        char32_t code = 0;
        const std::size_t length = characterAt(bytes.substr(at), code);
        const bool whitespace = length == 1 && (code == U'\n' || code == U'\t' || code == U'\r');
        text += length == 0 ? hexByte(bytes[at]) : whitespace ? QString(QChar(static_cast<char16_t>(code))) : characterText(code);
        at += std::max<std::size_t>(1, length);
    }
    return text;
}

QString readableToken(std::string_view bytes, std::int32_t id, std::int64_t row)
{
    if (bytes.empty() && id < 0)
        return rowMark(row);
    QString text = plainToken(bytes, id);
    text.replace(u'\n', QChar(0x21b5)).replace(u'\t', QChar(0x21e5)).replace(u'\r', QChar(0x240d)).remove(QChar(0x2028));
    const QChar openBox(0x2423);
    for (qsizetype i = 0; i < text.size() && text[i] == u' '; ++i)
        text[i] = openBox;
    for (qsizetype i = text.size() - 1; i >= 0 && text[i] == u' '; --i)
        text[i] = openBox;
    return text;
}

QString withIsolatedMarks(QString text)
{
    static const QRegularExpression mark(QStringLiteral("<(0x[0-9A-F]{2}|U\\+[0-9A-F]+|#-?[0-9]+)>"));
    return text.replace(mark, QChar(0x2066) + QStringLiteral("<\\1>") + QChar(0x2069));
}

QString isolated(const QString &text)
{
    return QChar(0x2068) + text + QChar(0x2069);
}

} // namespace expertscope
