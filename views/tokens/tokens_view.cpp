// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/tokens/tokens_view.h"

#include "engine/core/csv.h"
#include "views/common/axis.h"
#include "views/common/steering_actions.h"
#include "views/common/token_text.h"
#include "views/tokens/find_bar.h"

#include <QApplication>
#include <QClipboard>
#include <QKeyEvent>
#include <QLabel>
#include <QMenu>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr std::size_t mostHits = 10'000;

QString text(std::string_view view)
{
    return QString::fromUtf8(view.data(), static_cast<qsizetype>(view.size()));
}

/// values: [T] or null while they are not known.
std::string tokensCsv(const TraceMeta &meta, const TokenIndex &index, TokenRange range, const TokenMetricKind &metric, int layer,
    const std::vector<float> *values)
{
    CsvWriter csv;
    for (const char *name : {"token", "sequence", "language", "domain", "position", "token_id", "text", "layer"})
        csv.field(name);
    csv.field(std::string{metric.id} + (metric.unit == "1" || metric.categorical ? std::string{} : '_' + std::string{metric.unit}))
        .endRow();
    for (std::int64_t token = range.begin; token < std::min(range.end, index.tokens()); ++token) {
        const int sequence = meta.sequenceOf(token);
        const SequenceInfo info = sequence >= 0 ? meta.sequences[static_cast<std::size_t>(sequence)] : SequenceInfo{};
        csv.field(token)
            .field(info.id)
            .field(info.language)
            .field(info.domain)
            .field(token - info.firstToken)
            .field(meta.fields.tokenId ? std::to_string(index.id(token)) : std::string{});
        csv.field(plainToken(index.bytes(token), index.id(token)).toStdString());
        if (metric.perLayer && layer >= 0 && layer < meta.moeLayers())
            csv.field(meta.layers[static_cast<std::size_t>(layer)]);
        else
            csv.field("");
        const bool known = values && static_cast<std::size_t>(token) < values->size();
        csv.field(known ? (*values)[static_cast<std::size_t>(token)] : std::nanf("")).endRow();
    }
    return csv.text();
}

/// What a person sees in the place of words, and how to get them; empty if the trace holds its texts.
QString lackingTextNote(const TraceMeta &meta)
{
    if (meta.fields.tokenText || meta.tokens == 0)
        return {};
    return meta.fields.tokenId
        ? QStringLiteral("This trace holds no token texts: <#812> is token id 812. Trace the same texts with the model to read them here.")
        : QStringLiteral(
            "This trace holds no token texts and no token ids: \u00b7812 is token 812 of the trace. Import it again with token "
            "ids, or trace the same texts with the model to read them here.");
}

} // namespace

void TokensView::connectCanvas()
{
    SelectionModel *selection = context().selection;
    connect(m_canvas, &TokenCanvas::hovered, this, [this, selection](qint64 token) {
        selection->setHover({token, token >= 0 ? selection->value().layer : -1, -1});
        emit status(token >= 0 ? describe(token).join(QStringLiteral(" · ")) : QString());
    });
    connect(m_canvas, &TokenCanvas::picked, this, &TokensView::pick);
    connect(m_canvas, &TokenCanvas::sequencePicked, this, [selection](int sequence) {
        Selection next = selection->value();
        next.sequence = sequence;
        next.token = -1;
        next.brush = {};
        next.group.clear();
        next.grouping.clear();
        selection->set(next);
    });
    connect(m_canvas, &TokenCanvas::brushed, this, [this, selection](TokenRange range) {
        Selection next = selection->value();
        next.brush = range;
        const int first = m_subject.trace->meta().sequenceOf(range.begin);
        next.sequence = first == m_subject.trace->meta().sequenceOf(range.end - 1) ? first : -1;
        selection->set(next);
    });
    connect(m_canvas, &TokenCanvas::visibleChanged, this, &TokensView::requestFlags);
    connect(m_canvas, &TokenCanvas::menuWished, this, &TokensView::showMenu);
    connect(selection, &SelectionModel::changed, this, &TokensView::showSelection);
    connect(selection, &SelectionModel::hoverChanged, this, [this](const Hover &hover) {
        m_canvas->setHoverToken(hover.token);
        requestFlags();
    });
    m_canvas->setDescribe([this](std::int64_t token) { return describe(token); });
}

