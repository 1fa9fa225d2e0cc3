// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/selection.h"

namespace expertscope {

void SelectionModel::set(const Selection &value)
{
    if (value == m_value)
        return;
    m_value = value;
    emit changed(m_value);
}

void SelectionModel::setHover(const Hover &hover)
{
    if (hover == m_hover)
        return;
    m_hover = hover;
    emit hoverChanged(m_hover);
}

} // namespace expertscope
