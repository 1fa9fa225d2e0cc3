// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Responses of SGLang and vLLM with routed experts: one JSON object, a list of them, or one a line.
// SGLang: meta_info.routed_experts or choices[].sgl_ext.routed_experts, base64 of int32 [rows, hidden layers, top-k], whose shape only the
// config knows. vLLM 0.21: choices[].routed_experts and prompt_routed_experts as lists; 0.22: base64 of an .npy; forks: base85 {data,
// shape}.
#include "engine/core/error.h"
#include "engine/core/json_depth.h"
#include "io/importers/base_text.h"
#include "io/importers/formats.h"
#include "io/importers/model_shape.h"
#include "io/importers/npy.h"
#include "io/importers/token_recording.h"
#include "io/input_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace expertscope {

namespace {

using Json = nlohmann::json;

constexpr std::uint64_t fileLimitBytes = 256 << 20;
constexpr std::int64_t mostLayers = 4096, mostSlots = 1024;

/// The choices of one request: rows of ids, and what the response says of its length.
struct Rows {
    std::int64_t count = 0, layers = 0, slotCount = 0;
    std::vector<std::int32_t> ids; ///< [count, layers, slotCount]
};

const Json *member(const Json &object, const char *name)
{
    if (!object.is_object())
        return nullptr;
    const auto at = object.find(name);
    return at == object.end() || at->is_null() ? nullptr : &*at;
}

std::optional<std::int64_t> wholeNumber(const Json *object, const char *name)
{
    const Json *value = object ? member(*object, name) : nullptr;
    if (!value || !value->is_number_integer() || *value < 0 || *value > INT32_MAX)
        return {};
    return value->get<std::int64_t>();
}

class Responses final : public TokenRecording {
public:
    Responses(std::span<const std::filesystem::path> files, const ImportOptions &options)
    {
        if (!options.config.empty())
            m_shape = readModelShape(options.config);
        for (const std::filesystem::path &file : files)
            readFile(file);
        if (sequences.empty())
            fail("no response holds routed experts");
        const auto check = [&](const char *name, std::int64_t value, bool refuses) {
            ownChecks.push_back({name, value == 0 ? "pass" : refuses ? "fail" : "warn", static_cast<double>(value), 0});
        };
        check("responses whose rows are not prompt + completion - 1 tokens", m_wrongRows, true);
        check("responses of lists with other than prompt + completion - 1 rows", m_fewerRows, false);
        check("responses without routed experts, left out", m_missing, false);
        if (std::any_of(tokenId.begin(), tokenId.end(), [](std::int32_t id) { return id < 0; }))
            tokenId.clear();
    }

    void rewind() override { m_at = 0; }
    void read(std::int64_t, std::span<std::int32_t> ids, std::span<float>) override
    {
        std::copy_n(m_ids.begin() + static_cast<std::ptrdiff_t>(m_at), ids.size(), ids.begin());
        m_at += ids.size();
    }

private:
    [[noreturn]] void fail(const std::string &what) const
    {
        throw Error{ErrorKind::Input, what, m_where, "Give responses of SGLang or vLLM that were asked to return routed experts"};
    }

    void readFile(const std::filesystem::path &file)
    {
        m_where = file.string();
        const std::string text = readWholeFile(file, fileLimitBytes);
        Json whole = parse(text);
        if (!whole.is_discarded()) {
            readAny(whole);
            return;
        }
        for (std::size_t at = 0, line = 1; at < text.size(); ++line) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            m_where = file.string() + ':' + std::to_string(line);
            if (text.find_first_not_of(" \t\r", at) < end) {
                const Json one = parse(std::string_view{text}.substr(at, end - at));
                if (one.is_discarded())
                    fail("this is not JSON");
                readAny(one);
            }
            at = end + 1;
        }
    }
    Json parse(std::string_view text) const
    {
        if (isNestedTooDeeply(text))
            fail("the JSON is nested too deeply");
        return Json::parse(text.begin(), text.end(), nullptr, false);
    }
    void readAny(const Json &json)
    {
        if (json.is_array())
            for (const Json &one : json)
                readResponse(one);
        else
            readResponse(json);
    }

    void readResponse(const Json &response)
    {
        const Json *choices = member(response, "choices"), *usage = member(response, "usage");
        if (!choices || !choices->is_array()) {
            const Json *info = member(response, "meta_info");
            take(info ? member(*info, "routed_experts") : nullptr, nullptr, info, info, response, response);
            return;
        }
        for (const Json &choice : *choices) {
            const Json *extra = member(choice, "sgl_ext");
            const Json *experts = extra ? member(*extra, "routed_experts") : member(choice, "routed_experts");
            // the usage of several choices is that of all of them together
            take(experts, member(response, "prompt_routed_experts"), choices->size() == 1 ? usage : nullptr, extra, response, choice);
        }
    }

