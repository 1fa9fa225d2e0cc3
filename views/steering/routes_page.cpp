// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/steering/routes_page.h"

#include "engine/analysis/result_text.h"
#include "views/common/axis.h"
#include "views/common/result_figure.h"
#include "views/common/result_table.h"
#include "views/common/series_chart.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QSpinBox>
#include <QSplitter>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr int mostRoutes = 1000;

const Route &routeAt(const RoutesOutcome &outcome, int row)
{
    return row == 0 ? outcome.routes.own : outcome.routes.others[static_cast<std::size_t>(row) - 1];
}

} // namespace

Edit editOf(const RoutesOutcome &outcome, const Route &route)
{
    LayerExperts others{outcome.layer, false, {}};
    for (int expert = 0; expert < outcome.experts; ++expert)
        if (!std::binary_search(route.experts.begin(), route.experts.end(), expert))
            others.experts.push_back(expert);
    Edit edit;
    edit.op = "exclude";
    edit.experts = {std::move(others)};
    edit.tokens.kind = TokenSpan::Kind::Position;
    edit.tokens.position = outcome.position;
    return edit;
}

RoutesPage::RoutesPage(ViewContext context, QWidget *parent)
    : QWidget{parent}
    , m_context{std::move(context)}
    , m_where{new QLabel(this)}
    , m_numbers{new QLabel(this)}
    , m_routes{new QSpinBox(this)}
    , m_try{new QPushButton(QStringLiteral("&Try this set"), this)}
    , m_pages{new QStackedWidget(this)}
    , m_obstacle{new QLabel(this)}
    , m_chart{new SeriesChart(this)}
    , m_table{new ResultTable(this)}
{
    setObjectName(QStringLiteral("routesPage"));
    m_where->setObjectName(QStringLiteral("routesOf"));
    m_where->setTextFormat(Qt::PlainText);
    m_numbers->setObjectName(QStringLiteral("routeNumbers"));
    m_numbers->setWordWrap(true);
    m_numbers->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_numbers->setToolTip(QString::fromUtf8(routeKind().definition.data(), static_cast<qsizetype>(routeKind().definition.size())));
    m_routes->setObjectName(QStringLiteral("routeCount"));
    m_routes->setRange(1, mostRoutes);
    m_routes->setSingleStep(16);
    m_routes->setKeyboardTracking(false);
    m_routes->setToolTip(QStringLiteral("Other sets of experts at most; where there are not more, every set is tried"));
    m_try->setObjectName(QStringLiteral("tryRoute"));
    m_try->setToolTip(QStringLiteral("Adds to the recipe that this token takes these experts in this layer"));
    m_obstacle->setObjectName(QStringLiteral("routesObstacle"));
    m_obstacle->setWordWrap(true);
    m_obstacle->setAlignment(Qt::AlignCenter);
    m_obstacle->setMargin(24);
    m_chart->setObjectName(QStringLiteral("routeScatter"));

    auto *bar = new QHBoxLayout;
    bar->setContentsMargins(6, 6, 6, 0);
    bar->addWidget(m_where, 1);
    auto *label = new QLabel(QStringLiteral("Other &sets:"), this);
    label->setBuddy(m_routes);
    bar->addWidget(label);
    bar->addWidget(m_routes);
    bar->addWidget(m_try);
    auto *split = new QSplitter(Qt::Vertical, this);
    split->setChildrenCollapsible(false);
    split->addWidget(m_chart);
    split->addWidget(m_table);
    split->setSizes({1200, 900});
    auto *outcome = new QWidget(this);
    auto *inner = new QVBoxLayout(outcome);
    inner->setContentsMargins(0, 0, 0, 0);
    m_numbers->setContentsMargins(6, 4, 6, 4);
    inner->addWidget(m_numbers);
    inner->addWidget(split, 1);
    m_pages->addWidget(m_obstacle);
    m_pages->addWidget(outcome);
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addLayout(bar);
    column->addWidget(m_pages, 1);

    connect(m_context.routes, &RoutesModel::changed, this, &RoutesPage::showState);
    connect(m_routes, &QSpinBox::valueChanged, this, [this](int routes) {
        emit m_context.routes->settingsWished({{"routes", std::to_string(routes)}});
    });
    connect(m_chart, &SeriesChart::picked, this, [this](int row, int) { showRoute(row); });
    connect(m_table, &ResultTable::rowPicked, this, [this](qulonglong row) { showRoute(static_cast<int>(row)); });
    connect(m_try, &QPushButton::clicked, this, &RoutesPage::tryRoute);
    connect(m_chart, &SeriesChart::status, this, &RoutesPage::status);
    connect(m_chart, &SeriesChart::pictureWished, this, &RoutesPage::pictureWished);
    connect(m_chart, &SeriesChart::numbersWished, this, &RoutesPage::numbersWished);
    connect(m_table, &ResultTable::numbersWished, this, &RoutesPage::numbersWished);
    showState();
}