void TokensView::pick(std::int64_t token)
{
    Selection next = context().selection->value();
    next.token = token;
    next.sequence = m_subject.trace->meta().sequenceOf(token);
    next.brush = {};
    next.group.clear();
    next.grouping.clear();
    context().selection->set(next);
}

void TokensView::setSubject(const Subject &subject)
{
    const bool sameTrace = subject.trace == m_subject.trace;
    m_subject = subject;
    if (sameTrace)
        return;
    m_values = {};
    fillMetrics();
    requestIndex();
    requestValues();
    showSelection();
}

void TokensView::requestIndex()
{
    const QString note = m_subject.trace ? lackingTextNote(m_subject.trace->meta()) : QString();
    m_textNote->setText(note);
    m_textNote->setVisible(!note.isEmpty());
    if (!m_subject.trace) {
        m_canvas->setEmptyText(nothingOpenHeadline(), nothingOpenAdvice());
        m_canvas->setIndex(nullptr, {});
        return;
    }
    if (m_subject.trace->importedCounts())
        m_canvas->setEmptyText(countsOnlyHeadline(), countsOnlyAdvice());
    else if (m_subject.trace->meta().tokens == 0)
        m_canvas->setEmptyText(noTokensHeadline(), noTokensAdvice());
    else if (!m_canvas->index())
        m_canvas->setEmptyText(QStringLiteral("Reading the text…"), QString());
    const TracePtr trace = m_subject.trace;
    runJob(
        context(), this, QStringLiteral("tokens.index"), [trace](const Progress &progress) { return TokenIndex::build(*trace, progress); },
        [this, trace](TokenIndexPtr index) {
            if (trace != m_subject.trace)
                return;
            m_canvas->setIndex(std::move(index), [this](int sequence) { return header(sequence); });
            showValues();
            showSelection();
            requestFlags();
            requestFind();
        });
}

void TokensView::requestValues()
{
    const TracePtr trace = m_subject.trace;
    const int layer = context().selection->value().layer;
    m_valuesLayer = layer;
    if (!trace || layer < 0 || layer >= trace->meta().moeLayers() || !m_metric->available(trace->meta().fields)) {
        m_values = {};
        showValues();
        return;
    }
    runJob(
        context(), this, QStringLiteral("tokens.values"),
        [trace, layer, metric = m_metric](const Progress &progress) {
            constexpr std::int64_t block = 65'536;
            const std::int64_t tokens = trace->meta().tokens;
            auto values = std::make_shared<std::vector<float>>(static_cast<std::size_t>(tokens));
            for (std::int64_t first = 0; first < tokens; first += block) {
                progress.check();
                const TokenRange range{first, std::min(tokens, first + block)};
                metric->compute(*trace, range, layer,
                    std::span(*values).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(range.count())));
            }
            const ValueExtent extent = extentOf(*values);
            return Values{std::move(values), extent};
        },
        [this, trace, metric = m_metric, layer](Values values) {
            if (trace != m_subject.trace || metric != m_metric || (metric->perLayer && layer != context().selection->value().layer))
                return;
            m_values = std::move(values);
            showValues();
        });
}

