// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/alignment/alignment_view.h"

#include "views/common/heatmap_view.h"
#include "views/common/result_figure.h"
#include "views/common/result_parts.h"
#include "views/common/series_chart.h"

#include <QComboBox>
#include <QEvent>
#include <QLabel>
#include <QSplitter>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <set>

namespace expertscope {

namespace {

QString text(const std::string &view)
{
    return QString::fromStdString(view);
}

std::vector<const AnalysisKind *> kinds()
{
    return {&analysisKind("routing-divergence")};
}

/// A curve per language, and their mean, which shows the shape at a glance.
Series linesOf(const Result &result)
{
    Series lines = result.serie("divergence-by-layer");
    const Series *mean = partOf(result.series, "mean-by-layer");
    if (mean && lines.curves.size() > 2)
        for (const Curve &curve : mean->curves)
            if (curve.role == Curve::Role::Data)
                lines.curves.insert(lines.curves.begin(), curve); // first in the legend
    return lines;
}

QString meanName(const Result &result)
{
    const Series *mean = partOf(result.series, "mean-by-layer");
    return mean && !mean->curves.empty() ? text(mean->curves.front().name) : QString();
}

QWidget *pane(QComboBox *box, QWidget *content)
{
    auto *page = new QWidget;
    auto *column = new QVBoxLayout(page);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(2);
    column->addWidget(box, 0, Qt::AlignLeft);
    column->addWidget(content, 1);
    return page;
}

} // namespace

AlignmentView::AlignmentView(ViewContext context, QWidget *parent)
    : AnalysisView{std::move(context), kinds(), parent}
    , m_words{new QLabel(this)}
    , m_chart{new SeriesChart(this)}
    , m_matrix{new HeatmapView(this)}
    , m_map{new LanguageMap(this)}
{
    setObjectName(QStringLiteral("alignment"));
    m_pivotBox = addBox(QStringLiteral("&Compared with"), QStringLiteral("pivot"));
    m_matrixBox = new QComboBox(this);
    m_matrixBox->setObjectName(QStringLiteral("matrixBox"));
    m_matrixBox->setAccessibleName(QStringLiteral("Layers of the matrix"));
    for (const auto &[title, id] : {std::pair{"Layer under the cursor", "layer"}, std::pair{"All layers", "languages-all"},
             std::pair{"Early layers", "languages-early"}, std::pair{"Middle layers", "languages-middle"},
             std::pair{"Late layers", "languages-late"}})
        m_matrixBox->addItem(QLatin1String(title), QLatin1String(id));
    m_mapBox = new QComboBox(this);
    m_mapBox->setObjectName(QStringLiteral("mapBox"));
    m_mapBox->setAccessibleName(QStringLiteral("Map or tree"));
    m_mapBox->addItems({QStringLiteral("Map"), QStringLiteral("Tree")});
    m_words->setObjectName(QStringLiteral("shape"));
    m_words->setWordWrap(true);
    m_words->setTextFormat(Qt::PlainText);
    m_words->setContentsMargins(10, 0, 10, 4);
    auto *top = new QWidget(this);
    auto *column = new QVBoxLayout(top);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_chart, 1);
    column->addWidget(m_words);
    auto *below = new QSplitter(Qt::Horizontal);
    below->setChildrenCollapsible(false);
    below->addWidget(pane(m_matrixBox, m_matrix));
    below->addWidget(pane(m_mapBox, m_map));
    below->setSizes({1100, 1000});
    auto *body = new QSplitter(Qt::Vertical, this);
    body->setChildrenCollapsible(false);
    body->addWidget(top);
    body->addWidget(below);
    body->setSizes({1000, 900});
    setBody(body);