void RoutesPage::showState()
{
    const RoutesState &state = m_context.routes->state();
    for (const auto &[id, value] : state.settings)
        if (id == "routes") {
            const QSignalBlocker quiet(m_routes);
            m_routes->setValue(std::stoi(value));
        }
    m_obstacle->setText(!state.obstacle.isEmpty() ? state.obstacle
            : state.running                       ? QStringLiteral("Trying other experts…")
                                                  : state.problem);
    m_pages->setCurrentIndex(state.outcome && state.obstacle.isEmpty() && state.problem.isEmpty() ? 1 : 0);
    if (m_shown != state.outcome) {
        m_shown = state.outcome;
        if (m_shown)
            showOutcome();
    }
    m_where->setText(
        m_shown && state.obstacle.isEmpty() ? caption() + (state.running ? QStringLiteral(" – running…") : QString()) : QString());
    m_try->setEnabled(m_shown && m_route >= 0 && m_context.steering && !state.running);
}

QString RoutesPage::caption() const
{
    return QStringLiteral("token “%1” at position %2, layer %3; next “%4”")
        .arg(m_shown->token)
        .arg(m_shown->position)
        .arg(m_shown->layer)
        .arg(m_shown->next);
}

void RoutesPage::showOutcome()
{
    const Result &result = m_shown->result;
    m_chart->setSeries(result.serie("routes"));
    m_table->setTable(result.table("routes"));
    const auto value = [&](const char *id) { return numberText(result.number(id).value); };
    m_numbers->setText(
        QStringLiteral("probability of the next token <b>%1</b> · router's mass of its own set <b>%2</b> · regret <b>%3</b> nats · "
                       "better sets <b>%4 %</b> · agreement of router and effect <b>%5</b> (tau-b, chance 0)"
                       "<br/><small>n = %6; one token, so no interval</small>")
            .arg(value("probability"), value("confidence"), value("regret"), numberText(100 * m_shown->routes.better), value("agreement"),
                m_shown->routes.everySet
                    ? QStringLiteral("all %1 other sets").arg(m_shown->routes.others.size())
                    : QStringLiteral("%1 other sets, drawn with the router's probabilities").arg(m_shown->routes.others.size())));
    showRoute(m_shown->routes.others.empty() ? -1 : 1);
}

void RoutesPage::showRoute(int row)
{
    m_route = row;
    PlotMarks marks;
    marks.dot = row;
    m_chart->setMarks(marks);
    m_try->setEnabled(row >= 0 && m_context.steering);
    if (row >= 0)
        m_try->setText(QStringLiteral("&Try experts %1").arg(QString::fromStdString(routeName(routeAt(*m_shown, row)))));
}

void RoutesPage::tryRoute()
{
    if (!m_shown || m_route < 0)
        return;
    Recipe recipe = m_context.steering->state().recipe;
    recipe.edits.push_back(editOf(*m_shown, routeAt(*m_shown, m_route)));
    emit m_context.steering->recipeWished(recipe, false);
    emit tried();
}

void RoutesPage::paintFigure(QPainter &painter, const QRectF &target) const
{
    const FigureLook look = FigureLook::print(font());
    if (!m_shown)
        paintEmptyState(painter, target, look, QStringLiteral("No token was tried yet"), m_obstacle->text());
    else
        paintSeries(painter, target, m_shown->result.serie("routes"), look,
            caption() + QStringLiteral("; %1. ").arg(m_shown->text) + resultCaption(m_shown->result, routeKind(), {}));
}

std::string RoutesPage::csv() const
{
    return m_shown ? expertscope::csv(m_shown->result.table("routes")) : std::string();
}

} // namespace expertscope
