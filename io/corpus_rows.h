// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Cuts a stream of bytes into the rows of a corpus file, and rows into named fields; knows nothing of what the columns mean.
#pragma once

#include "io/corpus.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace expertscope {

struct CorpusField {
    std::string_view name;
    std::string value;
    bool isText = true; ///< false for JSON numbers, booleans and lists
    std::optional<std::vector<std::string>> list; ///< of a JSON list of plain values; `value` is empty then
};

class CorpusRows {
public:
    /// Fields live as long as the call; `where` is "source:line" of the row's first line.
    using Handler = std::function<void(std::vector<CorpusField> &fields, const std::string &where)>;
    CorpusRows(CorpusFormat format, std::string source, Handler handler);
    ~CorpusRows();

    /// The next bytes, cut anywhere. Throws Error (Input) on a row that is too long or not of the format.
    void feed(std::string_view bytes);
    void finish();

private:
    class RowParser;
    class JsonlRow;
    class CsvRow;
    class PlainRow;

    void row(std::string_view bytes);
    std::string where() const;

    std::string m_source;
    Handler m_handler;
    std::unique_ptr<RowParser> m_parser;
    bool m_quotes = false; ///< a line feed between quotation marks does not end a row
    bool m_insideQuotes = false;
    std::string m_pending; ///< the row's bytes of earlier blocks
    std::int64_t m_line = 1; ///< where the row starts
};

/// readCorpus() and parseCorpus() that let `before` see each row's fields first: it may take some away or rename them.
Corpus readCorpusRows(const std::filesystem::path &file, const CorpusRows::Handler &before);
Corpus parseCorpusRows(std::string_view bytes, CorpusFormat format, const std::string &source, const CorpusRows::Handler &before);

} // namespace expertscope
