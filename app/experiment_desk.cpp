// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/experiment_desk.h"

#include "app/engine_access.h"
#include "app/experiments/evaluation_run.h"
#include "app/experiments/plan_files.h"
#include "app/experiments/score_files.h"
#include "app/experiments/sweep_run.h"
#include "app/words.h"
#include "engine/experiments/evaluation.h"
#include "io/recipe.h"

#include <QCryptographicHash>
#include <QDir>
#include <QFileInfo>
#include <QStandardPaths>

#include <algorithm>
#include <utility>

namespace expertscope {

namespace {

namespace fs = std::filesystem;

constexpr double untilEstimate = 1.5; ///< seconds: scoring goes by chunks: the first ones say little about the rate

QString titleOf(ExperimentKind kind)
{
    switch (kind) {
    case ExperimentKind::Evaluation:
        return ExperimentDesk::tr("Evaluating");
    case ExperimentKind::Finding:
        return ExperimentDesk::tr("Finding experts");
    case ExperimentKind::Sweep:
        return ExperimentDesk::tr("Running the experiment");
    case ExperimentKind::None:
        break;
    }
    return {};
}

/// A file as it is now: another content under the same name is another thing.
QString fileState(const QString &file)
{
    const QFileInfo info{file};
    return QStringLiteral("%1 %2 %3").arg(info.absoluteFilePath()).arg(info.size()).arg(info.lastModified().toMSecsSinceEpoch());
}

QString fileState(const std::string &file)
{
    return fileState(QString::fromStdString(file));
}

/// Values of those declared there; the others are for somebody else.
ParamValues valuesOf(std::span<const ParamKind> kinds, const ParamValues &values)
{
    ParamValues own;
    for (const auto &value : values)
        if (std::any_of(kinds.begin(), kinds.end(), [&](const ParamKind &kind) { return kind.id == value.first; }))
            own.push_back(value);
    return own;
}

EvaluationPlan evaluationPlan(const EvaluationChoice &choice, const Recipe &steering)
{
    EvaluationPlan plan;
    for (const QString &file : choice.data)
        plan.data.push_back(file.toStdString());
    if (choice.steering)
        plan.recipes.push_back({steering, steering.name.empty() ? "recipe of the Steering view" : steering.name});
    for (const QString &file : choice.recipes)
        plan.recipes.push_back(namedRecipe(file.toStdString()));
    const Params scoring{scoringParams(), valuesOf(scoringParams(), choice.values)};
    plan.limit = scoring.integer("limit");
    plan.scoring.maxNewTokens = scoring.integer("max-new-tokens");
    const std::string &separator = scoring.text("separator");
    plan.scoring.separator = separator == "line break" ? "\n" : separator == "nothing" ? "" : " ";
    plan.params = valuesOf(evaluationKind().params, choice.values);
    return plan;
}

/// As it would be read from a file. Throws Error (Input) that names the field.
SweepPlan checked(const SweepPlan &plan)
{
    return parsePlan(planJson(plan), "the plan");
}

/// What the scores of a plan depend on: another threshold or control is scored beside those that are there.
SweepPlan scoredPart(const SweepPlan &plan)
{
    SweepPlan part;
    part.pivot = plan.pivot;
    part.seed = plan.seed;
    part.heldOut = plan.heldOut;
    part.method = plan.method;
    part.target = plan.target;
    part.baseline = plan.baseline;
    part.parallel = plan.parallel;
    part.evaluate = plan.evaluate;
    part.scoring = plan.scoring;
    return part;
}

} // namespace

ExperimentDesk::ExperimentDesk(Document &document, EngineThread &engine, SteeringModel &steering, QObject *parent)
    : QObject{parent}
    , m_document{document}
    , m_engine{engine}
    , m_steering{steering}
    , m_home{QDir{QStandardPaths::writableLocation(QStandardPaths::AppDataLocation)}.filePath(QStringLiteral("experiments"))}
{
    connect(&m_model, &ExperimentModel::choiceWished, this,
        [this](const EvaluationChoice &choice) { publish([&choice](ExperimentState &state) { state.choice = choice; }); });
    connect(&m_model, &ExperimentModel::planWished, this,
        [this](const SweepPlan &plan) { publish([&plan](ExperimentState &state) { state.plan = plan; }); });
    connect(&m_model, &ExperimentModel::runWished, this, &ExperimentDesk::run);
    connect(&m_model, &ExperimentModel::stopWished, this, &ExperimentDesk::stop);
    connect(&m_model, &ExperimentModel::tryRecipeWished, this, [this] {
        if (m_recipe)
            emit recipeChosen(*m_recipe);
    });
    connect(&m_document, &Document::modelChanged, this, &ExperimentDesk::refreshObstacle);
    connect(&m_runner, &JobRunner::progressed, this,
        [this](QObject *, const QString &, qint64 done, qint64 total, const QString &unit) { showProgress(done, total, unit); });
    connect(&m_runner, &JobRunner::ended, this, [this] {
        if (running()) // with a result it has ended already
            end(tr("Stopped. What was scored is kept: Run goes on there."));
    });
    refreshObstacle();
}

void ExperimentDesk::publish(const std::function<void(ExperimentState &)> &change)
{
    ExperimentState next = m_model.state();
    change(next);
    m_model.setState(std::move(next));
}

void ExperimentDesk::refreshObstacle()
{
    publish([this](ExperimentState &state) {
        state.obstacle = !m_document.model() ? tr("An experiment runs the model: open a model folder first.")
            : !m_document.model()->tokenizer ? tr("The open model has no tokenizer.json, so no text can be run with it.")
                                             : QString();
    });
}

void ExperimentDesk::setBundled(const QStringList &data, bool hasPlan)
{
    publish([&](ExperimentState &state) {
        state.bundledData = data;
        state.hasDemoPlan = hasPlan;
    });
}

void ExperimentDesk::addToEvaluation(const QStringList &files)
{
    publish([&files](ExperimentState &state) {
        for (const QString &file : files)
            (isRecipeFile(file.toStdString()) ? state.choice.recipes : state.choice.data) << file;
        state.choice.recipes.removeDuplicates();
        state.choice.data.removeDuplicates();
    });
}

void ExperimentDesk::setFolder(ExperimentKind kind, const QString &folder)
{
    publish([&](ExperimentState &state) { (kind == ExperimentKind::Evaluation ? state.choice.folder : state.sweepFolder) = folder; });
}

void ExperimentDesk::openPlan(const QString &file)
{
    const SweepPlan plan = readPlan(file.toStdString());
    publish([&plan](ExperimentState &state) { state.plan = plan; });
}

void ExperimentDesk::savePlan(const QString &file) const
{
    writePlan(m_model.state().plan, file.toStdString());
}

void ExperimentDesk::saveRecipe(const QString &file) const
{
    if (m_recipe)
        writeRecipe(*m_recipe, file.toStdString(), true); // the file dialog has asked
}

/// The same for the same model and things to score, so that a run goes on where it was.
QString ExperimentDesk::ownFolder(const QString &kind, const QStringList &what) const
{
    QCryptographicHash hash{QCryptographicHash::Sha256};
    const ModelInfo &model = m_document.model()->info;
    hash.addData(QByteArray::fromStdString(model.name + '\n' + model.sha256 + '\n'));
    hash.addData(what.join(QLatin1Char{'\n'}).toUtf8());
    const QString folder = QDir{m_home}.filePath(kind + QLatin1Char{'-'} + QString::fromLatin1(hash.result().toHex().left(12)));
    QDir{}.mkpath(folder);
    return folder;
}

ExperimentResultPtr ExperimentDesk::made(Result result, const AnalysisKind &kind, const QString &folder) const
{
    const QString model = m_document.model() ? QString::fromStdString(m_document.model()->info.name) : QString();
    return std::make_shared<const ExperimentResult>(ExperimentResult{std::move(result), &kind, model, folder});
}

void ExperimentDesk::run(ExperimentKind kind)
{
    if (running() || !m_model.state().obstacle.isEmpty())
        return;
    try {
        if (kind == ExperimentKind::Evaluation)
            evaluate();
        else if (kind == ExperimentKind::Finding)
            find();
        else
            sweep();
    } catch (...) {
        const QString problem = QString::fromUtf8(currentError().what());
        publish([&](ExperimentState &state) {
            state.work = {};
            state.work.kind = kind;
            state.work.ending = problem;
        });
    }
}

void ExperimentDesk::evaluate()
{
    const EvaluationChoice &choice = m_model.state().choice;
    if (choice.data.isEmpty())
        throw Error{ErrorKind::Usage, "There is nothing to evaluate on", "", "Add a data file"};
    EvaluationPlan plan = evaluationPlan(choice, m_steering.state().recipe);
    QString folder = choice.folder;
    if (folder.isEmpty()) {
        QStringList what{
            QString::number(plan.limit), QString::fromStdString(plan.scoring.separator), QString::number(plan.scoring.maxNewTokens)};
        for (const QString &file : choice.data)
            what << fileState(file);
        for (const NamedRecipe &recipe : plan.recipes)
            what << QString::fromStdString(recipe.name + '\n' + actingPart(recipe.recipe));
        folder = ownFolder(QStringLiteral("evaluation"), what);
    }
    plan.folder = folder.toStdString();
    start(
        ExperimentKind::Evaluation,
        tr("%1 under %2")
            .arg(countOf(choice.data.size(), tr("file"), tr("files")),
                countOf(static_cast<qint64>(plan.recipes.size()) + 1, tr("routing"), tr("routings"))),
        [plan](const Experiment &experiment) -> std::any { return runEvaluation(plan, experiment); },
        [this, folder](std::any result) {
            const auto evaluation = made(std::any_cast<Result>(std::move(result)), evaluationKind(), folder);
            publish([&evaluation](ExperimentState &state) { state.evaluation = evaluation; });
        });
}

void ExperimentDesk::find()
{
    start(
        ExperimentKind::Finding, tr("Tracing the texts of the open half"),
        [plan = checked(m_model.state().plan)](
            const Experiment &experiment) -> std::any { return findingsResult(plan, findSweepExperts(plan, experiment)); },
        [this](std::any result) {
            const auto findings = made(std::any_cast<Result>(std::move(result)), sweepKind(), {});
            publish([&findings](ExperimentState &state) { state.findings = findings; });
        });
}

void ExperimentDesk::sweep()
{
    const SweepPlan plan = checked(m_model.state().plan);
    QString folder = m_model.state().sweepFolder;
    if (folder.isEmpty()) {
        QStringList what{QString::fromStdString(planJson(scoredPart(plan)))};
        for (const RowChoice *rows : {&plan.target, &plan.baseline, &plan.parallel})
            what << fileState(rows->data);
        for (const RowChoice &rows : plan.evaluate)
            what << fileState(rows.data);
        folder = ownFolder(QStringLiteral("steering"), what);
    }
    const auto onFound = [this, plan](const SweepExperts &experts) {
        const auto findings = std::make_shared<Result>(findingsResult(plan, experts));
        QMetaObject::invokeMethod(
            this, [this, findings] { publish([&](ExperimentState &state) { state.findings = made(*findings, sweepKind(), {}); }); });
    };
    start(
        ExperimentKind::Sweep, tr("Tracing the texts of the open half"),
        [plan, folder, onFound](
            const Experiment &experiment) -> std::any { return runSweep(plan, folder.toStdString(), experiment, onFound); },
        [this, folder](std::any result) {
            auto report = std::any_cast<SweepReport>(std::move(result));
            m_recipe = std::move(report.recipe);
            const auto sweep = made(std::move(report.result), sweepKind(), folder);
            publish([&sweep](ExperimentState &state) {
                state.sweep = sweep;
                state.hasRecipe = true;
            });
        });
}

void ExperimentDesk::start(ExperimentKind kind, const QString &stage, Work work, std::function<void(std::any)> done)
{
    m_clock.start();
    m_rate.clear();
    publish([&](ExperimentState &state) {
        state.work = {};
        state.work.kind = kind;
        state.work.running = true;
        state.work.stage = stage;
    });
    emit startedOrEnded();
    const auto showStage = [this](const std::string &text) {
        QMetaObject::invokeMethod(this, [this, said = QString::fromStdString(text)] {
            m_rate.clear();
            publish([&said](ExperimentState &state) { state.work.stage = said; });
        });
    };
    m_runner.run(
        this, tag(),
        [&engine = m_engine, showStage, work = std::move(work)](const Progress &progress) {
            EngineAccess access{engine, tag(), progress.stopToken()};
            return work({access, progress, showStage, [](const std::string &) {}}); // the bar shows what was there already
        },
        [this, done = std::move(done)](std::any result) {
            done(std::move(result));
            end({});
        },
        [this](const Error &error) { end(QString::fromUtf8(error.what())); });
}

void ExperimentDesk::end(const QString &ending)
{
    publish([&ending](ExperimentState &state) {
        state.work.running = false;
        state.work.ending = ending;
        state.work.left.clear();
    });
    emit startedOrEnded();
}

void ExperimentDesk::stop()
{
    m_runner.stop(this, tag());
}

void ExperimentDesk::showProgress(qint64 done, qint64 total, const QString &unit)
{
    if (!running())
        return;
    ExperimentWork work = m_model.state().work;
    if (unit != work.unit)
        m_rate.clear();
    m_rate.add(done, 1e-3 * static_cast<double>(m_clock.elapsed()));
    work.done = done;
    work.total = total;
    work.unit = unit;
    work.left.clear();
    if (m_rate.perSecond() > 0 && m_rate.seconds() > untilEstimate && done < total) {
        const double seconds = static_cast<double>(total - done) / m_rate.perSecond();
        work.left = seconds < 90 ? tr("about %1 s left").arg(static_cast<int>(seconds) + 1)
                                 : tr("about %1 min left").arg(static_cast<int>(seconds / 60) + 1);
    }
    m_model.setWork(work);
    emit progressed(titleOf(work.kind), done, total, unit);
}

} // namespace expertscope
