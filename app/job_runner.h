// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// JobRunner: analyses on immutable values, off the UI thread. A newer job of the same owner and tag replaces an older one;
// results of a replaced job, or for an owner that is gone, are dropped.
#pragma once

#include "app/errors.h"
#include "engine/core/progress.h"

#include <QObject>
#include <QString>
#include <QThreadPool>

#include <any>
#include <functional>
#include <map>
#include <set>
#include <stop_token>
#include <utility>

namespace expertscope {

class JobRunner : public QObject {
    Q_OBJECT
public:
    using Work = std::function<std::any(const Progress &)>; ///< on a pool thread; may throw
    using Done = std::function<void(std::any)>; ///< on the UI thread
    using Failed = std::function<void(const Error &)>; ///< on the UI thread

    explicit JobRunner(QObject *parent = nullptr);
    /// Stops what runs and waits for it; nothing is delivered any more.
    ~JobRunner() override;

    /// Call on the UI thread. `failed` empty: the failure goes to the signal failed().
    void run(QObject *owner, const QString &tag, Work work, Done done, Failed failed = {});
    void stop(QObject *owner, const QString &tag);
    bool idle() const { return m_current.empty(); }
    void stopAll(QObject *owner);
    std::set<QObject *> owners() const; ///< of the jobs that have not ended
    bool active(QObject *owner) const; ///< any of its jobs has not ended

signals:
    void failed(const expertscope::Error &error);
    void progressed(QObject *owner, const QString &tag, qint64 done, qint64 total, const QString &what);
    void ended(QObject *owner, const QString &tag);

private:
    using Key = std::pair<QObject *, QString>;
    struct Job {
        quint64 number = 0;
        std::stop_source stop;
        Done done;
        Failed failed;
    };
    void end(const Key &key, quint64 number, const std::function<void(const Job &)> &deliver);
    void forget(QObject *owner);

    quint64 m_started = 0;
    std::map<Key, Job> m_current;
    std::map<QObject *, QMetaObject::Connection> m_owners;
    QThreadPool m_pool;
};

} // namespace expertscope
