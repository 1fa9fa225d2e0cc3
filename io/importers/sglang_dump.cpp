// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Dumps of SGLang's expert distribution recorder (.pt). per_token: {"records": [{"forward_pass_id", "input_ids", "positions",
// "extend_seq_lens", "forward_mode", "topk_ids_of_layer" [L, n, K] ...}], "last_physical_to_logical_map" [L, P]}, one file per rank.
// stat: {"logical_count" [steps, L, E]}. https://github.com/sgl-project/sglang, managers/expert_distribution.py.
#include "engine/core/error.h"
#include "engine/core/summary.h"
#include "io/importers/formats.h"
#include "io/importers/model_shape.h"
#include "io/importers/token_recording.h"
#include "io/importers/torch_file.h"
#include "io/input_file.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace expertscope {

namespace {

constexpr std::int64_t mostLayers = 4096, mostSlots = 1024;

enum ForwardMode { Extend = 1, Decode = 2, Mixed = 3, Idle = 4 };

/// One forward pass, as the dump has it.
struct Pass {
    const TorchFile *file = nullptr;
    const PickledTensor *ids = nullptr; ///< [L, n, K]
    std::vector<std::int32_t> tokenId, position; ///< [n]
    std::vector<std::int64_t> lengths; ///< of the requests' parts; empty in decode
    std::int64_t mode = 0;
};

std::vector<std::int64_t> integers(const TorchFile &file, const PickleValue *value, const char *what)
{
    std::vector<std::int64_t> numbers;
    const PickleList *list = value ? value->list() : nullptr;
    if (!list)
        file.fail(std::string{"a record has no list "} + what);
    for (const PickleValue &one : *list) {
        const auto *number = one.as<std::int64_t>();
        if (!number || *number < 0 || *number > INT32_MAX)
            file.fail(std::string{what} + " of a record holds something other than sizes and ids");
        numbers.push_back(*number);
    }
    return numbers;
}

std::vector<std::int32_t> ids32(const std::vector<std::int64_t> &numbers)
{
    std::vector<std::int32_t> ids(numbers.size());
    std::transform(numbers.begin(), numbers.end(), ids.begin(), [](std::int64_t number) { return static_cast<std::int32_t>(number); });
    return ids;
}

/// A request whose tokens come in several passes.
struct Request {
    struct Run {
        std::size_t pass;
        std::int64_t firstRow, count;
    };
    std::vector<Run> runs;
    std::int64_t nPrompt = 0, nGenerated = 0;
};

class PerTokenDump final : public TokenRecording {
public:
    explicit PerTokenDump(const std::vector<TorchFile> &files)
    {
        for (const TorchFile &file : files)
            readRecords(file);
        if (m_passes.empty())
            files.front().fail("there are no tokens in the records");
        tieRequests();
        flatten();
        readMap(files.front());
        std::uint64_t bytes = 0;
        for (const TorchFile &file : files)
            bytes += file.sizeBytes();
        if (static_cast<std::uint64_t>(tokens) > bytes)
            files.front().fail("the records share tensors, which no recording does");
    }

