// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/language_ability.h"

#include "engine/analysis/parallel_texts.h"
#include "engine/analysis/result.h"
#include "engine/analysis/trace_pass.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace expertscope {

std::vector<double> givenScores(const std::string &table, std::span<const std::string> languages)
{
    std::vector<double> scores(languages.size(), noNumber);
    for (const std::string &entry : commaList(table)) {
        const auto colon = entry.rfind(':');
        double score = 0;
        const char *const end = entry.data() + entry.size();
        const char *number = colon == std::string::npos ? end : entry.data() + colon + 1;
        while (number < end && *number == ' ')
            ++number;
        const auto [parsed, error] = std::from_chars(number, end, score);
        if (error != std::errc{} || parsed != end || !std::isfinite(score))
            throw Error{ErrorKind::Usage, "'" + entry + "' is not a language and its score", "scores", "Write de:0.71,fr:0.69"};
        const auto at = std::find(languages.begin(), languages.end(), entry.substr(0, entry.find_last_not_of(' ', colon - 1) + 1));
        if (at != languages.end())
            scores[static_cast<std::size_t>(at - languages.begin())] = score;
    }
    return scores;
}

std::vector<double> measuredLoss(const RoutingTrace &trace, std::span<const std::string> languages, bool perByte, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    if (!meta.fields.logprob || (perByte && !meta.fields.tokenText))
        throw Error{ErrorKind::Check, meta.fields.logprob ? "the trace has no token text" : "the trace has no log-probabilities", "scores",
            "Give a table of scores, or record log-probabilities and token text"};
    std::vector<double> bits(languages.size(), 0.0), units(languages.size(), 0.0);
    constexpr std::int64_t rows = 4096;
    for (std::int64_t at = 0; at < meta.tokens; at += rows) {
        progress.check();
        const TokenRange range{at, std::min(at + rows, meta.tokens)};
        const TokenColumns columns = trace.tokens(range);
        forEachSequence(meta, range, [&](int sequence, TokenRange tokens) {
            const SequenceInfo &info = meta.sequences[static_cast<std::size_t>(sequence)];
            const auto language = std::find(languages.begin(), languages.end(), info.language);
            if (language == languages.end() || info.parallelId.empty())
                return;
            const auto g = static_cast<std::size_t>(language - languages.begin());
            units[g] += !perByte && tokens.begin == info.firstToken ? 1 : 0;
            for (std::int64_t t = tokens.begin; t < tokens.end; ++t) {
                const auto row = static_cast<std::size_t>(t - at);
                if (std::isnan(columns.logprob[row]))
                    continue;
                bits[g] -= static_cast<double>(columns.logprob[row]) / std::log(2.0);
                units[g] += perByte ? static_cast<double>(columns.bytes[row].size()) : 0.0;
            }
        });
    }
    for (std::size_t g = 0; g < bits.size(); ++g)
        bits[g] = units[g] > 0 && bits[g] > 0 ? bits[g] / units[g] : noNumber;
    return bits;
}

} // namespace expertscope
