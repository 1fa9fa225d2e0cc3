// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RoutesModel: what other experts would have done for the selected token in the selected layer, and what persons wish to have tried, for
// whoever can run it.
#pragma once

#include "engine/experiments/route_result.h"

#include <QObject>
#include <QString>

#include <memory>

namespace expertscope {

/// The routes of one token in one layer.
struct RoutesOutcome {
    CounterfactualRoutes routes;
    Result result;
    int layer = 0; ///< the model's own number
    int experts = 0; ///< that the layer has
    std::int64_t position = 0; ///< of the token in its text
    QString token, next; ///< readable
    QString text; ///< which text, in words
};

struct RoutesState {
    ParamValues settings; ///< of routeKind()
    QString obstacle; ///< why nothing can be tried, and what to do; empty = nothing is in the way
    QString problem; ///< what went wrong; empty = nothing
    bool running = false;
    std::shared_ptr<const RoutesOutcome> outcome; ///< the newest there is; null before the first
};

class RoutesModel : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;
    const RoutesState &state() const { return m_state; }
    void setState(RoutesState state);

Q_SIGNALS:
    void changed();
    // wishes
    void settingsWished(const expertscope::ParamValues &settings);
    void watchedChanged(bool watched); ///< somebody looks at the outcome, or nobody does

private:
    RoutesState m_state;
};

} // namespace expertscope
