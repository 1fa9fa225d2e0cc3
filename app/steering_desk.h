// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// SteeringDesk: the recipe that is being tried, with undo and redo, and the runs that show what it does: the selected text with and
// without it, on the engine thread, the newest wish first.
#pragma once

#include "app/document.h"
#include "app/engine_thread.h"
#include "app/selected_text.h"
#include "engine/core/recipe.h"
#include "views/common/steering_model.h"

#include <QObject>

#include <vector>

namespace expertscope {

class SteeringDesk : public QObject {
    Q_OBJECT
public:
    /// Both outlive the desk.
    SteeringDesk(Document &document, EngineThread &engine, QObject *parent = nullptr);

    static QString tag() { return QStringLiteral("steering"); }
    SteeringModel &model() { return m_model; }
    const Recipe &recipe() const { return m_model.state().recipe; }
    Recipe recipeToSave() const; ///< with the model it was tried on
    /// Another recipe, with the view where it is tried.
    void show(const Recipe &recipe);
    /// Another recipe in the place of the one there is; can be undone unless it is one of many in a drag.
    void setRecipe(const Recipe &recipe, bool moving);
    void undo();
    void redo();
    /// An edit for experts that were pointed at; ends with the view where it is tried.
    void fulfil(const SteeringWish &wish);

signals:
    void noted(const QString &text);
    void viewWished(); ///< the Steering view should come to the front

private:
    void publish(const std::function<void(SteeringState &)> &change);
    /// Runs what there is now. moving: lets a run that is under way end first, so that the picture follows a drag.
    void refresh(bool moving = false);
    void post(const SelectedText &text);

    Document &m_document;
    EngineThread &m_engine;
    SteeringModel m_model;
    std::vector<Recipe> m_past, m_future; ///< newest last
    Recipe m_settled; ///< the newest recipe that was not in the middle of a drag
    bool m_watched = false;
    bool m_waiting = false; ///< the recipe has moved on since the run that is under way began
};

} // namespace expertscope
