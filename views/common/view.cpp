// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/view.h"

namespace expertscope {

View::View(ViewContext context, QWidget *parent)
    : QWidget{parent}
    , m_context{std::move(context)}
{
}

} // namespace expertscope
