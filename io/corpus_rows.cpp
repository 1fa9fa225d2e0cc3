// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/corpus_rows.h"

#include "engine/core/error.h"
#include "engine/core/utf8.h"
#include "io/json_events.h"
#include "io/utf8.h"

#include <algorithm>
#include <cstdio>
#include <set>

namespace expertscope {
namespace {

constexpr std::size_t rowLimitBytes = 10'000'000;
constexpr std::size_t columnLimit = 256;
constexpr std::string_view byteOrderMark = "\xEF\xBB\xBF";

using Fields = std::vector<CorpusField>;

[[noreturn]] void failRow(const std::string &what, const std::string &where, const char *remedy)
{
    throw Error{ErrorKind::Input, what, where, remedy};
}

} // namespace

class CorpusRows::RowParser {
public:
    virtual ~RowParser() = default;
    /// False if the row carries no fields (the header of a table).
    virtual bool parse(std::string_view row, const std::string &where, Fields &fields) = 0;
};

class CorpusRows::PlainRow final : public RowParser {
public:
    bool parse(std::string_view row, const std::string &, Fields &fields) override
    {
        fields.push_back({"text", std::string{row}, true, {}});
        return true;
    }
};

class CorpusRows::JsonlRow final : public RowParser {
public:
    bool parse(std::string_view row, const std::string &where, Fields &fields) override
    {
        m_values.clear();
        Reader{where, m_values}.parse(row);
        for (auto &[name, value, list, isWhole] : m_values)
            if (list && isWhole)
                fields.push_back({name, {}, false, std::move(list)});
            else if (!list && !std::holds_alternative<std::monostate>(value))
                fields.push_back({name, text(std::move(value)), std::holds_alternative<std::string>(value), {}});
        return true;
    }

private:
    struct Value {
        std::string name;
        JsonScalar scalar;
        std::optional<std::vector<std::string>> list;
        bool isWhole = true; ///< false for a list that holds lists or objects
    };
    using Values = std::vector<Value>;

    class Reader final : public JsonEvents {
    public:
        Reader(const std::string &where, Values &values)
            : JsonEvents{where, "Write one JSON object a line, such as {\"text\": \"...\"}; jq -c '.[]' turns a JSON array into such lines",
                32}
            , m_values{values}
        {
        }

    private:
        void opened(Container kind) override
        {
            if (depth() == 1 && kind != Container::Object)
                fail("the row is not a JSON object");
            if (depth() == 2) {
                m_inList = kind == Container::Array;
                if (m_inList)
                    m_values.push_back({key(1), {}, std::vector<std::string>{}});
            } else if (depth() > 2 && m_inList) {
                m_values.back().isWhole = false;
            }
        }
        void closing(Container) override { }
        void scalar(JsonScalar value) override
        {
            if (depth() == 0)
                fail("the row is not a JSON object");
            if (depth() == 1)
                m_values.push_back({key(1), std::move(value), {}});
            else if (depth() == 2 && m_inList)
                m_values.back().list->push_back(text(std::move(value)));
        }
        Values &m_values;
        bool m_inList = false;
    };

    static std::string text(JsonScalar &&value)
    {
        struct Text {
            std::string operator()(std::monostate) const { return {}; }
            std::string operator()(bool b) const { return b ? "true" : "false"; }
            std::string operator()(std::int64_t n) const { return std::to_string(n); }
            std::string operator()(std::uint64_t n) const { return std::to_string(n); }
            std::string operator()(JsonFloat &&number) const { return std::move(number.text); }
            std::string operator()(std::string &&s) const { return std::move(s); }
        };
        return std::visit(Text{}, std::move(value));
    }

    Values m_values;
};

class CorpusRows::CsvRow final : public RowParser {
public:
    explicit CsvRow(char separator)
        : m_separator{separator}
    {
    }

    bool parse(std::string_view row, const std::string &where, Fields &fields) override
    {
        std::vector<std::string> values = split(row, where);
        if (m_names.empty()) {
            takeHeader(std::move(values), where);
            return false;
        }
        if (values.size() != m_names.size())
            failRow("the row has " + std::to_string(values.size()) + " fields, but the header has " + std::to_string(m_names.size()), where,
                "Put a field that contains the separator, a quotation mark or a line break in quotation marks, and check that the row is "
                "complete");
        for (std::size_t i = 0; i < values.size(); ++i)
            fields.push_back({m_names[i], std::move(values[i]), true, {}});
        return true;
    }

private:
    std::vector<std::string> split(std::string_view row, const std::string &where) const
    {
        std::vector<std::string> values;
        for (std::size_t at = 0;; ++at) { // at a field's first byte; then past its last one
            if (values.size() == columnLimit)
                failRow("the row has more than " + std::to_string(columnLimit) + " fields", where,
                    "Check that the file's extension fits its separator");
            values.emplace_back();
            at = at < row.size() && row[at] == '"' ? quotedField(row, at, values.back(), where) : plainField(row, at, values.back(), where);
            if (at == row.size())
                return values;
        }
    }

