// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// TokenMap: one number per token and layer for a range of tokens, with the tokens' text for labels.
#pragma once

#include "engine/analysis/token_metrics.h"
#include "engine/core/progress.h"
#include "engine/core/trace.h"
#include "views/common/heatmap_data.h"

#include <memory>

namespace expertscope {

struct TokenMap {
    TokenRange range; ///< what is in the map
    std::int64_t wanted = 0; ///< tokens that were asked for: more than range where the map would grow too large
    HeatmapDataPtr data; ///< [layers, tokens of range]
    std::shared_ptr<const TokenColumns> tokens; ///< of the range
};

/// Computes a per-layer metric for as many tokens of the range as fit into 24 million cells.
TokenMap tokenMap(const RoutingTrace &trace, TokenRange range, const TokenMetricKind &metric, const Progress &progress);

} // namespace expertscope
