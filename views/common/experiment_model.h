// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ExperimentModel: what experiments the window is set up for, what runs and what came out; and what persons wish to change, for whoever
// can run them.
#pragma once

#include "engine/analysis/analysis.h"
#include "engine/core/params.h"
#include "engine/experiments/sweep_plan.h"

#include <QObject>
#include <QString>
#include <QStringList>

#include <functional>
#include <memory>
#include <span>

namespace expertscope {

enum class ExperimentKind { None, Evaluation, Finding, Sweep };

/// Of the one experiment that runs, or of the last one.
struct ExperimentWork {
    ExperimentKind kind = ExperimentKind::None;
    bool running = false;
    QString stage; ///< what is being done, in a sentence
    qint64 done = 0, total = 0; ///< total 0 = not known
    QString unit;
    QString left; ///< time that is left, in words; empty = not known
    QString ending; ///< why it ended without a result; empty = it did not
};

struct EvaluationChoice {
    QStringList data; ///< files
    bool steering = false; ///< try the recipe of the Steering view
    QStringList recipes; ///< recipe files to be tried
    ParamValues values; ///< of evaluationKind() and scoringParams()
    QString folder; ///< for scores and result; empty = one of the program's own
    bool operator==(const EvaluationChoice &) const = default;
};
/// What file dialogs offer for data.
QString dataFilter();
/// Settings of an evaluation that are not those of its comparison.
std::span<const ParamKind> scoringParams();

/// Something that was computed, with what a reader must know of it.
struct ExperimentResult {
    Result result;
    const AnalysisKind *kind = nullptr;
    QString model; ///< name of the model it is of
    QString folder; ///< where its files are; empty = nowhere
};
using ExperimentResultPtr = std::shared_ptr<const ExperimentResult>;

struct ExperimentState {
    QString obstacle; ///< why nothing can be run, and what to do; empty = nothing is in the way
    ExperimentWork work;
    QStringList bundledData; ///< evaluation data that the program brings
    bool hasDemoPlan = false;
    EvaluationChoice choice;
    ExperimentResultPtr evaluation; ///< null before the first
    SweepPlan plan; ///< names its data by whole paths
    QString sweepFolder; ///< as EvaluationChoice::folder
    ExperimentResultPtr findings, sweep; ///< null before the first
    bool hasRecipe = false; ///< the sweep has chosen one
};

/// What is done with files that were chosen.
using TakeFiles = std::function<void(const QStringList &)>;

class ExperimentModel : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;
    const ExperimentState &state() const { return m_state; }
    void setState(ExperimentState state);
    void setWork(ExperimentWork work); ///< how far it is: says progressed() alone

Q_SIGNALS:
    void changed();
    void progressed();
    // wishes
    void choiceWished(const expertscope::EvaluationChoice &choice);
    /// A dialog for files that are there; `take` is called with what was chosen, if anything was.
    void filesWished(const QString &title, const QString &filter, const expertscope::TakeFiles &take);
    void folderWished(expertscope::ExperimentKind kind); ///< a dialog for the folder of Evaluation or Sweep
    void planWished(const expertscope::SweepPlan &plan);
    void openPlanWished();
    void savePlanWished();
    void demoPlanWished();
    void runWished(expertscope::ExperimentKind kind);
    void stopWished();
    void tryRecipeWished(); ///< the chosen recipe in the Steering view
    void saveRecipeWished();

private:
    ExperimentState m_state;
};

} // namespace expertscope
