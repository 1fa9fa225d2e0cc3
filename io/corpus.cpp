// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/corpus.h"

#include "engine/core/error.h"
#include "io/corpus_rows.h"
#include "io/file_kind.h"
#include "io/input_file.h"
#include "io/sha256.h"
#include "io/utf8.h"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace expertscope {
namespace {

constexpr std::uint64_t corpusLimitBytes = 2'000'000'000;
constexpr std::size_t labelColumnLimit = 32; // every row holds a string for each

struct KnownColumn {
    std::string_view name;
    std::string CorpusRow::*field;
    bool mustBeText; ///< a JSON number is accepted where it is false
};
// "text" goes where "prompt" goes: CorpusRow::prompt is the whole text where nothing is kept apart.
constexpr std::array<KnownColumn, 7> knownColumns{{
    {"text", &CorpusRow::prompt, true},
    {"prompt", &CorpusRow::prompt, true},
    {"continuation", &CorpusRow::continuation, true},
    {"id", &CorpusRow::id, false},
    {"language", &CorpusRow::language, true},
    {"domain", &CorpusRow::domain, true},
    {"parallel_id", &CorpusRow::parallelId, false},
}};

void refuseBinary(std::string_view firstBytes, const std::string &source)
{
    if (const FileKind kind = fileKind(firstBytes); !kind.what.empty())
        throw Error{ErrorKind::Input, "this is " + std::string{kind.what} + ", not a corpus", source, std::string{kind.remedy}};
}

class CorpusBuilder {
public:
    CorpusBuilder(CorpusFormat format, const std::string &source, const CorpusRows::Handler &before)
        : m_rows{format, source, [this, before](std::vector<CorpusField> &fields, const std::string &where) {
                     if (before)
                         before(fields, where);
                     add(fields, where);
                 }}
    {
        m_corpus.source = source;
    }

    void feed(std::string_view bytes)
    {
        m_sizeBytes += bytes.size();
        if (m_sizeBytes > corpusLimitBytes)
            throw Error{ErrorKind::Input, "the corpus has more than 2 GB", m_corpus.source, "Split it into several files"};
        m_sha256.add(bytes);
        m_rows.feed(bytes);
    }

    bool isEmpty() const { return m_sizeBytes == 0; }

    Corpus finish()
    {
        m_rows.finish();
        if (m_corpus.rows.empty())
            throw Error{ErrorKind::Input, "the corpus has no rows", m_corpus.source, "Give a file with at least one text"};
        for (CorpusRow &row : m_corpus.rows)
            row.labels.resize(m_corpus.labelColumns.size());
        m_corpus.sha256 = m_sha256.hex();
        return std::move(m_corpus);
    }

private:
    void add(std::vector<CorpusField> &fields, const std::string &where)
    {
        std::erase_if(fields, [](const CorpusField &field) { return field.list.has_value(); });
        checkTextColumns(fields, where);
        CorpusRow row;
        for (CorpusField &field : fields) {
            const auto *known =
                std::find_if(knownColumns.begin(), knownColumns.end(), [&](const KnownColumn &c) { return c.name == field.name; });
            const bool isContent =
                known != knownColumns.end() && (known->field == &CorpusRow::prompt || known->field == &CorpusRow::continuation);
            if (!isContent && field.value.find('\0') != std::string::npos)
                throw Error{ErrorKind::Input, "the column " + shown(field.name) + " holds a zero character", where,
                    "Remove it: only texts may hold one"};
            if (known == knownColumns.end()) {
                const std::size_t column = labelColumn(field.name, where);
                if (row.labels.size() <= column)
                    row.labels.resize(column + 1);
                row.labels[column] = std::move(field.value);
            } else if (known->mustBeText && !field.isText) {
                throw Error{ErrorKind::Input, "the column " + shown(field.name) + " is not text in this row", where,
                    "Put its value in quotation marks"};
            } else {
                row.*known->field = std::move(field.value);
            }
        }
        if (row.prompt.empty() && row.continuation.empty())
            throw Error{ErrorKind::Input, "the row's text is empty", where, "Remove the row, or give it a text"};
        takeId(row, where);
        m_corpus.rows.push_back(std::move(row));
    }

