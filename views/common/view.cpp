// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/view.h"

namespace expertscope {

View::View(ViewContext context, QWidget *parent)
    : QWidget{parent}
    , m_context{std::move(context)}
{
}

std::span<const KeyHelp> viewKeys()
{
    static constexpr KeyHelp keys[] = {
        {"Wheel", "zoom at the cursor (maps) or scroll (text)"},
        {"Shift + wheel", "zoom rows only"},
        {"Alt + wheel", "zoom columns only"},
        {"Click in a chart", "select its layer and curve everywhere"},
        {"Left drag", "brush: select the tokens or experts under it"},
        {"Ctrl + left drag", "zoom into the box"},
        {"Ctrl + click", "add an expert to the selection or take it out"},
        {"Middle drag, Space + drag", "pan"},
        {"F", "fit everything"},
        {"Arrows", "move the cell or token cursor"},
        {"Enter", "select what the cursor is on"},
        {"W A S D", "pan"},
        {"+ -", "zoom in, out"},
        {"Home, End", "first, last column; with Ctrl the first, last row too"},
        {"Ctrl+F, F3, Shift+F3", "find in the text, next, previous"},
        {"Click on the colour bar", "lock the colour range or set it free"},
    };
    return keys;
}

} // namespace expertscope
