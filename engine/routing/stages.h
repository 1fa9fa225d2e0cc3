// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// StageOverrides: how a policy or an intervention changes routing: by taking over stages of the pipeline for chosen rows.
// Every member does nothing by default, so an override says only what it changes.
#pragma once

#include "engine/core/model_config.h"

#include <cstdint>
#include <span>
#include <vector>

namespace expertscope {

/// Which row is being routed.
struct RoutingPlace {
    int layer = 0; ///< the model's own layer number
    std::int64_t row = 0; ///< row of the packed batch
    std::int32_t sequence = 0; ///< caller's number of the sequence
    std::int32_t position = 0; ///< of the token in its sequence
};

/// Called from several threads at once, for different rows; hence const. A replacing stage returns true when it did its work,
/// false to leave the family's own rule in force for this row.
class StageOverrides {
public:
    virtual ~StageOverrides() = default;

    /// The most experts a row of this layer may get.
    virtual int slotCount(int layer, const MoeFfn &rule) const;

    /// S1, intervention: edits the logits [E] before they are scored. What is recorded as router logits stays as it was.
    virtual void editLogits(const RoutingPlace &place, std::span<float> logits) const;
    /// S2, policy: scores [E] from logits [E].
    virtual bool score(const RoutingPlace &place, std::span<const float> logits, std::span<float> scores) const;
    /// S3, policy: what selection compares [E], from scores [E].
    virtual bool choiceScore(const RoutingPlace &place, std::span<const float> scores, std::span<float> choice) const;
    /// S4, policy: fills `chosen` (empty on entry) with different experts, at most slotCount() of them.
    virtual bool select(const RoutingPlace &place, std::span<const float> choice, std::vector<std::int32_t> &chosen) const;
    /// S5, policy: the raw weight of each chosen expert, from scores [E].
    virtual bool rawWeights(
        const RoutingPlace &place, std::span<const float> scores, std::span<const std::int32_t> chosen, std::span<float> weights) const;
    /// S6, policy: normalises the weights of the chosen experts in place.
    virtual bool normalise(const RoutingPlace &place, std::span<float> weights) const;
    /// After S7, intervention: edits the final weights.
    virtual void editWeights(const RoutingPlace &place, std::span<const std::int32_t> chosen, std::span<float> weights) const;
};

} // namespace expertscope
