// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ExperimentDesk: evaluations and steering experiments of the window: runs what persons set up, one at a time, on a thread of its own that
// borrows the engine's model; keeps the scores in folders, so that what was stopped goes on, here or on the command line.
#pragma once

#include "app/document.h"
#include "app/engine_thread.h"
#include "app/experiments/experiment.h"
#include "app/job_runner.h"
#include "app/recent_rate.h"
#include "engine/core/recipe.h"
#include "views/common/experiment_model.h"
#include "views/common/steering_model.h"

#include <QElapsedTimer>
#include <QObject>

#include <any>
#include <functional>
#include <optional>

namespace expertscope {

class ExperimentDesk : public QObject {
    Q_OBJECT
public:
    /// All outlive the desk.
    ExperimentDesk(Document &document, EngineThread &engine, SteeringModel &steering, QObject *parent = nullptr);

    static QString tag() { return QStringLiteral("experiment"); }
    ExperimentModel &model() { return m_model; }
    bool running() const { return m_model.state().work.running; }

    /// Where experiments are kept that were given no folder; made when needed.
    void setHome(const QString &folder) { m_home = folder; }
    /// What the program brings: evaluation data, and whether there is a plan.
    void setBundled(const QStringList &data, bool hasPlan);
    /// Recipes to be tried; all else to evaluate on.
    void addToEvaluation(const QStringList &files);
    void setFolder(ExperimentKind kind, const QString &folder);
    void openPlan(const QString &file); ///< throws Error (Input)
    void savePlan(const QString &file) const; ///< throws Error (Input)
    void saveRecipe(const QString &file) const; ///< the chosen one; throws Error (Input)

    void run(ExperimentKind kind);
    void stop();

signals:
    void startedOrEnded();
    void progressed(const QString &what, qint64 done, qint64 total, const QString &unit);
    void recipeChosen(const expertscope::Recipe &recipe); ///< a person wants to try it

private:
    using Work = std::function<std::any(const Experiment &)>; ///< on the experiment's thread
    void publish(const std::function<void(ExperimentState &)> &change);
    void refreshObstacle();
    void start(ExperimentKind kind, const QString &stage, Work work, std::function<void(std::any)> done);
    void end(const QString &ending);
    void showProgress(qint64 done, qint64 total, const QString &unit);
    void evaluate();
    void find();
    void sweep();
    ExperimentResultPtr made(Result result, const AnalysisKind &kind, const QString &folder) const;
    QString ownFolder(const QString &kind, const QStringList &what) const;

    Document &m_document;
    EngineThread &m_engine;
    SteeringModel &m_steering;
    ExperimentModel m_model;
    QString m_home;
    std::optional<Recipe> m_recipe; ///< the chosen one of the last sweep
    QElapsedTimer m_clock;
    RecentRate m_rate; ///< of the stage
    JobRunner m_runner; ///< last: it ends before anything it uses
};

} // namespace expertscope
