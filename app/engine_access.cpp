// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/engine_access.h"

#include "engine/core/error.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

namespace expertscope {

namespace {

using LentBefore = std::optional<std::weak_ptr<const Model>>;

/// One piece of work on its way to the engine thread and back.
class Piece {
public:
    explicit Piece(const std::function<void(const LentModel &)> &work)
        : m_work{work}
    {
    }

    /// On the engine thread.
    void run(EngineThread::Engine &engine, LentBefore &lent)
    {
        {
            const std::lock_guard lock{m_mutex};
            if (m_at == At::Ended)
                return; // nobody waits for it any more, so what it would work on may be gone
            m_at = At::Running;
        }
        std::exception_ptr failure;
        try {
            m_work(lend(engine, lent));
        } catch (...) {
            failure = std::current_exception();
        }
        const std::lock_guard lock{m_mutex};
        m_failure = failure;
        m_at = At::Ended;
        m_ended.notify_all();
    }

    /// On the thread of the experiment.
    void wait(const std::stop_token &stop)
    {
        std::unique_lock lock{m_mutex};
        m_ended.wait(lock, stop, [this] { return m_at == At::Ended; });
        if (m_at == At::Waiting) {
            m_at = At::Ended;
            throw Cancelled{};
        }
        m_ended.wait(lock, [this] { return m_at == At::Ended; });
        if (m_failure)
            std::rethrow_exception(m_failure);
    }

private:
    static LentModel lend(EngineThread::Engine &engine, LentBefore &lent)
    {
        if (!engine.model || !engine.tokenizer)
            throw Error{
                ErrorKind::Input, "an experiment runs a model with its tokenizer.json, and none is open", "", "Open a model folder"};
        if (lent && lent->lock() != engine.model)
            throw Error{ErrorKind::Check, "another model was opened, so the experiment ended; its scores so far are kept",
                engine.model->info().name, "Open the model it began with and run it again: it goes on"};
        lent = engine.model;
        return {*engine.model, *engine.backend, *engine.tokenizer};
    }

    enum class At { Waiting, Running, Ended };
    const std::function<void(const LentModel &)> &m_work; ///< of the waiting thread
    std::mutex m_mutex;
    std::condition_variable_any m_ended;
    At m_at = At::Waiting;
    std::exception_ptr m_failure;
};

} // namespace

EngineAccess::EngineAccess(EngineThread &engine, QString tag, std::stop_token stop)
    : m_engine{engine}
    , m_tag{std::move(tag)}
    , m_stop{std::move(stop)}
    , m_model{std::make_shared<LentBefore>()}
{
}

void EngineAccess::use(const std::function<void(const LentModel &)> &work)
{
    const auto piece = std::make_shared<Piece>(work);
    // jobs are posted on the UI thread
    QMetaObject::invokeMethod(
        &m_engine,
        [&engine = m_engine, tag = m_tag, piece, model = m_model] {
            engine.post(tag, [piece, model](EngineThread::Engine &own, const Progress &, const EngineThread::ToUi &) {
                piece->run(own, *model);
                return EngineThread::Outcome::Done;
            });
        },
        Qt::QueuedConnection);
    piece->wait(m_stop);
}

} // namespace expertscope
