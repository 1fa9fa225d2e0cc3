// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/flow/flow_view.h"

#include "views/common/axis.h"
#include "views/common/heatmap_view.h"
#include "views/common/result_figure.h"
#include "views/common/result_parts.h"
#include "views/common/series_chart.h"
#include "views/common/steering_actions.h"

#include <QComboBox>
#include <QSplitter>

#include <algorithm>
#include <cmath>
#include <set>

namespace expertscope {

namespace {

std::vector<const AnalysisKind *> kinds()
{
    return {&analysisKind("transitions"), &analysisKind("co-activation")};
}

SankeyContent sankeyOf(const Table &flows, const QString &sample)
{
    SankeyContent content;
    const auto &layer = flows.integers("layer"), &from = flows.integers("from"), &to = flows.integers("to");
    const auto &count = flows.integers("count");
    const auto &share = flows.reals("share"), &value = flows.reals("value"), &chance = flows.reals("chance");
    const auto &lift = flows.reals("lift");
    const std::set<std::int64_t> layers(layer.begin(), layer.end());
    content.layers.assign(layers.begin(), layers.end());
    std::vector<double> shown(content.layers.size(), 0);
    for (std::size_t i = 0; i < flows.rows(); ++i) {
        const auto column =
            static_cast<int>(std::lower_bound(content.layers.begin(), content.layers.end(), layer[i]) - content.layers.begin());
        shown[static_cast<std::size_t>(column)] += share[i];
        content.flows.push_back({column, static_cast<int>(from[i]), static_cast<int>(to[i]), share[i],
            {QStringLiteral("expert %1 of layer %2 → expert %3 of the next").arg(from[i]).arg(layer[i]).arg(to[i]),
                QStringLiteral("%1 % of the tokens (%2)").arg(numberText(100 * share[i]), countText(count[i], "token")),
                QStringLiteral("P(next | this) = %1, chance %2, lift %3")
                    .arg(numberText(value[i]), numberText(chance[i]), numberText(lift[i]))}});
    }
    if (!content.layers.empty()) {
        const double least = *std::min_element(shown.begin(), shown.end());
        content.caption = QStringLiteral("%1; ribbons hold at least %2 % of the tokens of every step")
                              .arg(sample, numberText(std::floor(1000 * least) / 10));
    }
    return content;
}

} // namespace

FlowView::FlowView(ViewContext context, QWidget *parent)
    : AnalysisView{std::move(context), kinds(), parent}
    , m_sankey{new Sankey(this)}
    , m_chart{new SeriesChart(this)}
    , m_matrix{new HeatmapView(this)}
{
    setObjectName(QStringLiteral("flow"));
    m_modeBox = addBox(QStringLiteral("S&how"), QStringLiteral("mode"));
    m_modeBox->addItems(
        {QStringLiteral("Transitions"), QStringLiteral("Co-activation, clustered"), QStringLiteral("Co-activation, by number")});
    m_firstBox = addBox(QStringLiteral("&Layers"), QStringLiteral("firstLayer"));
    m_lastBox = addBox(QStringLiteral("t&o"), QStringLiteral("lastLayer"));
    auto *body = new QSplitter(Qt::Vertical, this);
    body->setChildrenCollapsible(false);
    body->addWidget(m_sankey);
    body->addWidget(m_chart);
    body->addWidget(m_matrix);
    body->setSizes({1000, 500, 900});
    m_chart->hide();
    setBody(body);

    connect(m_modeBox, &QComboBox::currentIndexChanged, this, &FlowView::setMode);
    connect(m_firstBox, &QComboBox::activated, this, &FlowView::chooseBand);
    connect(m_lastBox, &QComboBox::activated, this, &FlowView::chooseBand);
    connect(m_sankey, &Sankey::picked, this,
        [this](int column, int expert) { selectExpert(m_sankey->content().layers[static_cast<std::size_t>(column)], expert); });
    connect(m_matrix, &HeatmapView::picked, this, [this](int row, qint64 column) { picked(row, column); });
    connect(m_chart, &SeriesChart::picked, this,
        [this](int x, int) { selectLayer(std::llround(m_chart->series().x[static_cast<std::size_t>(x)])); });
    connect(this->context().selection, &SelectionModel::changed, this, &FlowView::showSelection);
    addPart(m_sankey);
    addPart(m_matrix);
    addPart(m_chart);
    keep(QStringLiteral("mode"), m_modeBox);
    offerSteering(*m_matrix, this->context(),
        [this](int row, std::int64_t) { return expertsAt(m_matrixLayer, row < 0 ? -1 : m_matrix->content().rowLabel(row).toInt()); });
    connect(m_sankey, &Sankey::menuOpened, this, [this](QMenu *menu, int column, int expert) {
        if (const auto set = expertsAt(m_sankey->content().layers[static_cast<std::size_t>(column)], expert))
            addSteeringActions(*menu, this->context(), *set);
    });
}

int FlowView::mode() const
{
    return m_modeBox->currentIndex();
}

void FlowView::setMode(int mode)
{
    {
        const QSignalBlocker quiet(m_modeBox);
        m_modeBox->setCurrentIndex(mode);
    }
    const bool transitions = mode == Transitions;
    m_sankey->setVisible(transitions);
    m_chart->setVisible(!transitions);
    m_firstBox->setEnabled(transitions);
    m_lastBox->setEnabled(transitions);
    setCurrent(run(transitions ? "transitions" : "co-activation"));
    if (result())
        showResult();
}

void FlowView::subjectChanged()
{
    QStringList layers{QStringLiteral("first")};
    if (subject().trace)
        for (const int layer : subject().trace->meta().layers)
            layers << QString::number(layer);
    for (QComboBox *box : {m_firstBox, m_lastBox}) {
        if (box->count() == layers.size())
            continue;
        box->clear();
        for (const QString &layer : layers)
            box->addItem(layer == QLatin1String("first") && box == m_lastBox ? QStringLiteral("3 on") : layer,
                layer == QLatin1String("first") ? QStringLiteral("-1") : layer);
    }
    const std::int64_t layer = layerNumber(context().selection->value().layer);
    if (layer >= 0)
        run("co-activation")->setValue("layer", std::to_string(layer));
    const AnalysisRun *transitions = run("transitions");
    m_firstBox->setCurrentIndex(std::max(0, m_firstBox->findData(QString::fromStdString(transitions->value("first-layer")))));
    m_lastBox->setCurrentIndex(std::max(0, m_lastBox->findData(QString::fromStdString(transitions->value("last-layer")))));
}

void FlowView::chooseBand()
{
    run("transitions")
        ->setValues({{"first-layer", m_firstBox->currentData().toString().toStdString()},
            {"last-layer", m_lastBox->currentData().toString().toStdString()}});
}

void FlowView::showResult()
{
    if (mode() == Transitions)
        showSankey();
    else if (const Series *partners = partOf(result()->series, "partners-by-layer"))
        m_chart->setSeries(*partners);
    showMatrix();
    showSelection(context().selection->value());
}

void FlowView::showSankey()
{
    const Table *flows = partOf(result()->tables, "flows");
    SankeyContent content = flows ? sankeyOf(*flows, sampleText(*result())) : SankeyContent{};
    if (!content.layers.empty()) {
        // Flows go on into the layer after the last one they leave.
        const std::int64_t next = layerNumber(layerIndex(content.layers.back()) + 1);
        content.layers.push_back(next < 0 ? content.layers.back() + 1 : next);
        content.title = QStringLiteral("Where tokens go from layer %1 to layer %2").arg(content.layers.front()).arg(content.layers.back());
    }
    m_sankey->setContent(std::move(content));
}

void FlowView::showMatrix()
{
    if (!result())
        return;
    const std::int64_t selected = layerNumber(context().selection->value().layer);
    const Matrix *matrix = nullptr;
    m_matrixLayer = selected;
    if (mode() == Transitions) {
        matrix = partOf(result()->matrices, "transitions-" + std::to_string(selected));
        // Outside of the band its first step is shown.
        if (!matrix && !m_sankey->content().layers.empty()) {
            m_matrixLayer = m_sankey->content().layers.front();
            matrix = partOf(result()->matrices, "transitions-" + std::to_string(m_matrixLayer));
        }
    } else {
        matrix = partOf(result()->matrices, mode() == CoActivation ? "co-activation-clustered" : "co-activation");
    }
    m_matrix->setEmptyText(QStringLiteral("No matrix"), QStringLiteral("This step has no tokens, or lies outside of the band."));
    if (!matrix) {
        m_matrix->setContent({});
        return;
    }
    HeatmapContent content = matrixContent(*matrix);
    content.caption = sampleText(*result());
    m_matrix->setContent(std::move(content));
}

void FlowView::showSelection(const Selection &selection)
{
    const std::int64_t layer = layerNumber(selection.layer);
    if (mode() != Transitions && layer >= 0)
        current()->setValue("layer", std::to_string(layer));
    if (!result())
        return;
    const auto &layers = m_sankey->content().layers;
    const auto at = std::find(layers.begin(), layers.end(), layer);
    m_sankey->setMark(at == layers.end() || selection.experts.empty()
            ? SankeyMark{}
            : SankeyMark{static_cast<int>(at - layers.begin()), selection.experts.front()});
    m_chart->setMarks({layer < 0 ? noNumber : static_cast<double>(layer), {}});
    if (mode() == Transitions)
        showMatrix();
    std::vector<HeatmapMark> marks;
    const HeatmapContent &content = m_matrix->content();
    for (int row = 0; content.data && layer == m_matrixLayer && row < content.data->rows(); ++row)
        for (const int expert : selection.experts)
            if (content.rowLabel(row) == QString::number(expert))
                marks.push_back({HeatmapMark::Style::Selected, row, -1});
    m_matrix->setMarks(std::move(marks));
}

void FlowView::picked(int row, std::int64_t)
{
    selectExpert(m_matrixLayer, m_matrix->content().rowLabel(row).toInt());
}

void FlowView::paintFigure(QPainter &painter, const QRectF &target)
{
    const bool transitions = mode() == Transitions;
    const QRectF inner =
        paintFrame(painter, target, transitions ? m_sankey->content().title : QStringLiteral("Experts that are chosen together"));
    if (inner.isEmpty())
        return;
    const FigureLook look = FigureLook::print(font());
    const QRectF top(inner.topLeft(), QSizeF(inner.width(), inner.height() * (transitions ? 0.55 : 0.35)));
    if (transitions) {
        const SankeyContent &content = m_sankey->content();
        paintSankey(painter, top, content, SankeyLayout(content, sankeyPlot(top, look, false)), look, {}, false);
    } else if (!m_chart->series().curves.empty()) {
        paintSeries(painter, top, m_chart->series(), look, {});
    }
    if (m_matrix->content().data)
        paintMatrix(
            painter, QRectF(inner.left(), top.bottom(), inner.width(), inner.bottom() - top.bottom()), m_matrix->content(), look, {});
}

} // namespace expertscope
