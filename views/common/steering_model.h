// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// SteeringModel: the recipe that is being tried and what it did, shared by every view; and what persons wish to change, for
// whoever can run it.
#pragma once

#include "engine/core/recipe.h"
#include "engine/experiments/comparison.h"

#include <QObject>
#include <QString>

#include <memory>
#include <vector>

namespace expertscope {

/// What a person wants done with experts of one layer, wherever they are shown.
struct SteeringWish {
    enum class Kind { Boost, Suppress, Ablate, WhatIf } kind = Kind::Boost;
    int layer = 0; ///< the model's own number
    std::vector<int> experts;
    bool operator==(const SteeringWish &) const = default;
};

/// What a recipe did to one text.
struct SteeringOutcome {
    Comparison comparison;
    Result result; ///< of the comparison
    Recipe recipe; ///< that was run
    QString text; ///< which text, in words
    std::int64_t firstToken = -1; ///< row of its first token in the trace that is shown; -1 = it is not from there
};

struct SteeringState {
    Recipe recipe;
    bool canUndo = false, canRedo = false;
    int newTokens = 0; ///< length of the continuations
    QString obstacle; ///< why nothing can be run, and what to do; empty = nothing is in the way
    QString problem; ///< what is wrong with the recipe; empty = nothing
    bool running = false;
    std::shared_ptr<const SteeringOutcome> outcome; ///< the newest there is; null before the first
};

class SteeringModel : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;
    const SteeringState &state() const { return m_state; }
    void setState(SteeringState state);

Q_SIGNALS:
    void changed();
    // wishes
    void wished(const expertscope::SteeringWish &wish);
    /// moving: in the middle of a drag, not yet something to undo.
    void recipeWished(const expertscope::Recipe &recipe, bool moving);
    void undoWished();
    void redoWished();
    void openWished();
    void saveWished();
    void corpusWished(); ///< the whole corpus should be run with the recipe
    void newTokensWished(int count);
    void watchedChanged(bool watched); ///< somebody looks at the outcome, or nobody does

private:
    SteeringState m_state;
};

} // namespace expertscope
