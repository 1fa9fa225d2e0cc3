// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// AnalysisView: what views of analyses share: a toolbar, settings and definition one click away, run and stop, empty states.
// Nothing runs until the view is painted for the first time, and nothing while it is hidden.
#pragma once

#include "views/common/analysis_run.h"
#include "views/common/effects_offer.h"
#include "views/common/steering_actions.h"
#include "views/common/view.h"

#include <QHash>
#include <QVariantMap>

#include <functional>
#include <memory>
#include <span>
#include <vector>

class QComboBox;
class QHBoxLayout;
class QLabel;
class QSplitter;
class QStackedWidget;
class QTabWidget;
class QTextBrowser;
class QToolButton;

namespace expertscope {

class HeatmapView;

class AnalysisView : public View {
    Q_OBJECT
public:
    AnalysisView(ViewContext context, std::span<const AnalysisKind *const> kinds, QWidget *parent);

    void setSubject(const Subject &subject) override;
    std::string csv() const override; ///< the first table of the result that is shown, with what was measured of its experts
    void fit() override; ///< every part that can be
    QVariantMap saveState() const override; ///< settings of every analysis, and the choices that are kept
    void restoreState(const QVariantMap &state) override;

    /// The analysis the view is about now.
    AnalysisRun *current() const { return m_current; }
    AnalysisRun *run(std::string_view id) const; ///< throws std::out_of_range for one the view was not made with
    /// The result of the current analysis; null = none yet.
    std::shared_ptr<const Result> result() const { return m_current->result(); }
    void setSideShown(int page); ///< 0 = settings, 1 = definition, -1 = none

protected:
    void paintEvent(QPaintEvent *event) override;
    void hideEvent(QHideEvent *event) override;
    void changeEvent(QEvent *event) override;

    /// Shows the result of the current analysis; called when it changes. Never called without a result.
    virtual void showResult() = 0;
    /// Called for a new subject before anything runs; fill choices here.
    virtual void subjectChanged() { }
    /// What the current analysis is given; the trace, and the baseline for an analysis of two.
    virtual AnalysisInput input(const AnalysisKind &kind) const;

    void setCurrent(AnalysisRun *run);
    void setBody(QWidget *body);
    /// Controls of the view go here, left of the shared buttons.
    QHBoxLayout *toolbar() const { return m_toolbar; }
    QComboBox *addBox(const QString &label, const QString &name);
    /// A chart, map or table of the body: what it says and wishes for is said and wished by the view.
    template<typename Part>
    void addPart(Part *part)
    {
        if constexpr (requires { &Part::status; })
            connect(part, &Part::status, this, &View::status);
        if constexpr (requires { &Part::pictureWished; })
            connect(part, &Part::pictureWished, this, &View::pictureWished);
        if constexpr (requires { &Part::numbersWished; })
            connect(part, &Part::numbersWished, this, &View::numbersWished);
        if constexpr (requires { part->fit(); })
            m_fits.push_back([part] { part->fit(); });
        if constexpr (requires { offerSteering(*part, context()); })
            offerSteering(*part, context()); // a table of experts
        if constexpr (requires { offerEffects(*part, context()); })
            offerEffects(*part, context());
    }
    /// A part that is a map of all layers by experts: what is under the mouse there is pointed out in every view, a click selects it, and
    /// its menu steers it.
    void addExpertMap(HeatmapView *map);
    /// A choice that comes back after a restart: by its data, or by its index where it has none.
    void keep(const QString &key, QComboBox *box);
    void keep(const QString &key, QTabWidget *tabs);
    QWidget *labelOf(const QWidget *box) const; ///< the label that addBox gave it
    const Subject &subject() const { return m_subject; }
    /// Trace of the result that is shown; null without one.
    TracePtr resultTrace() const;
    /// Index of a layer by the model's own number; -1 if the trace has none.
    int layerIndex(std::int64_t number) const;
    /// The model's own number of a layer index; -1 outside.
    std::int64_t layerNumber(int index) const;
    void selectLayer(std::int64_t number);
    void selectExpert(std::int64_t layerNumber, int expert);
    /// What a menu over that expert is about; nullopt outside the trace.
    std::optional<ExpertSet> expertsAt(std::int64_t layerNumber, int expert) const;
    void selectGroup(const QString &grouping, const QString &group);
    /// Frame of an exported figure with title and caption of the result; the rectangle left.
    QRectF paintFrame(QPainter &painter, const QRectF &target, const QString &title) const;

private:
    void buildSide();
    void showState();
    void sayWhy(); ///< fills the empty state
    void showProgress();
    void showSide();
    void applyForm();
    void setInputOf(AnalysisRun *run);

    struct Kept {
        QString key;
        std::function<QVariant()> value;
        std::function<void(const QVariant &)> restore;
    };

    Subject m_subject;
    std::vector<Kept> m_kept;
    std::vector<std::function<void()>> m_fits;
    std::vector<AnalysisRun *> m_runs;
    AnalysisRun *m_current = nullptr;
    std::shared_ptr<const Result> m_shown;
    bool m_seen = false;

    QHBoxLayout *m_toolbar = nullptr;
    QLabel *m_stateText = nullptr;
    QToolButton *m_stop = nullptr;
    QToolButton *m_settings = nullptr;
    QToolButton *m_definition = nullptr;
    QSplitter *m_split = nullptr;
    QStackedWidget *m_pages = nullptr; ///< 0 = empty state, 1 = body
    QWidget *m_empty = nullptr;
    QStackedWidget *m_side = nullptr;
    QStackedWidget *m_forms = nullptr;
    QTextBrowser *m_text = nullptr;
    QHash<AnalysisRun *, ParamForm *> m_formOf;
};

} // namespace expertscope
