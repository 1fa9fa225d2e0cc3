// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/result_pages.h"

#include "views/common/definition.h"
#include "views/common/heatmap_view.h"
#include "views/common/result_figure.h"
#include "views/common/result_parts.h"
#include "views/common/result_table.h"
#include "views/common/series_chart.h"

#include <QComboBox>
#include <QPainter>
#include <QTextBrowser>
#include <QTextDocument>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

/// Fills the box with titles, keeps the one that was chosen if it is still there.
template<typename List>
void fill(QComboBox *box, const List &list)
{
    const QSignalBlocker quiet(box);
    const QString before = box->currentData().toString();
    box->clear();
    for (const auto &item : list)
        box->addItem(QString::fromStdString(item.title.empty() ? item.id : item.title), QString::fromStdString(item.id));
    box->setCurrentIndex(std::max(0, box->findData(before)));
    box->setVisible(box->count() > 1);
}

template<typename List>
auto chosen(const QComboBox *box, const List &list) -> decltype(list.data())
{
    const int index = box->currentIndex();
    return index >= 0 && index < static_cast<int>(list.size()) ? &list[static_cast<std::size_t>(index)] : nullptr;
}

const std::vector<std::int64_t> *integers(const Table &table, std::string_view name)
{
    const Column *column = columnOf(table, name);
    return column ? std::get_if<std::vector<std::int64_t>>(&column->values) : nullptr;
}

bool isLayer(const std::string &title)
{
    return title == "Layer" || title == "layer";
}

} // namespace

ResultPages::ResultPages(QWidget *parent)
    : QTabWidget{parent}
    , m_summary{new QTextBrowser(this)}
    , m_chart{new SeriesChart(this)}
    , m_map{new HeatmapView(this)}
    , m_table{new ResultTable(this)}
{
    setObjectName(QStringLiteral("resultPages"));
    setDocumentMode(true);
    m_summary->setFrameShape(QFrame::NoFrame);
    m_summary->setObjectName(QStringLiteral("summary"));
    addTab(m_summary, QStringLiteral("Summary"));
    m_seriesBox = addPage(m_chart, QStringLiteral("Charts"), QStringLiteral("seriesBox"));
    m_matrixBox = addPage(m_map, QStringLiteral("Maps"), QStringLiteral("matrixBox"));
    m_tableBox = addPage(m_table, QStringLiteral("Tables"), QStringLiteral("tableBox"));
    connect(m_seriesBox, &QComboBox::currentIndexChanged, this, &ResultPages::showSeries);
    connect(m_matrixBox, &QComboBox::currentIndexChanged, this, &ResultPages::showMatrix);
    connect(m_tableBox, &QComboBox::currentIndexChanged, this, &ResultPages::showTable);
    connect(m_chart, &SeriesChart::picked, this, [this](int x, int) {
        const Series *shown = series();
        if (shown && isLayer(shown->xTitle) && !shown->bars)
            emit layerPicked(std::llround(shown->x[static_cast<std::size_t>(x)]));
    });
    connect(m_map, &HeatmapView::picked, this, [this](int row, qint64 column) {
        const Matrix *shown = matrix();
        if (!shown || !isLayer(shown->rowTitle))
            return;
        const std::int64_t layer = QString::fromStdString(shown->rows[static_cast<std::size_t>(row)]).toLongLong();
        if (shown->columnTitle == "Expert")
            emit expertPicked(layer, QString::fromStdString(shown->columns[static_cast<std::size_t>(column)]).toInt());
        else
            emit layerPicked(layer);
    });
    connect(m_table, &ResultTable::rowPicked, this, &ResultPages::pickRow);
    connect(m_chart, &SeriesChart::status, this, &ResultPages::status);
    connect(m_map, &HeatmapView::status, this, &ResultPages::status);
    connect(m_chart, &SeriesChart::pictureWished, this, &ResultPages::pictureWished);
    connect(m_map, &HeatmapView::pictureWished, this, &ResultPages::pictureWished);
    connect(m_chart, &SeriesChart::numbersWished, this, &ResultPages::numbersWished);
    connect(m_map, &HeatmapView::numbersWished, this, &ResultPages::numbersWished);
    connect(m_table, &ResultTable::numbersWished, this, &ResultPages::numbersWished);
}

