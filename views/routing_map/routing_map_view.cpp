// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/routing_map/routing_map_view.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QStandardItemModel>
#include <QVBoxLayout>

#include <algorithm>

namespace expertscope {

namespace {

struct LoadValueName {
    LoadValue value;
    const char *id;
    const char *title;
    const char *help;
};
constexpr LoadValueName loadValues[] = {
    {LoadValue::Share, "share", "Share of tokens", "Tokens that chose the expert, divided by all tokens of the selection."},
    {LoadValue::Log2Ratio, "log2_ratio", "Ratio to chance",
        "log2 of the share over the chance level k/E: 1 = twice as often as chance, -1 = half as often."},
    {LoadValue::MeanWeight, "mean_weight", "Mean gate weight", "Mean gate weight of the expert over the tokens that chose it."},
};

} // namespace

RoutingMapView::RoutingMapView(ViewContext context, QWidget *parent)
    : View{std::move(context), parent}
    , m_metric{&tokenMetrics().front()}
    , m_map{new HeatmapView(this)}
{
    setObjectName(QStringLiteral("routing_map"));
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    buildToolbar();
    column->addWidget(m_map, 1);
    setFocusProxy(m_map);
    connectMap();
    fillValues();
}

void RoutingMapView::buildToolbar()
{
    auto *bar = new QWidget(this);
    auto *row = new QHBoxLayout(bar);
    row->setContentsMargins(8, 4, 8, 4);
    const auto box = [&](const char *label, const char *name) {
        auto *combo = new QComboBox(bar);
        combo->setObjectName(QLatin1String(name));
        combo->setAccessibleName(QString(QLatin1String(label)).remove(u'&'));
        combo->setSizeAdjustPolicy(QComboBox::AdjustToContents);
        auto *title = new QLabel(QLatin1String(label), bar);
        title->setBuddy(combo);
        row->addWidget(title);
        row->addWidget(combo);
        row->addSpacing(8);
        return combo;
    };
    m_modeBox = box("&Map", "mode");
    m_modeBox->addItems({QStringLiteral("Layer × expert"), QStringLiteral("Token × layer")});
    m_valueBox = box("&Show", "value");
    m_scopeBox = box("&Of", "scope");
    m_scopeBox->addItems({QStringLiteral("Selection"), QStringLiteral("Whole trace")});
    m_scopeBox->setToolTip(
        QStringLiteral("Selection: the brushed tokens, else the selected sequence, else the selected language or domain, else everything"));
    row->addStretch(1);
    static_cast<QVBoxLayout *>(layout())->addWidget(bar);
    connect(m_modeBox, &QComboBox::activated, this, [this](int i) { setMode(i == 0 ? Mode::LayerExpert : Mode::TokenLayer); });
    connect(m_valueBox, &QComboBox::activated, this, [this](int i) { setValue(m_valueBox->itemData(i).toString()); });
    connect(m_scopeBox, &QComboBox::currentIndexChanged, this, &RoutingMapView::refresh);
}

void RoutingMapView::connectMap()
{
    SelectionModel *selection = context().selection;
    m_map->setDescribe([this](int row, std::int64_t column) { return describe(row, column); });
    connect(m_map, &HeatmapView::hovered, this, [this, selection](int row, qint64 column) {
        if (row < 0)
            selection->setHover({});
        else if (m_mode == Mode::LayerExpert)
            selection->setHover({-1, row, static_cast<int>(column)});
        else if (m_tokens)
            selection->setHover({m_tokens->range.begin + column, row, -1});
    });
    connect(m_map, &HeatmapView::picked, this,
        [this](int row, qint64 column, Qt::KeyboardModifiers modifiers) { picked(row, column, modifiers); });
    connect(m_map, &HeatmapView::brushed, this, [this](int row, int, qint64 first, qint64 last) { brushed(row, first, last); });
    offerSteering(*m_map, context(), [this](int row, std::int64_t column) { return expertsOfCell(row, column); });
    connect(m_map, &HeatmapView::status, this, &View::status);
    connect(m_map, &HeatmapView::pictureWished, this, &View::pictureWished);
    connect(m_map, &HeatmapView::numbersWished, this, &View::numbersWished);
    connect(selection, &SelectionModel::changed, this, &RoutingMapView::showSelection);
    connect(selection, &SelectionModel::hoverChanged, this, [this](const Hover &hover) {
        if (m_mode == Mode::LayerExpert)
            m_map->setCrosshair(hover.expert < 0 ? -1 : hover.layer, hover.expert);
        else if (m_tokens)
            m_map->setCrosshair(hover.layer >= 0 ? hover.layer : context().selection->value().layer,
                hover.token < 0 ? -1 : hover.token - m_tokens->range.begin);
        requestDots();
    });
}

void RoutingMapView::fillValues()
{
    const QSignalBlocker quiet(m_valueBox);
    m_valueBox->clear();
    const TraceFields *fields = m_subject.trace ? &m_subject.trace->meta().fields : nullptr;
    const auto add = [&](const QString &title, const QString &id, const QString &help, bool available) {
        m_valueBox->addItem(title, id);
        const int row = m_valueBox->count() - 1;
        m_valueBox->setItemData(row,
            available ? help : help + QStringLiteral("\nNot available: this trace does not hold what it is computed from."),
            Qt::ToolTipRole);
        static_cast<QStandardItemModel *>(m_valueBox->model())->item(row)->setEnabled(available);
    };
    if (m_mode == Mode::LayerExpert) {
        for (const LoadValueName &name : loadValues)
            add(QLatin1String(name.title), QLatin1String(name.id), QLatin1String(name.help),
                name.value != LoadValue::MeanWeight || !fields || fields->gateWeight);
    } else {
        for (const TokenMetricKind &kind : tokenMetrics()) {
            if (kind.perLayer)
                add(QString::fromUtf8(kind.title.data(), static_cast<qsizetype>(kind.title.size())),
                    QString::fromUtf8(kind.id.data(), static_cast<qsizetype>(kind.id.size())),
                    QString::fromUtf8(kind.help.data(), static_cast<qsizetype>(kind.help.size())), !fields || kind.available(*fields));
        }
    }
    m_valueBox->setCurrentIndex(m_valueBox->findData(value()));
    m_valueBox->setToolTip(m_valueBox->currentData(Qt::ToolTipRole).toString());
    for (QComboBox *box : {m_modeBox, m_valueBox, m_scopeBox})
        box->setEnabled(m_subject.trace != nullptr);
}

void RoutingMapView::setSubject(const Subject &subject)
{
    const bool sameTrace = subject.trace == m_subject.trace;
    m_subject = subject;
    if (sameTrace) {
        // Summaries arrive after their trace.
        if (!context().selection->value().group.isEmpty())
            refresh();
        return;
    }
    if (m_subject.trace && !m_metric->available(m_subject.trace->meta().fields))
        m_metric = &tokenMetrics().front();
    if (m_subject.trace && m_loadValue == LoadValue::MeanWeight && !m_subject.trace->meta().fields.gateWeight)
        m_loadValue = LoadValue::Share;
    m_load.reset();
    m_tokens.reset();
    m_dots.clear();
    fillValues();
    refresh();
    requestDots();
}

void RoutingMapView::setMode(Mode mode)
{
    if (mode == m_mode)
        return;
    m_mode = mode;
    m_load.reset();
    m_tokens.reset();
    m_dots.clear();
    {
        const QSignalBlocker quiet(m_modeBox);
        m_modeBox->setCurrentIndex(mode == Mode::LayerExpert ? 0 : 1);
    }
    m_map->setBrushColumns(mode == Mode::TokenLayer);
    m_map->setContent({});
    m_map->setEmptyText(
        m_subject.trace ? QStringLiteral("Counting…") : nothingOpenHeadline(), m_subject.trace ? QString() : nothingOpenAdvice());
    fillValues();
    refresh();
    requestDots();
}

QString RoutingMapView::value() const
{
    if (m_mode == Mode::TokenLayer)
        return QString::fromUtf8(m_metric->id.data(), static_cast<qsizetype>(m_metric->id.size()));
    const auto at =
        std::find_if(std::begin(loadValues), std::end(loadValues), [&](const LoadValueName &name) { return name.value == m_loadValue; });
    return QLatin1String(at->id);
}

void RoutingMapView::setValue(const QString &id)
{
    if (id == value())
        return;
    ScaleSettings settings = m_map->scaleSettings();
    if (settings.mode == RangeMode::Locked) {
        settings.mode = RangeMode::Full; // a locked range of shares says nothing about bits
        m_map->setScaleSettings(settings);
    }
    if (m_mode == Mode::LayerExpert) {
        for (const LoadValueName &name : loadValues) {
            if (id == QLatin1String(name.id))
                m_loadValue = name.value;
        }
        fillValues();
        showLoad();
        return;
    }
    for (const TokenMetricKind &kind : tokenMetrics()) {
        if (kind.perLayer && id.toStdString() == kind.id && (!m_subject.trace || kind.available(m_subject.trace->meta().fields)))
            m_metric = &kind;
    }
    fillValues();
    refresh();
}

void RoutingMapView::showSelection(const Selection &selection)
{
    const bool sameScope = selection.sequence == m_shown.sequence && selection.brush == m_shown.brush && selection.group == m_shown.group
        && selection.grouping == m_shown.grouping;
    if (!sameScope)
        refresh();
    showMarks();
    requestDots();
}

void RoutingMapView::picked(int row, std::int64_t column, Qt::KeyboardModifiers modifiers)
{
    Selection next = context().selection->value();
    if (m_mode == Mode::TokenLayer && m_tokens) {
        next.token = m_tokens->range.begin + column;
        next.sequence = m_subject.trace->meta().sequenceOf(next.token);
        next.group.clear();
        next.grouping.clear();
        if (next.layer != row)
            next.experts.clear();
        next.layer = row;
    } else if (m_mode == Mode::LayerExpert) {
        const int expert = static_cast<int>(column);
        const bool toggle = (modifiers & Qt::ControlModifier) && next.layer == row;
        const auto at = std::lower_bound(next.experts.begin(), next.experts.end(), expert);
        if (!toggle)
            next.experts = {expert};
        else if (at != next.experts.end() && *at == expert)
            next.experts.erase(at);
        else
            next.experts.insert(at, expert);
        next.layer = row;
    }
    context().selection->set(next);
}

void RoutingMapView::brushed(int row, std::int64_t firstColumn, std::int64_t lastColumn)
{
    Selection next = context().selection->value();
    if (m_mode == Mode::TokenLayer && m_tokens) {
        next.brush = {m_tokens->range.begin + firstColumn, m_tokens->range.begin + lastColumn + 1};
    } else if (m_mode == Mode::LayerExpert) {
        next.layer = row;
        next.experts.clear();
        for (std::int64_t expert = firstColumn; expert <= lastColumn; ++expert)
            next.experts.push_back(static_cast<int>(expert));
    }
    context().selection->set(next);
}

/// Of a cell of layer by expert that expert, or all brushed with it; of token by layer what the token chose there.
std::optional<ExpertSet> RoutingMapView::expertsOfCell(int row, std::int64_t column) const
{
    if (!m_subject.trace || row < 0)
        return std::nullopt;
    const TraceMeta &meta = m_subject.trace->meta();
    if (m_mode == Mode::LayerExpert)
        return expertsUnder(context().selection->value(), meta, meta.layers[static_cast<std::size_t>(row)], static_cast<int>(column));
    return m_tokens ? std::optional{expertsOfToken(*m_subject.trace, m_tokens->range.begin + column, row)} : std::nullopt;
}

void RoutingMapView::showMarks()
{
    const Selection &selection = context().selection->value();
    std::vector<HeatmapMark> marks;
    if (m_mode == Mode::LayerExpert) {
        marks = m_dots;
        marks.push_back({HeatmapMark::Style::Selected, selection.layer, -1});
        for (const int expert : selection.experts)
            marks.push_back({HeatmapMark::Style::Selected, selection.layer, expert});
    } else if (m_tokens) {
        marks.push_back({HeatmapMark::Style::Selected, selection.layer, -1});
        if (selection.token >= m_tokens->range.begin && selection.token < m_tokens->range.end)
            marks.push_back({HeatmapMark::Style::Selected, -1, selection.token - m_tokens->range.begin});
        const std::int64_t first = std::max(selection.brush.begin, m_tokens->range.begin);
        const std::int64_t end = std::min(selection.brush.end, m_tokens->range.end);
        m_map->setBand(std::max<std::int64_t>(0, first - m_tokens->range.begin), std::max<std::int64_t>(0, end - m_tokens->range.begin));
    }
    if (m_mode == Mode::LayerExpert)
        m_map->setBand(0, 0);
    m_map->setMarks(std::move(marks));
}

void RoutingMapView::requestDots()
{
    const TracePtr trace = m_subject.trace;
    const std::int64_t hovered = context().selection->hover().token;
    const std::int64_t token = hovered >= 0 ? hovered : context().selection->value().token;
    if (m_mode != Mode::LayerExpert || !trace || token < 0 || token >= trace->meta().tokens) {
        m_dots.clear();
        showMarks();
        return;
    }
    runJob(
        context(), this, QStringLiteral("map.dots"),
        [trace, token](const Progress &) {
            std::vector<HeatmapMark> dots;
            std::vector<ExpertId> ids(static_cast<std::size_t>(trace->meta().slotCount));
            for (int layer = 0; layer < trace->meta().moeLayers(); ++layer) {
                trace->expertIds({token, token + 1}, layer, ids);
                for (const ExpertId id : ids) {
                    if (id != noExpert)
                        dots.push_back({HeatmapMark::Style::Dot, layer, id});
                }
            }
            return dots;
        },
        [this, trace, token](std::vector<HeatmapMark> dots) {
            const std::int64_t now =
                context().selection->hover().token >= 0 ? context().selection->hover().token : context().selection->value().token;
            if (trace != m_subject.trace || m_mode != Mode::LayerExpert || token != now)
                return;
            m_dots = std::move(dots);
            showMarks();
        });
}

void RoutingMapView::paintFigure(QPainter &painter, const QRectF &target)
{
    m_map->paintFigure(painter, target);
}

void RoutingMapView::fit()
{
    m_map->fit();
}

QVariantMap RoutingMapView::saveState() const
{
    return {{QStringLiteral("mode"), m_mode == Mode::LayerExpert ? 0 : 1}, {QStringLiteral("value"), value()},
        {QStringLiteral("scope"), m_scopeBox->currentIndex()}, {QStringLiteral("scale"), m_map->scaleSettings().save()}};
}

void RoutingMapView::restoreState(const QVariantMap &state)
{
    if (state.contains(QStringLiteral("mode")))
        setMode(state.value(QStringLiteral("mode")).toInt() == 1 ? Mode::TokenLayer : Mode::LayerExpert);
    if (state.contains(QStringLiteral("value")))
        setValue(state.value(QStringLiteral("value")).toString());
    if (state.contains(QStringLiteral("scope")))
        m_scopeBox->setCurrentIndex(state.value(QStringLiteral("scope")).toInt() == 1 ? 1 : 0);
    if (state.contains(QStringLiteral("scale")))
        m_map->setScaleSettings(ScaleSettings::restore(state.value(QStringLiteral("scale")).toMap()));
}

} // namespace expertscope
