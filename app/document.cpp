// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/document.h"

#include <algorithm>

namespace expertscope {

const OpenTrace *Document::trace(const QString &key) const
{
    const auto found = std::find_if(m_traces.begin(), m_traces.end(), [&](const OpenTrace &open) { return open.key == key; });
    return found == m_traces.end() ? nullptr : &*found;
}

OpenTrace *Document::find(const QString &key)
{
    return const_cast<OpenTrace *>(trace(key));
}

Subject Document::subject() const
{
    Subject subject;
    const OpenTrace *open = current();
    if (!open)
        return subject;
    subject.trace = open->trace;
    subject.byLanguage = open->byLanguage;
    subject.byDomain = open->byDomain;
    subject.title = open->title;
    for (const OpenTrace &other : m_traces)
        if (other.key != m_currentKey)
            subject.others.push_back({other.key, other.title});
    if (const OpenTrace *other = baseline(); other && other != open) {
        subject.baseline = other->trace;
        subject.baselineKey = other->key;
    }
    // Ids of another tokenizer are other words.
    if (m_model && m_model->tokenizer && m_model->info.tokenizerSha256 == open->trace->meta().model.tokenizerSha256)
        subject.textOfToken = [tokenizer = m_model->tokenizer](std::int32_t id) { return tokenizer->tokenBytes(id); };
    return subject;
}

void Document::setModel(OpenModel model)
{
    m_model = std::move(model);
    emit modelChanged();
    if (current())
        emit subjectChanged();
}

void Document::setCorpus(OpenCorpus corpus)
{
    m_corpus = std::move(corpus);
    emit corpusChanged();
}

void Document::setTrace(OpenTrace trace)
{
    const QString key = trace.key;
    OpenTrace *open = find(key);
    if (!open) {
        m_traces.push_back(std::move(trace));
        emit tracesChanged();
        if (m_currentKey.isEmpty())
            switchTo(key);
        else
            emit subjectChanged(); // there is one more to compare with
        return;
    }
    const bool grows = open->recording == trace.recording;
    trace.selection = grows ? open->selection : Selection{};
    *open = std::move(trace);
    if (key == m_baselineKey && key != m_currentKey)
        emit subjectChanged();
    if (key != m_currentKey)
        return;
    if (grows)
        emit subjectChanged();
    else
        switchTo(key);
}

void Document::closeTrace(const QString &key)
{
    if (std::erase_if(m_traces, [&](const OpenTrace &open) { return open.key == key; }) == 0)
        return;
    emit tracesChanged();
    if (key == m_baselineKey)
        m_baselineKey.clear();
    if (key == m_currentKey)
        switchTo(m_traces.empty() ? QString{} : m_traces.front().key);
    else
        emit subjectChanged();
}

bool Document::show(const QString &key, const std::optional<Selection> &selection)
{
    OpenTrace *next = find(key);
    if (!next)
        return false;
    if (selection)
        next->selection = fitted(*selection, next->trace->meta());
    if (key == m_currentKey) {
        if (selection)
            m_selection.set(next->selection);
        return true;
    }
    if (OpenTrace *last = find(m_currentKey))
        last->selection = m_selection.value();
    switchTo(key);
    return true;
}

void Document::setBaseline(const QString &key)
{
    if (key == m_baselineKey)
        return;
    m_baselineKey = key;
    emit subjectChanged();
}

void Document::switchTo(const QString &key)
{
    // A view must never hold a selection of one trace and the rows of another.
    m_switching = true;
    m_selection.setHover({});
    m_selection.set({});
    m_currentKey = key;
    emit subjectChanged();
    if (const OpenTrace *open = current())
        m_selection.set(fitted(open->selection, open->trace->meta()));
    m_switching = false;
    emit currentChanged();
}

Selection fitted(Selection selection, const TraceMeta &meta)
{
    if (selection.sequence >= static_cast<int>(meta.sequences.size()))
        selection.sequence = -1;
    if (selection.token >= meta.tokens)
        selection.token = -1;
    if (selection.brush.end > meta.tokens)
        selection.brush = {};
    if (selection.layer >= meta.moeLayers()) {
        selection.layer = 0;
        selection.experts.clear();
    }
    std::erase_if(selection.experts, [&](int expert) { return expert >= meta.experts; });
    return selection;
}

} // namespace expertscope
