// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/parallel_texts.h"

#include "engine/analysis/language_code.h"
#include "engine/core/error.h"

#include <algorithm>
#include <map>
#include <set>

namespace expertscope {

namespace {

std::string joined(const std::vector<std::string> &names)
{
    std::string text;
    for (const std::string &name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text;
}

/// parallel id -> language -> first sequence.
using Translations = std::map<std::string, std::map<std::string, int>>;

} // namespace

std::vector<std::string> commaList(const std::string &text)
{
    std::vector<std::string> names;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        const auto first = text.find_first_not_of(" \t\r\n", at);
        if (first < end)
            names.push_back(text.substr(first, text.find_last_not_of(" \t\r\n", end - 1) + 1 - first));
        at = end + 1;
    }
    return names;
}

bool hasParallelTexts(const TraceMeta &meta)
{
    std::map<std::string, std::string> firstLanguage;
    return std::any_of(meta.sequences.begin(), meta.sequences.end(), [&](const SequenceInfo &info) {
        return !info.parallelId.empty() && !info.language.empty()
            && firstLanguage.try_emplace(info.parallelId, info.language).first->second != info.language;
    });
}

ParallelTexts parallelTexts(const TraceMeta &meta, const std::string &languages, std::vector<std::string> &notes)
{
    const std::vector<std::string> wanted = commaList(languages);
    std::vector<std::string> present;
    Translations translations;
    std::int64_t without = 0, repeated = 0;
    for (std::size_t s = 0; s < meta.sequences.size(); ++s) {
        const SequenceInfo &info = meta.sequences[s];
        if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), info.language) == wanted.end())
            continue;
        if (info.language.empty() || info.parallelId.empty()) {
            ++without;
            continue;
        }
        if (std::find(present.begin(), present.end(), info.language) == present.end())
            present.push_back(info.language);
        repeated += !translations[info.parallelId].try_emplace(info.language, static_cast<int>(s)).second;
    }
    for (const std::string &name : wanted)
        if (std::find(present.begin(), present.end(), name) == present.end())
            throw Error{ErrorKind::Usage, "the trace has no parallel text in that language", name,
                "Its languages with parallel texts are " + joined(present)};

    ParallelTexts texts;
    std::set<std::string> shared;
    std::vector<int> used;
    for (const auto &[id, byLanguage] : translations) {
        if (byLanguage.size() < 2) {
            ++without;
            continue;
        }
        texts.ids.push_back(id);
        for (const auto &[language, sequence] : byLanguage) {
            shared.insert(language);
            used.push_back(sequence);
        }
    }
    std::copy_if(present.begin(), present.end(), std::back_inserter(texts.languages), [&](const auto &name) { return shared.count(name); });
    std::sort(used.begin(), used.end());
    texts.sequences = std::move(used);
    texts.unit.assign(texts.languages.size() * texts.ids.size(), -1);
    for (std::size_t u = 0; u < texts.sequences.size(); ++u) {
        const SequenceInfo &info = meta.sequences[static_cast<std::size_t>(texts.sequences[u])];
        const auto g = std::find(texts.languages.begin(), texts.languages.end(), info.language) - texts.languages.begin();
        const auto p = std::lower_bound(texts.ids.begin(), texts.ids.end(), info.parallelId) - texts.ids.begin();
        texts.unit[static_cast<std::size_t>(g) * texts.ids.size() + static_cast<std::size_t>(p)] = static_cast<int>(u);
    }
    if (without > 0)
        notes.push_back(std::to_string(without) + " sequences have no translation in the trace and were left out.");
    if (repeated > 0)
        notes.push_back(std::to_string(repeated) + " sequences repeat the language and parallel id of an earlier one and were left out.");
    return texts;
}

std::size_t pivotLanguage(const std::vector<std::string> &languages, const std::string &wanted, std::vector<std::string> &notes)
{
    if (const auto at = std::find(languages.begin(), languages.end(), wanted); at != languages.end())
        return static_cast<std::size_t>(at - languages.begin());
    const std::string language = languageCode(wanted).language;
    const auto speaks = [&](const std::string &code) {
        const std::string other = languageCode(code).language;
        return other == language || (language == "en" && other == "eng");
    };
    if (std::count_if(languages.begin(), languages.end(), speaks) == 1) {
        const auto at = std::find_if(languages.begin(), languages.end(), speaks);
        notes.push_back("The pivot \"" + wanted + "\" is called " + *at + " in this trace.");
        return static_cast<std::size_t>(at - languages.begin());
    }
    if (wanted != "en" || languages.empty())
        throw Error{ErrorKind::Usage, "the trace has no language \"" + wanted + "\" to compare the others with", "pivot",
            "Set pivot to one of " + joined(languages)};
    notes.push_back("The trace has no \"en\": the other languages are compared with " + languages.front() + ", its first language.");
    return 0;
}

} // namespace expertscope
