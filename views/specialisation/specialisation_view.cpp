// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/specialisation/specialisation_view.h"

#include "engine/analysis/expert_card.h"
#include "views/common/axis.h"
#include "views/common/heatmap_view.h"
#include "views/common/result_figure.h"
#include "views/common/result_parts.h"
#include "views/common/result_table.h"
#include "views/common/series_chart.h"
#include "views/common/token_text.h"
#include "views/specialisation/group_map.h"

#include <QComboBox>
#include <QSplitter>
#include <QTabWidget>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr const char *analysisId = "specialisation";

std::vector<const AnalysisKind *> kinds()
{
    return {&analysisKind(analysisId)};
}

/// The tokens that choose an expert, against what its load lets one expect.
Table tokenTable(const ExpertCard &card)
{
    std::vector<std::string> token;
    std::vector<std::int64_t> id, count, n;
    std::vector<double> value, low, high, load, times, timesLow;
    for (const TokenOfExpert &one : card.tokens) {
        token.push_back(readableToken(one.text, one.tokenId).toStdString());
        id.push_back(one.tokenId);
        value.push_back(one.choosing.value);
        low.push_back(one.choosing.low);
        high.push_back(one.choosing.high);
        load.push_back(card.load.value);
        times.push_back(one.lift.value);
        timesLow.push_back(one.lift.low);
        count.push_back(one.choosing.count);
        n.push_back(one.choosing.of);
    }
    Table table{.id = "tokens", .title = "Tokens of the expert", .columns = {}};
    table.columns = {{"token", "", "Text of the token", token}, {"value", "1", "Share of its occurrences that choose the expert", value},
        {"low", "1", "Lower end of the 95 % interval", low}, {"high", "1", "Upper end of it", high},
        {"load", "1", "Share of all tokens that choose the expert: the chance level", load}, {"lift", "1", "value over load", times},
        {"lift_low", "1", "Lower end of the interval of lift", timesLow}, {"count", "tokens", "Occurrences that choose it", count},
        {"n", "tokens", "Occurrences", n}, {"token_id", "", "Id of the token", id}};
    return table;
}

} // namespace

SpecialisationView::SpecialisationView(ViewContext context, QWidget *parent)
    : AnalysisView{std::move(context), kinds(), parent}
    , m_map{new HeatmapView(this)}
    , m_bars{new SeriesChart(this)}
    , m_layers{new SeriesChart(this)}
    , m_top{new ResultTable(this)}
    , m_tokens{new ResultTable(this)}
    , m_tabs{new QTabWidget(this)}
{
    setObjectName(QStringLiteral("specialisation"));
    m_groupingBox = addBox(QStringLiteral("&By"), QStringLiteral("grouping"));
    m_groupBox = addBox(QStringLiteral("&Group"), QStringLiteral("group"));
    m_valueBox = addBox(QStringLiteral("Sho&w"), QStringLiteral("value"));
    m_valueBox->addItem(QStringLiteral("log2 lift"));
    m_valueBox->addItem(QStringLiteral("difference"));
    m_bars->setEmptyText(
        QStringLiteral("No expert is selected"), QStringLiteral("Click a cell of the map to see who chooses that expert."));
    m_tabs->setDocumentMode(true);
    m_tabs->addTab(m_bars, QStringLiteral("Expert"));
    m_tabs->addTab(m_tokens, QStringLiteral("Tokens of it"));
    m_tabs->addTab(m_top, QStringLiteral("Top experts"));
    m_tabs->addTab(m_layers, QStringLiteral("By layer"));
    auto *body = new QSplitter(Qt::Vertical, this);
    body->setChildrenCollapsible(false);
    body->addWidget(m_map);
    body->addWidget(m_tabs);
    body->setSizes({1000, 1000});
    setBody(body);

    connect(m_groupingBox, &QComboBox::activated, this,
        [this] { current()->setValue("grouping", m_groupingBox->currentData().toString().toStdString()); });
    connect(m_groupBox, &QComboBox::activated, this, [this] {
        if (grouping() == QLatin1String("language") || grouping() == QLatin1String("domain"))
            selectGroup(grouping(), group());
        showMap();
    });
    connect(m_valueBox, &QComboBox::currentIndexChanged, this, &SpecialisationView::showMap);
    m_map->setDescribe([this](int row, std::int64_t column) { return describe(row, column); });
    connect(this->context().selection, &SelectionModel::changed, this, &SpecialisationView::showSelection);
    connect(m_bars, &SeriesChart::picked, this, [this](int x, int) {
        const QString name = QString::fromStdString(m_bars->series().names[static_cast<std::size_t>(x)]);
        setGroup(name);
        if (grouping() == QLatin1String("language") || grouping() == QLatin1String("domain"))
            selectGroup(grouping(), name);
    });
    connect(m_layers, &SeriesChart::picked, this,
        [this](int x, int) { selectLayer(std::llround(m_layers->series().x[static_cast<std::size_t>(x)])); });
    connect(m_top, &ResultTable::rowPicked, this, [this](qulonglong row) {
        const Table &table = m_top->model().table();
        setGroup(QString::fromStdString(table.texts("group")[row]));
        selectExpert(table.integers("layer")[row], static_cast<int>(table.integers("expert")[row]));
    });
    connect(m_tabs, &QTabWidget::currentChanged, this, &SpecialisationView::requestTokens);
    addExpertMap(m_map);
    addPart(m_bars);
    addPart(m_layers);
    addPart(m_top);
    keep(QStringLiteral("show"), m_valueBox);
    keep(QStringLiteral("tab"), m_tabs);
}

