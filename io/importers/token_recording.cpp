// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/importers/token_recording.h"

#include "engine/core/error.h"
#include "io/importers/formats.h"
#include "io/importers/model_shape.h"
#include "io/importers/sequence_labels.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

using Fault = ImportChecks::Fault;

constexpr std::int64_t blockCells = 1 << 21; // of a block in memory: 8 MB of ids

/// What one pass over the whole recording finds.
struct Findings {
    std::vector<bool> layerUsed; ///< [L] some place is filled
    std::vector<bool> slotUsed; ///< [K]
    std::vector<std::int64_t> rowsWith; ///< [K + 1] rows by how many places are filled
    std::vector<std::vector<bool>> expertSeen; ///< [L] by id
    std::int64_t bad = 0; ///< ids below -1, or too large to be any
    std::int32_t largest = -1;
    std::int64_t zeroRows = 0, repeatedRows = 0;
    std::int64_t unsortedRows = 0, badWeights = 0, negativeWeights = 0;
    double largestWeightSum = 0;
};

class Importer {
public:
    Importer(TokenRecording &recording, std::span<const std::filesystem::path> files, const ImportOptions &options, ImportReport &report)
        : m_recording{recording}
        , m_files{files}
        , m_options{options}
        , m_report{report}
        , m_checks{report.checks}
        , m_skipped(static_cast<std::size_t>(recording.layers))
    {
        const std::int64_t row = std::max<std::int64_t>(1, std::int64_t{recording.layers} * recording.slotCount);
        m_blockRows = std::clamp<std::int64_t>(blockCells / row, 1, 4096);
    }

    void run(TraceSink &sink, const Progress &progress)
    {
        const std::string where = m_files.front().string();
        m_meta = importedMeta(m_files, m_options, m_report.format.c_str());
        m_report.checks = m_recording.ownChecks;
        placeLayers();
        m_checks.refuseIfFailed(where);
        inspect(progress);
        addChecks();
        m_checks.refuseIfFailed(where);
        std::vector<SequenceInfo> sequences = sequenceInfos();
        if (!m_options.labels.empty())
            labelSequences(m_options.labels, m_meta, sequences);
        send(sequences, sink, progress);
    }

private:
    std::size_t cellsPerToken() const
    {
        return static_cast<std::size_t>(m_recording.layers) * static_cast<std::size_t>(m_recording.slotCount);
    }

    /// Which number of the model each layer of the file has, and which are dense and so left out.
    void placeLayers()
    {
        const auto layers = static_cast<std::size_t>(m_recording.layers);
        if (!m_options.config.empty()) {
            m_shape = readModelShape(m_options.config);
            m_meta.model = m_shape->model;
        }
        m_numbers = m_recording.layerNumbers;
        if (!m_numbers.empty() || !m_shape) {
            const bool isSaid = !m_numbers.empty();
            if (!isSaid) {
                m_numbers.resize(layers);
                std::iota(m_numbers.begin(), m_numbers.end(), 0);
                m_checks.add("layers numbered by their place: the file does not say which they are", 1, 0, Fault::Warns);
            } else {
                const bool rise = std::adjacent_find(m_numbers.begin(), m_numbers.end(), std::greater_equal{}) == m_numbers.end()
                    && m_numbers.front() >= 0;
                m_checks.add("numbers of the layers do not rise", !rise, 0, Fault::Refuses);
            }
            return;
        }
        if (layers == m_shape->moeLayers.size()) {
            m_numbers = m_shape->moeLayers;
            return;
        }
        m_checks.add(
            "layers in the file beside those of the model", std::abs(m_recording.layers - m_shape->model.nLayers), 0, Fault::Refuses);
        m_numbers.resize(layers);
        std::iota(m_numbers.begin(), m_numbers.end(), 0);
        for (std::size_t layer = 0; layer < layers; ++layer)
            m_skipped[layer] = !std::binary_search(m_shape->moeLayers.begin(), m_shape->moeLayers.end(), static_cast<int>(layer));
    }

