// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/compare/compare_view.h"

#include "views/common/axis.h"
#include "views/common/heatmap_view.h"
#include "views/common/result_figure.h"
#include "views/common/result_parts.h"
#include "views/common/result_table.h"
#include "views/common/series_chart.h"
#include "views/common/steering_actions.h"

#include <QComboBox>
#include <QSplitter>
#include <QTabWidget>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr const char *agreementId = "trace-agreement";
constexpr const char *contrastId = "expert-contrast";

std::vector<const AnalysisKind *> kinds()
{
    return {&analysisKind(agreementId), &analysisKind(contrastId)};
}

QString text(const std::string &view)
{
    return QString::fromStdString(view);
}

/// The map of signed differences: the one that has a value for "no difference".
const Matrix *differenceOf(const Result &result)
{
    const auto at = std::find_if(result.matrices.begin(), result.matrices.end(), [](const Matrix &m) { return !std::isnan(m.neutral); });
    return at == result.matrices.end() ? nullptr : &*at;
}

/// Cells of the answer that are flagged; empty if none was tested.
std::vector<bool> flagsOf(const Table &table, const Matrix &matrix)
{
    const Column *layer = columnOf(table, "layer"), *expert = columnOf(table, "expert"), *flag = columnOf(table, "significant");
    if (!layer || !expert || !flag)
        return {};
    const Column *p = columnOf(table, "p");
    const std::vector<double> tested = p ? numbersOf(*p) : std::vector<double>{};
    if (std::all_of(tested.begin(), tested.end(), [](double x) { return std::isnan(x); }))
        return {};
    std::vector<bool> flags(matrix.values.size(), false);
    const std::vector<double> layers = numbersOf(*layer), experts = numbersOf(*expert), significant = numbersOf(*flag);
    for (std::size_t i = 0; i < table.rows(); ++i) {
        const auto row = std::find(matrix.rows.begin(), matrix.rows.end(), std::to_string(std::llround(layers[i])));
        const auto column = static_cast<std::size_t>(experts[i]);
        if (significant[i] > 0 && row != matrix.rows.end() && column < matrix.columns.size())
            flags[static_cast<std::size_t>(row - matrix.rows.begin()) * matrix.columns.size() + column] = true;
    }
    return flags;
}

/// Series over layers that are lines, in the order the analysis gives them.
std::vector<const Series *> layerLines(const Result &result)
{
    std::vector<const Series *> lines;
    for (const Series &series : result.series)
        if (!series.bars && series.xTitle == "Layer")
            lines.push_back(&series);
    return lines;
}

} // namespace

CompareView::CompareView(ViewContext context, QWidget *parent)
    : AnalysisView{std::move(context), kinds(), parent}
    , m_map{new HeatmapView(this)}
    , m_chart{new SeriesChart(this)}
    , m_parting{new SeriesChart(this)}
    , m_table{new ResultTable(this)}
{
    setObjectName(QStringLiteral("compare"));
    m_modeBox = addBox(QStringLiteral("&Compare"), QStringLiteral("mode"));
    m_modeBox->addItems({QStringLiteral("with a trace"), QStringLiteral("two groups")});
    m_traceBox = addBox({}, QStringLiteral("baselineTrace"));
    m_traceBox->setAccessibleName(QStringLiteral("Trace to compare with"));
    m_groupingBox = addBox({}, QStringLiteral("grouping"));
    m_targetBox = addBox({}, QStringLiteral("target"));
    m_baselineBox = addBox(QStringLiteral("minus"), QStringLiteral("baseline"));
    m_groupingBox->setAccessibleName(QStringLiteral("Group by"));
    m_targetBox->setAccessibleName(QStringLiteral("Group"));
    m_parting->setEmptyText(QStringLiteral("Not for groups"), QStringLiteral("Only two traces of the same text part somewhere."));
    auto *tabs = new QTabWidget(this);
    tabs->setDocumentMode(true);
    tabs->addTab(m_chart, QStringLiteral("By layer"));
    tabs->addTab(m_parting, QStringLiteral("Where they part"));
    tabs->addTab(m_table, QStringLiteral("Table"));
    auto *body = new QSplitter(Qt::Vertical, this);
    body->setChildrenCollapsible(false);
    body->addWidget(m_map);
    body->addWidget(tabs);
    body->setSizes({1000, 900});
    setBody(body);

    connect(m_modeBox, &QComboBox::currentIndexChanged, this, &CompareView::setMode);
    connect(m_traceBox, &QComboBox::activated, this, [this] { emit baselineWished(m_traceBox->currentData().toString()); });
    connect(m_groupingBox, &QComboBox::activated, this, [this] {
        fillGroups();
        chooseGroups();
    });
    connect(m_targetBox, &QComboBox::activated, this, &CompareView::chooseGroups);
    connect(m_baselineBox, &QComboBox::activated, this, &CompareView::chooseGroups);
    m_map->setDescribe([this](int row, std::int64_t column) { return describe(row, column); });
    connect(m_map, &HeatmapView::picked, this, [this](int row, qint64 column) { selectExpert(mapLayer(row), static_cast<int>(column)); });
    SelectionModel *selection = this->context().selection;
    connect(m_map, &HeatmapView::hovered, this, [this, selection](int row, qint64 column) {
        selection->setHover(row < 0 ? Hover{} : Hover{-1, layerIndex(mapLayer(row)), static_cast<int>(column)});
    });
    connect(selection, &SelectionModel::changed, this, &CompareView::showSelection);
    for (SeriesChart *chart : {m_chart, m_parting}) {
        connect(chart, &SeriesChart::picked, this, [this, chart](int x, int) {
            if (chart->series().xTitle == "Layer")
                selectLayer(std::llround(chart->series().x[static_cast<std::size_t>(x)]));
        });
        addPart(chart);
    }
    connect(m_table, &ResultTable::rowPicked, this, [this](qulonglong row) { pickRow(row); });
    addPart(m_map);
    addPart(m_table);
    keep(QStringLiteral("mode"), m_modeBox);
    offerSteering(
        *m_map, this->context(), [this](int row, std::int64_t column) { return expertsAt(mapLayer(row), static_cast<int>(column)); });
    setMode(Groups);
}

