// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/sequence_rows.h"

#include <algorithm>
#include <unordered_map>

namespace expertscope {

namespace {

constexpr std::int64_t maxTextTokens = 80;
constexpr qsizetype maxTextBytes = 400;

/// At most maxTextBytes, not cut inside a character, white space simplified.
QString oneLine(std::string_view text)
{
    auto size = std::min<std::size_t>(text.size(), maxTextBytes);
    while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80)
        --size;
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(size)).simplified();
}

/// "<s>", "<|endoftext|>": what a tokenizer puts before every text; a list of texts needs it in no row.
bool isMark(std::string_view token)
{
    return token.size() > 2 && token.front() == '<' && token.back() == '>';
}

SequenceRow labelsOf(const SequenceInfo &info, int index)
{
    SequenceRow row;
    row.sequence = index;
    row.id = QString::fromStdString(info.id);
    row.language = QString::fromStdString(info.language);
    row.domain = QString::fromStdString(info.domain);
    row.parallelId = QString::fromStdString(info.parallelId);
    row.tokens = info.nPrompt + info.nGenerated;
    return row;
}

SequenceRow labelsOf(const CorpusRow &from)
{
    SequenceRow row;
    row.id = QString::fromStdString(from.id);
    row.language = QString::fromStdString(from.language);
    row.domain = QString::fromStdString(from.domain);
    row.parallelId = QString::fromStdString(from.parallelId);
    return row;
}

} // namespace

std::vector<SequenceRow> sequenceRows(const RoutingTrace *trace, const Corpus *corpus)
{
    std::vector<SequenceRow> rows;
    std::unordered_map<std::string_view, int> traced;
    if (trace) {
        const std::vector<SequenceInfo> &sequences = trace->meta().sequences;
        for (std::size_t i = 0; i < sequences.size(); ++i) {
            rows.push_back(labelsOf(sequences[i], static_cast<int>(i)));
            traced.emplace(sequences[i].id, static_cast<int>(i));
        }
    }
    if (corpus)
        for (const CorpusRow &from : corpus->rows) {
            const auto at = traced.find(from.id);
            if (at == traced.end())
                rows.push_back(labelsOf(from));
            (at == traced.end() ? rows.back() : rows[static_cast<std::size_t>(at->second)]).text =
                oneLine(from.prompt + from.continuation.substr(0, maxTextBytes));
        }
    return rows;
}

void readTexts(const RoutingTrace &trace, std::vector<SequenceRow> &rows, const Progress &progress)
{
    if (!trace.meta().fields.tokenText)
        return;
    for (SequenceRow &row : rows) {
        if (row.sequence < 0)
            continue;
        progress.check();
        TokenRange range = trace.meta().sequences[static_cast<std::size_t>(row.sequence)].range();
        range.end = std::min(range.end, range.begin + maxTextTokens);
        const std::vector<std::string> tokens = trace.tokens(range).bytes;
        std::string text;
        for (std::size_t i = tokens.empty() || !isMark(tokens.front()) ? 0 : 1; i < tokens.size(); ++i)
            text += tokens[i];
        row.text = oneLine(text);
    }
}

} // namespace expertscope
