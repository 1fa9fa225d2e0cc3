// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The routing profile q of a text: its mean distribution over the experts of a layer. Read layer by layer, so that a trace of any
// number of sequences fits.
#pragma once

#include "engine/core/params.h"
#include "engine/core/progress.h"
#include "engine/core/summary.h"
#include "engine/core/trace.h"

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace expertscope {

/// What is averaged over the tokens of a text, best first.
enum class ProfileSource {
    Softmax, ///< the full softmax of the router logits (Bandarkar et al. 2025, arXiv 2510.04694, eq. 1)
    GateMass, ///< gate weights of the chosen experts, normalised per text
    Counts, ///< how often each expert was chosen, normalised per text
};

/// The settings of an analysis that reads profiles.
inline constexpr std::array<ParamKind, 2> profileParams{{
    {"from", "Profiles from",
        "What is averaged over tokens: the full softmax, the gate weights or the choices; auto takes the best recorded",
        ParamKind::Type::Choice, "auto", 0, 0, "auto|softmax|gate-mass|counts"},
    {"seed", "Seed", "Of all that is drawn at random", ParamKind::Type::Integer, "42", 0, 9e15},
}};

/// `from` is "auto" (the best that the trace allows), "softmax", "gate-mass" or "counts". `someTokens`: not all tokens of a sequence count,
/// so stored means of whole sequences are of no use. Adds a sentence to `notes` where auto falls short of the softmax. Throws Error (Check)
/// if the trace has not what was asked for.
ProfileSource profileSource(const TraceFields &fields, std::string_view from, bool someTokens, std::vector<std::string> &notes);

struct ProfileRequest {
    ProfileSource source = ProfileSource::Softmax;
    std::vector<int> sequences; ///< [U] which; ascending
    std::vector<std::uint8_t> counted; ///< [T] 1 where a token counts; empty = all count
};

/// Calls body(layer index, q) once per layer, from several threads. q: [U, E], each row sums to 1, or is NaN where no token counts.
void forEachLayerProfile(const RoutingTrace &trace, const ProfileRequest &request, const Progress &progress,
    const std::function<void(int, std::span<const float>)> &body);

/// The profiles of imported counts, one per group from all of its tokens: [M] of [G, E]; NaN for a group of no counts. Says so in `notes`.
/// Throws Error (Check) if the counts do not hold what `from` says.
std::vector<std::vector<float>> profilesOfCounts(const RoutingSummary &counts, const std::string &from, std::vector<std::string> &notes);

} // namespace expertscope