QComboBox *ResultPages::addPage(QWidget *content, const QString &title, const QString &name)
{
    auto *page = new QWidget(this);
    auto *column = new QVBoxLayout(page);
    column->setContentsMargins(0, 4, 0, 0);
    column->setSpacing(4);
    auto *box = new QComboBox(page);
    box->setObjectName(name);
    box->setAccessibleName(title);
    box->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    column->addWidget(box, 0, Qt::AlignLeft);
    column->addWidget(content, 1);
    addTab(page, title);
    return box;
}

void ResultPages::setResult(std::shared_ptr<const Result> result)
{
    m_result = std::move(result);
    m_summary->setHtml(summaryHtml(*m_result));
    fill(m_seriesBox, m_result->series);
    fill(m_matrixBox, m_result->matrices);
    fill(m_tableBox, m_result->tables);
    setTabVisible(Charts, !m_result->series.empty());
    setTabVisible(Maps, !m_result->matrices.empty());
    setTabVisible(Tables, !m_result->tables.empty());
    showSeries();
    showMatrix();
    showTable();
}

void ResultPages::setLayer(std::int64_t number)
{
    m_layer = number;
    showMarks();
}

void ResultPages::showMarks()
{
    const Series *line = series();
    PlotMarks marks;
    if (line && isLayer(line->xTitle) && !line->bars && m_layer >= 0)
        marks.x = static_cast<double>(m_layer);
    m_chart->setMarks(marks);
    std::vector<HeatmapMark> rows;
    const Matrix *shown = matrix();
    if (shown && isLayer(shown->rowTitle)) {
        const auto at = std::find(shown->rows.begin(), shown->rows.end(), std::to_string(m_layer));
        if (at != shown->rows.end())
            rows.push_back({HeatmapMark::Style::Selected, at - shown->rows.begin(), -1});
    }
    m_map->setMarks(std::move(rows));
}

const Series *ResultPages::series() const
{
    return m_result ? chosen(m_seriesBox, m_result->series) : nullptr;
}

const Matrix *ResultPages::matrix() const
{
    return m_result ? chosen(m_matrixBox, m_result->matrices) : nullptr;
}

const Table *ResultPages::table() const
{
    return m_result ? chosen(m_tableBox, m_result->tables) : nullptr;
}

void ResultPages::showSeries()
{
    if (const Series *shown = series())
        m_chart->setSeries(*shown);
    else
        m_chart->clear();
    showMarks();
}

void ResultPages::showMatrix()
{
    HeatmapContent content;
    if (const Matrix *shown = matrix()) {
        content = matrixContent(*shown);
        content.caption = sampleText(*m_result);
    }
    m_map->setContent(std::move(content));
    showMarks();
}

void ResultPages::showTable()
{
    m_table->setTable(table() ? *table() : Table{});
}

void ResultPages::pickRow(std::size_t row)
{
    const Table *shown = table();
    if (!shown)
        return;
    const auto *layers = integers(*shown, "layer");
    const auto *experts = integers(*shown, "expert");
    if (layers && experts)
        emit expertPicked((*layers)[row], static_cast<int>((*experts)[row]));
    else if (layers)
        emit layerPicked((*layers)[row]);
    for (const Column &column : shown->columns) {
        const auto *texts = std::get_if<std::vector<std::string>>(&column.values);
        if (texts && (column.name == "language" || column.name == "domain"))
            emit groupPicked(QString::fromStdString(column.name), QString::fromStdString((*texts)[row]));
    }
}

void ResultPages::paintPart(QPainter &painter, const std::function<QRectF(const QString &title)> &frame) const
{
    const bool maps = currentIndex() == Maps || m_result->series.empty();
    if (maps && matrix()) {
        paintMatrix(painter, frame({}), m_map->content(), FigureLook::print(font()), {});
    } else if (const Series *shown = series()) {
        paintPlot(painter, frame(QString::fromStdString(shown->title)), *shown, FigureLook::print(font()));
    } else {
        const QRectF inner = frame({});
        QTextDocument page;
        page.setDefaultFont(font());
        page.setTextWidth(inner.width());
        page.setHtml(summaryHtml(*m_result));
        painter.save();
        painter.translate(inner.topLeft());
        page.drawContents(&painter, QRectF(QPointF(), inner.size()));
        painter.restore();
    }
}

void ResultPages::fit()
{
    m_chart->fit();
    m_map->fit();
}

} // namespace expertscope
