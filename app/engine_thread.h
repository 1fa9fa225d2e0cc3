// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// EngineThread: the one thread that owns the backend and the model. Jobs are posted under a tag; the newest of a tag wins.
// Results, progress and failures come back to the UI thread as queued calls.
#pragma once

#include "app/backends.h"
#include "app/errors.h"
#include "engine/core/backend.h"
#include "engine/core/progress.h"
#include "engine/forward/model.h"
#include "engine/text/tokenizer.h"

#include <QHash>
#include <QObject>
#include <QString>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace expertscope {

class SteeringBench;

class EngineThread : public QObject {
    Q_OBJECT
public:
    /// What only the engine thread touches.
    struct Engine {
        std::shared_ptr<Backend> backend; ///< made before the first job
        std::string missing; ///< why a better backend is not used; empty = it is the best, or was chosen
        std::shared_ptr<const Model> model; ///< null until one is open; keeps the backend that it is on
        std::shared_ptr<const Tokenizer> tokenizer; ///< of the model; null if its folder has none
        std::shared_ptr<SteeringBench> bench; ///< of the model; null until something was steered

        /// In the place of the model that is open. Throws as Model::load does, and leaves what was there.
        void load(std::shared_ptr<const ModelFiles> files, const Progress &progress);
    };
    enum class Outcome {
        Done,
        Again, ///< call the job again after whatever else is waiting: long work done in slices lets short work in between
    };
    /// Runs a function on the UI thread, unless a newer job of the same tag was posted meanwhile.
    using ToUi = std::function<void(std::function<void()>)>;
    /// Runs on the engine thread; may throw Error, or Cancelled through Progress::check().
    using Job = std::function<Outcome(Engine &, const Progress &, const ToUi &)>;

    explicit EngineThread(std::vector<BackendChoice> backends = backendChoices(), QObject *parent = nullptr);
    /// Stops what runs and waits for it; nothing is delivered any more.
    ~EngineThread() override;

    /// Replaces a waiting or running job of the same tag, whose results are dropped.
    void post(const QString &tag, Job job);
    /// Asks the job of a tag to stop; what it delivered so far stays, and ended() follows.
    void stop(const QString &tag);
    bool active(const QString &tag) const { return m_active.contains(tag); }
    bool idle() const { return m_active.isEmpty(); }
    /// What a backend can be chosen from; the first that can be had is used where nothing is chosen.
    const std::vector<BackendChoice> &backends() const { return m_backends; }

signals:
    void started(const QString &tag);
    void progressed(const QString &tag, qint64 done, qint64 total, const QString &what);
    void failed(const QString &tag, const expertscope::Error &error);
    void ended(const QString &tag, bool stopped); ///< follows failed() too
    /// Of the backend; after a job, and each second of one that reports. experts: BackendInfo::experts.
    void memoryChanged(qint64 freeBytes, qint64 totalBytes, const QString &experts);

private:
    struct Task {
        QString tag;
        quint64 number = 0;
        std::stop_source stop;
        Job job;
    };
    using TaskPtr = std::shared_ptr<Task>;

    void run(const std::stop_token &quit);
    void perform(const TaskPtr &task, Engine &engine);
    void deliver(const TaskPtr &task, std::function<void()> call);

    void tellMemory(const Engine &engine);

    const std::vector<BackendChoice> m_backends;
    quint64 m_posted = 0; ///< UI thread
    QHash<QString, quint64> m_active; ///< UI thread: number of the newest job of each tag that has not ended

    std::mutex m_mutex;
    std::condition_variable_any m_wake;
    std::deque<TaskPtr> m_waiting; ///< guarded by m_mutex
    TaskPtr m_running; ///< guarded by m_mutex
    std::jthread m_thread; ///< last: it ends before anything it uses
};

} // namespace expertscope
