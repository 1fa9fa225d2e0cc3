// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How often each token id (or position) goes with each expert: the frequent ids of a trace, and their counts one layer at a time, beside
// the same with the ids shuffled.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace expertscope {

enum class TokenKey {
    Input, ///< the token's own id
    Next, ///< id of the next token of the sequence
    Predicted, ///< id the model thinks most likely to come next; needs fields.predictedId
    Position, ///< position in the sequence
};
std::string_view name(TokenKey key);

/// The keys that at least `leastOccurrences` tokens have. Memory: 4 bytes a token of the trace.
struct FrequentKeys {
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
    std::vector<std::int32_t> keys; ///< [V] ascending
    std::vector<std::int64_t> occurrences; ///< [V]
    std::vector<std::int64_t> sequences; ///< [V] sequences it occurs in
    std::vector<std::string> texts; ///< [V] UTF-8, invalid bytes replaced; empty where not known
    std::vector<std::uint32_t> rows; ///< [T] index of the token's key, or none
    std::int64_t counted = 0; ///< tokens with such a key
    std::int64_t rare = 0; ///< tokens whose key is rarer
};
/// Any key but a position needs fields.tokenId.
FrequentKeys frequentKeys(const RoutingTrace &trace, TokenKey key, std::int64_t leastOccurrences,
    const std::function<std::string(std::int32_t)> &textOfToken, const Progress &progress);

/// rows with the keys of the counted tokens in random order: a trace whose routing has nothing to do with the key, every count kept.
std::vector<std::uint32_t> shuffledRows(const FrequentKeys &keys, std::uint64_t seed, std::uint64_t stream);

struct KeyCounts {
    std::vector<std::uint32_t> first; ///< [V, E] tokens of the key whose first choice is the expert; empty unless asked for
    std::vector<std::uint32_t> chosen; ///< [V, E] tokens of the key that chose the expert
};
/// Calls body once per layer, for several layers at the same time, with the counts of each labelling ([T] as FrequentKeys::rows).
/// Memory: 4 bytes per labelling, key and expert for each layer under way, twice that with first choices, and the ids of 65536 tokens.
void forEachLayerKeyCounts(const RoutingTrace &trace, std::size_t keys, std::span<const std::span<const std::uint32_t>> labellings,
    bool firstChoices, const Progress &progress, const std::function<void(int layer, std::span<const KeyCounts> counts)> &body);

} // namespace expertscope
