// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/workbench.h"

#include "app/appending_sink.h"
#include "app/corpus_files.h"
#include "app/errors.h"
#include "app/export.h"
#include "app/recording.h"
#include "app/report/report_job.h"
#include "app/words.h"
#include "engine/core/recording_checks.h"
#include "engine/forward/run.h"
#include "io/file_kind.h"
#include "io/importers/import.h"
#include "io/model_folder.h"
#include "io/recipe.h"
#include "io/trace_hdf5.h"
#include "views/common/analysis_run.h"

#include <QFileInfo>
#include <QLocale>

#include <algorithm>
#include <utility>

namespace expertscope {

namespace {

using Engine = EngineThread::Engine;
using Outcome = EngineThread::Outcome;

const QString modelTag = QStringLiteral("model");
const QString backendTag = QStringLiteral("backend");
const QString corpusTag = QStringLiteral("corpus");
const QString steeredTag = QStringLiteral("steered corpus");
const QString readCorpusTag = QStringLiteral("read corpus");
const QString openTraceTag = QStringLiteral("open trace");
const QString saveTag = QStringLiteral("save");
const QString reportTag = QStringLiteral("report");
const QString numbersTag = QStringLiteral("numbers");

/// What the status bar says while a job of this tag runs; empty for work too short to speak of.
QString workTitle(const QString &tag)
{
    if (tag == modelTag)
        return Workbench::tr("Opening the model");
    if (tag == backendTag)
        return Workbench::tr("Loading the model");
    if (tag == corpusTag)
        return Workbench::tr("Tracing the corpus");
    if (tag == steeredTag)
        return Workbench::tr("Tracing the corpus with the recipe");
    if (tag == QStringLiteral("prompt"))
        return Workbench::tr("Running the prompt");
    if (tag == readCorpusTag)
        return Workbench::tr("Reading the corpus");
    if (tag.startsWith(openTraceTag))
        return Workbench::tr("Opening the trace");
    if (tag == saveTag)
        return Workbench::tr("Saving the trace");
    if (tag == reportTag)
        return Workbench::tr("Writing the report");
    if (tag == EffectsDesk::tag())
        return Workbench::tr("Measuring the effects of experts");
    if (tag == RoutesDesk::tag())
        return Workbench::tr("Trying other experts");
    return {};
}

QString title(const AnalysisRun &run)
{
    return QString::fromUtf8(run.kind().title.data(), static_cast<qsizetype>(run.kind().title.size()));
}

bool isHdf5(const QString &path)
{
    return fileKind(std::filesystem::path{path.toStdString()}).what == hdf5Kind;
}

struct Counts {
    std::shared_ptr<const RoutingSummary> byLanguage, byDomain;
};

/// What another tool recorded, in memory.
TracePtr imported(const std::filesystem::path &path, const Progress &progress)
{
    MemoryTrace trace;
    ImportReport report;
    importTrace({&path, 1}, {}, trace, report, progress);
    return trace.snapshot();
}

/// In the place of the model that is open.
OpenModel loadModel(Engine &engine, const QString &where, const Progress &progress)
{
    const std::shared_ptr<const ModelFiles> files = openModelFolder(where.toStdString());
    std::shared_ptr<const Tokenizer> tokenizer;
    if (!files->tokenizerJson.empty())
        tokenizer = Tokenizer::fromJson(files->tokenizerJson);
    engine.load(files, progress);
    engine.tokenizer = tokenizer;
    const QString title = where == findDemo().model ? Workbench::tr("Demo model") : QString::fromStdString(files->name);
    return {where, title, engine.model->info(), engine.model->config(), engine.backend->info(), engine.missing, engine.model->weightBytes(),
        tokenizer};
}

/// Null where the trace holds imported counts of another grouping.
std::shared_ptr<const RoutingSummary> counted(const RoutingTrace &trace, const char *grouping, const Progress &progress)
{
    if (const auto counts = trace.importedCounts())
        return counts->grouping == grouping ? counts : nullptr;
    return std::make_shared<const RoutingSummary>(summarise(trace, grouping, groupBy(trace.meta(), grouping), progress));
}

} // namespace

Workbench::Workbench(QObject *parent, std::vector<BackendChoice> backends)
    : QObject{parent}
    , m_engine{std::move(backends)}
    , m_steering{m_document, m_engine}
    , m_effects{m_document, m_engine}
    , m_routes{m_document, m_engine}
    , m_experiments{m_document, m_engine, m_steering.model()}
{
    connectWork();
}

void Workbench::connectWork()
{
    connect(&m_engine, &EngineThread::failed, this, [this](const QString &tag, const Error &error) {
        if (tag != SteeringDesk::tag() && tag != RoutesDesk::tag()) // which say it where the person looks
            emit failed(error);
    });
    connect(&m_steering.model(), &SteeringModel::corpusWished, this, &Workbench::traceSteeredCorpus);
    connect(&m_engine, &EngineThread::started, this, &Workbench::workChanged);
    connect(&m_engine, &EngineThread::ended, this, &Workbench::workChanged);
    connect(&m_engine, &EngineThread::progressed, this, [this](const QString &tag, qint64 done, qint64 total, const QString &unit) {
        emit progressed({workTitle(tag), done, total, unit});
    });
    connect(&m_engine, &EngineThread::memoryChanged, this, &Workbench::memoryChanged);
    connect(&m_experiments, &ExperimentDesk::startedOrEnded, this, &Workbench::workChanged);
    connect(&m_experiments, &ExperimentDesk::progressed, this, [this](const QString &what, qint64 done, qint64 total, const QString &unit) {
        emit progressed({what, done, total, unit});
    });
    connect(&m_experiments, &ExperimentDesk::recipeChosen, &m_steering, &SteeringDesk::show);
    connect(&m_jobs, &JobRunner::failed, this, &Workbench::failed);
    connect(&m_jobs, &JobRunner::ended, this, &Workbench::workChanged);
    connect(
        &m_jobs, &JobRunner::progressed, this, [this](QObject *owner, const QString &tag, qint64 done, qint64 total, const QString &unit) {
            if (auto *run = qobject_cast<AnalysisRun *>(owner)) {
                run->setProgress(done, total);
                emit progressed({title(*run), done, total, unit});
            }
            if (owner == this && !workTitle(tag).isEmpty())
                emit progressed({workTitle(tag), done, total, unit});
        });
}

ViewContext Workbench::viewContext()
{
    return {&m_document.selection(), &m_steering.model(), &m_effects.model(), &m_routes.model(),
        [this](QObject *owner, const QString &tag, JobRunner::Work work, JobRunner::Done done) {
            m_jobs.run(owner, tag, std::move(work), std::move(done));
            if (qobject_cast<AnalysisRun *>(owner))
                emit workChanged();
        },
        [this](QObject *owner, const QString &tag) {
            m_jobs.stop(owner, tag);
            emit workChanged();
        },
        &m_experiments.model()};
}

PathKind pathKind(const QString &path)
{
    const QFileInfo info{path};
    const QString suffix = info.suffix().toLower();
    if (isRecipeFile(path.toStdString()))
        return PathKind::Recipe;
    if (!foreignTraceKind(path.toStdString()).empty())
        return PathKind::Trace;
    const bool isInCache = !info.exists() && !info.isAbsolute() && path.count(QLatin1Char{'/'}) == 1; // org/name
    if (info.isDir() || isInCache || info.fileName() == QStringLiteral("config.json") || suffix == QStringLiteral("safetensors")
        || suffix == QStringLiteral("gguf"))
        return PathKind::Model;
    if (suffix == QStringLiteral("h5") || suffix == QStringLiteral("hdf5") || isHdf5(path))
        return PathKind::Trace;
    return PathKind::Corpus;
}

void Workbench::open(const QString &path)
{
    const QFileInfo info{path};
    switch (pathKind(path)) {
    case PathKind::Model: {
        const bool isPartOfFolder = info.isFile() && info.suffix().toLower() != QStringLiteral("gguf");
        openModel(!info.exists() ? path : isPartOfFolder ? info.absolutePath() : info.absoluteFilePath());
        return;
    }
    case PathKind::Trace:
        openTrace(info.absoluteFilePath());
        return;
    case PathKind::Corpus:
        openCorpus({info.absoluteFilePath()});
        return;
    case PathKind::Recipe:
        openRecipe(info.absoluteFilePath());
        return;
    }
}

void Workbench::openModel(const QString &where)
{
    m_engine.post(modelTag, [this, where](Engine &engine, const Progress &progress, const EngineThread::ToUi &toUi) {
        const OpenModel open = loadModel(engine, where, progress);
        toUi([this, open] {
            m_selectionBefore.reset();
            m_document.closeTrace(Document::otherBackendKey);
            modelLoaded(open);
        });
        return Outcome::Done;
    });
}

void Workbench::modelLoaded(const OpenModel &open)
{
    m_engine.stop(promptTag());
    m_promptRecording = 0;
    m_document.closeTrace(Document::promptsKey);
    dropSteeredCorpus();
    m_document.setModel(open);
    if (const QString id = QString::fromStdString(open.backend.name); id != m_backend) {
        m_backend = id;
        emit backendChanged();
    }
    emit modelOpened(open.where);
    traceCorpus();
}

void Workbench::useBackend(const QString &id)
{
    const QString where = m_document.model() ? m_document.model()->where : QString{};
    m_engine.post(backendTag, [this, id, where](Engine &engine, const Progress &progress, const EngineThread::ToUi &toUi) {
        if (engine.backend->info().name == id.toStdString())
            return Outcome::Done;
        const auto choice = std::find_if(m_engine.backends().begin(), m_engine.backends().end(),
            [&](const BackendChoice &other) { return other.id == id.toStdString(); });
        if (choice == m_engine.backends().end())
            throw Error{ErrorKind::Usage, "there is no backend \"" + id.toStdString() + '"', "choosing the backend", "Choose another"};
        std::shared_ptr<Backend> backendBefore = std::exchange(engine.backend, choice->make());
        std::string missingBefore = std::exchange(engine.missing, {});
        if (where.isEmpty()) {
            toUi([this, id] {
                m_backend = id;
                emit backendChanged();
            });
            return Outcome::Done;
        }
        try {
            const OpenModel open = loadModel(engine, where, progress);
            toUi([this, open] {
                keepForComparison();
                modelLoaded(open);
            });
        } catch (...) { // the model is still where it was
            engine.backend = std::move(backendBefore);
            engine.missing = std::move(missingBefore);
            throw;
        }
        return Outcome::Done;
    });
}

void Workbench::keepForComparison()
{
    m_selectionBefore.reset();
    const OpenTrace *corpus = m_document.trace(Document::corpusKey);
    if (!corpus || !m_document.corpus())
        return;
    if (m_document.current() == corpus)
        m_selectionBefore = m_document.selection().value();
    OpenTrace kept = *corpus;
    kept.key = Document::otherBackendKey;
    kept.title = tr("Corpus, on %1").arg(QString::fromStdString(kept.trace->meta().engine.backend));
    m_document.setTrace(std::move(kept));
}

void Workbench::compareBackends()
{
    if (!m_document.trace(Document::otherBackendKey) || !m_selectionBefore)
        return;
    m_document.show(Document::corpusKey, std::exchange(m_selectionBefore, std::nullopt));
    m_document.setBaseline(Document::otherBackendKey);
    emit compareWished();
}

void Workbench::openRecipe(const QString &file)
{
    try {
        m_steering.show(readRecipe(file.toStdString()));
    } catch (...) {
        emit failed(currentError());
    }
}

void Workbench::openCorpus(const QStringList &files)
{
    readCorpusFiles(files, false);
}

void Workbench::openDemo(const DemoFiles &demo)
{
    if (!demo.model.isEmpty())
        openModel(demo.model);
    if (!demo.corpus.isEmpty())
        readCorpusFiles(demo.corpus, true);
}

void Workbench::readCorpusFiles(const QStringList &files, bool interleave)
{
    m_jobs.run(
        this, readCorpusTag,
        [files, interleave](const Progress &) -> std::any {
            Corpus corpus = readCorpora(files);
            if (interleave)
                interleaveParallelRows(corpus);
            return std::shared_ptr<const Corpus>{std::make_shared<Corpus>(std::move(corpus))};
        },
        [this, files](const std::any &corpus) {
            dropSteeredCorpus();
            m_document.closeTrace(Document::otherBackendKey);
            m_document.setCorpus({files, std::any_cast<std::shared_ptr<const Corpus>>(corpus)});
            emit corpusOpened(files);
            traceCorpus();
        });
    emit workChanged();
}

void Workbench::openTrace(const QString &file)
{
    m_jobs.run(
        this, openTraceTag + file,
        [file](const Progress &progress) -> std::any {
            const std::filesystem::path path{file.toStdString()};
            return foreignTraceKind(path).empty() ? openTraceFile(path) : imported(path, progress);
        },
        [this, file](const std::any &opened) {
            const TracePtr trace = std::any_cast<TracePtr>(opened);
            publishTrace(file, QFileInfo{file}.fileName(), ++m_recordings, trace);
            m_document.show(file);
            for (const std::string &note : trace->meta().notes)
                emit noted(QString::fromStdString(note));
            for (const TraceCheck &check : trace->meta().checks)
                if (check.status == "warn" || check.status == "fail")
                    emit noted(tr("Check: %1: %2 (allowed: %3)")
                                   .arg(QString::fromStdString(check.name))
                                   .arg(check.value, 0, 'g', 6)
                                   .arg(check.limit, 0, 'g', 6));
            emit traceOpened(file);
        });
    emit workChanged();
}

void Workbench::traceCorpus()
{
    if (canTrace())
        postTracer(Document::corpusKey, tr("Corpus"), {});
}

bool Workbench::canTraceSteered() const
{
    const Recipe &recipe = m_steering.recipe();
    return canTrace() && !(recipe.edits.empty() && recipe.policies.empty());
}

void Workbench::traceSteeredCorpus()
{
    if (!canTraceSteered())
        return;
    const Recipe recipe = m_steering.recipeToSave();
    const QString name = QString::fromStdString(recipe.name);
    postTracer(Document::steeredKey, name.isEmpty() ? tr("Corpus, steered") : tr("Corpus, steered: %1").arg(name), recipe);
}

void Workbench::dropSteeredCorpus()
{
    m_engine.stop(steeredTag);
    m_steeredRecording = 0;
    m_document.closeTrace(Document::steeredKey);
}

void Workbench::postTracer(const QString &key, const QString &title, std::optional<Recipe> recipe)
{
    const QString tag = recipe ? steeredTag : corpusTag;
    const auto tracer = std::make_shared<CorpusTracer>(m_document.corpus()->corpus, m_budget, std::move(recipe));
    const quint64 recording = ++m_recordings;
    if (tag == steeredTag)
        m_steeredRecording = recording;
    m_engine.post(tag, [this, key, title, tracer, recording](Engine &engine, const Progress &progress, const EngineThread::ToUi &toUi) {
        const auto publish = [&](CorpusSnapshot snapshot) {
            toUi([this, key, title, recording, snapshot = std::move(snapshot)] { publishCorpusTrace(key, title, snapshot, recording); });
        };
        const auto note = [&](const std::string &text) { toUi([this, text] { emit noted(QString::fromStdString(text)); }); };
        return tracer->slice(engine, progress, publish, note) ? Outcome::Again : Outcome::Done;
    });
}

void Workbench::publishCorpusTrace(const QString &key, const QString &title, const CorpusSnapshot &snapshot, quint64 recording)
{
    const bool isSteered = key == Document::steeredKey;
    if (isSteered && recording != m_steeredRecording)
        return; // of a model or a corpus that is not open any more
    if (snapshot.tokensPerSecond > 0)
        emit rateChanged(snapshot.tokensPerSecond, tr("tracing the corpus"));
    if (!isSteered && snapshot.complete)
        m_completeCorpus = recording;
    publishTrace(key, title, recording, snapshot.trace);
    if (isSteered && snapshot.complete)
        emit steeredCorpusTraced();
}

void Workbench::compareSteeredCorpus()
{
    m_document.show(Document::steeredKey);
    m_document.setBaseline(Document::corpusKey);
    emit compareWished();
}

void Workbench::publishTrace(const QString &key, const QString &title, quint64 recording, TracePtr trace)
{
    // More of a trace that is already there appears together with its counts, so that both always speak of the same tokens.
    const OpenTrace *shown = m_document.trace(key);
    const bool grows = shown && shown->recording == recording;
    if (!grows)
        m_document.setTrace({key, title, recording, trace, {}, {}, {}});
    m_jobs.run(
        &m_document, QStringLiteral("counts ") + key,
        [trace](const Progress &progress) -> std::any {
            return Counts{counted(*trace, "language", progress), counted(*trace, "domain", progress)};
        },
        [this, key, title, recording, trace](const std::any &result) {
            const auto counts = std::any_cast<Counts>(result);
            if (m_document.trace(key))
                m_document.setTrace({key, title, recording, trace, counts.byLanguage, counts.byDomain, {}});
            if (key == Document::corpusKey && recording == m_completeCorpus)
                compareBackends();
        });
}

void Workbench::runPrompt(const PromptRequest &request)
{
    m_engine.post(
        promptTag(), [this, request, number = ++m_promptsRun](Engine &engine, const Progress &progress, const EngineThread::ToUi &toUi) {
            if (!engine.model || !engine.tokenizer)
                throw Error{ErrorKind::Usage, "there is no model that can read text", "", "Open a model folder with a tokenizer.json"};
            RunSpec spec;
            spec.capture.routerLogits = true;
            spec.sampling = request.sampling;
            spec.maxNewTokens = request.maxNewTokens;
            CorpusRow row;
            row.id = "prompt " + std::to_string(number);
            row.prompt = request.text.toStdString();
            row.domain = "prompt";
            bool cut = false;
            TokenSequence prompt = tokenSequence(row, *engine.tokenizer, 0, cut);
            if (prompt.tokens.empty())
                throw Error{ErrorKind::Usage, "the prompt is empty", "", "Type some text first"};
            MemoryTrace recording;
            RecordingChecks checks;
            CheckedSink sink{recording, checks};
            TraceMeta meta = traceMeta(*engine.model, *engine.backend, spec);
            describeRecording(meta, "Prompts", "in the window");
            sink.begin(meta);
            GenerateResult result;
            bool stopped = false;
            try {
                if (request.maxNewTokens > 0)
                    result = generate(
                        *engine.model, *engine.backend, prompt, spec, engine.tokenizer.get(), &sink,
                        [&](const GeneratedToken &token) {
                            toUi([this, bytes = QByteArray::fromStdString(token.bytes)] { emit generated(bytes); });
                        },
                        progress);
                else
                    traceSequences(*engine.model, *engine.backend, std::span{&prompt, 1}, spec, engine.tokenizer.get(), sink, progress);
            } catch (const Cancelled &) {
                stopped = true; // what was run until then is kept
            }
            sink.finish({});
            const TracePtr trace = recording.snapshot();
            const auto prompted = static_cast<std::int64_t>(prompt.tokens.size());
            toUi([this, trace, result, stopped, prompted] {
                if (!trace->meta().sequences.empty())
                    addPromptTrace(trace);
                const QLocale locale;
                QString summary = tr("%1 in the prompt").arg(countOf(prompted, tr("token"), tr("tokens")));
                if (result.prefillSeconds > 0)
                    summary += tr(" at %1 tokens/s").arg(locale.toString(static_cast<double>(prompted) / result.prefillSeconds, 'f', 0));
                if (!result.tokens.empty())
                    summary += tr("; %1 generated").arg(locale.toString(static_cast<qlonglong>(result.tokens.size())));
                if (result.tokens.size() > 1 && result.decodeSeconds > 0) {
                    const double rate = static_cast<double>(result.tokens.size() - 1) / result.decodeSeconds;
                    summary += tr(" at %1 tokens/s").arg(locale.toString(rate, 'f', 0));
                    emit rateChanged(rate, tr("generating"));
                }
                if (result.stoppedByEos)
                    summary += tr("; the model ended the text");
                if (stopped)
                    summary += tr("; stopped");
                emit promptEnded(summary);
            });
            return Outcome::Done;
        });
}

void Workbench::addPromptTrace(const TracePtr &one)
{
    if (!m_promptRecording) {
        m_prompts.begin(one->meta());
        m_promptRecording = ++m_recordings;
    }
    AppendingSink sink{m_prompts};
    copyTrace(*one, sink, Progress{});
    const TracePtr all = m_prompts.snapshot();
    const int sequence = static_cast<int>(all->meta().sequences.size()) - 1;
    m_document.setTrace({Document::promptsKey, tr("Prompts"), m_promptRecording, all, {}, {}, {}});
    Selection selection;
    selection.sequence = sequence;
    selection.layer = m_document.selection().value().layer;
    m_document.show(Document::promptsKey, selection);
    publishTrace(Document::promptsKey, tr("Prompts"), m_promptRecording, all);
}

void Workbench::saveTrace(const QString &file)
{
    const OpenTrace *open = m_document.current();
    if (!open)
        return;
    m_jobs.run(
        this, saveTag,
        [file, trace = open->trace](const Progress &progress) -> std::any {
            TraceFileOptions options;
            options.overwrite = true; // the file dialog has asked
            const std::unique_ptr<TraceSink> sink = createTraceFile(std::filesystem::path{file.toStdString()}, options);
            copyTrace(*trace, *sink, progress);
            return {};
        },
        [this, file](const std::any &) { emit noted(tr("Saved %1").arg(QFileInfo{file}.fileName())); });
    emit workChanged();
}

void Workbench::writeReport(const QString &folder)
{
    ReportJob job{.traces = {}, .textOfToken = m_document.subject().textOfToken, .folder = folder.toStdString()};
    for (const OpenTrace *open : {m_document.current(), m_document.baseline()})
        if (open && (job.traces.empty() || open->trace != job.traces.front().trace))
            job.traces.push_back({open->trace, open->title.toStdString(), isHdf5(open->key) ? open->key.toStdString() : ""});
    if (job.traces.empty())
        return;
    m_jobs.run(
        this, reportTag,
        [job = std::move(job)](const Progress &progress) -> std::any {
            runReportJob(job, progress);
            return {};
        },
        [this, folder](const std::any &) { emit noted(tr("Wrote the report: open report.html in %1").arg(QFileInfo{folder}.fileName())); });
    emit workChanged();
}

void Workbench::saveNumbers(std::function<std::string()> numbers, const QString &file)
{
    m_jobs.run(
        this, numbersTag,
        [file, numbers = std::move(numbers)](const Progress &) -> std::any {
            const std::string text = numbers();
            if (text.empty())
                throw Error{
                    ErrorKind::Usage, "there are no numbers to export", "the view", "Wait for its result, or run what it is for, first"};
            writeWhole(file, QByteArray::fromStdString(text));
            return {};
        },
        [this, file](const std::any &) { emit noted(tr("Saved %1").arg(QFileInfo{file}.fileName())); });
    emit workChanged();
}

bool Workbench::busy()
{
    return !m_engine.idle() || m_jobs.active(this) || m_experiments.running() || !analyses().empty();
}

std::vector<AnalysisRun *> Workbench::analyses() const
{
    std::vector<AnalysisRun *> runs;
    for (QObject *owner : m_jobs.owners())
        if (auto *run = qobject_cast<AnalysisRun *>(owner); run && run->running())
            runs.push_back(run);
    return runs;
}

void Workbench::stop()
{
    if (promptRunning()) {
        m_engine.stop(promptTag());
        return;
    }
    for (const QString &tag : {modelTag, backendTag, corpusTag, EffectsDesk::tag(), RoutesDesk::tag()})
        m_engine.stop(tag);
    m_experiments.stop();
    m_jobs.stopAll(this);
    for (AnalysisRun *run : analyses())
        run->stop();
}

} // namespace expertscope
