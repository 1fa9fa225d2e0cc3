// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Traces of tokens saved by NumPy: an .npz of expert_id [T, L, K] and, where known, gate_weight [T, L, K], layer [L],
// sequence_offset [S + 1] and token_id [T]; or an .npy that is expert_id alone.
#include "engine/core/error.h"
#include "io/importers/formats.h"
#include "io/importers/npy.h"
#include "io/importers/token_recording.h"
#include "io/importers/zip_directory.h"
#include "io/input_file.h"

#include <algorithm>
#include <map>

namespace expertscope {

namespace {

constexpr std::int64_t mostLayers = 4096, mostSlots = 1024, mostSequences = 1 << 24;

class NumpyTrace final : public TokenRecording {
public:
    explicit NumpyTrace(const std::filesystem::path &file)
        : m_where{file.string()}
    {
        const MappedBytes mapped = mapFile(file);
        if (!mapped.bytes.starts_with("PK")) {
            m_ids.emplace(storedStream(mapped, 0, m_where), m_where);
        } else {
            std::map<std::string, ZipEntry> entries;
            for (const ZipEntry &entry : zipEntries(mapped.bytes, m_where))
                entries[entry.name] = entry;
            const auto open = [&](const char *name) {
                std::optional<NpyArray> array;
                if (const auto at = entries.find(name + std::string{".npy"}); at != entries.end())
                    array.emplace(openZipEntry(mapped, at->second, m_where), m_where + ": " + name);
                return array;
            };
            m_ids = open("expert_id");
            m_weights = open("gate_weight");
            if (!m_ids)
                throw Error{ErrorKind::Input, "there is no array expert_id in the file", m_where,
                    "Save it as numpy.savez(file, expert_id=..., gate_weight=..., layer=..., sequence_offset=...)"};
            readShape();
            takeLayers(open("layer"));
            takeSequences(open("sequence_offset"));
            takeTokenIds(open("token_id"));
            return;
        }
        readShape();
    }

    void rewind() override
    {
        m_ids->rewind();
        if (m_weights)
            m_weights->rewind();
    }
    void read(std::int64_t, std::span<std::int32_t> ids, std::span<float> weights) override
    {
        m_ids->readIds(ids);
        if (m_weights)
            m_weights->readReals(weights);
    }

private:
    void readShape()
    {
        const std::vector<std::int64_t> &shape = m_ids->shape();
        if (shape.size() != 3 || !m_ids->holdsIntegers() || shape[1] < 1 || shape[1] > mostLayers || shape[2] < 1 || shape[2] > mostSlots)
            m_ids->fail("expert ids must be whole numbers of the shape [tokens, layers, experts per token]");
        tokens = shape[0];
        layers = static_cast<int>(shape[1]);
        slotCount = static_cast<int>(shape[2]);
        hasWeights = m_weights.has_value();
        if (m_weights && m_weights->shape() != shape)
            m_weights->fail("gate_weight does not have the shape of expert_id");
    }
    void takeLayers(std::optional<NpyArray> array)
    {
        if (!array)
            return;
        if (array->shape() != std::vector<std::int64_t>{layers})
            array->fail("layer does not have one number per layer of expert_id");
        for (const std::int64_t number : array->allIntegers())
            layerNumbers.push_back(static_cast<int>(std::clamp<std::int64_t>(number, -1, mostLayers)));
    }
    void takeSequences(std::optional<NpyArray> array)
    {
        if (!array)
            return;
        if (array->shape().size() != 1 || array->count() < 1 || array->count() > mostSequences)
            array->fail("sequence_offset is no list of offsets");
        const std::vector<std::int64_t> offsets = array->allIntegers();
        const bool covers = offsets.front() == 0 && offsets.back() == tokens && std::is_sorted(offsets.begin(), offsets.end());
        ownChecks.push_back({"offsets of sequences do not cover the tokens in order", covers ? "pass" : "fail", covers ? 0.0 : 1.0, 0});
        for (std::size_t i = 0; covers && i + 1 < offsets.size(); ++i)
            sequences.push_back({std::to_string(i), offsets[i + 1] - offsets[i], 0});
    }
    void takeTokenIds(std::optional<NpyArray> array)
    {
        if (!array)
            return;
        if (array->shape() != std::vector<std::int64_t>{tokens})
            array->fail("token_id does not have one number per token");
        array->rewind();
        tokenId.resize(static_cast<std::size_t>(tokens));
        array->readIds(tokenId);
    }

    std::string m_where;
    std::optional<NpyArray> m_ids, m_weights;
};

void read(std::span<const std::filesystem::path> files, const ImportOptions &options, TraceSink &sink, ImportReport &report,
    const Progress &progress)
{
    if (files.size() != 1)
        throw Error{
            ErrorKind::Usage, "NumPy traces are imported one file at a time", files[1].string(), "Import each into a trace of its own"};
    NumpyTrace trace{files.front()};
    if (!options.physicalMap.empty())
        trace.physicalToLogical = readPhysicalMap(options.physicalMap, trace.layers);
    importTokens(trace, files, options, sink, report, progress);
}

bool recognises(const std::filesystem::path &file)
{
    const InputFile input{file};
    const std::string start = input.readAt(0, static_cast<std::size_t>(std::min<std::uint64_t>(input.sizeBytes(), 8)));
    if (start.starts_with("\x93NUMPY"))
        return true;
    if (!start.starts_with("PK"))
        return false;
    const MappedBytes mapped = mapFile(file);
    const std::vector<ZipEntry> entries = zipEntries(mapped.bytes, file.string());
    return std::any_of(entries.begin(), entries.end(), [](const ZipEntry &entry) { return entry.name.ends_with(".npy"); });
}

} // namespace

std::vector<std::vector<int>> readPhysicalMap(const std::filesystem::path &file, int layers)
{
    NpyArray array{storedStream(mapFile(file), 0, file.string()), file.string()};
    if (array.shape().size() != 2 || array.shape()[0] != layers || array.shape()[1] < 1)
        array.fail("the map of physical experts is not [" + std::to_string(layers) + " layers, physical experts]");
    const std::vector<std::int64_t> values = array.allIntegers();
    std::vector<std::vector<int>> map(static_cast<std::size_t>(layers));
    const std::size_t width = values.size() / map.size();
    for (std::size_t i = 0; i < values.size(); ++i)
        map[i / width].push_back(idFrom(values[i]));
    return map;
}

const ForeignFormat numpyTraceFormat{"NumPy trace", recognises, read};

} // namespace expertscope