    /// The next block with logical ids; the number of its tokens, 0 at the end.
    std::int64_t next(std::int64_t at)
    {
        const std::int64_t n = std::min(m_blockRows, m_recording.tokens - at);
        const std::size_t cells = static_cast<std::size_t>(n) * cellsPerToken();
        m_ids.resize(cells);
        m_weights.resize(m_recording.hasWeights ? cells : 0);
        m_recording.read(n, m_ids, m_weights);
        if (!m_recording.physicalToLogical)
            return n;
        const auto &map = *m_recording.physicalToLogical;
        const auto slotCount = static_cast<std::size_t>(m_recording.slotCount);
        for (std::size_t i = 0; i < cells; ++i) {
            const std::vector<int> &ofLayer = map[i / slotCount % map.size()];
            if (m_ids[i] == TokenRecording::noId)
                continue;
            const bool known = m_ids[i] >= 0 && static_cast<std::size_t>(m_ids[i]) < ofLayer.size();
            const int logical = known ? ofLayer[static_cast<std::size_t>(m_ids[i])] : -1;
            m_ids[i] = logical >= 0 ? logical : TokenRecording::badId;
        }
        return n;
    }

    void inspect(const Progress &progress)
    {
        const auto layers = static_cast<std::size_t>(m_recording.layers), slotCount = static_cast<std::size_t>(m_recording.slotCount);
        m_found.layerUsed.resize(layers);
        m_found.slotUsed.resize(slotCount);
        m_found.rowsWith.resize(slotCount + 1);
        m_found.expertSeen.resize(layers);
        m_recording.rewind();
        for (std::int64_t at = 0; at < m_recording.tokens;) {
            progress.check();
            const std::int64_t n = next(at);
            for (std::size_t row = 0; row < static_cast<std::size_t>(n) * layers; ++row)
                if (!m_skipped[row % layers])
                    inspectRow(row % layers, std::span{m_ids}.subspan(row * slotCount, slotCount),
                        m_weights.empty() ? std::span<float>{} : std::span{m_weights}.subspan(row * slotCount, slotCount));
            at += n;
            progress.report(at, 2 * m_recording.tokens, "tokens");
        }
    }

    void inspectRow(std::size_t layer, std::span<const std::int32_t> ids, std::span<const float> weights)
    {
        std::size_t filled = 0;
        bool repeated = false;
        for (std::size_t slot = 0; slot < ids.size(); ++slot) {
            const std::int32_t id = ids[slot];
            if (id == TokenRecording::noId)
                continue;
            ++filled;
            m_found.slotUsed[slot] = true;
            if (id < 0 || id >= noExpert - 1) {
                ++m_found.bad;
                continue;
            }
            m_found.largest = std::max(m_found.largest, id);
            std::vector<bool> &seen = m_found.expertSeen[layer];
            if (seen.size() <= static_cast<std::size_t>(id))
                seen.resize(static_cast<std::size_t>(id) + 1);
            seen[static_cast<std::size_t>(id)] = true;
            repeated = repeated
                || std::find(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(slot), id)
                    != ids.begin() + static_cast<std::ptrdiff_t>(slot);
        }
        ++m_found.rowsWith[filled];
        if (filled > 0)
            m_found.layerUsed[layer] = true;
        const bool zero = ids.size() > 1 && std::all_of(ids.begin(), ids.end(), [](std::int32_t id) { return id == 0; });
        m_found.zeroRows += zero;
        m_found.repeatedRows += repeated && !zero;
        double sum = 0;
        for (std::size_t slot = 0; slot < weights.size(); ++slot) {
            if (ids[slot] == TokenRecording::noId)
                continue;
            m_found.badWeights += !std::isfinite(weights[slot]);
            m_found.negativeWeights += weights[slot] < 0;
            sum += static_cast<double>(weights[slot]);
        }
        m_found.largestWeightSum = std::max(m_found.largestWeightSum, sum);
        m_found.unsortedRows += !std::is_sorted(weights.begin(), weights.end(), std::greater{});
    }