int CompareView::mode() const
{
    return m_modeBox->currentIndex();
}

void CompareView::setMode(int mode)
{
    {
        const QSignalBlocker quiet(m_modeBox);
        m_modeBox->setCurrentIndex(mode);
    }
    m_traceBox->setVisible(mode == Traces);
    for (QComboBox *box : {m_groupingBox, m_targetBox, m_baselineBox})
        box->setVisible(mode == Groups);
    if (QWidget *minus = labelOf(m_baselineBox))
        minus->setVisible(mode == Groups);
    setCurrent(run(mode == Traces ? agreementId : contrastId));
}

/// The signed difference is this trace minus the baseline.
AnalysisInput CompareView::input(const AnalysisKind &kind) const
{
    AnalysisInput given = AnalysisView::input(kind);
    if (given.traces.size() == 2)
        std::swap(given.traces[0], given.traces[1]);
    return given;
}

void CompareView::subjectChanged()
{
    m_traceBox->clear();
    m_traceBox->addItem(QStringLiteral("choose a trace"), QString());
    for (const Subject::Other &other : subject().others)
        m_traceBox->addItem(other.title, other.key);
    m_traceBox->setCurrentIndex(std::max(0, m_traceBox->findData(subject().baselineKey)));

    QStringList columns{QStringLiteral("language"), QStringLiteral("domain")};
    if (subject().trace)
        for (const std::string &label : subject().trace->meta().labelColumns)
            columns << text(label);
    QStringList now;
    for (int i = 0; i < m_groupingBox->count(); ++i)
        now << m_groupingBox->itemText(i);
    if (now != columns) {
        m_groupingBox->clear();
        m_groupingBox->addItems(columns);
        m_groupingBox->setCurrentIndex(std::max(0, m_groupingBox->findText(text(run(contrastId)->value("grouping")))));
    }
    fillGroups();
    chooseGroups();
}

void CompareView::fillGroups()
{
    QStringList groups;
    const QString grouping = m_groupingBox->currentText();
    if (const TracePtr trace = subject().trace) {
        const GroupOf groupOf = groupBy(trace->meta(), grouping.toStdString());
        for (const SequenceInfo &sequence : trace->meta().sequences) {
            const QString group = text(groupOf(sequence));
            if (!group.isEmpty() && !groups.contains(group))
                groups << group;
        }
    }
    if (const auto &summary = subject().byLanguage; groups.isEmpty() && summary && grouping == QLatin1String("language"))
        for (const std::string &group : summary->groups)
            groups << text(group);
    // English, or the first group, is what the others are compared with.
    const auto english = groups.indexOf(QStringLiteral("en"));
    const qsizetype baseline = std::max<qsizetype>(0, english);
    const qsizetype target = groups.size() < 2 ? 0 : baseline == 0 ? 1 : 0;
    const AnalysisRun *contrast = run(contrastId);
    const auto fill = [&](QComboBox *box, const std::string &setting, qsizetype standard) {
        const QString before = box->currentText().isEmpty() ? text(contrast->value(setting)) : box->currentText();
        box->clear();
        box->addItems(groups);
        const auto at = groups.indexOf(before);
        box->setCurrentIndex(static_cast<int>(at >= 0 ? at : standard));
    };
    fill(m_targetBox, "target", target);
    fill(m_baselineBox, "baseline", baseline);
}

