// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/item_groups.h"

#include "engine/analysis/parallel_texts.h"
#include "engine/core/error.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace expertscope {

namespace {

constexpr std::size_t groupLimit = 50;

const std::string &labelOf(const CorpusRow &row, const Corpus &corpus, const std::string &column)
{
    if (column == "language")
        return row.language;
    if (column == "domain")
        return row.domain;
    const auto at = std::find(corpus.labelColumns.begin(), corpus.labelColumns.end(), column);
    return row.labels[static_cast<std::size_t>(at - corpus.labelColumns.begin())];
}

std::vector<ItemGroup> groupsBy(const Corpus &corpus, const std::string &column)
{
    std::vector<ItemGroup> groups;
    std::unordered_map<std::string, std::size_t> of;
    for (std::size_t i = 0; i < corpus.rows.size(); ++i) {
        const std::string &name = labelOf(corpus.rows[i], corpus, column);
        if (name.empty())
            continue;
        const auto [at, isNew] = of.try_emplace(name, groups.size());
        if (isNew)
            groups.push_back({column, name, {}});
        groups[at->second].items.push_back(i);
    }
    return groups;
}

} // namespace

std::vector<ItemGroup> itemGroups(const Corpus &corpus, const std::string &by, std::vector<std::string> &notes)
{
    std::vector<std::string> columns{"language", "domain"};
    columns.insert(columns.end(), corpus.labelColumns.begin(), corpus.labelColumns.end());
    std::vector<std::string> wanted = commaList(by);
    for (const std::string &column : wanted)
        if (std::find(columns.begin(), columns.end(), column) == columns.end()) {
            std::string known;
            for (const std::string &name : columns)
                known += (known.empty() ? "" : ", ") + name;
            throw Error{ErrorKind::Usage, "the data has no column \"" + column + '"', corpus.source, "Its columns are " + known};
        }
    std::vector<ItemGroup> all{{"all", "all", std::vector<std::size_t>(corpus.rows.size())}};
    std::iota(all.front().items.begin(), all.front().items.end(), std::size_t{0});
    for (const std::string &column : wanted.empty() ? columns : wanted) {
        std::vector<ItemGroup> groups = groupsBy(corpus, column);
        if (wanted.empty() && (groups.size() < 2 || groups.size() > groupLimit)) {
            if (groups.size() > groupLimit)
                notes.push_back("Not shown by " + column + ", which has " + std::to_string(groups.size()) + " values; --by " + column
                    + " shows it all the same.");
            continue;
        }
        all.insert(all.end(), std::make_move_iterator(groups.begin()), std::make_move_iterator(groups.end()));
    }
    return all;
}

Units unitsOf(const Corpus &corpus, std::span<const std::size_t> items)
{
    Units units;
    std::unordered_map<std::string, std::size_t> of;
    for (const std::size_t i : items) {
        const std::string &id = corpus.rows[i].parallelId;
        const auto [at, isNew] = id.empty() ? std::pair{of.end(), true} : of.try_emplace(id, units.size());
        if (isNew)
            units.push_back({i});
        else
            units[at->second].push_back(i);
    }
    return units;
}

} // namespace expertscope