    void take(
        const Json *experts, const Json *promptExperts, const Json *usage, const Json *extra, const Json &response, const Json &choice)
    {
        if (!experts) {
            ++m_missing;
            return;
        }
        const bool isList = experts->is_array();
        Rows rows = decode(*experts, extra);
        if (isList && promptExperts) {
            const Rows prompt = decode(*promptExperts, extra);
            if (prompt.layers != rows.layers || prompt.slotCount != rows.slotCount)
                fail("prompt and completion are of other shapes");
            rows.count += prompt.count;
            rows.ids.insert(rows.ids.begin(), prompt.ids.begin(), prompt.ids.end());
        }
        if (sequences.empty()) {
            layers = static_cast<int>(rows.layers);
            slotCount = static_cast<int>(rows.slotCount);
        }
        if (rows.layers != layers || rows.slotCount != slotCount)
            fail("the responses are not of one model");
        const std::int64_t start = wholeNumber(extra, "routed_experts_start_len").value_or(0);
        const auto prompt = wholeNumber(usage, "prompt_tokens"), completion = wholeNumber(usage, "completion_tokens");
        if (prompt && completion)
            (isList ? m_fewerRows : m_wrongRows) += rows.count != *prompt + *completion - 1 - start;
        const std::int64_t nPrompt = prompt ? std::clamp<std::int64_t>(*prompt - start, 0, rows.count) : rows.count;
        const Json *id = member(response, "id");
        const std::string name = id && id->is_string() ? id->get<std::string>() : "response";
        sequences.push_back({name + '#' + std::to_string(sequences.size()), nPrompt, rows.count - nPrompt});
        takeTokenIds(response, choice, start, rows.count);
        for (std::int64_t row = 0; row < rows.count; ++row)
            position.push_back(static_cast<std::int32_t>(start + row));
        m_ids.insert(m_ids.end(), rows.ids.begin(), rows.ids.end());
        tokens += rows.count;
    }

    /// Those of prompt and completion, where both are given; -1 otherwise.
    void takeTokenIds(const Json &response, const Json &choice, std::int64_t start, std::int64_t count)
    {
        const Json *prompt = member(choice, "prompt_token_ids") ? member(choice, "prompt_token_ids") : member(response, "prompt_token_ids");
        const Json *made = member(choice, "token_ids") ? member(choice, "token_ids") : member(choice, "output_ids");
        std::vector<std::int32_t> ids;
        for (const Json *list : {prompt, made})
            if (prompt && made && list->is_array())
                for (const Json &one : *list)
                    ids.push_back(one.is_number_integer() && one >= 0 && one <= INT32_MAX ? one.get<std::int32_t>() : -1);
        for (std::int64_t i = start; i < start + count; ++i)
            tokenId.push_back(i < std::ssize(ids) ? ids[static_cast<std::size_t>(i)] : -1);
    }

    Rows decode(const Json &experts, const Json *extra) const
    {
        if (experts.is_array())
            return fromLists(experts);
        if (experts.is_object())
            return fromBase85Object(experts);
        if (!experts.is_string())
            fail("routed experts are neither text nor lists");
        const std::optional<std::string> bytes = fromBase64(experts.get_ref<const std::string &>());
        if (!bytes)
            fail("routed experts are not base64");
        return bytes->starts_with("\x93NUMPY") ? fromNpy(*bytes) : fromRaw(*bytes, extra);
    }

    Rows fromLists(const Json &list) const
    {
        Rows rows;
        rows.count = std::ssize(list);
        for (const Json &row : list) {
            if (!row.is_array() || row.empty() || !row.front().is_array())
                fail("routed experts are not lists of [tokens, layers, experts]");
            rows.layers = std::max<std::int64_t>(rows.layers, std::ssize(row));
            rows.slotCount = std::max<std::int64_t>(rows.slotCount, std::ssize(row.front()));
            for (const Json &layer : row) {
                if (!layer.is_array() || std::ssize(layer) != rows.slotCount || std::ssize(row) != rows.layers)
                    fail("routed experts are lists of different lengths");
                for (const Json &id : layer) {
                    if (!id.is_number_integer())
                        fail("an expert id is not a whole number");
                    rows.ids.push_back(idFrom(id.get<std::int64_t>()));
                }
            }
        }
        requireShape(rows);
        return rows;
    }

    Rows fromNpy(const std::string &bytes) const
    {
        NpyArray array{storedStream({nullptr, bytes}, 0, m_where), m_where};
        if (array.shape().size() != 3)
            fail("routed experts are not of the shape [tokens, layers, experts]");
        Rows rows{array.shape()[0], array.shape()[1], array.shape()[2], {}};
        requireShape(rows);
        rows.ids.resize(static_cast<std::size_t>(array.count()));
        array.readIds(rows.ids);
        return rows;
    }