    connect(m_pivotBox, &QComboBox::activated, this, [this] { current()->setValue("pivot", m_pivotBox->currentText().toStdString()); });
    connect(m_matrixBox, &QComboBox::currentIndexChanged, this, &AlignmentView::showMatrix);
    connect(m_mapBox, &QComboBox::currentIndexChanged, this, &AlignmentView::showMap);
    SelectionModel *selection = this->context().selection;
    connect(m_chart, &SeriesChart::hovered, this, [this, selection](int x, int) {
        selection->setHover(x < 0 ? Hover{} : Hover{-1, layerIndex(std::llround(m_chart->series().x[static_cast<std::size_t>(x)])), -1});
    });
    const auto languageOf = [this](int curve) {
        const QString name = text(m_chart->series().curves[static_cast<std::size_t>(curve)].name);
        return result() && name != meanName(*result()) ? name : QString();
    };
    connect(m_chart, &SeriesChart::picked, this, [this, languageOf](int x, int curve) {
        pick(static_cast<int>(std::llround(m_chart->series().x[static_cast<std::size_t>(x)])), languageOf(curve));
    });
    connect(m_chart, &SeriesChart::namePicked, this, [this, languageOf](int curve) {
        if (m_chart->series().curves[static_cast<std::size_t>(curve)].role == Curve::Role::Data)
            pick(-1, languageOf(curve));
    });
    connect(m_matrix, &HeatmapView::picked, this, [this](int row, qint64) { pick(-1, m_matrix->content().rowLabel(row)); });
    connect(m_map, &LanguageMap::picked, this, [this](const QString &name) { selectGroup(QStringLiteral("language"), name); });
    connect(selection, &SelectionModel::changed, this, &AlignmentView::showSelection);
    connect(selection, &SelectionModel::hoverChanged, this, [this](const Hover &hover) {
        m_hoverLayer = hover.layer;
        showMatrix();
    });
    addPart(m_chart);
    addPart(m_matrix);
    addPart(m_map);
    keep(QStringLiteral("matrix"), m_matrixBox);
    keep(QStringLiteral("map"), m_mapBox);
}

QString AlignmentView::pivot() const
{
    return text(current()->value("pivot"));
}

QString AlignmentView::selectedLanguage() const
{
    const Selection &selection = context().selection->value();
    return selection.grouping == QLatin1String("language") ? selection.group : QString();
}

void AlignmentView::subjectChanged()
{
    std::set<std::string> languages;
    if (subject().trace) {
        for (const SequenceInfo &sequence : subject().trace->meta().sequences)
            if (!sequence.language.empty())
                languages.insert(sequence.language);
    }
    if (subject().byLanguage)
        languages.insert(subject().byLanguage->groups.begin(), subject().byLanguage->groups.end());
    QStringList names;
    for (const std::string &language : languages)
        names << text(language);
    names.removeAll(QString());
    QStringList now;
    for (int i = 0; i < m_pivotBox->count(); ++i)
        now << m_pivotBox->itemText(i);
    if (now != names) {
        m_pivotBox->clear();
        m_pivotBox->addItems(names);
    }
    m_pivotBox->setCurrentIndex(m_pivotBox->findText(pivot()));
}

void AlignmentView::showResult()
{
    m_pivotBox->setCurrentIndex(m_pivotBox->findText(pivot()));
    m_chart->setSeries(linesOf(*result()));
    m_words->setText(result()->notes.empty() ? QString() : text(result()->notes.front()));
    m_matrixShown.clear();
    showMatrix();
    showMap();
    showSelection(context().selection->value());
}

void AlignmentView::showMatrix()
{
    if (!result())
        return;
    const int layer = m_hoverLayer >= 0 ? m_hoverLayer : context().selection->value().layer;
    const QString wanted = m_matrixBox->currentIndex() == 0 ? QStringLiteral("languages-layer-%1").arg(layerNumber(layer))
                                                            : m_matrixBox->currentData().toString();
    if (wanted == m_matrixShown)
        return;
    m_matrixShown = wanted;
    const Matrix *matrix = partOf(result()->matrices, wanted.toStdString());
    m_matrix->setEmptyText(QStringLiteral("No matrix"), QStringLiteral("The setting All pairs is off, or there are too few layers."));
    if (!matrix) {
        m_matrix->setContent({});
        return;
    }
    HeatmapContent content = matrixContent(*matrix);
    content.floor = 0;
    content.caption = sampleText(*result());
    m_matrix->setContent(std::move(content));
}

