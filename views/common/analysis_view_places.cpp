// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How an AnalysisView speaks of layers, experts and groups with the selection that all views share.
#include "views/common/analysis_view.h"
#include "views/common/heatmap_view.h"
#include "views/common/steering_actions.h"

#include <algorithm>

namespace expertscope {

TracePtr AnalysisView::resultTrace() const
{
    const AnalysisInput &input = m_current->resultInput();
    return input.traces.empty() ? nullptr : input.traces.front();
}

int AnalysisView::layerIndex(std::int64_t number) const
{
    if (!m_subject.trace)
        return -1;
    const std::vector<int> &layers = m_subject.trace->meta().layers;
    const auto at = std::find(layers.begin(), layers.end(), static_cast<int>(number));
    return at == layers.end() ? -1 : static_cast<int>(at - layers.begin());
}

std::int64_t AnalysisView::layerNumber(int index) const
{
    return m_subject.trace && index >= 0 && index < m_subject.trace->meta().moeLayers()
        ? m_subject.trace->meta().layers[static_cast<std::size_t>(index)]
        : -1;
}

void AnalysisView::selectLayer(std::int64_t number)
{
    const int index = layerIndex(number);
    Selection next = context().selection->value();
    if (index < 0 || index == next.layer)
        return;
    next.layer = index;
    next.experts.clear();
    context().selection->set(next);
}

std::optional<ExpertSet> AnalysisView::expertsAt(std::int64_t layerNumber, int expert) const
{
    if (!m_subject.trace || expert < 0 || layerIndex(layerNumber) < 0)
        return std::nullopt;
    return expertsUnder(context().selection->value(), m_subject.trace->meta(), static_cast<int>(layerNumber), expert);
}

void AnalysisView::selectExpert(std::int64_t layerNumber, int expert)
{
    const int index = layerIndex(layerNumber);
    if (index < 0 || expert < 0 || expert >= m_subject.trace->meta().experts)
        return;
    Selection next = context().selection->value();
    next.layer = index;
    next.experts = {expert};
    context().selection->set(next);
}

void AnalysisView::selectGroup(const QString &grouping, const QString &group)
{
    Selection next = context().selection->value();
    next.sequence = -1;
    next.token = -1;
    next.brush = {};
    next.group = group;
    next.grouping = group.isEmpty() ? QString() : grouping;
    context().selection->set(next);
}

void AnalysisView::addExpertMap(HeatmapView *map)
{
    addPart(map);
    SelectionModel *selection = context().selection;
    connect(map, &HeatmapView::picked, this, [this](int row, qint64 column) { selectExpert(layerNumber(row), static_cast<int>(column)); });
    connect(map, &HeatmapView::hovered, this, [selection](int row, qint64 column) {
        selection->setHover(row < 0 ? Hover{} : Hover{-1, row, static_cast<int>(column)});
    });
    connect(selection, &SelectionModel::hoverChanged, map,
        [map](const Hover &hover) { map->setCrosshair(hover.expert < 0 ? -1 : hover.layer, hover.expert); });
    offerSteering(*map, context(), [this](int row, std::int64_t column) { return expertsAt(layerNumber(row), static_cast<int>(column)); });
}

} // namespace expertscope
