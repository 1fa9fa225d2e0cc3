// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/importers/sequence_labels.h"

#include "engine/core/error.h"
#include "io/corpus_rows.h"
#include "io/input_file.h"
#include "io/utf8.h"

#include <algorithm>

namespace expertscope {

namespace {

constexpr std::size_t mostLabelColumns = 32;

void setLabel(const CorpusField &field, SequenceInfo &info, std::vector<std::string> &columns, const std::string &where)
{
    static constexpr std::pair<std::string_view, std::string SequenceInfo::*> known[] = {{"id", &SequenceInfo::id},
        {"language", &SequenceInfo::language}, {"domain", &SequenceInfo::domain}, {"parallel_id", &SequenceInfo::parallelId}};
    for (const auto &[name, member] : known)
        if (field.name == name) {
            info.*member = field.value;
            return;
        }
    if (field.name == "text" || field.name == "prompt" || field.name == "continuation")
        return;
    const auto at = std::find(columns.begin(), columns.end(), field.name);
    if (at == columns.end() && columns.size() == mostLabelColumns)
        throw Error{ErrorKind::Input, shown(field.name) + " would be label column number " + std::to_string(mostLabelColumns + 1), where,
            "Keep at most " + std::to_string(mostLabelColumns) + " columns"};
    const auto column = static_cast<std::size_t>(at - columns.begin());
    if (at == columns.end())
        columns.emplace_back(field.name);
    info.labels.resize(std::max(info.labels.size(), column + 1));
    info.labels[column] = field.value;
}

} // namespace

void labelSequences(const std::filesystem::path &file, TraceMeta &meta, std::vector<SequenceInfo> &sequences)
{
    std::size_t row = 0;
    CorpusRows rows{corpusFormat(file), file.string(), [&](std::vector<CorpusField> &fields, const std::string &where) {
                        if (row < sequences.size())
                            for (const CorpusField &field : fields)
                                setLabel(field, sequences[row], meta.labelColumns, where);
                        ++row;
                    }};
    InputFile input{file};
    std::vector<char> block(1 << 20);
    while (const std::size_t got = input.read(block))
        rows.feed({block.data(), got});
    rows.finish();
    if (row != sequences.size())
        throw Error{ErrorKind::Check,
            "there are " + std::to_string(row) + " rows of labels for " + std::to_string(sequences.size()) + " sequences", file.string(),
            "Give one row per sequence, in the order of the recording"};
    for (SequenceInfo &info : sequences)
        info.labels.resize(meta.labelColumns.size());
}

} // namespace expertscope