void SpecialisationView::subjectChanged()
{
    QStringList columns{QStringLiteral("auto"), QStringLiteral("language"), QStringLiteral("domain")};
    if (subject().trace)
        for (const std::string &label : subject().trace->meta().labelColumns)
            columns << QString::fromStdString(label);
    columns << QStringLiteral("sequence");
    QStringList now;
    for (int i = 0; i < m_groupingBox->count(); ++i)
        now << m_groupingBox->itemData(i).toString();
    if (now != columns) {
        m_groupingBox->clear();
        for (const QString &column : columns)
            m_groupingBox->addItem(column, column);
    }
    m_groupingBox->setCurrentIndex(std::max(0, m_groupingBox->findData(QString::fromStdString(current()->value("grouping")))));
}

/// The title of the line by layer names what "auto" took.
QString SpecialisationView::grouping() const
{
    const QString asked = QString::fromStdString(current()->value("grouping"));
    if (asked != QLatin1String("auto") || !result())
        return asked;
    const Series *lines = partOf(result()->series, "divergence-by-layer");
    const QString name = lines && !lines->curves.empty() ? QString::fromStdString(lines->curves.front().name) : QString();
    return name.section(QStringLiteral("groups by "), 1);
}

QString SpecialisationView::group() const
{
    return m_groupBox->currentText();
}

void SpecialisationView::setGroup(const QString &group)
{
    const int at = m_groupBox->findText(group);
    if (at < 0 || at == m_groupBox->currentIndex())
        return;
    m_groupBox->setCurrentIndex(at);
    showMap();
}

void SpecialisationView::showResult()
{
    const QString before = group();
    m_groupBox->clear();
    for (const std::string &name : groupsOf(result()->table("specialisation")))
        m_groupBox->addItem(QString::fromStdString(name));
    m_groupBox->setCurrentIndex(std::max(0, m_groupBox->findText(before)));
    m_groupingBox->setItemText(0, QStringLiteral("auto: ") + grouping());
    if (const Table *top = partOf(result()->tables, "top-experts"))
        m_top->setTable(*top);
    if (const Series *layers = partOf(result()->series, "divergence-by-layer"))
        m_layers->setSeries(*layers);
    m_tokensOf.reset();
    showMap();
    showSelection(context().selection->value());
}

void SpecialisationView::showMap()
{
    if (!result())
        return;
    const Table &table = result()->table("specialisation");
    const GroupMap map =
        groupMap(table, group().toStdString(), m_valueBox->currentIndex() == 0 ? GroupValue::Log2Lift : GroupValue::Difference);
    HeatmapContent content = matrixContent(map.matrix);
    content.referenceName = QStringLiteral("like all");
    content.reference = 0;
    const auto &p = table.reals("p");
    const bool tested = std::any_of(p.begin(), p.end(), [](double x) { return !std::isnan(x); });
    if (tested)
        content.dotted = [significant = map.significant, columns = map.matrix.columns.size()](std::int64_t row, std::int64_t column) {
            return significant[static_cast<std::size_t>(row) * columns + static_cast<std::size_t>(column)];
        };
    const auto &groups = table.texts("group");
    const auto at = std::find(groups.begin(), groups.end(), group().toStdString());
    const std::int64_t n = at == groups.end() ? 0 : table.integers("n")[static_cast<std::size_t>(at - groups.begin())];
    content.caption = QStringLiteral("n = %1 of %2; ").arg(countText(n, "token"), isolated(group()))
        + (tested ? QStringLiteral("dot = significant (false discovery rate 5 %)") : QStringLiteral("nothing could be tested"));
    m_map->setContent(std::move(content));
}

