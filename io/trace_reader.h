// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// TraceReader: a trace file behind the interface of RoutingTrace. Holds what is small; reads the rest in blocks when asked.
#pragma once

#include "io/hdf5_array.h"
#include "io/trace_hdf5.h"

#include <optional>

namespace expertscope {

class TraceReader final : public RoutingTrace {
public:
    explicit TraceReader(const std::filesystem::path &file);

    const TraceMeta &meta() const override { return m_meta; }
    TokenColumns tokens(TokenRange range) const override;
    void expertIds(TokenRange range, int layer, std::span<ExpertId> ids) const override;
    void gateWeights(TokenRange range, int layer, std::span<float> weights) const override;
    void routerLogits(TokenRange range, int layer, std::span<float> logits) const override;
    void selectionScores(TokenRange range, int layer, std::span<float> scores) const override;
    void expertOutNorms(TokenRange range, int layer, std::span<float> norms) const override;
    void meanSoftmax(int sequence, std::span<float> mean) const override;
    std::vector<std::int64_t> load() const override;
    std::vector<double> gateMass() const override;
    std::shared_ptr<const RoutingSummary> importedCounts() const override { return m_counts; }

private:
    using MaybeArray = std::optional<h5::Array>;
    void checkFormat();
    void openArrays();
    MaybeArray optionalArray(hid_t parent, const char *name, h5::NumberKind kind, std::vector<std::int64_t> size);
    h5::Array requiredArray(hid_t parent, const char *name, h5::NumberKind kind, int rank);
    void readDescription();
    void readSequences();
    void readSummary();
    void readCounts(hid_t summary);
    void readRouting();
    void readExpertNotes();
    void readChecks();
    void noteUnknown(
        hid_t group, const std::string &path, std::initializer_list<const char *> known, std::initializer_list<const char *> knownPrefixes);
    [[noreturn]] void damaged(const std::string &what) const;
    /// The layers that a short list is of, one a row.
    std::vector<std::int32_t> listedLayers(hid_t group, const char *name);

    h5::Context m_context;
    h5::Id m_file;
    mutable h5::BlockCache m_cache;
    TraceMeta m_meta;
    MaybeArray m_expertId, m_gateWeight, m_routerLogit, m_selectionScore, m_expertOutNorm;
    MaybeArray m_tokenId, m_position, m_seqIndex, m_phase, m_logprob, m_predictedId, m_textBytes, m_textOffset;
    MaybeArray m_load, m_gateMass, m_meanSoftmax;
    std::shared_ptr<const RoutingSummary> m_counts; ///< of a trace that holds imported counts and no tokens
    std::optional<std::int64_t> m_noExpert; ///< the number that stands for an empty slot, where the file has one
};

} // namespace expertscope
