// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// View: a widget that shows values and emits wishes. It never runs the model, opens no file and blocks on nothing:
// work that is more than a screenful goes through ViewContext::job.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/summary.h"
#include "engine/core/trace.h"
#include "views/common/effects_model.h"
#include "views/common/routes_model.h"
#include "views/common/selection.h"
#include "views/common/steering_model.h"

#include <QRectF>
#include <QString>
#include <QVariantMap>
#include <QWidget>

#include <any>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

class QPainter;

namespace expertscope {

/// What views look at: immutable, replaced as a whole. Any part may be null while it is not there yet.
struct Subject {
    TracePtr trace;
    std::shared_ptr<const RoutingSummary> byLanguage;
    std::shared_ptr<const RoutingSummary> byDomain;
    std::function<std::string(std::int32_t)> textOfToken; ///< bytes of a token id, from any thread; null while no model is open
    QString title; ///< of the trace
    TracePtr baseline; ///< another open trace, to compare with; null = none chosen
    QString baselineKey;
    /// The other open traces: what can be the baseline.
    struct Other {
        QString key, title;
        bool operator==(const Other &) const = default;
    };
    std::vector<Other> others;
};

class ExperimentModel;

struct ViewContext {
    SelectionModel *selection = nullptr;
    SteeringModel *steering = nullptr; ///< null where nothing can be steered
    EffectsModel *effects = nullptr; ///< null where no effect of an expert can be measured
    RoutesModel *routes = nullptr; ///< null where no other routes can be tried
    /// Runs work(progress) on the analysis pool and done(result) on the UI thread; a newer job of the same tag replaces an older
    /// one, whose done is never called. done is dropped if `owner` dies first.
    std::function<void(
        QObject *owner, const QString &tag, std::function<std::any(const Progress &)> work, std::function<void(std::any)> done)>
        job;
    /// Stops the job of that owner and tag; its done is not called.
    std::function<void(QObject *owner, const QString &tag)> stop;
    ExperimentModel *experiments = nullptr; ///< null where no model can be run
};

/// ViewContext::job for work that returns a copyable value and a done that takes it.
template<typename Work, typename Done>
void runJob(const ViewContext &context, QObject *owner, const QString &tag, Work work, Done done)
{
    using Value = std::invoke_result_t<Work, const Progress &>;
    context.job(
        owner, tag, [work = std::move(work)](const Progress &progress) -> std::any { return work(progress); },
        [done = std::move(done)](std::any result) { done(std::any_cast<Value>(std::move(result))); });
}

class View : public QWidget {
    Q_OBJECT
public:
    explicit View(ViewContext context, QWidget *parent = nullptr);

    virtual void setSubject(const Subject &subject) = 0;
    /// Paints what is shown, with axis titles, units, legend and n, into `target`; used for PNG, SVG and PDF.
    virtual void paintFigure(QPainter &painter, const QRectF &target) = 0;
    /// The numbers behind what is shown, as CSV with a header row; UTF-8.
    virtual std::string csv() const = 0;
    /// csv() as work for another thread, on what is shown now; for views whose numbers may be many.
    virtual std::function<std::string()> csvWork() const
    {
        return [text = csv()] { return text; };
    }
    /// Zoom so that everything is visible (F).
    virtual void fit() { }
    /// Opens the view's find bar (Ctrl+F); false if it has none.
    virtual bool find() { return false; }
    /// Settings of the view (metric, colour map, mode): written to the session and given back after a restart. Unknown keys are ignored.
    virtual QVariantMap saveState() const { return {}; }
    virtual void restoreState(const QVariantMap &) { }

signals:
    void status(const QString &text); ///< what the cursor is on, in words
    void pictureWished(); ///< the person asked to save this view as a picture
    void numbersWished(); ///< ... or its numbers as CSV
    void baselineWished(const QString &key); ///< the person chose another trace to compare with; a key of Subject::others, empty = none

protected:
    const ViewContext &context() const { return m_context; }

private:
    ViewContext m_context;
};

struct ViewKind {
    const char *id; ///< "tokens"; also the objectName
    const char *title; ///< "Tokens"
    const char *help; ///< one or two sentences, shown by ? and in the menu
    View *(*make)(ViewContext context, QWidget *parent);
};

/// One line of the `?` list: what a key or gesture does in the views.
struct KeyHelp {
    const char *keys;
    const char *what;
};
std::span<const KeyHelp> viewKeys();

/// The list of centre views (views/view_kinds.cpp); menus, shortcuts, export and tests run over it.
std::span<const ViewKind> viewKinds();

} // namespace expertscope
