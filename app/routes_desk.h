// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RoutesDesk: tries other experts for the selected token in the selected layer, on the engine thread, while somebody looks.
#pragma once

#include "app/document.h"
#include "app/engine_thread.h"
#include "views/common/routes_model.h"

#include <QObject>

#include <functional>

namespace expertscope {

class RoutesDesk : public QObject {
    Q_OBJECT
public:
    /// Both outlive the desk.
    RoutesDesk(Document &document, EngineThread &engine, QObject *parent = nullptr);

    static QString tag() { return QStringLiteral("routes"); }
    RoutesModel &model() { return m_model; }

private:
    void publish(const std::function<void(RoutesState &)> &change);
    QString obstacle() const;
    void refresh();
    void post();

    Document &m_document;
    EngineThread &m_engine;
    RoutesModel m_model;
    bool m_watched = false;
};

} // namespace expertscope
