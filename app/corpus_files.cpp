// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/corpus_files.h"

#include "io/corpus.h"

#include <QCryptographicHash>

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

namespace expertscope {

namespace {

/// Moves the rows of `from` behind those of `to`; label columns that one of them lacks are empty there.
void appendCorpus(Corpus &to, Corpus from)
{
    std::vector<std::size_t> column;
    for (const std::string &name : from.labelColumns) {
        const auto at = std::find(to.labelColumns.begin(), to.labelColumns.end(), name);
        column.push_back(static_cast<std::size_t>(at - to.labelColumns.begin()));
        if (at == to.labelColumns.end())
            to.labelColumns.push_back(name);
    }
    for (CorpusRow &row : to.rows)
        row.labels.resize(to.labelColumns.size());
    std::unordered_set<std::string> ids;
    for (const CorpusRow &row : to.rows)
        ids.insert(row.id);
    const std::string prefix = std::filesystem::path{from.source}.stem().string() + "/";
    for (CorpusRow &row : from.rows) {
        std::vector<std::string> labels(to.labelColumns.size());
        for (std::size_t i = 0; i < column.size() && i < row.labels.size(); ++i)
            labels[column[i]] = std::move(row.labels[i]);
        row.labels = std::move(labels);
        if (ids.contains(row.id))
            row.id = prefix + row.id;
        to.rows.push_back(std::move(row));
    }
}

} // namespace

Corpus readCorpora(const QStringList &files)
{
    Corpus all;
    QCryptographicHash hash{QCryptographicHash::Sha256};
    for (const QString &file : files) {
        Corpus one = readCorpus(std::filesystem::path{file.toStdString()});
        hash.addData(QByteArray::fromStdString(one.sha256));
        if (files.size() == 1)
            return one;
        all.source += (all.source.empty() ? "" : ", ") + std::filesystem::path{file.toStdString()}.filename().string();
        appendCorpus(all, std::move(one));
    }
    all.sha256 = hash.result().toHex().toStdString();
    return all;
}

void interleaveParallelRows(Corpus &corpus)
{
    std::unordered_map<std::string, std::size_t> groupOf;
    std::vector<std::vector<std::size_t>> groups;
    std::vector<std::size_t> single;
    for (std::size_t i = 0; i < corpus.rows.size(); ++i) {
        const std::string &id = corpus.rows[i].parallelId;
        if (id.empty()) {
            single.push_back(i);
            continue;
        }
        const auto [group, isNew] = groupOf.try_emplace(id, groups.size());
        if (isNew)
            groups.emplace_back();
        groups[group->second].push_back(i);
    }
    std::vector<CorpusRow> rows;
    rows.reserve(corpus.rows.size());
    std::size_t placed = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
        for (const std::size_t i : groups[g])
            rows.push_back(std::move(corpus.rows[i]));
        for (; placed < single.size() * (g + 1) / groups.size(); ++placed)
            rows.push_back(std::move(corpus.rows[single[placed]]));
    }
    for (; placed < single.size(); ++placed)
        rows.push_back(std::move(corpus.rows[single[placed]]));
    corpus.rows = std::move(rows);
}

} // namespace expertscope