void TokensView::requestFlags()
{
    const TracePtr trace = m_subject.trace;
    const TokenRange range = m_canvas->visibleTokens();
    const Hover hover = context().selection->hover();
    const Selection selected = context().selection->value();
    const auto inside = [&](int layer) { return layer >= 0 && layer < trace->meta().moeLayers(); };
    const bool wantsHover = trace && hover.expert >= 0 && inside(hover.layer);
    const bool wantsSelected = trace && !selected.experts.empty() && inside(selected.layer);
    if (!trace || range.count() <= 0 || range.end > trace->meta().tokens || (!wantsHover && !wantsSelected)) {
        m_canvas->setFlags({}, {});
        return;
    }
    runJob(
        context(), this, QStringLiteral("tokens.flags"),
        [=](const Progress &) {
            const auto perToken = static_cast<std::size_t>(trace->meta().slotCount);
            std::vector<std::uint8_t> flags(static_cast<std::size_t>(range.count()), 0);
            std::vector<ExpertId> ids(flags.size() * perToken);
            const auto mark = [&](int layer, auto uses, TokenFlag flag) {
                trace->expertIds(range, layer, ids);
                for (std::size_t i = 0; i < ids.size(); ++i) {
                    if (ids[i] != noExpert && uses(static_cast<int>(ids[i])))
                        flags[i / perToken] = static_cast<std::uint8_t>(flags[i / perToken] | flag);
                }
            };
            if (wantsHover)
                mark(
                    hover.layer, [&](int id) { return id == hover.expert; }, UsesHoveredExpert);
            if (wantsSelected)
                mark(
                    selected.layer, [&](int id) { return std::binary_search(selected.experts.begin(), selected.experts.end(), id); },
                    UsesSelectedExpert);
            return flags;
        },
        [this, trace, range](std::vector<std::uint8_t> flags) {
            const Hover now = context().selection->hover();
            if (trace == m_subject.trace && (now.expert >= 0 || !context().selection->value().experts.empty()))
                m_canvas->setFlags(range, std::move(flags));
        });
}

void TokensView::requestFind()
{
    const TokenIndexPtr index = m_canvas->index();
    const QString query = m_findBar->isVisibleTo(this) ? m_findBar->query() : QString();
    if (!index || query.isEmpty()) {
        m_found.clear();
        m_foundCurrent = -1;
        m_canvas->setFound({}, -1);
        m_findBar->setCount(0, -1, false);
        return;
    }
    runJob(
        context(), this, QStringLiteral("tokens.find"),
        [index, query](const Progress &progress) { return index->find(query, mostHits, progress); },
        [this, index, query](std::vector<TokenRange> found) {
            if (index != m_canvas->index() || query != m_findBar->query())
                return;
            m_found = std::move(found);
            // The first hit from the top of what is on the screen: typing does not jump away.
            const std::int64_t from = m_canvas->visibleTokens().begin;
            const auto at = std::lower_bound(
                m_found.begin(), m_found.end(), from, [](const TokenRange &hit, std::int64_t value) { return hit.begin < value; });
            m_foundCurrent = m_found.empty() ? -1 : at == m_found.end() ? 0 : static_cast<int>(at - m_found.begin());
            m_canvas->setFound(m_found, m_foundCurrent);
            m_findBar->setCount(m_found.size(), m_foundCurrent, m_found.size() == mostHits);
        });
}

void TokensView::stepFind(int direction)
{
    if (m_found.empty())
        return;
    const int count = static_cast<int>(m_found.size());
    m_foundCurrent = (m_foundCurrent + direction + count) % count;
    m_canvas->setFound(m_found, m_foundCurrent);
    m_findBar->setCount(m_found.size(), m_foundCurrent, m_found.size() == mostHits);
}

void TokensView::keyPressEvent(QKeyEvent *event)
{
    if (event->key() == Qt::Key_F3)
        stepFind(event->modifiers() & Qt::ShiftModifier ? -1 : 1);
    else
        View::keyPressEvent(event);
}

bool TokensView::find()
{
    m_findBar->open();
    requestFind();
    return true;
}

ColourScale TokensView::scale() const
{
    const ColourMap natural = m_metric->categorical ? ColourMap::Categorical : ColourMap::Viridis;
    if (!m_values.values)
        return m_settings.scale(natural, {0, 1});
    return m_settings.scale(natural, autoRange(*m_values.values, m_values.extent, m_settings.mode, natural));
}

QString TokensView::metricTitle() const
{
    const QString title = text(m_metric->title);
    const int layer = context().selection->value().layer;
    if (!m_metric->perLayer || !m_subject.trace || layer < 0 || layer >= m_subject.trace->meta().moeLayers())
        return title;
    return QStringLiteral("%1 at layer %2").arg(title).arg(m_subject.trace->meta().layers[static_cast<std::size_t>(layer)]);
}

