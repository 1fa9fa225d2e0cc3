// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/routes_model.h"

#include <utility>

namespace expertscope {

void RoutesModel::setState(RoutesState state)
{
    m_state = std::move(state);
    emit changed();
}

} // namespace expertscope
