// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Workbench: what a person can do: open things, trace the corpus, run a prompt, save. Sends work to the engine thread and the
// job runner and puts the results into the document. Knows no widget but the document's selection.
#pragma once

#include "app/corpus_tracer.h"
#include "app/demo_files.h"
#include "app/document.h"
#include "app/effects_desk.h"
#include "app/engine_thread.h"
#include "app/experiment_desk.h"
#include "app/job_runner.h"
#include "app/routes_desk.h"
#include "app/steering_desk.h"

#include <QByteArray>
#include <QObject>
#include <QStringList>

#include <memory>

namespace expertscope {

class AnalysisRun;

struct PromptRequest {
    QString text;
    std::int64_t maxNewTokens = 0; ///< 0 = trace the prompt only
    Sampling sampling;
};

/// One line of work for the status bar. total 0 = unknown.
struct WorkProgress {
    QString what; ///< "Tracing the corpus"; empty = nothing runs
    qint64 done = 0;
    qint64 total = 0;
    QString unit;
};

enum class PathKind { Model, Corpus, Trace, Recipe };
/// What a path most likely is, by name, by being a folder, and by its first bytes.
PathKind pathKind(const QString &path);

class Workbench : public QObject {
    Q_OBJECT
public:
    explicit Workbench(QObject *parent = nullptr, std::vector<BackendChoice> backends = backendChoices());

    Document &document() { return m_document; }
    JobRunner &jobs() { return m_jobs; }
    SteeringDesk &steering() { return m_steering; }
    ExperimentDesk &experiments() { return m_experiments; }
    EffectsDesk &effects() { return m_effects; }
    RoutesDesk &routes() { return m_routes; }
    ViewContext viewContext();

    /// By what the path is: a folder is a model, .h5 and what other tools recorded a trace, a recipe a recipe, anything else a corpus.
    void open(const QString &path);
    void openModel(const QString &where); ///< a folder, or org/name from the Hugging Face cache
    void openCorpus(const QStringList &files);
    void openTrace(const QString &file); ///< a trace file, or what another tool recorded: imported into memory
    void openRecipe(const QString &file);
    void openDemo(const DemoFiles &demo); ///< those of its parts that are given

    const std::vector<BackendChoice> &backends() const { return m_engine.backends(); }
    /// Id of the backend that computes; empty until one is made.
    QString backend() const { return m_backend; }
    /// Computes on another backend from now on. The model is loaded there, and the corpus traced again; the trace of before stays as what
    /// the new one is compared with, and what is selected stays selected.
    void useBackend(const QString &id);

    bool canTrace() const { return m_document.model() && m_document.corpus(); }
    void traceCorpus();
    bool canTraceSteered() const;
    /// With the recipe that is being tried, beside the trace of the model's own routing.
    void traceSteeredCorpus();
    /// Shows that trace, with the one of the own routing as its baseline.
    void compareSteeredCorpus();
    bool canPrompt() const { return m_document.model() && m_document.model()->tokenizer; }
    void runPrompt(const PromptRequest &request);
    /// Writes the trace that is shown; an existing file is replaced when all is written.
    void saveTrace(const QString &file);
    /// Runs every analysis on the trace that is shown, compared with the baseline if there is one, and writes the report of them into a
    /// new folder.
    void writeReport(const QString &folder);
    /// Writes what the work returns (CSV of a view, on a pool thread); an existing file is replaced when all is written.
    void saveNumbers(std::function<std::string()> numbers, const QString &file);

    /// Work of its own, or an analysis of a view.
    bool busy();
    bool promptRunning() const { return m_engine.active(promptTag()); }
    /// Stops what was asked for last: the prompt if one runs, then all else.
    void stop();

signals:
    void failed(const expertscope::Error &error);
    void noted(const QString &text); ///< worth reading, but nothing failed
    void workChanged(); ///< something started or ended
    void progressed(const expertscope::WorkProgress &progress);
    void rateChanged(double tokensPerSecond, const QString &what);
    void backendChanged(); ///< another one computes
    void memoryChanged(qint64 freeBytes, qint64 totalBytes, const QString &experts); ///< as EngineThread's
    void generated(const QByteArray &bytes); ///< of one token; may end inside a character
    void promptEnded(const QString &summary); ///< in words: tokens, rates, why it ended
    void modelOpened(const QString &where);
    void corpusOpened(const QStringList &files);
    void traceOpened(const QString &file);
    void compareWished(); ///< the trace that is shown should be seen beside the baseline
    void steeredCorpusTraced(); ///< the whole of it

private:
    std::vector<AnalysisRun *> analyses() const; ///< that run
    static QString promptTag() { return QStringLiteral("prompt"); }
    void readCorpusFiles(const QStringList &files, bool interleave);
    void publishTrace(const QString &key, const QString &title, quint64 recording, TracePtr trace);
    void postTracer(const QString &key, const QString &title, std::optional<Recipe> recipe);
    void publishCorpusTrace(const QString &key, const QString &title, const CorpusSnapshot &snapshot, quint64 recording);
    void dropSteeredCorpus();
    void modelLoaded(const OpenModel &open);
    void keepForComparison();
    void compareBackends();
    void addPromptTrace(const TracePtr &one);
    void connectWork();

    Document m_document;
    TraceBudget m_budget;
    quint64 m_recordings = 0; ///< numbers handed out
    MemoryTrace m_prompts; ///< all prompts run with the model that is open
    quint64 m_promptRecording = 0; ///< 0 = none yet
    int m_promptsRun = 0;
    QString m_backend;
    quint64 m_completeCorpus = 0; ///< recording of the corpus of which all is traced
    /// What was shown when another backend was chosen, until its trace of the corpus is complete.
    std::optional<Selection> m_selectionBefore;
    quint64 m_steeredRecording = 0; ///< of the steered corpus that belongs to what is open; 0 = none
    JobRunner m_jobs;
    EngineThread m_engine; ///< its results use all above
    SteeringDesk m_steering; ///< the desks post to the engine
    EffectsDesk m_effects;
    RoutesDesk m_routes;
    ExperimentDesk m_experiments; ///< waits for the engine
};

} // namespace expertscope
