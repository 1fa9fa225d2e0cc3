// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// EngineAccess: lends the engine thread's model to an experiment that runs on a thread of its own, a piece of work at a time: prompts,
// steering and the corpus get their turn in between.
#pragma once

#include "app/engine_thread.h"
#include "app/experiments/experiment.h"

#include <QString>

#include <memory>
#include <optional>
#include <stop_token>

namespace expertscope {

class EngineAccess final : public ModelAccess {
public:
    /// The engine outlives this. stop: ends the waiting, and is what the pieces listen to.
    EngineAccess(EngineThread &engine, QString tag, std::stop_token stop);

    /// Call on another thread than the engine's and the UI's. Throws also Cancelled when stopped before its turn; Error (Input) while no
    /// model with a tokenizer is open, (Check) once another model was opened than the one that was lent before.
    void use(const std::function<void(const LentModel &)> &work) override;

private:
    EngineThread &m_engine;
    QString m_tag;
    std::stop_token m_stop;
    std::shared_ptr<std::optional<std::weak_ptr<const Model>>> m_model; ///< that was lent before; touched by the engine thread
};

} // namespace expertscope
