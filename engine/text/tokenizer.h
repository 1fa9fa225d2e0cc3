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
    /// tokenizerJson: the whole file. Throws Error (Input) on anything broken or unsupported. The file's truncation and padding
    /// are not applied: a trace is of the whole text.
    static std::shared_ptr<const Tokenizer> fromJson(std::string_view tokenizerJson);
    virtual ~Tokenizer() = default;

    /// Any bytes are accepted; each ill-formed part of the UTF-8 becomes one U+FFFD first. addSpecial adds what the file's
    /// post-processor adds.
    virtual std::vector<std::int32_t> encode(std::string_view utf8, bool addSpecial) const = 0;
    /// As the library's decode, but bytes that are not UTF-8 are given back as they are, not as U+FFFD. Unknown ids are left out.
    virtual std::string decode(std::span<const std::int32_t> ids, bool skipSpecial = false) const = 0;
    /// The bytes one token stands for inside a text (a metaspace is a space). Empty for an unknown id.
    virtual std::string tokenBytes(std::int32_t id) const = 0;
    virtual bool isSpecial(std::int32_t id) const = 0;
    virtual std::optional<std::int32_t> idOf(std::string_view token) const = 0;
    virtual std::int32_t vocabSize() const = 0; ///< largest id + 1
};

} // namespace expertscope
