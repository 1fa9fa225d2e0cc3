// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/engine_thread.h"

#include <chrono>

namespace expertscope {

void EngineThread::Engine::load(std::shared_ptr<const ModelFiles> files, const Progress &progress)
{
    /// Members end in reverse order: the model before what it is on.
    struct Loaded {
        std::shared_ptr<Backend> backend;
        std::shared_ptr<const Model> model;
    };
    const auto loaded = std::make_shared<const Loaded>(Loaded{backend, Model::load(std::move(files), *backend, progress)});
    bench.reset(); // it holds the model before
    model = {loaded, loaded->model.get()};
}

EngineThread::EngineThread(std::vector<BackendChoice> backends, QObject *parent)
    : QObject{parent}
    , m_backends{std::move(backends)}
    , m_thread{[this](const std::stop_token &quit) { run(quit); }}
{
    qRegisterMetaType<Error>();
}

EngineThread::~EngineThread()
{
    m_thread.request_stop();
    {
        const std::lock_guard lock{m_mutex};
        if (m_running)
            m_running->stop.request_stop();
    }
    m_thread.join();
}

void EngineThread::post(const QString &tag, Job job)
{
    auto task = std::make_shared<Task>(Task{tag, ++m_posted, {}, std::move(job)});
    m_active.insert(tag, task->number);
    {
        const std::lock_guard lock{m_mutex};
        std::erase_if(m_waiting, [&](const TaskPtr &other) { return other->tag == tag; });
        if (m_running && m_running->tag == tag)
            m_running->stop.request_stop();
        m_waiting.push_back(std::move(task));
    }
    m_wake.notify_one();
    emit started(tag);
}

void EngineThread::stop(const QString &tag)
{
    const std::lock_guard lock{m_mutex};
    for (const TaskPtr &task : m_waiting)
        if (task->tag == tag)
            task->stop.request_stop();
    if (m_running && m_running->tag == tag)
        m_running->stop.request_stop();
}

void EngineThread::run(const std::stop_token &quit)
{
    Engine engine;
    while (true) {
        TaskPtr task;
        {
            std::unique_lock lock{m_mutex};
            if (!m_wake.wait(lock, quit, [this] { return !m_waiting.empty(); }) || quit.stop_requested())
                return;
            task = std::move(m_waiting.front());
            m_waiting.pop_front();
            m_running = task;
        }
        perform(task, engine);
        const std::lock_guard lock{m_mutex};
        m_running.reset();
    }
}

void EngineThread::perform(const TaskPtr &task, Engine &engine)
{
    using Clock = std::chrono::steady_clock;
    Clock::time_point reported, measured = Clock::now();
    const Progress progress{task->stop.get_token(), [&](std::int64_t done, std::int64_t total, std::string_view what) {
                                const Clock::time_point now = Clock::now();
                                if (now - reported < std::chrono::milliseconds{40} && done != total)
                                    return;
                                reported = now;
                                if (now - measured > std::chrono::seconds{1}) {
                                    measured = now;
                                    tellMemory(engine);
                                }
                                const QString unit = QString::fromUtf8(what.data(), static_cast<qsizetype>(what.size()));
                                deliver(task, [this, tag = task->tag, done, total, unit] { emit progressed(tag, done, total, unit); });
                            }};
    const ToUi toUi = [&](std::function<void()> call) { deliver(task, std::move(call)); };
    bool stopped = false;
    try {
        progress.check();
        if (!engine.backend) {
            MadeBackend made = makeFirst(m_backends);
            engine.backend = std::move(made.backend);
            engine.missing = std::move(made.missing);
        }
        if (task->job(engine, progress, toUi) == Outcome::Again && !progress.stopped()) {
            const std::lock_guard lock{m_mutex};
            m_waiting.push_back(task);
            return;
        }
        stopped = progress.stopped();
    } catch (const Cancelled &) {
        stopped = true;
    } catch (...) {
        deliver(task, [this, tag = task->tag, error = currentError()] { emit failed(tag, error); });
    }
    task->job = {}; // what the job holds (a model, a recording) is let go here, on the engine thread
    tellMemory(engine);
    deliver(task, [this, tag = task->tag, stopped] {
        m_active.remove(tag);
        emit ended(tag, stopped);
    });
}

void EngineThread::tellMemory(const Engine &engine)
{
    if (!engine.backend)
        return;
    const BackendInfo info = engine.backend->info();
    QMetaObject::invokeMethod(
        this, [this, info] { emit memoryChanged(info.memoryFreeBytes, info.memoryTotalBytes, QString::fromStdString(info.experts)); },
        Qt::QueuedConnection);
}

void EngineThread::deliver(const TaskPtr &task, std::function<void()> call)
{
    QMetaObject::invokeMethod(
        this,
        [this, tag = task->tag, number = task->number, call = std::move(call)] {
            if (m_active.value(tag) == number)
                call();
        },
        Qt::QueuedConnection);
}

} // namespace expertscope
