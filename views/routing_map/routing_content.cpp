// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the Routing map shows: the part of the trace, the numbers, their words in titles, captions and readouts, and the CSV.
#include "engine/core/csv.h"
#include "views/common/axis.h"
#include "views/common/token_text.h"
#include "views/routing_map/routing_map_view.h"

#include <QComboBox>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

QString text(std::string_view view)
{
    return QString::fromUtf8(view.data(), static_cast<qsizetype>(view.size()));
}

bool hasGroup(const RoutingSummary *summary, const std::string &group)
{
    return summary && std::find(summary->groups.begin(), summary->groups.end(), group) != summary->groups.end();
}

std::string tokensCsv(const TraceMeta &meta, const std::optional<TokenMap> &map, const TokenMetricKind &metric)
{
    CsvWriter csv;
    for (const char *name : {"token", "position", "token_id", "text", "layer"})
        csv.field(name);
    csv.field(metric.id).endRow();
    for (std::int64_t column = 0; map && column < map->range.count(); ++column) {
        const std::int64_t token = map->range.begin + column;
        const int sequence = meta.sequenceOf(token);
        const auto i = static_cast<std::size_t>(column);
        const std::int32_t id = i < map->tokens->tokenId.size() ? map->tokens->tokenId[i] : -1;
        const std::string text =
            plainToken(i < map->tokens->bytes.size() ? std::string_view{map->tokens->bytes[i]} : std::string_view{}, id).toStdString();
        for (int layer = 0; layer < meta.moeLayers(); ++layer) {
            csv.field(token).field(
                sequence >= 0 ? token - meta.sequences[static_cast<std::size_t>(sequence)].firstToken : std::int64_t{-1});
            csv.field(meta.fields.tokenId ? std::to_string(id) : std::string{}).field(text);
            csv.field(meta.layers[static_cast<std::size_t>(layer)]).field(map->data->at(layer, column)).endRow();
        }
    }
    return csv.text();
}

std::string loadCsv(const TraceMeta &meta, const std::optional<ExpertLoad> &load)
{
    CsvWriter csv;
    for (const char *name : {"layer", "expert", "count", "tokens", "share", "chance", "log2_ratio", "mean_gate_weight"})
        csv.field(name);
    csv.endRow();
    for (int layer = 0; load && layer < load->layers; ++layer) {
        for (int expert = 0; expert < load->experts; ++expert) {
            csv.field(meta.layers[static_cast<std::size_t>(layer)]).field(expert).field(load->count(layer, expert)).field(load->tokens);
            csv.field(load->share(layer, expert))
                .field(load->chance())
                .field(load->log2Ratio(layer, expert))
                .field(load->meanWeight(layer, expert))
                .endRow();
        }
    }
    return csv.text();
}

} // namespace

RoutingMapView::Scope RoutingMapView::scope() const
{
    const TraceMeta &meta = m_subject.trace->meta();
    const Selection &selection = context().selection->value();
    Scope scope{{0, meta.tokens}, {}, nullptr, -1, QStringLiteral("whole trace")};
    if (m_scopeBox->currentIndex() == 1)
        return scope;
    const bool brush = selection.brush.count() > 0 && selection.brush.begin >= 0 && selection.brush.end <= meta.tokens;
    const bool sequence = selection.sequence >= 0 && selection.sequence < static_cast<int>(meta.sequences.size());
    // Token x layer keeps the whole sequence in view and shows the brush inside it.
    if (brush && (m_mode == Mode::LayerExpert || (!sequence && selection.brush.count() < meta.tokens))) {
        scope.range = m_mode == Mode::LayerExpert ? selection.brush : TokenRange{0, meta.tokens};
        if (m_mode == Mode::LayerExpert)
            scope.name = QStringLiteral("brushed tokens %1 to %2").arg(selection.brush.begin).arg(selection.brush.end - 1);
        return scope;
    }
    if (sequence) {
        const SequenceInfo &info = meta.sequences[static_cast<std::size_t>(selection.sequence)];
        scope.range = info.range();
        scope.sequence = selection.sequence;
        scope.name = QStringLiteral("sequence ") + isolated(text(info.id));
        return scope;
    }
    const std::string group = selection.group.toStdString();
    if (m_mode == Mode::LayerExpert && !group.empty()) {
        const bool language = selection.grouping != QLatin1String("domain") && hasGroup(m_subject.byLanguage.get(), group);
        const bool domain = selection.grouping != QLatin1String("language") && hasGroup(m_subject.byDomain.get(), group);
        if (language || domain) {
            scope.group = group;
            scope.summary = language ? m_subject.byLanguage.get() : m_subject.byDomain.get();
            scope.name = (language ? QStringLiteral("language ") : QStringLiteral("domain ")) + isolated(selection.group);
        }
    }
    return scope;
}

