// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/text/tokenizer.h"

#include "engine/core/json_depth.h"
#include "engine/core/utf8.h"
#include "engine/text/added_tokens.h"
#include "engine/text/bpe.h"
#include "engine/text/decoder.h"
#include "engine/text/normalizer.h"
#include "engine/text/pre_tokenizer.h"
#include "engine/text/unicode.h"

#include <algorithm>

namespace expertscope {

namespace {

using namespace text;

/// What the post-processor puts around a text.
struct Surround {
    std::vector<std::int32_t> before, after;
};

void addPostProcessor(const Json &json, Surround &surround, int depth)
{
    const std::string where = "post_processor";
    const auto type = field<std::string>(json, "type", where);
    const auto idIn = [&](const Json &pair) {
        if (!pair.is_array() || pair.size() != 2 || !pair[1].is_number_integer())
            fail("a special token is not a pair of text and id", where);
        return pair[1].get<std::int32_t>();
    };
    if (depth > 8)
        fail("sequences are nested too deeply", where);
    if (type == "Sequence") {
        for (const Json &step : list(json, "processors", where))
            addPostProcessor(step, surround, depth + 1);
    } else if (type == "TemplateProcessing") {
        const Json known = field<Json>(json, "special_tokens", where);
        bool textSeen = false;
        for (const Json &item : list(json, "single", where)) {
            if (item.is_object() && item.contains("Sequence")) {
                textSeen = true;
                continue;
            }
            const auto name = field<std::string>(field<Json>(item, "SpecialToken", where), "id", where);
            const auto ids = field<std::vector<std::int32_t>>(field<Json>(known, name.c_str(), where + ", special_tokens"), "ids", where);
            std::vector<std::int32_t> &side = textSeen ? surround.after : surround.before;
            side.insert(side.end(), ids.begin(), ids.end());
        }
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
        surround.before.push_back(idIn(field<Json>(json, "cls", where)));
        surround.after.push_back(idIn(field<Json>(json, "sep", where)));
    } else if (type != "ByteLevel") { // ByteLevel only moves offsets
        unsupported("a post-processor", type);
    }
}

class BpeTokenizer final : public Tokenizer {
public:
    explicit BpeTokenizer(const Json &json)
        : m_normalizer{Normalizer::fromJson(part(json, "normalizer"))}
        , m_added{AddedTokens::fromJson(part(json, "added_tokens"), m_normalizer)}
        , m_preTokenizer{PreTokenizer::fromJson(part(json, "pre_tokenizer"))}
        , m_bpe{Bpe::fromJson(field<Json>(json, "model", "the whole file"))}
        , m_decoder{Decoder::fromJson(part(json, "decoder"))}
    {
        if (const Json *post = part(json, "post_processor"))
            addPostProcessor(*post, m_surround, 0);
        std::int32_t largest = -1;
        for (const auto &[token, id] : m_bpe.vocabulary())
            largest = std::max(largest, id);
        for (const auto &[id, token] : m_added.byId())
            largest = std::max(largest, id);
        m_tokens.resize(static_cast<std::size_t>(largest) + 1);
        for (const auto &[token, id] : m_bpe.vocabulary())
            m_tokens[static_cast<std::size_t>(id)] = token;
        for (const auto &[id, token] : m_added.byId())
            // As the reference: a token that is looked for in normalised text reads as its normalised content.
            m_tokens[static_cast<std::size_t>(id)] = token.normalized ? m_normalizer(token.content) : token.content;
        for (const auto *ids : {&m_surround.before, &m_surround.after})
            for (const std::int32_t id : *ids)
                if (id < 0 || id >= vocabSize())
                    fail("it adds the token " + std::to_string(id) + ", which does not exist", "post_processor");
    }

    std::vector<std::int32_t> encode(std::string_view utf8, bool addSpecial) const override
    {
        std::vector<std::int32_t> ids;
        if (addSpecial)
            ids = m_surround.before;
        const std::string text = wellFormedUtf8(utf8);
        for (const Stretch &raw : m_added.split(text, false)) {
            if (raw.id >= 0) {
                ids.push_back(raw.id);
                continue;
            }
            const std::string normalised = m_normalizer(text.substr(raw.begin, raw.end - raw.begin));
            for (const Stretch &stretch : m_added.split(normalised, true)) {
                if (stretch.id >= 0)
                    ids.push_back(stretch.id);
                else
                    for (const Piece &piece : m_preTokenizer(
                             {normalised.substr(stretch.begin, stretch.end - stretch.begin), raw.begin == 0 && stretch.begin == 0}))
                        m_bpe.encode(piece.text, ids);
            }
        }
        if (addSpecial)
            ids.insert(ids.end(), m_surround.after.begin(), m_surround.after.end());
        return ids;
    }

    std::string decode(std::span<const std::int32_t> ids, bool skipSpecial) const override
    {
        std::vector<std::string> tokens;
        for (const std::int32_t id : ids)
            if (known(id) && !(skipSpecial && isSpecial(id)))
                tokens.push_back(m_tokens[static_cast<std::size_t>(id)]);
        return m_decoder.decode(std::move(tokens));
    }

    std::string tokenBytes(std::int32_t id) const override
    {
        if (!known(id))
            return {};
        const std::string &token = m_tokens[static_cast<std::size_t>(id)];
        const AddedToken *added = m_added.find(id);
        return added && !added->normalized ? token : m_decoder.inside(token);
    }

    bool isSpecial(std::int32_t id) const override
    {
        const AddedToken *token = m_added.find(id);
        return token && token->special;
    }

    std::optional<std::int32_t> idOf(std::string_view token) const override
    {
        for (const auto &[id, added] : m_added.byId())
            if (added.content == token)
                return id;
        const auto found = m_bpe.vocabulary().find(token);
        return found == m_bpe.vocabulary().end() ? std::nullopt : std::optional{found->second};
    }

    std::int32_t vocabSize() const override { return static_cast<std::int32_t>(m_tokens.size()); }

private:
    bool known(std::int32_t id) const { return id >= 0 && id < vocabSize() && !m_tokens[static_cast<std::size_t>(id)].empty(); }

    Normalizer m_normalizer;
    AddedTokens m_added;
    PreTokenizer m_preTokenizer;
    Bpe m_bpe;
    Decoder m_decoder;
    Surround m_surround;
    std::vector<std::string> m_tokens; ///< by id; empty where there is none
};

} // namespace

std::shared_ptr<const Tokenizer> Tokenizer::fromJson(std::string_view tokenizerJson)
{
    if (isNestedTooDeeply(tokenizerJson))
        fail("it is nested too deeply", "the whole file");
    const Json json = Json::parse(tokenizerJson, nullptr, false);
    if (json.is_discarded() || !json.is_object())
        fail("it is not a JSON object", "the whole file");
    return std::make_shared<BpeTokenizer>(json);
}

} // namespace expertscope