    void rewind() override { m_piece = m_row = 0; }
    void read(std::int64_t n, std::span<std::int32_t> ids, std::span<float>) override
    {
        const auto rowIds = static_cast<std::size_t>(slotCount);
        std::vector<std::int64_t> numbers;
        for (std::int64_t done = 0; done < n;) {
            const Request::Run &run = m_pieces[m_piece];
            const std::int64_t count = std::min(n - done, run.count - static_cast<std::int64_t>(m_row));
            const Pass &pass = m_passes[run.pass];
            numbers.resize(static_cast<std::size_t>(count) * rowIds);
            for (int layer = 0; layer < layers; ++layer) {
                const std::int64_t row = layer * pass.ids->shape[1] + run.firstRow + static_cast<std::int64_t>(m_row);
                pass.file->readIntegers(*pass.ids, row * slotCount, numbers);
                for (std::size_t i = 0; i < numbers.size(); ++i)
                    ids[((static_cast<std::size_t>(done) + i / rowIds) * static_cast<std::size_t>(layers) + static_cast<std::size_t>(layer))
                            * rowIds
                        + i % rowIds] = idFrom(numbers[i]);
            }
            done += count;
            m_row += static_cast<std::size_t>(count);
            if (static_cast<std::int64_t>(m_row) == run.count) {
                ++m_piece;
                m_row = 0;
            }
        }
    }

private:
    void readRecords(const TorchFile &file)
    {
        const PickleList *records = file.root().at("records")->list();
        std::set<std::vector<std::int32_t>> seenHere;
        for (const PickleValue &record : *records) {
            const PickleValue *ids = record.at("topk_ids_of_layer");
            Pass pass{.file = &file, .ids = ids ? ids->tensor() : nullptr, .tokenId = {}, .position = {}, .lengths = {}};
            if (!pass.ids)
                file.fail("a record has no topk_ids_of_layer: record in per_token mode");
            pass.tokenId = ids32(integers(file, record.at("input_ids"), "input_ids"));
            pass.position = ids32(integers(file, record.at("positions"), "positions"));
            if (const PickleValue *lengths = record.at("extend_seq_lens"); lengths && lengths->list())
                pass.lengths = integers(file, lengths, "extend_seq_lens");
            const PickleValue *mode = record.at("forward_mode");
            pass.mode = mode && mode->as<std::int64_t>() ? *mode->as<std::int64_t>() : 0;
            const auto n = static_cast<std::int64_t>(pass.tokenId.size());
            const std::vector<std::int64_t> &shape = pass.ids->shape;
            if (shape.size() != 3 || shape[0] < 1 || shape[0] > mostLayers || shape[2] < 1 || shape[2] > mostSlots || shape[1] != n
                || std::ssize(pass.position) != n
                || (!pass.lengths.empty() && std::accumulate(pass.lengths.begin(), pass.lengths.end(), std::int64_t{0}) != n))
                file.fail("a record does not hold as many ids, positions and rows of experts as tokens");
            if (n == 0 || pass.mode == Idle)
                continue;
            file.count(*pass.ids);
            if (m_passes.empty()) {
                layers = static_cast<int>(shape[0]);
                slotCount = static_cast<int>(shape[2]);
            }
            if (shape[0] != layers || shape[2] != slotCount)
                file.fail("the records are not of one model");
            m_strange += pass.mode != Extend && pass.mode != Decode && pass.mode != Mixed;
            if (pass.mode != Extend && pass.mode != Decode && pass.mode != Mixed)
                continue;
            const PickleValue *step = record.at("forward_pass_id");
            std::vector<std::int32_t> key = pass.tokenId; // ranks that share a batch record it each
            key.insert(key.end(), pass.position.begin(), pass.position.end());
            if (step && step->as<std::int64_t>())
                key.push_back(static_cast<std::int32_t>(*step->as<std::int64_t>() & INT32_MAX));
            if (m_seen.contains(key))
                continue;
            seenHere.insert(std::move(key));
            m_passes.push_back(std::move(pass));
        }
        m_seen.merge(seenHere);
    }

    /// Splits passes into requests. The dump names none: prompts are told apart by their lengths, later tokens only by a position that
    /// continues exactly one request of the same rank. A request that a decode pass leaves out has ended.
    void tieRequests()
    {
        std::int64_t untied = 0;
        std::multimap<std::int32_t, std::size_t> open; // requests by the position they wait for
        for (std::size_t p = 0; p < m_passes.size(); ++p) {
            const Pass &pass = m_passes[p];
            if (p > 0 && pass.file != m_passes[p - 1].file)
                open.clear();
            std::vector<std::int64_t> lengths = pass.lengths;
            if (lengths.empty())
                lengths.assign(pass.tokenId.size(), 1);
            std::multimap<std::int32_t, std::size_t> next;
            std::int64_t row = 0;
            for (const std::int64_t count : lengths) {
                if (count == 0)
                    continue;
                const std::int32_t position = pass.position[static_cast<std::size_t>(row)];
                const std::int32_t after = pass.position[static_cast<std::size_t>(row + count - 1)] + 1;
                const bool isDecode = pass.mode == Decode || (pass.mode == Mixed && count == 1 && position > 0);
                const auto waiting = open.equal_range(position);
                const bool isTied = position > 0 && std::distance(waiting.first, waiting.second) == 1;
                std::size_t request = m_requests.size();
                if (isTied)
                    request = open.extract(waiting.first).mapped();
                else
                    m_requests.emplace_back();
                if (isTied || !isDecode)
                    next.emplace(after, request);
                untied += isDecode && !isTied ? count : 0;
                m_requests[request].runs.push_back({p, row, count});
                (isDecode ? m_requests[request].nGenerated : m_requests[request].nPrompt) += count;
                row += count;
            }
            if (pass.mode != Extend)
                std::erase_if(open, [&](const auto &request) {
                    return std::find(pass.position.begin(), pass.position.end(), request.first) == pass.position.end();
                });
            open.merge(next);
        }
        const auto check = [&](const char *name, std::int64_t value) {
            ownChecks.push_back({name, value > 0 ? "warn" : "pass", static_cast<double>(value), 0});
        };
        check("generated tokens that cannot be told to belong to one request", untied);
        check("passes that are neither prefill nor decode, left out", m_strange);
    }

