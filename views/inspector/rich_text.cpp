// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/inspector/rich_text.h"

#include "views/common/token_text.h"

#include <QLabel>

namespace expertscope {

namespace {

/// Text around a token on one line.
QString flat(const std::string &bytes)
{
    QString text = plainToken(bytes.empty() ? std::string_view(" ") : std::string_view(bytes), 0);
    return bytes.empty() ? QString() : withIsolatedMarks(text).replace(u'\n', QChar(0x21b5)).replace(u'\t', u' ').remove(QChar(0x2028));
}

} // namespace

QLabel *richLabel(QWidget *parent)
{
    auto *label = new QLabel(parent);
    label->setTextFormat(Qt::RichText);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextBrowserInteraction);
    label->setOpenExternalLinks(false);
    // A long word must not widen the dock.
    label->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Minimum);
    return label;
}

QString escaped(const QString &text)
{
    return text.toHtmlEscaped();
}

QString contextHtml(const TokenContext &context, const QPalette &palette)
{
    const QString token = escaped(flat(context.text));
    const QColor paper = palette.color(QPalette::Highlight);
    const QColor ink = palette.color(QPalette::HighlightedText);
    return QStringLiteral("%1\u2026%2<span style=\"background-color:%3;color:%4\">%5</span>%6\u2026%7")
        .arg(QChar(0x2068), escaped(flat(context.before)), paper.name(), ink.name(), token, escaped(flat(context.after)), QChar(0x2069));
}

void FactTable::add(const QString &name, const QString &valueHtml)
{
    m_rows += QStringLiteral("<tr><td style=\"padding-right:8px\">%1</td><td>%2</td></tr>").arg(escaped(name), valueHtml);
}

QString FactTable::html() const
{
    return QStringLiteral("<table cellspacing=\"0\" cellpadding=\"1\">%1</table>").arg(m_rows);
}

} // namespace expertscope
