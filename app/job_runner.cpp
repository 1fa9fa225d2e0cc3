// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/job_runner.h"

#include <algorithm>
#include <chrono>
#include <memory>

namespace expertscope {

JobRunner::JobRunner(QObject *parent)
    : QObject{parent}
{
    qRegisterMetaType<Error>();
    m_pool.setMaxThreadCount(2);
}

JobRunner::~JobRunner()
{
    for (auto &[key, job] : m_current)
        job.stop.request_stop();
    m_pool.clear();
    m_pool.waitForDone();
}

void JobRunner::run(QObject *owner, const QString &tag, Work work, Done done, Failed failed)
{
    const Key key{owner, tag};
    stop(owner, tag);
    Job job{++m_started, {}, std::move(done), std::move(failed)};
    const quint64 number = job.number;
    const std::stop_token token = job.stop.get_token();
    m_current.insert_or_assign(key, std::move(job));
    if (!m_owners.contains(owner))
        m_owners[owner] = connect(owner, &QObject::destroyed, this, [this, owner] { forget(owner); });

    m_pool.start([this, key, number, token, work = std::move(work)] {
        using Clock = std::chrono::steady_clock;
        Clock::time_point reported;
        const Progress progress{token, [&](std::int64_t at, std::int64_t total, std::string_view what) {
                                    const Clock::time_point now = Clock::now();
                                    if (now - reported < std::chrono::milliseconds{40} && at != total)
                                        return;
                                    reported = now;
                                    const QString unit = QString::fromUtf8(what.data(), static_cast<qsizetype>(what.size()));
                                    QMetaObject::invokeMethod(this, [this, key, number, at, total, unit] {
                                        const auto current = m_current.find(key);
                                        if (current != m_current.end() && current->second.number == number)
                                            emit progressed(key.first, key.second, at, total, unit);
                                    });
                                }};
        std::function<void(const Job &)> deliver;
        try {
            progress.check();
            deliver = [result = std::make_shared<std::any>(work(progress))](const Job &ended) {
                if (ended.done)
                    ended.done(std::move(*result));
            };
        } catch (const Cancelled &) {
        } catch (...) {
            deliver = [this, error = currentError()](const Job &ended) {
                if (ended.failed)
                    ended.failed(error);
                else
                    emit this->failed(error);
            };
        }
        QMetaObject::invokeMethod(this, [this, key, number, deliver = std::move(deliver)] { end(key, number, deliver); });
    });
}

void JobRunner::stop(QObject *owner, const QString &tag)
{
    const auto job = m_current.find({owner, tag});
    if (job != m_current.end())
        job->second.stop.request_stop();
}

void JobRunner::stopAll(QObject *owner)
{
    for (auto &[key, job] : m_current)
        if (key.first == owner)
            job.stop.request_stop();
}

std::set<QObject *> JobRunner::owners() const
{
    std::set<QObject *> owners;
    for (const auto &[key, job] : m_current)
        owners.insert(key.first);
    return owners;
}

bool JobRunner::active(QObject *owner) const
{
    return std::any_of(m_current.begin(), m_current.end(), [owner](const auto &entry) { return entry.first.first == owner; });
}

void JobRunner::end(const Key &key, quint64 number, const std::function<void(const Job &)> &deliver)
{
    const auto found = m_current.find(key);
    if (found == m_current.end() || found->second.number != number)
        return;
    const Job job = std::move(found->second);
    m_current.erase(found);
    if (deliver)
        deliver(job);
    emit ended(key.first, key.second);
}

void JobRunner::forget(QObject *owner)
{
    m_owners.erase(owner);
    for (auto job = m_current.begin(); job != m_current.end();)
        if (job->first.first == owner) {
            job->second.stop.request_stop();
            job = m_current.erase(job);
        } else {
            ++job;
        }
}

} // namespace expertscope
