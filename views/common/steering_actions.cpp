// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/steering_actions.h"

#include "views/common/heatmap_view.h"
#include "views/common/result_parts.h"
#include "views/common/result_table.h"

#include <QMenu>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

/// "expert 5 of layer 12", "3 experts of layer 12".
QString named(const ExpertSet &set)
{
    return set.experts.size() == 1 ? QStringLiteral("expert %1 of layer %2").arg(set.experts.front()).arg(set.layer)
                                   : QStringLiteral("%1 experts of layer %2").arg(set.experts.size()).arg(set.layer);
}

} // namespace

ExpertSet expertsUnder(const Selection &selection, const TraceMeta &meta, int layerNumber, int expert)
{
    const bool sameLayer = selection.layer < meta.moeLayers() && meta.layers[static_cast<std::size_t>(selection.layer)] == layerNumber;
    const bool selected = sameLayer && std::binary_search(selection.experts.begin(), selection.experts.end(), expert);
    return {layerNumber, selected ? selection.experts : std::vector<int>{expert}};
}

ExpertSet expertsOfToken(const RoutingTrace &trace, std::int64_t token, int layer)
{
    std::vector<ExpertId> ids(static_cast<std::size_t>(trace.meta().slotCount));
    trace.expertIds({token, token + 1}, layer, ids);
    ExpertSet set{trace.meta().layers[static_cast<std::size_t>(layer)], {}};
    std::copy_if(ids.begin(), ids.end(), std::back_inserter(set.experts), [](ExpertId id) { return id != noExpert; });
    std::sort(set.experts.begin(), set.experts.end());
    return set;
}

void addSteeringActions(QMenu &menu, const ViewContext &context, const ExpertSet &set)
{
    if (!context.steering || set.experts.empty())
        return;
    using Kind = SteeringWish::Kind;
    constexpr std::pair<Kind, const char *> offers[] = {{Kind::Boost, "Boost %1"}, {Kind::Suppress, "Suppress %1"},
        {Kind::Ablate, "Ablate %1"}, {Kind::WhatIf, "What if: try %1 in Steering"}};
    QAction *before = menu.actions().isEmpty() ? nullptr : menu.actions().front();
    for (const auto &[kind, text] : offers) {
        auto *action = new QAction(QString::fromLatin1(text).arg(named(set)), &menu);
        action->setObjectName(QStringLiteral("steer%1").arg(static_cast<int>(kind)));
        QObject::connect(action, &QAction::triggered, context.steering,
            [model = context.steering, wish = SteeringWish{kind, set.layer, set.experts}] { emit model->wished(wish); });
        menu.insertAction(before, action);
    }
    if (before)
        menu.insertSeparator(before);
}

void offerSteering(HeatmapView &map, const ViewContext &context, std::function<std::optional<ExpertSet>(int, std::int64_t)> expertOf)
{
    QObject::connect(&map, &HeatmapView::menuOpened, &map, [context, expertOf = std::move(expertOf)](QMenu *menu, int row, qint64 column) {
        if (const std::optional<ExpertSet> set = expertOf(row, column))
            addSteeringActions(*menu, context, *set);
    });
}

void offerSteering(ResultTable &table, const ViewContext &context)
{
    QObject::connect(&table, &ResultTable::menuOpened, &table, [context, &table](QMenu *menu, qulonglong row) {
        const Column *layer = columnOf(table.model().table(), "layer"), *expert = columnOf(table.model().table(), "expert");
        if (layer && expert)
            addSteeringActions(*menu, context,
                {static_cast<int>(std::lround(numbersOf(*layer)[row])), {static_cast<int>(std::lround(numbersOf(*expert)[row]))}});
    });
}

} // namespace expertscope
