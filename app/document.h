// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Document: what is open: the model's description, the tokenizer, the corpus, the traces, and the one selection.
// Holds const values only; says what changed; does no work.
#pragma once

#include "engine/core/backend.h"
#include "engine/core/corpus.h"
#include "engine/core/model_config.h"
#include "engine/core/summary.h"
#include "engine/core/trace.h"
#include "engine/text/tokenizer.h"
#include "views/common/view.h"

#include <QObject>
#include <QString>
#include <QStringList>

#include <memory>
#include <optional>
#include <vector>

namespace expertscope {

/// A description of the model the engine thread holds.
struct OpenModel {
    QString where; ///< what it was opened by: a folder, or org/name
    QString title; ///< what a person calls it
    ModelInfo info;
    ModelConfig config;
    BackendInfo backend;
    std::string betterMissing; ///< why a better backend is not used; empty = none is
    std::int64_t weightBytes = 0;
    std::shared_ptr<const Tokenizer> tokenizer; ///< null if the folder has none
};

struct OpenCorpus {
    QStringList files;
    std::shared_ptr<const Corpus> corpus;
};

/// A trace with what is known of it. The corpus and the prompt traces grow: each publication replaces all parts.
struct OpenTrace {
    QString key; ///< corpusKey, otherBackendKey, steeredKey, promptsKey or the file
    QString title; ///< "Corpus", "Corpus, steered", "Prompts" or the file's name
    quint64 recording = 0; ///< rows of another recording are other tokens, so a selection does not outlive it
    TracePtr trace;
    std::shared_ptr<const RoutingSummary> byLanguage, byDomain; ///< null until counted
    Selection selection; ///< what was selected when it was last shown
};

class Document : public QObject {
    Q_OBJECT
public:
    static inline const QString corpusKey = QStringLiteral("corpus");
    static inline const QString otherBackendKey = QStringLiteral("corpus on another backend");
    static inline const QString steeredKey = QStringLiteral("steered corpus");
    static inline const QString promptsKey = QStringLiteral("prompts");
    /// The key is the file that was opened: the trace was not recorded in the window.
    static bool isFile(const QString &key) { return key != corpusKey && key != otherBackendKey && key != steeredKey && key != promptsKey; }

    using QObject::QObject;

    const std::optional<OpenModel> &model() const { return m_model; }
    const std::optional<OpenCorpus> &corpus() const { return m_corpus; }
    const std::vector<OpenTrace> &traces() const { return m_traces; }
    const OpenTrace *trace(const QString &key) const;
    const OpenTrace *current() const { return trace(m_currentKey); } ///< the trace that is shown; null = none
    const OpenTrace *baseline() const { return trace(m_baselineKey); } ///< the trace it is compared with; null = none
    Subject subject() const;
    SelectionModel &selection() { return m_selection; }
    const SelectionModel &selection() const { return m_selection; }
    /// True while one trace gives way to another: the selection passes through "nothing", which is no place anybody was.
    bool isSwitching() const { return m_switching; }

    void setModel(OpenModel model);
    void setCorpus(OpenCorpus corpus);
    /// Adds a trace or replaces the one with the same key; more of the same recording keeps its selection.
    void setTrace(OpenTrace trace);
    void closeTrace(const QString &key);
    /// Shows another trace, with the selection it had or the one given; false if there is none with that key.
    bool show(const QString &key, const std::optional<Selection> &selection = {});
    /// The trace to compare with; empty = none.
    void setBaseline(const QString &key);

signals:
    void modelChanged();
    void corpusChanged();
    void tracesChanged(); ///< the list or a title
    void currentChanged(); ///< another trace is shown
    void subjectChanged(); ///< what is shown has other values: another trace, more of it, or its counts

private:
    OpenTrace *find(const QString &key);
    void switchTo(const QString &key);

    std::optional<OpenModel> m_model;
    std::optional<OpenCorpus> m_corpus;
    std::vector<OpenTrace> m_traces;
    QString m_currentKey, m_baselineKey;
    bool m_switching = false;
    SelectionModel m_selection;
};

/// The selection with everything left out that the trace does not have.
Selection fitted(Selection selection, const TraceMeta &meta);

} // namespace expertscope