    void addChecks()
    {
        for (std::size_t slot = 0; slot < m_found.slotUsed.size(); ++slot)
            if (m_found.slotUsed[slot])
                m_usedSlots.push_back(slot);
        for (std::size_t layer = 0; layer < m_found.layerUsed.size(); ++layer)
            if (m_found.layerUsed[layer]) {
                m_usedLayers.push_back(layer);
                m_meta.layers.push_back(m_numbers[layer]);
            }
        const auto count = [](std::int64_t n) { return static_cast<double>(n); };
        const std::int64_t full = m_found.rowsWith[m_usedSlots.size()];
        const std::int64_t partial = std::accumulate(m_found.rowsWith.begin() + 1, m_found.rowsWith.end(), std::int64_t{0}) - full;
        const std::int64_t emptyLayers = std::ssize(m_found.layerUsed) - std::ssize(m_usedLayers);
        m_emptyRows = m_usedSlots.empty()
            ? 0
            : m_found.rowsWith[0] - (emptyLayers - std::count(m_skipped.begin(), m_skipped.end(), true)) * m_recording.tokens;
        findExperts();
        m_checks.add("tokens missing: the recording is empty", m_usedSlots.empty(), 0, Fault::Refuses);
        m_checks.add("ids that no expert can have", count(m_found.bad), 0, Fault::Refuses);
        if (m_found.largest < 0)
            m_checks.skip("largest id beside the number of experts", "there is no id");
        else
            m_checks.add("largest id beside the number of experts", m_found.largest, m_meta.experts - 1, Fault::Refuses);
        m_checks.add("tokens and layers with an expert twice", count(m_found.repeatedRows), 0, Fault::Refuses);
        m_checks.add("tokens and layers that are all zero", count(m_found.zeroRows), 0, Fault::Refuses);
        m_checks.add("tokens and layers with places partly empty", count(partial), 0, Fault::Refuses);
        m_checks.add("tokens and layers that were not recorded", count(m_emptyRows), 0, Fault::Warns);
        if (m_shape) {
            m_checks.add("MoE layers are not those of the model", m_meta.layers == m_shape->moeLayers ? 0 : 1, 0, Fault::Refuses);
            m_checks.add("experts per token beside the model's top-k",
                std::abs(static_cast<double>(m_usedSlots.size()) - m_shape->model.topK), 0, Fault::Refuses);
        } else {
            m_checks.skip("MoE layers and experts per token are not those of the model", "no config of the model was given");
        }
        if (m_usedLayers.empty() || m_found.largest >= m_meta.experts)
            m_checks.skip("share of experts that were never chosen", "the ids are not those of the experts");
        else
            m_checks.add("share of experts that were never chosen", neverChosen(), 0.5, Fault::Warns);
        if (m_recording.sequences.empty())
            m_checks.add("borders of sequences missing: taken as one sequence", 1, 0, Fault::Warns);
        if (!m_recording.hasWeights) {
            m_checks.skip("gate weights: numbers, signs and sums", "the file holds none");
            return;
        }
        m_checks.add("gate weights that are no numbers", count(m_found.badWeights), 0, Fault::Refuses);
        m_checks.add("negative gate weights", count(m_found.negativeWeights), 0, Fault::Refuses);
        m_checks.add(
            "largest sum of a token's gate weights", m_found.largestWeightSum, 1.01 * std::max(1.0, m_meta.model.scaling), Fault::Warns);
        m_checks.add("tokens and layers whose experts were put in order of weight", count(m_found.unsortedRows), 0, Fault::Warns);
    }

    void findExperts()
    {
        if (m_options.experts > 0)
            m_meta.experts = m_options.experts;
        else if (m_shape)
            m_meta.experts = m_shape->model.nExperts;
        else if (m_recording.experts > 0)
            m_meta.experts = m_recording.experts;
        else {
            m_meta.experts = std::max(1, m_found.largest + 1);
            m_checks.add("number of experts taken from the largest id: nothing says it", 1, 0, Fault::Warns);
        }
        if (m_recording.experts > 0)
            m_checks.add("experts beside those that the file knows", std::abs(m_meta.experts - m_recording.experts), 0, Fault::Refuses);
        if (m_shape && m_options.experts > 0)
            m_checks.add("experts that were given beside those of the model", std::abs(m_options.experts - m_shape->model.nExperts), 0,
                Fault::Refuses);
    }

    double neverChosen() const
    {
        std::int64_t seen = 0;
        for (const std::size_t layer : m_usedLayers)
            seen += std::count(m_found.expertSeen[layer].begin(), m_found.expertSeen[layer].end(), true);
        return 1 - static_cast<double>(seen) / (static_cast<double>(m_usedLayers.size()) * m_meta.experts);
    }

    std::vector<SequenceInfo> sequenceInfos() const
    {
        std::vector<SequenceInfo> infos;
        std::int64_t first = 0;
        for (const TokenRecording::Sequence &sequence : m_recording.sequences) {
            SequenceInfo info;
            info.id = sequence.id;
            info.firstToken = first;
            info.nPrompt = sequence.nPrompt;
            info.nGenerated = sequence.nGenerated;
            first = info.range().end;
            infos.push_back(std::move(info));
        }
        if (infos.empty()) {
            infos.emplace_back();
            infos.back().id = "all";
            infos.back().nPrompt = m_recording.tokens;
        }
        return infos;
    }

