// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The input's first byte chooses the format (j, c, t, else plain text), the rest is a corpus file.
#include "io/corpus.h"
#include "io/corpus_rows.h"
#include "tests/fuzz/require.h"

#include <set>

using namespace expertscope;

namespace {

CorpusFormat format(std::uint8_t byte)
{
    switch (byte) {
    case 'j':
        return CorpusFormat::Jsonl;
    case 'c':
        return CorpusFormat::Csv;
    case 't':
        return CorpusFormat::Tsv;
    default:
        return CorpusFormat::PlainText;
    }
}

/// Where the stream is cut into blocks must not change what is read, nor what is wrong with it.
std::string outcome(CorpusFormat format, std::string_view bytes, std::size_t blockBytes)
{
    std::string seen;
    try {
        CorpusRows rows{format, "fuzz", [&](std::vector<CorpusField> &fields, const std::string &where) {
                            seen += where;
                            for (const CorpusField &field : fields)
                                seen.append(field.name).append("=").append(field.value);
                        }};
        for (std::size_t at = 0; at < bytes.size(); at += blockBytes)
            rows.feed(bytes.substr(at, blockBytes));
        rows.finish();
    } catch (const Error &error) {
        seen += error.what();
    }
    return seen;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    if (size == 0)
        return 0;
    const CorpusFormat kind = format(data[0]);
    const std::string_view bytes = text(data + 1, size - 1);
    parseOrExplain([&] {
        const Corpus corpus = parseCorpus(bytes, kind, "fuzz");
        require(!corpus.rows.empty() && corpus.sha256.size() == 64);
        std::set<std::string_view> ids;
        for (const CorpusRow &row : corpus.rows) {
            require(!row.text().empty() && !firstInvalidUtf8(row.text()));
            require(row.labels.size() == corpus.labelColumns.size());
            require(!row.id.empty() && ids.insert(row.id).second);
        }
    });
    require(outcome(kind, bytes, bytes.size() + 1) == outcome(kind, bytes, 1 + bytes.size() / 3));
    return 0;
}