    Rows fromRaw(const std::string &bytes, const Json *extra) const
    {
        if (!m_shape)
            throw Error{ErrorKind::Usage, "SGLang's response does not say how many layers and experts its numbers are of", m_where,
                "Give --config MODEL"};
        const Json *type = extra ? member(*extra, "routed_experts_dtype") : nullptr;
        const std::string name = type && type->is_string() ? type->get<std::string>() : "int32";
        const auto unit = static_cast<std::int64_t>(name.ends_with("int8") ? 1 : name.ends_with("int16") ? 2 : 4);
        if (!name.ends_with("int8") && !name.ends_with("int16") && !name.ends_with("int32"))
            fail("routed experts are of an unknown type");
        const std::int64_t row = std::int64_t{m_shape->model.nLayers} * m_shape->model.topK;
        if (std::ssize(bytes) % (row * unit) != 0)
            fail("routed experts are not whole rows of " + std::to_string(m_shape->model.nLayers) + " layers of "
                + std::to_string(m_shape->model.topK) + " experts");
        return fromBytes(bytes, unit, {std::ssize(bytes) / (row * unit), m_shape->model.nLayers, m_shape->model.topK, {}});
    }

    Rows fromBase85Object(const Json &object) const
    {
        const Json *data = member(object, "data"), *shape = member(object, "shape");
        if (!data || !data->is_string() || !shape || !shape->is_array() || shape->size() != 3)
            fail("routed experts are not {data, shape}");
        const std::optional<std::string> bytes = fromBase85(data->get_ref<const std::string &>());
        if (!bytes)
            fail("routed experts are not base85");
        Rows rows;
        std::int64_t *const sizes[] = {&rows.count, &rows.layers, &rows.slotCount};
        for (std::size_t axis = 0; axis < 3; ++axis) {
            const Json &size = (*shape)[axis];
            if (!size.is_number_integer() || size < 0 || size > INT32_MAX)
                fail("the shape of routed experts makes no sense");
            *sizes[axis] = size.get<std::int64_t>();
        }
        requireShape(rows);
        const std::int64_t row = rows.layers * rows.slotCount;
        const std::int64_t unit = rows.count == 0 ? 1 : std::ssize(*bytes) / rows.count / row;
        if ((unit != 1 && unit != 2 && unit != 4) || unit * row * rows.count != std::ssize(*bytes))
            fail("routed experts do not fill their shape");
        return fromBytes(*bytes, unit, std::move(rows));
    }

    /// Little-endian ids: bytes without a sign, wider ones with.
    static Rows fromBytes(const std::string &bytes, std::int64_t unit, Rows rows)
    {
        for (std::size_t at = 0; at < bytes.size(); at += static_cast<std::size_t>(unit)) {
            std::uint32_t bits = 0;
            for (auto i = static_cast<std::size_t>(unit); i-- > 0;)
                bits = bits << 8 | static_cast<unsigned char>(bytes[at + i]);
            rows.ids.push_back(unit == 2 ? static_cast<std::int16_t>(bits) : static_cast<std::int32_t>(bits));
        }
        return rows;
    }

    void requireShape(const Rows &rows) const
    {
        if (rows.layers < 1 || rows.layers > mostLayers || rows.slotCount < 1 || rows.slotCount > mostSlots)
            fail("routed experts are not of the shape [tokens, layers, experts]");
    }

    std::string m_where;
    std::optional<ModelShape> m_shape;
    std::vector<std::int32_t> m_ids; ///< [T, L, K]
    std::int64_t m_wrongRows = 0, m_fewerRows = 0, m_missing = 0;
    std::size_t m_at = 0;
};

void read(std::span<const std::filesystem::path> files, const ImportOptions &options, TraceSink &sink, ImportReport &report,
    const Progress &progress)
{
    Responses responses{files, options};
    if (!options.physicalMap.empty())
        responses.physicalToLogical = readPhysicalMap(options.physicalMap, responses.layers);
    importTokens(responses, files, options, sink, report, progress);
}

bool recognises(const std::filesystem::path &file)
{
    if (!hasExtension(file, {".json", ".jsonl"}))
        return false;
    const MappedBytes mapped = mapFile(file);
    return mapped.bytes.size() <= fileLimitBytes && (mapped.bytes.starts_with('{') || mapped.bytes.starts_with('['))
        && mapped.bytes.find("\"routed_experts\"") != std::string_view::npos;
}

} // namespace

const ForeignFormat engineResponsesFormat{"SGLang or vLLM responses with routed experts, JSON", recognises, read};

} // namespace expertscope
