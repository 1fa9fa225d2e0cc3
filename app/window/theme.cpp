// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/theme.h"

#include <QApplication>
#include <QFont>
#include <QPalette>
#include <QStyle>
#include <QStyleFactory>

#include <algorithm>

namespace expertscope {

namespace {

struct Colours {
    const char *window, *base, *alternate, *text, *faint, *button, *highlight, *highlighted, *link, *tooltip;
};
constexpr Colours lightColours{
    "#f3f4f6", "#ffffff", "#f7f8fa", "#1b1f24", "#6a7280", "#e9ebef", "#1f6feb", "#ffffff", "#0b57d0", "#fffff0"};
constexpr Colours darkColours{"#1e2126", "#16181c", "#1b1e23", "#e4e7eb", "#8d96a3", "#2a2e35", "#3b82f6", "#ffffff", "#7cb1ff", "#2d3138"};

QPalette paletteOf(const Colours &colours)
{
    const QColor text{colours.text}, faint{colours.faint}, window{colours.window};
    QPalette palette{QColor{colours.button}, window};
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText, QPalette::ToolTipText, QPalette::BrightText})
        palette.setColor(role, text);
    palette.setColor(QPalette::Window, window);
    palette.setColor(QPalette::Base, QColor{colours.base});
    palette.setColor(QPalette::AlternateBase, QColor{colours.alternate});
    palette.setColor(QPalette::Button, QColor{colours.button});
    palette.setColor(QPalette::ToolTipBase, QColor{colours.tooltip});
    palette.setColor(QPalette::Highlight, QColor{colours.highlight});
    palette.setColor(QPalette::HighlightedText, QColor{colours.highlighted});
    palette.setColor(QPalette::Link, QColor{colours.link});
    palette.setColor(QPalette::LinkVisited, QColor{colours.link});
    palette.setColor(QPalette::PlaceholderText, faint);
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, faint);
    palette.setColor(QPalette::Disabled, QPalette::Highlight, QColor{colours.button});
    return palette;
}

} // namespace

void applyTheme(Theme theme, int scalePercent)
{
    static const QPalette systemPalette = QApplication::palette();
    static const QFont systemFont = QApplication::font();
    if (QApplication::style()->name() != QStringLiteral("fusion"))
        QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    const bool systemIsDark = systemPalette.color(QPalette::Window).lightness() < 128;
    const bool dark = theme == Theme::Dark || (theme == Theme::System && systemIsDark);
    QApplication::setPalette(paletteOf(dark ? darkColours : lightColours));
    QFont font = systemFont;
    font.setPointSizeF(std::max(systemFont.pointSizeF() * scalePercent / 100.0, 5.0));
    QApplication::setFont(font);
}

} // namespace expertscope