    void checkTextColumns(const std::vector<CorpusField> &fields, const std::string &where) const
    {
        const auto has = [&](std::string_view name) {
            return std::any_of(fields.begin(), fields.end(), [&](const CorpusField &f) { return f.name == name; });
        };
        if (has("text") && (has("prompt") || has("continuation")))
            throw Error{ErrorKind::Input, "the row has both a text and a prompt or continuation", where,
                "Keep either \"text\", or \"prompt\" and \"continuation\""};
        if (has("text") || has("prompt"))
            return;
        std::string names;
        for (std::size_t i = 0; i < std::min<std::size_t>(fields.size(), 8); ++i)
            names += (i ? ", " : "") + shown(fields[i].name);
        throw Error{ErrorKind::Input, "there is no column \"text\" or \"prompt\", only " + (names.empty() ? "an empty row" : names), where,
            "Name the column that holds the text \"text\" (or \"prompt\", with \"continuation\" if it has one)"};
    }

    std::size_t labelColumn(std::string_view name, const std::string &where)
    {
        std::vector<std::string> &columns = m_corpus.labelColumns;
        const auto at = std::find(columns.begin(), columns.end(), name);
        if (at == columns.end() && columns.size() == labelColumnLimit)
            throw Error{ErrorKind::Input, shown(name) + " would be label column number " + std::to_string(labelColumnLimit + 1), where,
                "Keep at most " + std::to_string(labelColumnLimit) + " columns besides the texts"};
        const auto index = static_cast<std::size_t>(at - columns.begin());
        if (at == columns.end())
            columns.emplace_back(name);
        return index;
    }

    void takeId(CorpusRow &row, const std::string &where)
    {
        if (row.id.empty())
            row.id = std::to_string(m_corpus.rows.size() + 1);
        const auto [first, isNew] = m_whereOfId.emplace(row.id, where);
        if (!isNew)
            throw Error{ErrorKind::Input, "the id " + shown(row.id) + " is already that of " + first->second, where,
                "Give every row its own id, or none at all; translations of one text share a parallel_id"};
    }

    Corpus m_corpus;
    Sha256 m_sha256;
    std::uint64_t m_sizeBytes = 0;
    std::unordered_map<std::string, std::string> m_whereOfId;
    CorpusRows m_rows;
};

} // namespace

std::string corpusFormatName(CorpusFormat format)
{
    switch (format) {
    case CorpusFormat::Jsonl:
        return "JSON Lines";
    case CorpusFormat::Csv:
        return "CSV";
    case CorpusFormat::Tsv:
        return "TSV";
    case CorpusFormat::PlainText:
        break;
    }
    return "plain text, a sequence a line";
}

CorpusFormat corpusFormat(const std::filesystem::path &file)
{
    std::string extension = file.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
        [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (extension == ".jsonl" || extension == ".json")
        return CorpusFormat::Jsonl;
    if (extension == ".csv")
        return CorpusFormat::Csv;
    return extension == ".tsv" ? CorpusFormat::Tsv : CorpusFormat::PlainText;
}

Corpus readCorpusRows(const std::filesystem::path &file, const CorpusRows::Handler &before)
{
    InputFile input{file, InputFile::Accept::AnyStream};
    CorpusBuilder builder{corpusFormat(file), file.string(), before};
    std::vector<char> block(1 << 20);
    while (const std::size_t got = input.read(block)) {
        const std::string_view bytes{block.data(), got};
        if (builder.isEmpty())
            refuseBinary(bytes, file.string());
        builder.feed(bytes);
    }
    return builder.finish();
}

Corpus parseCorpusRows(std::string_view bytes, CorpusFormat format, const std::string &source, const CorpusRows::Handler &before)
{
    CorpusBuilder builder{format, source, before};
    builder.feed(bytes);
    return builder.finish();
}

Corpus readCorpus(const std::filesystem::path &file)
{
    return readCorpusRows(file, {});
}

Corpus parseCorpus(std::string_view bytes, CorpusFormat format, const std::string &source)
{
    return parseCorpusRows(bytes, format, source, {});
}

} // namespace expertscope
