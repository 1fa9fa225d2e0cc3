// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/cli/record_corpus.h"

#include "app/cli/terminal.h"
#include "app/recording.h"
#include "engine/core/error.h"
#include "io/corpus.h"

#include <algorithm>

namespace expertscope {

std::string corpusNote(const Corpus &corpus, const std::vector<std::string> &files)
{
    std::string note;
    bool plain = false;
    for (const std::string &file : files) {
        const CorpusFormat format = corpusFormat(file);
        plain = plain || format == CorpusFormat::PlainText;
        note += (note.empty() ? "" : "; ") + file + ": " + corpusFormatName(format);
    }
    note += ", " + std::to_string(corpus.rows.size()) + " rows";
    static constexpr std::pair<const char *, std::string CorpusRow::*> columns[] = {{"continuation", &CorpusRow::continuation},
        {"language", &CorpusRow::language}, {"domain", &CorpusRow::domain}, {"parallel_id", &CorpusRow::parallelId}};
    const char *before = " with ";
    for (const auto &[name, field] : columns)
        if (std::any_of(corpus.rows.begin(), corpus.rows.end(), [&](const CorpusRow &row) { return !(row.*field).empty(); })) {
            note += before + std::string{name};
            before = ", ";
        }
    before = "; labels: ";
    for (const std::string &label : corpus.labelColumns) {
        note += before + label;
        before = ", ";
    }
    if (plain)
        note += ". JSONL, CSV and TSV files can say language, domain and parallel_id, and hold texts of several lines";
    return note + '.';
}

Sequences tokenised(const Corpus &corpus, const LoadedModel &open, const CorpusCut &wanted, Terminal &terminal)
{
    const std::int64_t context = open.model->config().maxPositions;
    const std::int64_t longest = wanted.maxTokens > 0 ? std::min<std::int64_t>(wanted.maxTokens, context) : context;
    Sequences sequences;
    std::size_t cutRows = 0;
    std::size_t emptyRows = 0;
    for (const CorpusRow &row : corpus.rows) {
        if (wanted.limit > 0 && std::ssize(sequences.list) >= wanted.limit)
            break;
        bool cut = false;
        TokenSequence sequence = tokenSequence(row, *open.tokenizer, longest, cut);
        cutRows += cut;
        if (sequence.tokens.empty()) {
            ++emptyRows;
            continue;
        }
        sequences.tokens += std::ssize(sequence.tokens);
        sequences.list.push_back(std::move(sequence));
    }
    if (cutRows)
        terminal.note(std::to_string(cutRows) + " sequences are longer than " + std::to_string(longest) + " tokens ("
            + (longest < context ? "--max-tokens" : "the model's context") + ") and were cut there.");
    if (emptyRows)
        terminal.note(std::to_string(emptyRows) + " rows have no tokens and were left out.");
    if (sequences.list.empty())
        throw Error{ErrorKind::Input, "no row of the corpus has any tokens", corpus.source, "Give a corpus with text in it"};
    return sequences;
}

void recordCorpus(const Corpus &corpus, const LoadedModel &open, const Sequences &sequences, const RunSpec &spec,
    const std::string &commandLine, TraceSink &sink, Terminal &terminal, const Steering &steering, std::size_t first)
{
    TraceMeta meta = traceMeta(*open.model, *open.backend, spec, steering);
    describeRecording(meta, corpus.source, "by the command line");
    meta.engine.commandLine = commandLine;
    meta.labelColumns = corpus.labelColumns;
    sink.begin(meta);
    std::int64_t done = 0;
    for (std::size_t s = 0; s < first; ++s)
        done += std::ssize(sequences.list[s].tokens);
    traceSequences(
        *open.model, *open.backend, sequences.list, spec, open.tokenizer.get(), sink, terminal.progress(done), steering, {}, first);
}

} // namespace expertscope
