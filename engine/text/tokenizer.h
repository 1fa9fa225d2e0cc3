// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Tokenizer: text to token ids and back, as tokenizer.json says: byte-level BPE and SentencePiece-style BPE.
// Ids equal those of the Hugging Face tokenizers library; decoding gives the bytes back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace expertscope {

class Tokenizer {
public:
    /// tokenizerJson: the whole file. tokenizerConfigJson: may be empty. Throws Error (Input) on anything broken or unsupported.
    static std::shared_ptr<const Tokenizer> fromJson(std::string_view tokenizerJson, std::string_view tokenizerConfigJson = {});
    virtual ~Tokenizer() = default;

    /// Any bytes are accepted; ones that are not UTF-8 become U+FFFD first. addSpecial adds what the file's post-processor adds.
    virtual std::vector<std::int32_t> encode(std::string_view utf8, bool addSpecial) const = 0;
    /// As the library's decode; bytes may end inside a UTF-8 sequence.
    virtual std::string decode(std::span<const std::int32_t> ids, bool skipSpecial = false) const = 0;
    /// The bytes one token stands for inside a text (a leading metaspace is a space). Empty for an unknown id.
    virtual std::string tokenBytes(std::int32_t id) const = 0;
    virtual bool isSpecial(std::int32_t id) const = 0;
    virtual std::optional<std::int32_t> idOf(std::string_view token) const = 0;
    virtual std::int32_t vocabSize() const = 0; ///< largest id + 1
};

} // namespace expertscope
