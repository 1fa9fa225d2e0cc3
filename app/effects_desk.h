// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// EffectsDesk: measures what ablating experts does, one expert at a time on the engine thread, so that prompts and steering get their
// turn in between, and keeps what is known for one sample of texts.
#pragma once

#include "app/document.h"
#include "app/engine_thread.h"
#include "engine/core/token_sequence.h"
#include "views/common/effects_model.h"

#include <QObject>
#include <QTimer>

#include <map>
#include <vector>

namespace expertscope {

class EffectsDesk : public QObject {
    Q_OBJECT
public:
    /// Both outlive the desk.
    EffectsDesk(Document &document, EngineThread &engine, QObject *parent = nullptr);

    static QString tag() { return QStringLiteral("effects"); }
    EffectsModel &model() { return m_model; }
    /// What is not known yet is measured before what is still waiting. A wish for other texts or settings than those of the effects
    /// there are begins anew.
    void measure(const std::vector<ExpertPlace> &experts);
    void stop();

signals:
    void noted(const QString &text);
    void viewWished(); ///< the Steering view should come to the front

private:
    void publish();
    void refreshObstacle();
    void forget();
    void takeSample(const Params &settings);
    void post(const Params &settings);

    Document &m_document;
    EngineThread &m_engine;
    EffectsModel m_model;
    EffectsState m_state; ///< with `effects` as they were last published
    std::map<ExpertPlace, AblationEffect> m_effects;
    std::vector<TokenSequence> m_sample; ///< of the effects; empty = there are none
    std::vector<ExpertPlace> m_waiting; ///< to be measured, in this order
    QTimer m_pause; ///< effects may come faster than anybody can read
};

} // namespace expertscope