LegendSpec TokensView::legendSpec() const
{
    LegendSpec spec;
    spec.scale = scale();
    const QString unit = text(m_metric->unit);
    spec.title = metricTitle();
    if (!m_metric->categorical && !unit.isEmpty() && unit != QLatin1String("1"))
        spec.title += QStringLiteral(" [") + unit + u']';
    spec.categories = m_subject.trace ? m_subject.trace->meta().experts : 0;
    spec.missing = m_values.values && m_values.extent.missing;
    const double slack = (spec.scale.high - spec.scale.low) / 512;
    spec.clippedLow = m_values.extent.any && m_values.extent.low < spec.scale.low - slack;
    spec.clippedHigh = m_values.extent.any && m_values.extent.high > spec.scale.high + slack;
    spec.locked = m_settings.mode == RangeMode::Locked && !m_metric->categorical;
    return spec;
}

void TokensView::showValues()
{
    m_canvas->setColouring({m_values.values, scale()});
    m_legend->setSpec(legendSpec());
    m_legend->setVisible(m_subject.trace != nullptr);
}

QString TokensView::header(int sequence) const
{
    if (!m_subject.trace || sequence < 0 || sequence >= static_cast<int>(m_subject.trace->meta().sequences.size()))
        return {};
    const SequenceInfo &info = m_subject.trace->meta().sequences[static_cast<std::size_t>(sequence)];
    QStringList parts{isolated(text(info.id))};
    for (const std::string *label : {&info.language, &info.domain}) {
        if (!label->empty())
            parts << isolated(text(*label));
    }
    parts << countText(info.range().count(), "token");
    if (info.nGenerated > 0)
        parts << QStringLiteral("%1 generated").arg(countText(info.nGenerated));
    return parts.join(QStringLiteral(" · "));
}

QStringList TokensView::describe(std::int64_t token) const
{
    const TokenIndexPtr &index = m_canvas->index();
    if (!index || !m_subject.trace || token < 0 || token >= index->tokens())
        return {};
    const TraceMeta &meta = m_subject.trace->meta();
    const std::int32_t id = index->id(token);
    QStringList lines{isolated(readableToken(index->bytes(token), id, token)) + (id >= 0 ? QStringLiteral("   id %1").arg(id) : QString())};
    const int sequence = meta.sequenceOf(token);
    if (sequence >= 0) {
        const SequenceInfo &info = meta.sequences[static_cast<std::size_t>(sequence)];
        lines << QStringLiteral("token %1, position %2 in %3").arg(token).arg(token - info.firstToken).arg(isolated(text(info.id)));
    }
    if (m_values.values && static_cast<std::size_t>(token) < m_values.values->size()) {
        const double value = (*m_values.values)[static_cast<std::size_t>(token)];
        const QString unit = m_metric->categorical || m_metric->unit == "1" ? QString() : u' ' + text(m_metric->unit);
        lines << metricTitle() + QStringLiteral(": ") + numberText(value) + (std::isnan(value) ? QString() : unit);
    }
    return lines;
}

TokenRange TokensView::exportRange() const
{
    const Selection &selection = context().selection->value();
    const TraceMeta &meta = m_subject.trace->meta();
    if (selection.brush.count() > 0)
        return {std::max<std::int64_t>(0, selection.brush.begin), std::min(meta.tokens, selection.brush.end)};
    if (selection.sequence >= 0 && selection.sequence < static_cast<int>(meta.sequences.size()))
        return meta.sequences[static_cast<std::size_t>(selection.sequence)].range();
    return {0, meta.tokens};
}

std::function<std::string()> TokensView::csvWork() const
{
    const TokenIndexPtr &index = m_canvas->index();
    if (!index || !m_subject.trace)
        return [] { return std::string{}; };
    const int layer = context().selection->value().layer;
    return [index, trace = m_subject.trace, range = exportRange(), metric = m_metric, values = m_values.values, layer] {
        return tokensCsv(trace->meta(), *index, range, *metric, layer, values.get());
    };
}

