// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// StageOverrides: how a policy or an intervention changes routing: by taking over stages of the pipeline for chosen rows.
// Every member does nothing by default, so an override says only what it changes.
#pragma once

#include "engine/core/backend.h"
#include "engine/core/model_config.h"
#include "engine/core/routing_changes.h"
#include "engine/core/token_sequence.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace expertscope {

/// Which row is being routed.
struct RoutingPlace {
    int layer = 0; ///< the model's own layer number
    std::int64_t row = 0; ///< row of the packed batch
    std::int32_t sequence = 0; ///< caller's number of the sequence
    std::int32_t position = 0; ///< of the token in its sequence
    Phase phase = Phase::Prefill;
    std::span<const float> otherLogits = {}; ///< [E] of StageOverrides::router(); empty where it gave none
};

/// What the stages before S4 made of a row.
struct RoutingRow {
    const RoutingPlace &place;
    const MoeFfn &rule; ///< the family's
    std::span<const float> logits; ///< [E] S1, as edited
    std::span<const float> scores; ///< [E] S2
    std::span<const float> choice; ///< [E] S3
};

/// The stages are called from several threads at once, for different rows; hence const. A replacing stage returns true when it did
/// its work, false to leave the family's own rule in force for this row.
class StageOverrides {
public:
    virtual ~StageOverrides() = default;

    /// Before a run: the sequences whose rows will come, in the order of RoutingPlace::sequence. One object serves one run at a time.
    virtual void begin(std::span<const TokenSequence> sequences);
    /// Before a token that was drawn is run, as the next one of its sequence.
    virtual void append(std::int32_t sequence, std::int32_t token);

    /// How often the forward loop runs a layer, attention included: 1 as ever, 0 skips it, more feed it its own output.
    virtual int runs(int layer) const;
    /// S0: another router [E, H] of this layer, whose logits editLogits() is given beside the model's own; null = none.
    virtual const Weight *router(int layer) const;
    /// The most experts a row of this layer may get.
    virtual int slotCount(int layer, const MoeFfn &rule) const;
    /// Whether rows of one layer may get different counts, or layers other counts than the model's own.
    virtual bool variesCount() const;
    /// The first layer in which anything may change: all before it run as if there were no overrides.
    virtual int firstLayer() const;

    /// All that the stages below do in this layer as a plain list, for a backend that routes by itself; null = they can only be asked.
    virtual const RoutingChanges *changes(int layer) const;
    /// In which spans of changes() a row is, whatever its layer: bit s.
    virtual std::uint64_t spansOf(const RoutingPlace &place) const;
    /// Of a policy: all that it does in a layer of this rule as an entry of such a list, of span 0.
    virtual std::optional<RoutingPolicy> asEntry(const MoeFfn &rule) const;

    /// S1, intervention: edits the logits [E] before they are scored. What is recorded as router logits stays as it was.
    virtual void editLogits(const RoutingPlace &place, std::span<float> logits) const;
    /// S2, policy: scores [E] from logits [E].
    virtual bool score(const RoutingPlace &place, std::span<const float> logits, std::span<float> scores) const;
    /// S3, policy: what selection compares [E], from scores [E].
    virtual bool choiceScore(const RoutingPlace &place, std::span<const float> scores, std::span<float> choice) const;
    /// After S3, intervention: edits what selection compares [E]. An expert at minus infinity is never taken.
    virtual void editChoice(const RoutingPlace &place, std::span<float> choice) const;
    /// S4, policy: fills `chosen` (empty on entry) with different experts, at most slotCount() of them.
    virtual bool select(const RoutingRow &row, std::vector<std::int32_t> &chosen) const;
    /// S5, policy: the raw weight of each chosen expert.
    virtual bool rawWeights(const RoutingRow &row, std::span<const std::int32_t> chosen, std::span<float> weights) const;
    /// S6, policy: normalises the weights of the chosen experts in place.
    virtual bool normalise(const RoutingRow &row, std::span<float> weights) const;
    /// After S7, intervention: edits the final weights.
    virtual void editWeights(const RoutingPlace &place, std::span<const std::int32_t> chosen, std::span<float> weights) const;
};

} // namespace expertscope
