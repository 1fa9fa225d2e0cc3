// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/alignment/alignment_view.h"
#include "views/analyses/analyses_view.h"
#include "views/balance/balance_view.h"
#include "views/common/view.h"
#include "views/compare/compare_view.h"
#include "views/experiments/experiments_view.h"
#include "views/flow/flow_view.h"
#include "views/routing_map/routing_map_view.h"
#include "views/specialisation/specialisation_view.h"
#include "views/steering/steering_view.h"
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
    ViewKind{"alignment", "Alignment",
        "How far each language's routing is from another's, layer by layer, with interval and null; the matrix, map and tree of languages.",
        make<AlignmentView>},
    ViewKind{"specialisation", "Specialisation",
        "Which experts a language, domain or label prefers, with significance; who chooses an expert, and its tokens.",
        make<SpecialisationView>},
    ViewKind{"flow", "Flow", "Which expert a token goes to in the next layer, and which experts are chosen together.", make<FlowView>},
    ViewKind{"balance", "Balance",
        "How evenly the experts are used: a measure per layer, the load of every expert, Lorenz curve, dead experts.", make<BalanceView>},
    ViewKind{"compare", "Compare",
        "Two traces of the same text, or two groups of one trace: where their routing differs, and from which layer on.",
        make<CompareView>},
    ViewKind{"steering", "Steering",
        "Change the routing of experts and see at once what it does: to the routing, to each token's loss, to how the text goes on.",
        make<SteeringView>},
    ViewKind{"experiments", "Experiments",
        "Evaluate the model and recipes on texts, questions and generations; run the multilingual recipe with held-out texts and controls.",
        make<ExperimentsView>},
    ViewKind{
        "analyses", "Analyses", "Every analysis there is, with its settings, definition, charts, maps and tables.", make<AnalysesView>},
};

} // namespace

std::span<const ViewKind> viewKinds()
{
    return kinds;
}

} // namespace expertscope
