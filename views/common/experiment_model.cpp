// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/experiment_model.h"

#include <array>
#include <utility>

namespace expertscope {

QString dataFilter()
{
    return QStringLiteral("Data (*.jsonl *.json *.csv *.tsv *.txt);;All files (*)");
}

std::span<const ParamKind> scoringParams()
{
    static constexpr std::array params{
        ParamKind{"limit", "Items of each file (0 = all)", "Only the first ones", ParamKind::Type::Integer, "0", 0, 1e9},
        ParamKind{"separator", "Between question and choice", "What stands between a question and a choice", ParamKind::Type::Choice,
            "blank", 0, 0, "blank|line break|nothing"},
        ParamKind{"max-new-tokens", "Tokens of a generation", "At most so many", ParamKind::Type::Integer, "32", 1, 1e6},
    };
    return params;
}

void ExperimentModel::setState(ExperimentState state)
{
    m_state = std::move(state);
    emit changed();
}

void ExperimentModel::setWork(ExperimentWork work)
{
    m_state.work = std::move(work);
    emit progressed();
}

} // namespace expertscope
