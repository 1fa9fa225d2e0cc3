// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/selected_text.h"

#include "app/words.h"
#include "engine/experiments/sequence_sample.h"

#include <QCoreApplication>

#include <algorithm>

namespace expertscope {

namespace {

QString tr(const char *text)
{
    return QCoreApplication::translate("SelectedText", text);
}

} // namespace

QString obstacleToRunning(const Document &document)
{
    if (!document.model())
        return tr("This runs the model: open a model folder first.");
    const OpenTrace *open = document.current();
    if (!open || open->trace->meta().sequences.empty())
        return tr("There is no text to run yet: open a corpus, or run a prompt.");
    if (open->trace->meta().model.tokenizerSha256 != document.model()->info.tokenizerSha256)
        return tr("The trace that is shown was recorded with another tokenizer than the open model's: choose a text of the open model.");
    return {};
}

int selectedSequence(const TraceMeta &meta, const Selection &selection)
{
    int index = selection.sequence;
    if (index < 0 && selection.token >= 0)
        index = meta.sequenceOf(selection.token);
    return std::clamp(index, 0, static_cast<int>(meta.sequences.size()) - 1);
}

SelectedText selectedText(const Document &document, int sequence, std::int64_t most)
{
    const OpenTrace &open = *document.current();
    const TraceMeta &meta = open.trace->meta();
    const SequenceInfo &info = meta.sequences[static_cast<std::size_t>(sequence)];
    SelectedText text{sequenceOf(*open.trace, sequence, most), meta.labelColumns, {}, info.firstToken};
    const auto count = std::ssize(text.sequence.tokens);
    text.title = tr("%1: %2, %3%4")
                     .arg(open.title, QString::fromStdString(info.id.empty() ? std::to_string(sequence) : info.id),
                         countOf(count, tr("token"), tr("tokens")),
                         count < info.range().count() ? tr(" (the first of %1)").arg(info.range().count()) : QString());
    return text;
}

} // namespace expertscope