void RoutingMapView::refresh()
{
    m_shown = context().selection->value();
    const bool countsOnly = m_subject.trace && m_subject.trace->importedCounts();
    if (!m_subject.trace || (countsOnly ? m_mode == Mode::TokenLayer : m_subject.trace->meta().tokens == 0)) {
        m_map->setContent({});
        m_map->setEmptyText(!m_subject.trace ? nothingOpenHeadline()
                : countsOnly                 ? countsOnlyHeadline()
                                             : noTokensHeadline(),
            !m_subject.trace ? nothingOpenAdvice()
                : countsOnly ? countsOnlyAdvice()
                             : noTokensAdvice());
        return;
    }
    if (!m_load && !m_tokens)
        m_map->setEmptyText(QStringLiteral("Counting…"), QString());
    const TracePtr trace = m_subject.trace;
    const Scope wanted = scope();
    if (m_mode == Mode::TokenLayer) {
        runJob(
            context(), this, QStringLiteral("map.numbers"),
            [trace, range = wanted.range, metric = m_metric](
                const Progress &progress) { return tokenMap(*trace, range, *metric, progress); },
            [this, trace, wanted, metric = m_metric](TokenMap map) {
                if (trace != m_subject.trace || m_mode != Mode::TokenLayer || metric != m_metric)
                    return;
                m_scope = wanted;
                m_tokens = std::move(map);
                showTokens();
            });
        return;
    }
    const auto summary = wanted.summary == m_subject.byLanguage.get() ? m_subject.byLanguage : m_subject.byDomain;
    runJob(
        context(), this, QStringLiteral("map.numbers"),
        [trace, wanted, summary](const Progress &progress) {
            if (!wanted.group.empty()) {
                if (const auto load = expertLoad(*summary, wanted.group))
                    return *load;
            }
            return expertLoad(*trace, wanted.range, progress);
        },
        [this, trace, wanted](ExpertLoad load) {
            if (trace != m_subject.trace || m_mode != Mode::LayerExpert)
                return;
            m_scope = wanted;
            m_load = std::move(load);
            showLoad();
        });
}

void RoutingMapView::showLoad()
{
    if (!m_load || !m_subject.trace)
        return;
    const TraceMeta &meta = m_subject.trace->meta();
    HeatmapContent content;
    content.data = loadMap(*m_load, m_loadValue);
    content.columnTitle = QStringLiteral("Expert");
    content.rowTitle = QStringLiteral("Layer");
    content.rowName = [this](std::int64_t row) { return layerName(static_cast<int>(row)); };
    const QString chance =
        QStringLiteral("chance = k/E = %1/%2 = %3").arg(m_load->topK).arg(m_load->experts).arg(numberText(m_load->chance()));
    QString definition;
    switch (m_loadValue) {
    case LoadValue::Share:
        content.title = QStringLiteral("Share of tokens that choose each expert");
        content.valueTitle = QStringLiteral("Share of tokens");
        content.reference = m_load->chance();
        content.referenceName = QStringLiteral("chance");
        content.floor = 0;
        definition = QStringLiteral("Share = tokens that chose the expert / n; ") + chance;
        break;
    case LoadValue::Log2Ratio:
        content.title = QStringLiteral("How often each expert is chosen, against chance");
        content.valueTitle = QStringLiteral("log2 (share / chance)");
        content.map = ColourMap::Diverging;
        content.reference = 0;
        content.referenceName = QStringLiteral("chance");
        definition = QStringLiteral("log2 of share over chance, hatched = never chosen; ") + chance;
        break;
    case LoadValue::MeanWeight:
        content.title = QStringLiteral("Mean gate weight of each expert");
        content.valueTitle = QStringLiteral("Mean gate weight");
        content.floor = 0;
        definition = QStringLiteral("Mean over the tokens that chose the expert, hatched = never chosen");
        break;
    }
    content.title += QStringLiteral(" · ") + m_scope.name;
    content.caption = QStringLiteral("%1: n = %2. %3.%4")
                          .arg(m_scope.name, countText(m_load->tokens, "token"), definition,
                              meta.model.name.empty() ? QString() : QStringLiteral(" Model ") + text(meta.model.name) + u'.');
    m_map->setContent(std::move(content));
    showMarks();
}

