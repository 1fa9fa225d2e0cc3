// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// EffectsModel: what ablating experts was measured to do, on one sample of texts, shared by every table that ranks experts; and what
// persons wish to have measured, for whoever can run it.
#pragma once

#include "engine/analysis/result.h"
#include "engine/experiments/ablation.h"

#include <QObject>
#include <QString>

#include <map>
#include <memory>
#include <span>
#include <vector>

namespace expertscope {

/// Settings of a measurement: its sample and the ablation.
std::span<const ParamKind> effectsParams();

/// A table of experts as it was on the screen, to be set against their effects.
struct ExpertRanking {
    QString title;
    Table table; ///< with the columns `layer` and `expert`
};

struct EffectsState {
    QString obstacle; ///< why the experts of this trace cannot be ablated, and what to do; empty = nothing is in the way
    ParamValues settings; ///< of effectsParams(), for the next measurement
    std::shared_ptr<const std::map<ExpertPlace, AblationEffect>> effects; ///< null = nothing was measured
    ParamValues measuredWith; ///< settings of `effects`
    QString sample; ///< of `effects`: which texts, how many, in words
    std::int64_t tokens = 0; ///< predicted tokens of the sample
    bool running = false;
    std::shared_ptr<const ExpertRanking> ranking; ///< null until one was asked for
};

class EffectsModel : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;
    const EffectsState &state() const { return m_state; }
    void setState(EffectsState state);

Q_SIGNALS:
    void changed();
    // wishes
    void wished(const std::vector<expertscope::ExpertPlace> &experts); ///< to be measured, the first ones first
    void stopWished();
    void settingsWished(const expertscope::ParamValues &settings);
    void rankingWished(const expertscope::ExpertRanking &ranking); ///< to be set against effects

private:
    EffectsState m_state;
};

/// Whether the rows of a table are experts.
bool ranksExperts(const Table &table);
/// The expert of each row of such a table.
std::vector<ExpertPlace> expertsOf(const Table &table);
/// What is known of a table's experts, as further columns of it; none where nothing is, or where they are not of the open model.
std::vector<Column> measuredColumns(const Table &table, const EffectsState &state);
/// The table with these columns. effects may be null.
Table withEffects(Table table, const EffectsModel *effects);
/// What the columns were measured on, in a sentence; empty where nothing was.
QString effectsCaption(const EffectsState &state);

} // namespace expertscope