void AlignmentView::showMap()
{
    if (!result())
        return;
    LanguageMapContent content;
    content.tree = m_mapBox->currentIndex() == 1;
    content.title = content.tree ? QStringLiteral("Tree of the languages, all layers") : QStringLiteral("Map of the languages, all layers");
    content.unit = QStringLiteral("divergence");
    if (const Table *map = partOf(result()->tables, "map")) {
        const SeriesPlot *plot = m_chart->plot();
        for (std::size_t i = 0; i < map->rows(); ++i) {
            LanguagePoint point{text(map->texts("language")[i]), map->reals("x")[i], map->reals("y")[i], FigureLook::of(*this).ink};
            const auto &curves = m_chart->series().curves;
            for (std::size_t c = 0; plot && c < curves.size(); ++c)
                if (curves[c].name == map->texts("language")[i])
                    point.colour = plot->colour(static_cast<int>(c));
            content.points.push_back(std::move(point));
        }
    }
    if (const Table *tree = partOf(result()->tables, "dendrogram"))
        for (std::size_t i = 0; i < tree->rows(); ++i)
            content.merges.push_back(
                {static_cast<int>(tree->integers("a")[i]), static_cast<int>(tree->integers("b")[i]), tree->reals("height")[i]});
    m_map->setContent(std::move(content));
}

void AlignmentView::showSelection(const Selection &selection)
{
    if (!result())
        return;
    const QString language = selectedLanguage();
    const bool hasCurve = std::any_of(
        m_chart->series().curves.begin(), m_chart->series().curves.end(), [&](const Curve &curve) { return text(curve.name) == language; });
    const std::int64_t layer = layerNumber(selection.layer);
    m_chart->setMarks({layer < 0 ? noNumber : static_cast<double>(layer), hasCurve ? language : meanName(*result())});
    m_map->setSelected(language);
    showMatrix();
    std::vector<HeatmapMark> marks;
    const HeatmapContent &content = m_matrix->content();
    for (int row = 0; content.data && row < content.data->rows(); ++row)
        if (content.rowLabel(row) == language && !language.isEmpty())
            marks.push_back({HeatmapMark::Style::Selected, row, -1});
    m_matrix->setMarks(std::move(marks));
}

void AlignmentView::pick(int layer, const QString &language)
{
    Selection next = context().selection->value();
    const int index = layerIndex(layer);
    if (index >= 0 && index != next.layer) {
        next.layer = index;
        next.experts.clear();
    }
    if (!language.isEmpty()) {
        next.sequence = -1;
        next.token = -1;
        next.brush = {};
        next.group = language;
        next.grouping = QStringLiteral("language");
    }
    context().selection->set(next);
}

void AlignmentView::paintFigure(QPainter &painter, const QRectF &target)
{
    const QRectF inner = paintFrame(painter, target, QStringLiteral("Routing divergence between languages"));
    if (inner.isEmpty())
        return;
    const FigureLook look = FigureLook::print(font());
    const double half = inner.height() * 0.52;
    PlotMarks marks = m_chart->plot() ? m_chart->plot()->marks() : PlotMarks{};
    marks.x = noNumber;
    paintSeries(painter, QRectF(inner.topLeft(), QSizeF(inner.width(), half)), m_chart->series(), look, {}, marks);
    const QRectF below(inner.left(), inner.top() + half, inner.width() / 2, inner.height() - half);
    HeatmapContent content = m_matrix->content();
    if (content.data)
        paintMatrix(painter, below, content, look, {});
    LanguageMapContent map = m_map->content();
    const auto &curves = m_chart->series().curves;
    for (LanguagePoint &point : map.points) {
        int index = 0;
        point.colour = look.ink;
        for (const Curve &curve : curves) {
            if (text(curve.name) == point.name)
                point.colour = curveColour(index, false);
            index += curve.role == Curve::Role::Data;
        }
    }
    paintLanguageMap(painter, below.translated(below.width(), 0), map, look, {});
}

void AlignmentView::changeEvent(QEvent *event)
{
    AnalysisView::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_map)
        showMap();
}

} // namespace expertscope
