// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/view.h"
#include "views/routing_map/routing_map_view.h"
#include "views/tokens/tokens_view.h"

#include <array>

namespace expertscope {

namespace {

template<typename T>
View *make(ViewContext context, QWidget *parent)
{
    return new T(std::move(context), parent);
}

constexpr std::array kinds{
    ViewKind{"tokens", "Tokens", "The text, each token coloured by its expert, entropy, weight, margin or log-probability at one layer.",
        make<TokensView>},
    ViewKind{"routing_map", "Routing map",
        "Layer by expert for the selection, or token by layer: which experts are used, how much, and by what.", make<RoutingMapView>},
};

} // namespace

std::span<const ViewKind> viewKinds()
{
    return kinds;
}

} // namespace expertscope
