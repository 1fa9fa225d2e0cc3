// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/marker_tokens.h"

#include "engine/core/error.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

namespace expertscope {

namespace {

constexpr std::int64_t rowsPerRead = 4096; // the trace file's own chunk

std::vector<std::string> split(const std::string &text, char separator)
{
    std::vector<std::string> parts;
    std::size_t begin = 0;
    for (std::size_t end = text.find(separator); end != std::string::npos; end = text.find(separator, begin)) {
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    parts.push_back(text.substr(begin));
    return parts;
}

/// What a marker is made of: texts and ids that the rows of the trace are matched with.
struct Wanted {
    std::unordered_map<std::string, std::size_t> texts;
    std::unordered_map<std::int32_t, std::size_t> ids;
};

void read(const std::string &part, std::size_t marker, Wanted &wanted)
{
    std::int32_t id = 0;
    if (part.size() > 1 && part.front() == '#') {
        const auto [end, error] = std::from_chars(part.data() + 1, part.data() + part.size(), id);
        if (error != std::errc{} || end != part.data() + part.size() || id < 0)
            throw Error{ErrorKind::Usage, "\"" + part + "\" is not # and a token id", "tokens", "Write #1234, or the token's text"};
        wanted.ids.try_emplace(id, marker);
        return;
    }
    if (part.empty())
        throw Error{ErrorKind::Usage, "a marker has no text", "tokens", "Write tokens with | between them, such as <think>|-</think>"};
    wanted.texts.try_emplace(part, marker);
}

} // namespace

std::vector<Marker> findMarkers(const RoutingTrace &trace, const std::string &setting, const std::vector<std::uint8_t> &counted,
    const std::function<std::string(std::int32_t)> &textOfToken, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    if (setting.empty())
        throw Error{ErrorKind::Usage, "no tokens were named", "tokens",
            "Set tokens to texts or #ids with | between them, such as <think>|-</think>"};
    std::vector<Marker> markers;
    Wanted wanted;
    for (std::string part : split(setting, '|')) {
        Marker marker;
        if (part.size() > 1 && part.front() == '-') {
            marker.coefficient = -1;
            part.erase(0, 1);
        }
        marker.name = part;
        for (const std::string &piece : split(part, '&'))
            read(piece, markers.size(), wanted);
        markers.push_back(std::move(marker));
    }
    if (!wanted.texts.empty() && !meta.fields.tokenText && !textOfToken)
        throw Error{ErrorKind::Check, "the trace holds no token texts", meta.title, "Name the tokens by #id, or open the model as well"};

    std::unordered_map<std::int32_t, std::size_t> markerOf; // of every id seen; markers.size() = of none
    std::vector<std::int64_t> lastSequence(markers.size(), -1);
    std::int64_t sequence = 0;
    for (std::int64_t begin = 0; begin < meta.tokens; begin += rowsPerRead) {
        progress.check();
        const TokenRange range{begin, std::min(begin + rowsPerRead, meta.tokens)};
        const TokenColumns columns = trace.tokens(range);
        for (std::int64_t row = range.begin; row < range.end; ++row) {
            const auto i = static_cast<std::size_t>(row - range.begin);
            const std::int32_t id = columns.tokenId[i];
            const auto [at, isNew] = markerOf.try_emplace(id, markers.size());
            if (isNew) {
                const auto byId = wanted.ids.find(id);
                const std::string text = !columns.bytes.empty() ? columns.bytes[i]
                    : textOfToken && id >= 0                    ? textOfToken(id)
                                                                : std::string{};
                const auto byText = wanted.texts.find(text);
                at->second = byId != wanted.ids.end() ? byId->second : byText != wanted.texts.end() ? byText->second : markers.size();
                if (at->second < markers.size())
                    markers[at->second].ids.push_back(id);
            }
            if (at->second == markers.size() || (!counted.empty() && !counted[static_cast<std::size_t>(row)]))
                continue;
            while (sequence + 1 < std::ssize(meta.sequences) && row >= meta.sequences[static_cast<std::size_t>(sequence)].range().end)
                ++sequence;
            Marker &marker = markers[at->second];
            marker.rows.push_back(row);
            if (lastSequence[at->second] != sequence) {
                lastSequence[at->second] = sequence;
                ++marker.sequences;
            }
        }
    }
    for (const Marker &marker : markers)
        if (marker.rows.empty())
            throw Error{ErrorKind::Check, "no counted token of the trace is \"" + marker.name + "\"", meta.title,
                "Write the token's exact text, blanks included, or # and its id"};
    return markers;
}

} // namespace expertscope
