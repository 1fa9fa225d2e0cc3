// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/balance/balance_view.h"

#include "views/common/axis.h"
#include "views/common/heatmap_view.h"
#include "views/common/result_figure.h"
#include "views/common/result_parts.h"
#include "views/common/series_chart.h"

#include <QComboBox>
#include <QSplitter>

#include <algorithm>
#include <array>
#include <cmath>

namespace expertscope {

namespace {

constexpr const char *analysisId = "load-balance";

struct Measure {
    const char *column, *title;
    const char *chance; ///< column of the chance level; null = none
};
constexpr std::array measuresOfBalance{
    Measure{"cv", "Coefficient of variation", "cv_chance"},
    Measure{"gini", "Gini coefficient", nullptr},
    Measure{"entropy", "Entropy over its maximum", nullptr},
    Measure{"effective_experts", "Effective experts", nullptr},
    Measure{"max_over_mean", "Largest load over mean load", nullptr},
    Measure{"min_over_mean", "Smallest load over mean load", nullptr},
    Measure{"top_tenth_share", "Share of the busiest tenth of the experts", nullptr},
    Measure{"gate_mass_cv", "Coefficient of variation of gate mass", nullptr},
    Measure{"max_vio_batch", "MaxVio over batches", nullptr},
    Measure{"dead", "Dead experts", nullptr},
    Measure{"never_chosen", "Experts never chosen", nullptr},
};

std::vector<const AnalysisKind *> kinds()
{
    return {&analysisKind(analysisId)};
}

} // namespace

BalanceView::BalanceView(ViewContext context, QWidget *parent)
    : AnalysisView{std::move(context), kinds(), parent}
    , m_measures{new SeriesChart(this)}
    , m_loads{new SeriesChart(this)}
    , m_map{new HeatmapView(this)}
{
    setObjectName(QStringLiteral("balance"));
    m_measures->setObjectName(QStringLiteral("measures"));
    m_loads->setObjectName(QStringLiteral("loads"));
    m_measureBox = addBox(QStringLiteral("&Measure"), QStringLiteral("measure"));
    for (const Measure &measure : measuresOfBalance)
        m_measureBox->addItem(QLatin1String(measure.title), QLatin1String(measure.column));
    m_loadsBox = addBox(QStringLiteral("&Layer"), QStringLiteral("loadsBox"));
    m_loadsBox->addItem(QStringLiteral("sorted load"), QStringLiteral("sorted-load"));
    m_loadsBox->addItem(QStringLiteral("Lorenz curve"), QStringLiteral("lorenz"));
    auto *below = new QSplitter(Qt::Horizontal);
    below->setChildrenCollapsible(false);
    below->addWidget(m_map);
    below->addWidget(m_loads);
    below->setSizes({1000, 1000});
    auto *body = new QSplitter(Qt::Vertical, this);
    body->setChildrenCollapsible(false);
    body->addWidget(m_measures);
    body->addWidget(below);
    body->setSizes({1000, 1100});
    setBody(body);

    connect(m_measureBox, &QComboBox::currentIndexChanged, this, &BalanceView::showMeasure);
    connect(m_loadsBox, &QComboBox::currentIndexChanged, this, &BalanceView::showLoads);
    connect(m_measures, &SeriesChart::picked, this,
        [this](int x, int) { selectLayer(std::llround(m_measures->series().x[static_cast<std::size_t>(x)])); });
    m_map->setDescribe([this](int row, std::int64_t column) { return describe(row, column); });
    connect(this->context().selection, &SelectionModel::changed, this, &BalanceView::showSelection);
    addPart(m_measures);
    addPart(m_loads);
    addExpertMap(m_map);
    keep(QStringLiteral("measure"), m_measureBox);
    keep(QStringLiteral("loads"), m_loadsBox);
}

void BalanceView::setMeasure(const QString &column)
{
    m_measureBox->setCurrentIndex(std::max(0, m_measureBox->findData(column)));
}

/// The first run is of the selected layer already.
void BalanceView::subjectChanged()
{
    const std::int64_t layer = layerNumber(context().selection->value().layer);
    if (layer >= 0)
        current()->setValue("layer", std::to_string(layer));
}

void BalanceView::showResult()
{
    const Matrix &load = result()->matrix("load");
    HeatmapContent content = matrixContent(load);
    content.floor = 0;
    const TraceMeta &meta = resultTrace()->meta();
    content.reference = meta.experts > 0 ? static_cast<double>(meta.slotCount) / meta.experts : noNumber;
    content.referenceName = QStringLiteral("chance");
    content.dotted = [data = content.data](std::int64_t row, std::int64_t column) { return data->at(static_cast<int>(row), column) == 0; };
    content.caption = sampleText(*result()) + QStringLiteral("; dot = never chosen");
    m_map->setContent(std::move(content));
    showMeasure();
    showLoads();
    showSelection(context().selection->value());
}

void BalanceView::showMeasure()
{
    if (!result())
        return;
    const Table &table = result()->table("balance");
    const Measure &measure = measuresOfBalance[static_cast<std::size_t>(std::max(0, m_measureBox->currentIndex()))];
    const Column *column = columnOf(table, measure.column);
    if (!column) {
        m_measures->clear();
        m_measures->setEmptyText(QStringLiteral("Not measured"), QStringLiteral("This trace, or the settings, leave this measure out."));
        return;
    }
    Series series{.id = "measure",
        .title = std::string{measure.title} + " by layer",
        .xTitle = "Layer",
        .yTitle = measure.title,
        .unit = column->unit,
        .x = numbersOf(table.column("layer")),
        .curves = {},
        .names = {}};
    series.curves.push_back({Curve::Role::Data, "measured", numbersOf(*column), {}, {}});
    const Column *chance = measure.chance ? columnOf(table, measure.chance) : nullptr;
    if (chance)
        series.curves.push_back({Curve::Role::Chance, "even router", numbersOf(*chance), {}, {}});
    m_measures->setSeries(std::move(series));
    showSelection(context().selection->value());
}

void BalanceView::showLoads()
{
    if (!result())
        return;
    const std::string id = m_loadsBox->currentData().toString().toStdString();
    if (const Series *series = partOf(result()->series, id))
        m_loads->setSeries(*series);
    else
        m_loads->clear();
    m_loads->setVisible(m_loads->plot() != nullptr);
}

void BalanceView::showSelection(const Selection &selection)
{
    const std::int64_t layer = layerNumber(selection.layer);
    m_measures->setMarks({layer < 0 ? noNumber : static_cast<double>(layer), {}});
    std::vector<HeatmapMark> marks{{HeatmapMark::Style::Selected, selection.layer, -1}};
    for (const int expert : selection.experts)
        marks.push_back({HeatmapMark::Style::Selected, selection.layer, expert});
    m_map->setMarks(std::move(marks));
    if (layer >= 0)
        current()->setValue("layer", std::to_string(layer));
}

QStringList BalanceView::describe(int row, std::int64_t column) const
{
    const double share = m_map->content().data->at(row, column);
    const double chance = m_map->content().reference;
    return {QStringLiteral("layer %1, expert %2").arg(layerNumber(row)).arg(column),
        QStringLiteral("chosen by %1 % of the tokens").arg(numberText(100 * share)),
        QStringLiteral("%1 × chance (%2 %)").arg(numberText(share / chance), numberText(100 * chance))};
}

void BalanceView::paintFigure(QPainter &painter, const QRectF &target)
{
    const QRectF inner = paintFrame(painter, target, QStringLiteral("Load balance of the experts"));
    if (inner.isEmpty())
        return;
    const FigureLook look = FigureLook::print(font());
    const double half = inner.height() / 2;
    paintSeries(painter, QRectF(inner.topLeft(), QSizeF(inner.width(), half)), m_measures->series(), look, {});
    const QRectF below(inner.left(), inner.top() + half, inner.width() / 2, half);
    HeatmapContent content = m_map->content();
    content.caption.clear();
    paintMatrix(painter, below, content, look, {});
    if (!m_loads->series().curves.empty())
        paintSeries(painter, below.translated(below.width(), 0), m_loads->series(), look, {});
}

} // namespace expertscope
