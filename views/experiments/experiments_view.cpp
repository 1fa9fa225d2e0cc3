// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/experiments/experiments_view.h"

#include "engine/core/error.h"
#include "views/common/experiment_model.h"
#include "views/common/heatmap_view.h"
#include "views/common/result_pages.h"
#include "views/common/result_table.h"
#include "views/common/steering_actions.h"
#include "views/experiments/evaluate_page.h"
#include "views/experiments/result_panel.h"
#include "views/experiments/sweep_page.h"

#include <QTabWidget>
#include <QVBoxLayout>

namespace expertscope {

namespace {

QVariantMap saved(const ParamValues &values)
{
    QVariantMap map;
    for (const auto &[id, value] : values)
        map.insert(QString::fromStdString(id), QString::fromStdString(value));
    return map;
}

ParamValues restored(const QVariantMap &map)
{
    ParamValues values;
    for (auto at = map.begin(); at != map.end(); ++at)
        values.emplace_back(at.key().toStdString(), at.value().toString().toStdString());
    return values;
}

} // namespace

ExperimentsView::ExperimentsView(ViewContext context, QWidget *parent)
    : View{std::move(context), parent}
    , m_tabs{new QTabWidget(this)}
    , m_evaluate{new EvaluatePage(*this->context().experiments, this->context().steering, this)}
    , m_sweep{new SweepPage(*this->context().experiments, this)}
{
    setObjectName(QStringLiteral("experiments"));
    m_tabs->setObjectName(QStringLiteral("experimentPages"));
    m_tabs->setDocumentMode(true);
    m_tabs->addTab(m_evaluate, QStringLiteral("Evaluate"));
    m_tabs->addTab(m_sweep, QStringLiteral("Multilingual recipe"));
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_tabs);
    connectResults(m_evaluate->results());
    connectResults(m_sweep->results());
}

void ExperimentsView::connectResults(ResultPanel *panel)
{
    ResultPages *pages = panel->pages();
    connect(pages, &ResultPages::status, this, &View::status);
    connect(pages, &ResultPages::pictureWished, this, &View::pictureWished);
    connect(pages, &ResultPages::numbersWished, this, &View::numbersWished);
    offerSteering(*pages->rows(), context());
    offerSteering(*pages->map(), context(), [pages](int row, std::int64_t column) -> std::optional<ExpertSet> {
        const Matrix *shown = pages->matrix();
        if (!shown || row < 0 || shown->rowTitle != "Layer" || shown->columnTitle != "Expert")
            return std::nullopt;
        return ExpertSet{
            std::stoi(shown->rows[static_cast<std::size_t>(row)]), {std::stoi(shown->columns[static_cast<std::size_t>(column)])}};
    });
}

ResultPanel *ExperimentsView::results() const
{
    return m_tabs->currentWidget() == m_evaluate ? m_evaluate->results() : m_sweep->results();
}

void ExperimentsView::showSweep() const
{
    m_tabs->setCurrentWidget(m_sweep);
}

void ExperimentsView::setSubject(const Subject &) { }

void ExperimentsView::paintFigure(QPainter &painter, const QRectF &target)
{
    results()->paintFigure(painter, target);
}

std::string ExperimentsView::csv() const
{
    return results()->csv();
}

void ExperimentsView::fit()
{
    results()->pages()->fit();
}

QVariantMap ExperimentsView::saveState() const
{
    const ExperimentState &state = context().experiments->state();
    return {{QStringLiteral("page"), m_tabs->currentIndex()}, {QStringLiteral("data"), state.choice.data},
        {QStringLiteral("recipes"), state.choice.recipes}, {QStringLiteral("steering"), state.choice.steering},
        {QStringLiteral("settings"), saved(state.choice.values)}, {QStringLiteral("folder"), state.choice.folder},
        {QStringLiteral("plan"), QString::fromStdString(planJson(state.plan))}};
}

void ExperimentsView::restoreState(const QVariantMap &state)
{
    m_tabs->setCurrentIndex(std::clamp(state.value(QStringLiteral("page")).toInt(), 0, m_tabs->count() - 1));
    EvaluationChoice choice;
    choice.data = state.value(QStringLiteral("data")).toStringList();
    choice.recipes = state.value(QStringLiteral("recipes")).toStringList();
    choice.steering = state.value(QStringLiteral("steering")).toBool();
    choice.values = restored(state.value(QStringLiteral("settings")).toMap());
    choice.folder = state.value(QStringLiteral("folder")).toString();
    emit context().experiments->choiceWished(choice);
    try {
        emit context().experiments->planWished(parsePlan(state.value(QStringLiteral("plan")).toString().toStdString(), "the last session"));
    } catch (const Error &) {
        // nothing that can be gone on with: the plan stays what the program begins with
    }
}

} // namespace expertscope