    std::size_t plainField(std::string_view row, std::size_t at, std::string &value, const std::string &where) const
    {
        const std::size_t end = std::min(row.find(m_separator, at), row.size());
        value = row.substr(at, end - at);
        if (value.find('"') != std::string::npos)
            failRow("a quotation mark stands inside the unquoted field " + shown(value), where,
                "Put the whole field in quotation marks and write each one inside it twice (\"\")");
        return end;
    }

    std::size_t quotedField(std::string_view row, std::size_t at, std::string &value, const std::string &where) const
    {
        for (++at;; ++at) {
            const std::size_t mark = row.find('"', at);
            if (mark == std::string_view::npos)
                failRow("a quotation mark is never closed", where, "Close it, and write a quotation mark inside a field twice (\"\")");
            value += row.substr(at, mark - at);
            at = mark + 1;
            if (at == row.size() || row[at] == m_separator)
                return at;
            if (row[at] != '"')
                failRow("text follows the closing quotation mark of the field " + shown(value), where,
                    "Write a quotation mark inside a field twice (\"\")");
            value += '"';
        }
    }

    void takeHeader(std::vector<std::string> names, const std::string &where)
    {
        const std::set<std::string_view> distinct{names.begin(), names.end()};
        if (distinct.size() != names.size() || distinct.contains(""))
            failRow("the header has a column without a name, or two of the same name", where,
                "Give every column its own name in the first row");
        m_names = std::move(names);
    }

    char m_separator;
    std::vector<std::string> m_names;
};

CorpusRows::CorpusRows(CorpusFormat format, std::string source, Handler handler)
    : m_source{std::move(source)}
    , m_handler{std::move(handler)}
    , m_quotes{format == CorpusFormat::Csv || format == CorpusFormat::Tsv}
{
    if (m_quotes)
        m_parser = std::make_unique<CsvRow>(format == CorpusFormat::Csv ? ',' : '\t');
    else if (format == CorpusFormat::Jsonl)
        m_parser = std::make_unique<JsonlRow>();
    else
        m_parser = std::make_unique<PlainRow>();
}

CorpusRows::~CorpusRows() = default;

void CorpusRows::feed(std::string_view bytes)
{
    while (!bytes.empty()) {
        const std::size_t lineFeed = bytes.find('\n');
        const bool lineEnds = lineFeed != std::string_view::npos;
        const std::string_view piece = bytes.substr(0, lineEnds ? lineFeed + 1 : bytes.size());
        bytes.remove_prefix(piece.size());
        if (m_pending.size() + piece.size() - (lineEnds ? 1 : 0) >= rowLimitBytes)
            failRow("the row has 10 MB or more", where(),
                m_quotes ? "Split the text into several rows, and look for a quotation mark that is never closed"
                         : "Split the text into several rows");
        // In a well-formed row the marks are even in number, doubled ones too; any other row is refused when it is parsed.
        if (m_quotes && std::count(piece.begin(), piece.end(), '"') % 2)
            m_insideQuotes = !m_insideQuotes;
        if (!lineEnds || m_insideQuotes) {
            m_pending += piece;
        } else if (m_pending.empty()) {
            row(piece);
        } else {
            m_pending += piece;
            row(std::exchange(m_pending, {}));
        }
    }
}

void CorpusRows::finish()
{
    if (!m_pending.empty())
        row(std::exchange(m_pending, {}));
}

void CorpusRows::row(std::string_view bytes)
{
    const std::string place = where();
    if (m_line == 1 && bytes.starts_with(byteOrderMark))
        bytes.remove_prefix(byteOrderMark.size());
    m_line += std::count(bytes.begin(), bytes.end(), '\n');
    if (bytes.ends_with('\n'))
        bytes.remove_suffix(1);
    if (bytes.ends_with('\r'))
        bytes.remove_suffix(1);
    if (bytes.find_first_not_of(" \t\r") == std::string_view::npos)
        return;
    if (const std::optional<std::size_t> bad = firstInvalidUtf8(bytes)) {
        char value[8];
        std::snprintf(value, sizeof value, "0x%02X", static_cast<unsigned>(static_cast<unsigned char>(bytes[*bad])));
        failRow("byte " + std::to_string(*bad + 1) + " of the row (" + value + ") is not UTF-8", place,
            "Save the file as UTF-8, for instance with iconv -f LATIN1 -t UTF-8 (or -f UTF-16)");
    }
    if (const std::size_t zero = bytes.find('\0'); zero != std::string_view::npos)
        failRow("byte " + std::to_string(zero + 1) + " of the row is zero, so this is not a text file", place,
            "Give a JSONL, CSV, TSV or text file in UTF-8");
    std::vector<CorpusField> fields;
    if (m_parser->parse(bytes, place, fields))
        m_handler(fields, place);
}

std::string CorpusRows::where() const
{
    return m_source + ":" + std::to_string(m_line);
}

} // namespace expertscope