    void flatten()
    {
        for (const Request &request : m_requests) {
            sequences.push_back({"request " + std::to_string(sequences.size()), request.nPrompt, request.nGenerated});
            for (const Request::Run &run : request.runs) {
                const Pass &pass = m_passes[run.pass];
                const auto first = static_cast<std::ptrdiff_t>(run.firstRow), end = first + static_cast<std::ptrdiff_t>(run.count);
                m_pieces.push_back(run);
                tokenId.insert(tokenId.end(), pass.tokenId.begin() + first, pass.tokenId.begin() + end);
                position.insert(position.end(), pass.position.begin() + first, pass.position.begin() + end);
            }
            tokens += request.nPrompt + request.nGenerated;
        }
    }

    void readMap(const TorchFile &file)
    {
        const PickleValue *value = file.root().at("last_physical_to_logical_map");
        const PickledTensor *tensor = value ? value->tensor() : nullptr;
        if (!tensor)
            return;
        if (tensor->shape.size() != 2 || tensor->shape[0] != layers || tensor->shape[1] < 1)
            file.fail("last_physical_to_logical_map is not [layers, physical experts]");
        std::vector<std::int64_t> numbers(static_cast<std::size_t>(file.count(*tensor)));
        file.readIntegers(*tensor, 0, numbers);
        physicalToLogical.emplace(static_cast<std::size_t>(layers));
        const std::size_t width = numbers.size() / physicalToLogical->size();
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            (*physicalToLogical)[i / width].push_back(idFrom(numbers[i]));
            experts = std::max(experts, idFrom(numbers[i]) + 1); // every logical expert has a place
        }
    }

    std::vector<Pass> m_passes;
    std::set<std::vector<std::int32_t>> m_seen; ///< ids, positions and step of the passes of other files
    std::vector<Request> m_requests;
    std::vector<Request::Run> m_pieces; ///< in the order of the trace
    std::int64_t m_strange = 0;
    std::size_t m_piece = 0, m_row = 0; ///< where read() is
};