void TokensView::paintFigure(QPainter &painter, const QRectF &target)
{
    FigureLook look = FigureLook::print(font());
    if (!m_subject.trace || !m_canvas->index()) {
        paintEmptyState(painter, target, look, nothingOpenHeadline(), nothingOpenAdvice());
        return;
    }
    const TraceMeta &meta = m_subject.trace->meta();
    // The caption needs the range that fits, the range the room the caption leaves: its length hardly changes, so a draft will do.
    const auto caption = [&](TokenRange range) {
        return QStringLiteral("%1 %2 Tokens %3 to %4 of %5 (n = %6)%7. %8")
            .arg(text(m_metric->title) + u':', text(m_metric->help))
            .arg(range.begin)
            .arg(std::max(range.begin, range.end - 1))
            .arg(countText(meta.tokens), countText(range.count()),
                meta.model.name.empty() ? QString() : QStringLiteral(", model ") + text(meta.model.name), lackingTextNote(meta))
            .trimmed();
    };
    const auto paintAll = [&](QPainter &to, TokenRange range) {
        const QRectF inner = paintFigureFrame(to, target, look, QStringLiteral("Tokens coloured by ") + metricTitle(), caption(range));
        const LegendSpec spec = legendSpec();
        const double legend = legendExtent(spec, Qt::Horizontal, look);
        paintLegend(to, QRectF(inner.left(), inner.top(), std::min(inner.width(), 420.0), legend), spec, Qt::Horizontal, look);
        return m_canvas->paintInto(to, inner.adjusted(0, legend + 8, 0, 0), look);
    };
    QImage draft(1, 1, QImage::Format_RGB32);
    QPainter measuring(&draft);
    const TokenRange range = paintAll(measuring, {0, meta.tokens});
    measuring.end();
    paintAll(painter, range);
}

void TokensView::fit()
{
    m_canvas->setZoom(1);
}

void TokensView::applyScale(const ScaleSettings &settings)
{
    m_settings = settings;
    showValues();
}

void TokensView::showMenu(const QPoint &globalPos)
{
    auto *menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    const std::int64_t token = m_canvas->tokenAt(QPointF(m_canvas->viewport()->mapFromGlobal(globalPos)));
    if (token >= 0) {
        const TokenIndexPtr index = m_canvas->index();
        menu->addAction(QStringLiteral("Copy token text"), this,
            [index, token] { QApplication::clipboard()->setText(plainToken(index->bytes(token), index->id(token))); });
        menu->addAction(
            QStringLiteral("Copy description"), this, [this, token] { QApplication::clipboard()->setText(describe(token).join(u'\n')); });
        menu->addSeparator();
        addSteeringActions(*menu, context(), expertsOfToken(*m_subject.trace, token, context().selection->value().layer));
    }
    menu->addAction(QStringLiteral("Find… (Ctrl+F)"), this, [this] { find(); });
    menu->addAction(QStringLiteral("Save picture…"), this, &View::pictureWished);
    menu->addAction(QStringLiteral("Save numbers (CSV)…"), this, &View::numbersWished);
    addScaleActions(*menu, m_settings, scale(), [this](const ScaleSettings &next) { applyScale(next); });
    menu->popup(globalPos);
}

QVariantMap TokensView::saveState() const
{
    return {{QStringLiteral("metric"), text(m_metric->id)}, {QStringLiteral("scale"), m_settings.save()},
        {QStringLiteral("zoom"), m_canvas->zoom()}};
}

void TokensView::restoreState(const QVariantMap &state)
{
    if (state.contains(QStringLiteral("metric")))
        setMetric(state.value(QStringLiteral("metric")).toString().toStdString());
    if (state.contains(QStringLiteral("scale")))
        applyScale(ScaleSettings::restore(state.value(QStringLiteral("scale")).toMap()));
    if (state.contains(QStringLiteral("zoom")))
        m_canvas->setZoom(state.value(QStringLiteral("zoom")).toDouble());
}

} // namespace expertscope
