// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A policy that puts a random matrix in the place of the router's: the same token still goes to the same experts, but not to those
// that were trained for it.
#pragma once

#include "engine/steering/policies.h"

namespace expertscope {

PolicyKind fixedRandomRouterPolicy();

} // namespace expertscope
