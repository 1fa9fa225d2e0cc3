// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/steering/effects_page.h"

#include "engine/analysis/result_text.h"
#include "engine/analysis/statistics.h"
#include "views/common/axis.h"
#include "views/common/param_form.h"
#include "views/common/result_figure.h"
#include "views/common/result_parts.h"
#include "views/common/series_chart.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QSplitter>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <set>

namespace expertscope {

namespace {

constexpr std::size_t permutations = 2000;
constexpr std::uint64_t seed = 42;

/// The first row of each expert that was measured.
std::vector<std::size_t> measuredRows(const Table &table, const EffectsState &state)
{
    std::vector<std::size_t> rows;
    if (!state.effects)
        return rows;
    std::set<ExpertPlace> seen;
    const std::vector<ExpertPlace> experts = expertsOf(table);
    for (std::size_t row = 0; row < experts.size(); ++row)
        if (state.effects->contains(experts[row]) && seen.insert(experts[row]).second)
            rows.push_back(row);
    return rows;
}

} // namespace

std::vector<std::string> scoresOf(const Table &ranking)
{
    std::vector<std::string> scores;
    for (const Column &column : ranking.columns) {
        std::vector<double> numbers = numbersOf(column);
        std::erase_if(numbers, [](double x) { return std::isnan(x); });
        const bool differ = std::adjacent_find(numbers.begin(), numbers.end(), std::not_equal_to<>{}) != numbers.end();
        if (differ && column.name != "layer" && column.name != "expert")
            scores.push_back(column.name);
    }
    return scores;
}

Series effectScatter(const ExpertRanking &ranking, const std::string &score, const EffectsState &state)
{
    const std::vector<std::size_t> rows = measuredRows(ranking.table, state);
    const Column *column = columnOf(ranking.table, score);
    if (rows.empty() || !column)
        return {};
    Series series{.id = "score-and-effect",
        .title = "Score and effect of experts: " + ranking.title.toStdString(),
        .xTitle = withUnit(score, column->unit).replace(u'_', u' ').toStdString(),
        .yTitle = "Loss without the expert, less with it",
        .unit = "nats",
        .x = {},
        .curves = {{Curve::Role::Chance, "no effect", {}, {}, {}}, {Curve::Role::Data, "experts", {}, {}, {}}},
        .dots = true,
        .names = {}};
    const std::vector<double> scores = numbersOf(*column);
    const std::vector<ExpertPlace> experts = expertsOf(ranking.table);
    Curve &dots = series.curves.back();
    for (const std::size_t row : rows) {
        const PairedDifference &loss = state.effects->at(experts[row]).loss;
        series.x.push_back(scores[row]);
        series.names.push_back("layer " + std::to_string(experts[row].layer) + ", expert " + std::to_string(experts[row].expert));
        dots.y.push_back(loss.difference);
        dots.low.push_back(loss.interval.low);
        dots.high.push_back(loss.interval.high);
    }
    series.curves.front().y.assign(series.x.size(), 0.0);
    return series;
}

EffectsPage::EffectsPage(ViewContext context, QWidget *parent)
    : QWidget{parent}
    , m_context{std::move(context)}
    , m_score{new QComboBox(this)}
    , m_form{new ParamForm(effectsParams(), this)}
    , m_measure{new QPushButton(this)}
    , m_title{new QLabel(this)}
    , m_caption{new QLabel(this)}
    , m_chart{new SeriesChart(this)}
{
    setObjectName(QStringLiteral("effectsPage"));
    m_score->setObjectName(QStringLiteral("score"));
    m_score->setAccessibleName(QStringLiteral("Score of the experts"));
    m_score->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_measure->setObjectName(QStringLiteral("measureRanking"));
    m_caption->setObjectName(QStringLiteral("scatterCaption"));
    m_chart->setObjectName(QStringLiteral("effectScatter"));
    for (QLabel *label : {m_title, m_caption}) {
        label->setWordWrap(true);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    }
    auto *side = new QWidget(this);
    auto *sideColumn = new QVBoxLayout(side);
    auto *heading = new QLabel(QStringLiteral("<b>What is measured</b>"), side);
    sideColumn->addWidget(heading);
    sideColumn->addWidget(m_form);
    sideColumn->addWidget(m_measure);
    sideColumn->addStretch(1);
    auto *scroll = new QScrollArea(this);
    scroll->setWidget(side);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setMinimumWidth(fontMetrics().averageCharWidth() * 32);
    auto *bar = new QHBoxLayout;
    auto *label = new QLabel(QStringLiteral("Sc&ore:"), this);
    label->setBuddy(m_score);
    bar->addWidget(label);
    bar->addWidget(m_score);
    bar->addWidget(m_title, 1);
    auto *right = new QWidget(this);
    auto *column = new QVBoxLayout(right);
    column->setContentsMargins(6, 6, 6, 6);
    column->addLayout(bar);
    column->addWidget(m_chart, 1);
    column->addWidget(m_caption);
    auto *split = new QSplitter(Qt::Horizontal, this);
    split->setChildrenCollapsible(false);
    split->addWidget(scroll);
    split->addWidget(right);
    split->setStretchFactor(1, 1);
    split->setSizes({230, 900});
    auto *whole = new QVBoxLayout(this);
    whole->setContentsMargins(0, 0, 0, 0);
    whole->addWidget(split);

    connect(m_score, &QComboBox::currentIndexChanged, this, &EffectsPage::showScatter);
    connect(m_form, &ParamForm::changed, this, [this] { emit m_context.effects->settingsWished(m_form->values()); });
    connect(m_measure, &QPushButton::clicked, this, &EffectsPage::measureOrStop);
    connect(m_context.effects, &EffectsModel::changed, this, &EffectsPage::showState);
    connect(m_context.selection, &SelectionModel::changed, this, &EffectsPage::showSelection);
    connect(m_chart, &SeriesChart::picked, this, [this](int dot, int) {
        if (layerIndex(dot) < 0)
            return;
        Selection next = m_context.selection->value();
        next.layer = layerIndex(dot);
        next.experts = {m_dots[static_cast<std::size_t>(dot)].expert};
        m_context.selection->set(next);
    });
    connect(m_chart, &SeriesChart::hovered, this, [this](int dot, int) {
        m_context.selection->setHover(
            layerIndex(dot) < 0 ? Hover{} : Hover{-1, layerIndex(dot), m_dots[static_cast<std::size_t>(dot)].expert});
    });
    connect(m_chart, &SeriesChart::status, this, &EffectsPage::status);
    connect(m_chart, &SeriesChart::pictureWished, this, &EffectsPage::pictureWished);
    connect(m_chart, &SeriesChart::numbersWished, this, &EffectsPage::numbersWished);
    showState();
}

void EffectsPage::setTrace(TracePtr trace)
{
    m_trace = std::move(trace);
    showSelection();
}

int EffectsPage::layerIndex(int dot) const
{
    if (!m_trace || dot < 0 || dot >= std::ssize(m_dots))
        return -1;
    const std::vector<int> &layers = m_trace->meta().layers;
    const auto at = std::find(layers.begin(), layers.end(), m_dots[static_cast<std::size_t>(dot)].layer);
    return at == layers.end() ? -1 : static_cast<int>(at - layers.begin());
}

void EffectsPage::showState()
{
    const EffectsState &state = m_context.effects->state();
    m_form->setValues(state.settings);
    m_measure->setText(state.running ? QStringLiteral("Stop measuring") : QStringLiteral("Measure this ranking"));
    m_measure->setEnabled(state.obstacle.isEmpty() && (state.ranking || state.running));
    m_measure->setToolTip(state.obstacle);
    if (m_ranking != state.ranking) {
        m_ranking = state.ranking;
        showRanking();
    }
    showScatter();
}

void EffectsPage::showRanking()
{
    const QSignalBlocker quiet(m_score);
    const QString before = m_score->currentText();
    m_score->clear();
    for (const std::string &score : scoresOf(m_ranking->table))
        m_score->addItem(QString::fromStdString(score));
    const int value = m_score->findText(QStringLiteral("value")), same = m_score->findText(before);
    m_score->setCurrentIndex(std::max(0, same >= 0 ? same : value));
    m_title->setText(QStringLiteral("of \"%1\"").arg(m_ranking->title));
}

void EffectsPage::showScatter()
{
    const EffectsState &state = m_context.effects->state();
    Series series = m_ranking ? effectScatter(*m_ranking, m_score->currentText().toStdString(), state) : Series{};
    m_dots.clear();
    if (!series.x.empty()) {
        const std::vector<ExpertPlace> experts = expertsOf(m_ranking->table);
        for (const std::size_t row : measuredRows(m_ranking->table, state))
            m_dots.push_back(experts[row]);
    }
    if (!state.obstacle.isEmpty())
        m_chart->setEmptyText(QStringLiteral("Nothing can be measured here"), state.obstacle);
    else if (!m_ranking)
        m_chart->setEmptyText(QStringLiteral("No ranking was chosen yet"),
            QStringLiteral("A table of experts offers it in any view: Measure effects, and in its menu the scatter."));
    else
        m_chart->setEmptyText(QStringLiteral("Nothing was measured yet"),
            state.running ? QStringLiteral("Running the texts…") : QStringLiteral("Measure this ranking with the button on the left."));
    m_chart->setSeries(std::move(series));
    m_caption->setText(caption());
    showSelection();
}

void EffectsPage::showSelection()
{
    const Selection &selection = m_context.selection->value();
    PlotMarks marks;
    for (int dot = 0; dot < std::ssize(m_dots); ++dot)
        if (layerIndex(dot) == selection.layer
            && std::binary_search(selection.experts.begin(), selection.experts.end(), m_dots[static_cast<std::size_t>(dot)].expert))
            marks.dot = dot;
    m_chart->setMarks(marks);
}

QString EffectsPage::caption() const
{
    const Series &series = m_chart->series();
    if (series.x.empty())
        return {};
    const EffectsState &state = m_context.effects->state();
    const Correlation rho = spearman(series.x, series.curves.back().y, state.running ? 0 : permutations, seed);
    QString text = QStringLiteral("n = %1").arg(countText(rho.n, "expert"));
    if (std::isnan(rho.r))
        text += QStringLiteral("; too few, or too alike, for a rank correlation");
    else {
        text = QStringLiteral("Spearman's rank correlation %1").arg(numberText(rho.r));
        if (!std::isnan(rho.interval.low))
            text += QStringLiteral(" [%1, %2]").arg(numberText(rho.interval.low), numberText(rho.interval.high));
        if (!std::isnan(rho.p))
            text += QStringLiteral(", p = %1 (%2 permutations)").arg(numberText(rho.p), countText(permutations));
        text += QStringLiteral(", chance 0, n = %1").arg(countText(rho.n, "expert"));
    }
    text += QStringLiteral(". Whiskers: 95 % intervals. ");
    if (const Column *score = columnOf(m_ranking->table, m_score->currentText().toStdString()); score && !score->help.empty())
        text += QStringLiteral("Score: %1. ").arg(QString::fromStdString(score->help));
    if (series.x.size() < m_ranking->table.rows())
        text += QStringLiteral("An expert that has several rows counts once, by its first. ");
    return text + effectsCaption(state) + u'.';
}

void EffectsPage::measureOrStop()
{
    EffectsModel *effects = m_context.effects;
    if (effects->state().running)
        emit effects->stopWished();
    else
        emit effects->wished(expertsOf(m_ranking->table));
}

void EffectsPage::paintFigure(QPainter &painter, const QRectF &target) const
{
    const FigureLook look = FigureLook::print(font());
    const Series &series = m_chart->series();
    if (series.x.empty())
        paintEmptyState(painter, target, look, QStringLiteral("Nothing was measured yet"), {});
    else
        paintSeries(painter, target, series, look, caption(), {});
}

std::string EffectsPage::csv() const
{
    if (m_dots.empty())
        return {};
    const Series &series = m_chart->series();
    std::vector<std::int64_t> layer, expert;
    for (const ExpertPlace &dot : m_dots) {
        layer.push_back(dot.layer);
        expert.push_back(dot.expert);
    }
    const Table table{"score-and-effect", series.title,
        {{"layer", "", "The model's own number", std::move(layer)}, {"expert", "", "Number in its layer", std::move(expert)},
            {m_score->currentText().toStdString(), "", "Score", series.x}}};
    return expertscope::csv(withEffects(table, m_context.effects));
}

} // namespace expertscope