    void send(const std::vector<SequenceInfo> &sequences, TraceSink &sink, const Progress &progress)
    {
        m_meta.slotCount = static_cast<int>(m_usedSlots.size());
        m_meta.fields.tokenId = !m_recording.tokenId.empty();
        m_meta.fields.gateWeight = m_recording.hasWeights;
        m_meta.fields.nActive = m_emptyRows > 0;
        sink.begin(m_meta);
        m_recording.rewind();
        std::size_t sequence = 0, ended = 0;
        for (std::int64_t at = 0; at < m_recording.tokens;) {
            progress.check();
            const std::int64_t n = next(at);
            TraceBlock block;
            block.count = n;
            for (std::int64_t token = at; token < at + n; ++token) {
                while (sequences[sequence].range().end <= token)
                    ++sequence;
                addColumns(token, static_cast<std::int32_t>(sequence), sequences[sequence], block);
            }
            addChoices(n, block);
            sink.append(block);
            at += n;
            for (; ended < sequences.size() && sequences[ended].range().end <= at; ++ended)
                sink.endSequence(sequences[ended], {});
            progress.report(m_recording.tokens + at, 2 * m_recording.tokens, "tokens");
        }
        for (; ended < sequences.size(); ++ended)
            sink.endSequence(sequences[ended], {});
        sink.finish(m_report.checks);
    }

    void addColumns(std::int64_t token, std::int32_t sequence, const SequenceInfo &info, TraceBlock &block) const
    {
        const auto row = static_cast<std::size_t>(token);
        const std::int64_t place = token - info.firstToken;
        if (m_meta.fields.tokenId)
            block.tokenId.push_back(m_recording.tokenId[row]);
        block.position.push_back(m_recording.position.empty() ? static_cast<std::int32_t>(place) : m_recording.position[row]);
        block.seqIndex.push_back(sequence);
        block.phase.push_back(!m_recording.phase.empty() ? m_recording.phase[row] : place < info.nPrompt ? Phase::Prefill : Phase::Decode);
    }

    void addChoices(std::int64_t n, TraceBlock &block) const
    {
        const auto layers = static_cast<std::size_t>(m_recording.layers), slotCount = static_cast<std::size_t>(m_recording.slotCount);
        std::vector<std::size_t> order = m_usedSlots;
        for (const std::size_t layer : m_usedLayers)
            for (std::size_t token = 0; token < static_cast<std::size_t>(n); ++token) {
                const std::size_t row = (token * layers + layer) * slotCount;
                order = m_usedSlots;
                if (m_recording.hasWeights)
                    std::stable_sort(
                        order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return m_weights[row + a] > m_weights[row + b]; });
                for (const std::size_t slot : order) {
                    const bool filled = m_ids[row + slot] != TokenRecording::noId;
                    block.expertId.push_back(filled ? static_cast<ExpertId>(m_ids[row + slot]) : noExpert);
                    if (m_recording.hasWeights)
                        block.gateWeight.push_back(filled ? m_weights[row + slot] : 0.0f);
                }
            }
    }

    TokenRecording &m_recording;
    std::span<const std::filesystem::path> m_files;
    const ImportOptions &m_options;
    ImportReport &m_report;
    ImportChecks m_checks;
    TraceMeta m_meta;
    std::optional<ModelShape> m_shape;
    std::vector<int> m_numbers; ///< [L] the model's own
    std::vector<bool> m_skipped; ///< [L] dense by the config: whatever the file holds there is none of its business
    std::int64_t m_blockRows = 1;
    std::vector<std::int32_t> m_ids; ///< of the block at hand
    std::vector<float> m_weights;
    Findings m_found;
    std::vector<std::size_t> m_usedSlots, m_usedLayers;
    std::int64_t m_emptyRows = 0; ///< wholly empty, in layers that are used
};

} // namespace

void importTokens(TokenRecording &recording, std::span<const std::filesystem::path> files, const ImportOptions &options, TraceSink &sink,
    ImportReport &report, const Progress &progress)
{
    Importer{recording, files, options, report}.run(sink, progress);
}

} // namespace expertscope
