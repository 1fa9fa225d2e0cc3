// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/steering_model.h"

#include <utility>

namespace expertscope {

void SteeringModel::setState(SteeringState state)
{
    m_state = std::move(state);
    emit changed();
}

} // namespace expertscope
