// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/effects_model.h"

#include "engine/experiments/sequence_sample.h"
#include "views/common/axis.h"
#include "views/common/result_parts.h"

#include <algorithm>
#include <utility>

namespace expertscope {

std::span<const ParamKind> effectsParams()
{
    static constexpr auto params = joined(sampleParams, ablationParams);
    return params;
}

void EffectsModel::setState(EffectsState state)
{
    m_state = std::move(state);
    emit changed();
}

bool ranksExperts(const Table &table)
{
    const auto isInteger = [&](std::string_view name) {
        const Column *column = columnOf(table, name);
        return column && std::holds_alternative<std::vector<std::int64_t>>(column->values);
    };
    return isInteger("layer") && isInteger("expert");
}

std::vector<ExpertPlace> expertsOf(const Table &table)
{
    std::vector<ExpertPlace> experts;
    const auto &layers = table.integers("layer"), &numbers = table.integers("expert");
    for (std::size_t row = 0; row < table.rows(); ++row)
        experts.push_back({static_cast<int>(layers[row]), static_cast<int>(numbers[row])});
    return experts;
}

std::vector<Column> measuredColumns(const Table &table, const EffectsState &state)
{
    if (!state.effects || state.effects->empty() || !state.obstacle.isEmpty() || !ranksExperts(table))
        return {};
    std::vector<const AblationEffect *> rows;
    for (const ExpertPlace &expert : expertsOf(table)) {
        const auto at = state.effects->find(expert);
        rows.push_back(at == state.effects->end() ? nullptr : &at->second);
    }
    if (std::all_of(rows.begin(), rows.end(), [](const AblationEffect *effect) { return !effect; }))
        return {};
    std::vector<Column> columns = effectColumns(rows, Params{effectsParams(), state.measuredWith}, "effect");
    for (Column &column : columns)
        column.help += ".\n" + effectsCaption(state).toStdString();
    return columns;
}

Table withEffects(Table table, const EffectsModel *effects)
{
    if (effects)
        for (Column &column : measuredColumns(table, effects->state()))
            table.columns.push_back(std::move(column));
    return table;
}

QString effectsCaption(const EffectsState &state)
{
    if (!state.effects)
        return {};
    const Params settings{effectsParams(), state.measuredWith};
    return QStringLiteral("Effect of ablating single experts, measured on %1, %2; %3")
        .arg(state.sample, countText(state.tokens, "predicted token"),
            settings.text("op") == "exclude" ? QStringLiteral("exclude: the next best expert takes the slot, other tokens are left alone")
                                             : QStringLiteral("mask: as if the layer did not have the expert"));
}

} // namespace expertscope