/// Counts of whole recordings, one group per file. The dump says neither top-k nor how many tokens there were.
void readCounts(const std::vector<TorchFile> &dumps, std::span<const std::filesystem::path> files, const ImportOptions &options,
    TraceSink &sink, ImportReport &report)
{
    const std::string where = files.front().string();
    if (options.config.empty())
        throw Error{ErrorKind::Usage, "counts of SGLang do not say how many experts a token takes", where, "Give --config MODEL"};
    using Fault = ImportChecks::Fault;
    ImportChecks checks{report.checks};
    const ModelShape shape = readModelShape(options.config);
    TraceMeta meta = importedMeta(files, options, report.format.c_str());
    meta.model = shape.model;
    RoutingSummary counts;
    counts.grouping = "recording";
    counts.layers = shape.moeLayers;
    counts.experts = shape.model.nExperts;
    counts.topK = shape.model.topK;
    std::int64_t negative = 0, uneven = 0, elsewhere = 0, overCounted = 0;
    for (std::size_t f = 0; f < dumps.size(); ++f) {
        const PickledTensor *tensor = dumps[f].root().at("logical_count")->tensor();
        if (!tensor || tensor->shape.size() != 3)
            dumps[f].fail("logical_count is not [steps, layers, experts]");
        checks.add("layers in the file beside those of the model", std::abs(static_cast<double>(tensor->shape[1] - shape.model.nLayers)), 0,
            Fault::Refuses);
        checks.add("experts per layer beside those of the model", std::abs(static_cast<double>(tensor->shape[2] - counts.experts)), 0,
            Fault::Refuses);
        checks.refuseIfFailed(where);
        const auto cells = static_cast<std::size_t>(tensor->shape[1] * tensor->shape[2]),
                   experts = static_cast<std::size_t>(counts.experts);
        std::vector<std::int64_t> step(cells), sum(cells);
        for (std::int64_t s = 0; s < tensor->shape[0]; ++s) {
            dumps[f].readIntegers(*tensor, s * static_cast<std::int64_t>(cells), step);
            for (std::size_t i = 0; i < cells; ++i) {
                negative += step[i] < 0 || step[i] > INT32_MAX;
                sum[i] += std::clamp<std::int64_t>(step[i], 0, INT32_MAX);
            }
        }
        std::int64_t chosen = -1;
        for (int layer = 0; layer < shape.model.nLayers; ++layer) {
            const auto begin = sum.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(layer) * experts);
            const std::int64_t ofLayer = std::accumulate(begin, begin + counts.experts, std::int64_t{0});
            if (!std::binary_search(shape.moeLayers.begin(), shape.moeLayers.end(), layer)) {
                elsewhere += ofLayer > 0;
                continue;
            }
            uneven += chosen >= 0 && chosen != ofLayer;
            chosen = ofLayer;
            counts.counts.insert(counts.counts.end(), begin, begin + counts.experts);
        }
        counts.groups.push_back(files[f].stem().string());
        counts.tokens.push_back(chosen / counts.topK);
        uneven += chosen % counts.topK != 0 || chosen == 0;
        overCounted += std::count_if(counts.counts.end() - static_cast<std::ptrdiff_t>(shape.moeLayers.size() * experts),
            counts.counts.end(), [&](std::int64_t count) { return count > counts.tokens.back(); });
    }
    checks.add("counts that overflowed", static_cast<double>(negative), 0, Fault::Refuses);
    checks.add("layers that do not count top-k experts for each of the same tokens", static_cast<double>(uneven), 0, Fault::Refuses);
    checks.add("experts chosen more often than there are tokens", static_cast<double>(overCounted), 0, Fault::Refuses);
    checks.add("dense layers with counts", static_cast<double>(elsewhere), 0, Fault::Refuses);
    checks.refuseIfFailed(where);
    meta.layers = counts.layers;
    meta.experts = counts.experts;
    meta.slotCount = counts.topK;
    sink.begin(meta);
    sink.importCounts(counts);
    sink.finish(report.checks);
}

void read(std::span<const std::filesystem::path> files, const ImportOptions &options, TraceSink &sink, ImportReport &report,
    const Progress &progress)
{
    std::vector<TorchFile> dumps;
    for (const std::filesystem::path &file : files)
        dumps.emplace_back(file);
    const auto all = [&](const char *key) {
        return std::all_of(dumps.begin(), dumps.end(), [&](const TorchFile &dump) { return dump.root().at(key) != nullptr; });
    };
    if (all("logical_count")) {
        readCounts(dumps, files, options, sink, report);
        return;
    }
    for (const TorchFile &dump : dumps)
        if (const PickleValue *records = dump.root().at("records"); !records || !records->list())
            dump.fail("the file holds neither records of tokens (per_token) nor logical_count (stat)");
    PerTokenDump dump{dumps};
    if (!options.physicalMap.empty())
        dump.physicalToLogical = readPhysicalMap(options.physicalMap, dump.layers);
    importTokens(dump, files, options, sink, report, progress);
}

bool recognises(const std::filesystem::path &file)
{
    const InputFile input{file};
    if (!input.readAt(0, static_cast<std::size_t>(std::min<std::uint64_t>(input.sizeBytes(), 2))).starts_with("PK"))
        return false;
    const MappedBytes mapped = mapFile(file);
    const std::vector<ZipEntry> entries = zipEntries(mapped.bytes, file.string());
    return std::any_of(entries.begin(), entries.end(), [](const ZipEntry &entry) { return entry.name.ends_with("/data.pkl"); });
}

} // namespace

const ForeignFormat sglangDumpFormat{"SGLang expert distribution dump, .pt", recognises, read};

} // namespace expertscope
