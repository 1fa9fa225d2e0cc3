// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What there is to know about one expert of one layer: its load, and the tokens, languages, domains and partners it goes with,
// each against chance and with its interval.
#pragma once

#include "engine/analysis/share.h"
#include "engine/analysis/token_text.h"
#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <string>
#include <vector>

namespace expertscope {

struct TokenOfExpert {
    std::int32_t tokenId = 0;
    std::string text; ///< the token's bytes; empty without token text
    Share choosing; ///< of this token's occurrences
    Lift lift; ///< against the expert's load
    std::vector<TokenContext> contexts; ///< the first few occurrences that chose the expert
};

struct GroupOfExpert {
    std::string name;
    std::int64_t sequences = 0; ///< in the group; the tokens of one sequence are not independent
    Share choosing; ///< of the group's tokens
    Lift lift; ///< against the expert's load
};

struct PartnerOfExpert {
    int expert = 0;
    Share together; ///< of the tokens that chose the expert, those that chose the partner as well
    double expected = 0; ///< the partner's own load: the share to expect if the two had nothing to do with each other
    Lift lift; ///< against `expected`
};

struct ExpertCard {
    static constexpr std::int64_t leastOccurrences = 5; ///< of a token, to be ranked
    static constexpr std::size_t mostTokens = 20;
    static constexpr std::size_t mostContexts = 3;
    static constexpr std::int64_t contextTokens = 6; ///< on either side
    static constexpr std::size_t mostPartners = 10;

    int layer = 0; ///< index into TraceMeta::layers
    int expert = 0;
    Share load; ///< of all tokens, those that chose the expert
    double chance = 0; ///< load of every expert if all were alike: chosen experts per token / E
    double meanGateWeight = 0; ///< over the tokens that chose it; NaN if there are none or the trace has no weights
    std::vector<TokenOfExpert>
        tokens; ///< empty if the trace holds no token ids; at least leastOccurrences, by falling lower end of the lift's interval
    std::int64_t rankedTokens = 0; ///< different tokens with at least leastOccurrences
    std::vector<GroupOfExpert> languages; ///< by falling lift
    std::vector<GroupOfExpert> domains; ///< by falling lift
    std::vector<PartnerOfExpert> partners; ///< most often chosen together first
    double partnerChance = 0; ///< share of each partner if all were alike: (chosen per token - 1) / (E - 1)
};

/// One pass over one layer of the trace; memory grows with the vocabulary and the groups, not with the tokens.
/// Throws Error (Usage) if there is no such layer or expert.
ExpertCard expertCard(const RoutingTrace &trace, int layer, int expert, const Progress &progress);

} // namespace expertscope