void CompareView::chooseGroups()
{
    if (m_targetBox->currentText().isEmpty())
        return;
    run(contrastId)
        ->setValues({{"grouping", m_groupingBox->currentText().toStdString()}, {"target", m_targetBox->currentText().toStdString()},
            {"baseline", m_baselineBox->currentText().toStdString()}});
}

void CompareView::showResult()
{
    HeatmapContent content;
    if (const Matrix *matrix = differenceOf(*result())) {
        content = matrixContent(*matrix);
        content.reference = matrix->neutral;
        content.referenceName = QStringLiteral("alike");
        const std::vector<bool> flags = flagsOf(result()->tables.front(), *matrix);
        content.caption = sampleText(*result());
        if (!flags.empty()) {
            content.caption += QStringLiteral("; dot = significant (false discovery rate 5 %)");
            content.dotted = [flags, columns = matrix->columns.size()](std::int64_t row, std::int64_t column) {
                return flags[static_cast<std::size_t>(row) * columns + static_cast<std::size_t>(column)];
            };
        }
        if (mode() == Traces)
            content.title = QStringLiteral("Load of the experts: %1 minus %2").arg(subject().title, m_traceBox->currentText());
    }
    m_map->setContent(std::move(content));
    const std::vector<const Series *> lines = layerLines(*result());
    if (!lines.empty())
        m_chart->setSeries(*lines.front());
    else if (!result()->series.empty())
        m_chart->setSeries(result()->series.front());
    else
        m_chart->clear();
    if (const Series *parting = partOf(result()->series, "parting-by-layer"))
        m_parting->setSeries(*parting);
    else
        m_parting->clear();
    m_table->setTable(result()->tables.front());
    showSelection(context().selection->value());
}

void CompareView::showSelection(const Selection &selection)
{
    const std::int64_t layer = layerNumber(selection.layer);
    for (SeriesChart *chart : {m_chart, m_parting}) {
        const bool overLayers = layer >= 0 && chart->series().xTitle == "Layer";
        chart->setMarks({overLayers ? static_cast<double>(layer) : noNumber, {}});
    }
    std::vector<HeatmapMark> marks;
    const HeatmapContent &content = m_map->content();
    for (int row = 0; content.data && row < content.data->rows(); ++row) {
        if (mapLayer(row) != layer)
            continue;
        for (const int expert : selection.experts)
            marks.push_back({HeatmapMark::Style::Selected, row, expert});
        if (marks.empty())
            marks.push_back({HeatmapMark::Style::Selected, row, -1});
    }
    m_map->setMarks(std::move(marks));
}

std::int64_t CompareView::mapLayer(int row) const
{
    return m_map->content().rowLabel(row).toLongLong();
}

QStringList CompareView::describe(int row, std::int64_t column) const
{
    const HeatmapContent &content = m_map->content();
    const double value = content.data->at(row, column);
    QStringList lines{QStringLiteral("layer %1, expert %2").arg(mapLayer(row)).arg(column),
        content.valueLabel() + QStringLiteral(": %1%2").arg(value > 0 ? QStringLiteral("+") : QString(), numberText(value))};
    if (content.dotted)
        lines << (content.dotted(row, column) ? QStringLiteral("significant") : QStringLiteral("not significant"));
    return lines;
}

void CompareView::pickRow(std::size_t row)
{
    const Column *layer = columnOf(m_table->model().table(), "layer"), *expert = columnOf(m_table->model().table(), "expert");
    if (layer && expert)
        selectExpert(std::llround(numbersOf(*layer)[row]), static_cast<int>(numbersOf(*expert)[row]));
    else if (layer)
        selectLayer(std::llround(numbersOf(*layer)[row]));
}

void CompareView::paintFigure(QPainter &painter, const QRectF &target)
{
    const QRectF inner = paintFrame(painter, target, m_map->content().title);
    if (inner.isEmpty())
        return;
    const FigureLook look = FigureLook::print(font());
    HeatmapContent content = m_map->content();
    content.title.clear();
    const bool hasChart = m_chart->plot() != nullptr;
    const double half = inner.height() * (hasChart ? 0.55 : 1);
    paintMatrix(painter, QRectF(inner.topLeft(), QSizeF(inner.width(), half)), content, look, content.caption);
    if (hasChart)
        paintSeries(painter, QRectF(inner.left(), inner.top() + half, inner.width(), inner.height() - half), m_chart->series(), look, {});
}

} // namespace expertscope