void RoutingMapView::showTokens()
{
    if (!m_tokens || !m_subject.trace)
        return;
    const TraceMeta &meta = m_subject.trace->meta();
    HeatmapContent content;
    content.data = m_tokens->data;
    content.title = text(m_metric->title) + QStringLiteral(" of every token in every layer · ") + m_scope.name;
    content.columnTitle = m_scope.sequence >= 0 ? QStringLiteral("Position in the sequence") : QStringLiteral("Token");
    content.rowTitle = QStringLiteral("Layer");
    content.valueTitle = text(m_metric->title);
    content.unit = m_metric->categorical ? QString() : text(m_metric->unit);
    content.map = m_metric->categorical ? ColourMap::Categorical : ColourMap::Viridis;
    content.rowName = [this](std::int64_t row) { return layerName(static_cast<int>(row)); };
    content.columnName = [this](std::int64_t column) { return tokenName(column); };
    content.columnText = [this](std::int64_t column) { return tokenText(column); };
    const QString cut = m_tokens->wanted > m_tokens->range.count()
        ? QStringLiteral(" Only the first %1 of %2 tokens: choose a sequence to see others.")
              .arg(countText(m_tokens->range.count()), countText(m_tokens->wanted))
        : QString();
    content.caption = QStringLiteral("%1: n = %2.%3 %4%5")
                          .arg(m_scope.name, countText(m_tokens->range.count(), "token"), cut, text(m_metric->help),
                              meta.model.name.empty() ? QString() : QStringLiteral(" Model ") + text(meta.model.name) + u'.');
    m_map->setContent(std::move(content));
    showMarks();
}

QString RoutingMapView::layerName(int layer) const
{
    if (!m_subject.trace || layer < 0 || layer >= m_subject.trace->meta().moeLayers())
        return {};
    return QString::number(m_subject.trace->meta().layers[static_cast<std::size_t>(layer)]);
}

QString RoutingMapView::tokenName(std::int64_t column) const
{
    return QString::number(m_scope.sequence >= 0 || !m_tokens ? column : m_tokens->range.begin + column);
}

QString RoutingMapView::tokenText(std::int64_t column) const
{
    const auto i = static_cast<std::size_t>(column);
    if (!m_tokens || column < 0 || column >= m_tokens->range.count())
        return {};
    const TokenColumns &tokens = *m_tokens->tokens;
    return readableToken(i < tokens.bytes.size() ? std::string_view(tokens.bytes[i]) : std::string_view(),
        i < tokens.tokenId.size() ? tokens.tokenId[i] : -1, m_tokens->range.begin + column);
}

QStringList RoutingMapView::describe(int row, std::int64_t column) const
{
    if (m_mode == Mode::TokenLayer) {
        if (!m_tokens)
            return {};
        const double value = m_tokens->data->at(row, column);
        const QString unit = m_metric->categorical || m_metric->unit == "1" || std::isnan(value) ? QString() : u' ' + text(m_metric->unit);
        return {QStringLiteral("%1   token %2").arg(isolated(tokenText(column))).arg(m_tokens->range.begin + column),
            QStringLiteral("layer %1").arg(layerName(row)), text(m_metric->title) + QStringLiteral(": ") + numberText(value) + unit};
    }
    if (!m_load)
        return {};
    const int expert = static_cast<int>(column);
    const double share = m_load->share(row, expert);
    const double chance = m_load->chance();
    QStringList lines{QStringLiteral("layer %1, expert %2").arg(layerName(row)).arg(expert),
        QStringLiteral("chosen by %1 of %2 = %3 %")
            .arg(countText(m_load->count(row, expert)), countText(m_load->tokens, "token"), numberText(100 * share)),
        QStringLiteral("%1 × chance (%2 %)").arg(numberText(chance > 0 ? share / chance : std::nan("")), numberText(100 * chance))};
    if (!m_load->gateMass.empty())
        lines << QStringLiteral("mean gate weight %1").arg(numberText(m_load->meanWeight(row, expert)));
    return lines;
}

std::function<std::string()> RoutingMapView::csvWork() const
{
    if (!m_subject.trace)
        return [] { return std::string{}; };
    if (m_mode == Mode::TokenLayer)
        return [trace = m_subject.trace, tokens = m_tokens, metric = m_metric] { return tokensCsv(trace->meta(), tokens, *metric); };
    return [trace = m_subject.trace, load = m_load] { return loadCsv(trace->meta(), load); };
}

} // namespace expertscope