void SpecialisationView::showSelection(const Selection &selection)
{
    if (!result())
        return;
    if (!selection.group.isEmpty() && selection.grouping == grouping())
        setGroup(selection.group);
    const std::int64_t layer = layerNumber(selection.layer);
    m_layers->setMarks({layer < 0 ? noNumber : static_cast<double>(layer), {}});
    std::vector<HeatmapMark> marks;
    for (const int expert : selection.experts)
        marks.push_back({HeatmapMark::Style::Selected, selection.layer, expert});
    if (marks.empty())
        marks.push_back({HeatmapMark::Style::Selected, selection.layer, -1});
    m_map->setMarks(std::move(marks));
    showExpert();
    requestTokens();
}

void SpecialisationView::showExpert()
{
    const Selection &selection = context().selection->value();
    if (selection.experts.empty())
        m_bars->clear();
    else
        m_bars->setSeries(expertBars(result()->table("specialisation"), layerNumber(selection.layer), selection.experts.front()));
}

void SpecialisationView::requestTokens()
{
    const Selection &selection = context().selection->value();
    const TracePtr trace = resultTrace();
    if (!trace || m_tabs->currentWidget() != m_tokens)
        return;
    if (selection.experts.empty() || trace->meta().tokens == 0 || selection.experts.front() >= trace->meta().experts) {
        m_tokens->setTable({});
        m_tokensOf.reset();
        return;
    }
    if (trace == m_tokensOf && selection.layer == m_expertShown.layer && selection.experts == m_expertShown.experts)
        return;
    m_tokensOf = trace;
    m_expertShown = selection;
    runJob(
        context(), this, QStringLiteral("specialisation.tokens"),
        [trace, layer = selection.layer, expert = selection.experts.front()](
            const Progress &progress) { return tokenTable(expertCard(*trace, layer, expert, progress)); },
        [this, trace](const Table &table) {
            if (trace == m_tokensOf)
                m_tokens->setTable(table);
        });
}

QStringList SpecialisationView::describe(int row, std::int64_t column) const
{
    QStringList lines{QStringLiteral("layer %1, expert %2").arg(layerNumber(row)).arg(column)};
    if (!result())
        return lines;
    const Table &table = result()->table("specialisation");
    const auto &layers = table.integers("layer"), &experts = table.integers("expert");
    const auto &groups = table.texts("group");
    for (std::size_t i = 0; i < table.rows(); ++i) {
        if (layers[i] != layerNumber(row) || experts[i] != column || groups[i] != group().toStdString())
            continue;
        lines << QStringLiteral("chosen by %1 % of %2 (%3 to %4 %)")
                     .arg(numberText(100 * table.reals("value")[i]), isolated(group()), numberText(100 * table.reals("low")[i]),
                         numberText(100 * table.reals("high")[i]));
        lines << QStringLiteral("%1 × its load (%2 %)").arg(numberText(table.reals("lift")[i]), numberText(100 * table.reals("load")[i]));
        const double p = table.reals("p")[i];
        lines << (std::isnan(p)
                ? QStringLiteral("not tested")
                : QStringLiteral("p = %1, %2")
                      .arg(numberText(p),
                          table.integers("significant")[i] != 0 ? QStringLiteral("significant") : QStringLiteral("not significant")));
    }
    return lines;
}

void SpecialisationView::paintFigure(QPainter &painter, const QRectF &target)
{
    const QRectF inner = paintFrame(painter, target, QStringLiteral("Specialisation by ") + grouping());
    if (inner.isEmpty())
        return;
    const FigureLook look = FigureLook::print(font());
    const bool hasExpert = !m_bars->series().curves.empty();
    const double half = inner.height() * 0.55;
    HeatmapContent content = m_map->content();
    paintMatrix(painter, QRectF(inner.topLeft(), QSizeF(inner.width(), half)), content, look, content.caption);
    paintSeries(painter, QRectF(inner.left(), inner.top() + half, inner.width(), inner.height() - half),
        hasExpert ? m_bars->series() : m_layers->series(), look, {});
}

} // namespace expertscope
