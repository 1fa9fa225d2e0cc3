// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/routes_desk.h"

#include "app/selected_text.h"
#include "views/common/token_text.h"

#include <utility>

namespace expertscope {

RoutesDesk::RoutesDesk(Document &document, EngineThread &engine, QObject *parent)
    : QObject{parent}
    , m_document{document}
    , m_engine{engine}
{
    publish([](RoutesState &state) { state.settings = Params{routeKind().params}.all(); });
    connect(&m_model, &RoutesModel::settingsWished, this, [this](const ParamValues &settings) {
        publish([&](RoutesState &state) { state.settings = Params{routeKind().params, settings}.all(); });
        refresh();
    });
    connect(&m_model, &RoutesModel::watchedChanged, this, [this](bool watched) {
        m_watched = watched;
        refresh();
    });
    connect(&m_document, &Document::modelChanged, this, [this] {
        publish([](RoutesState &state) { state.outcome.reset(); });
        refresh();
    });
    connect(&m_document, &Document::currentChanged, this, &RoutesDesk::refresh);
    connect(&m_document.selection(), &SelectionModel::changed, this,
        [this, last = std::pair{std::int64_t{-1}, -1}](const Selection &now) mutable {
            const std::pair place{now.token, now.layer};
            if (std::exchange(last, place) != place)
                refresh();
        });
    connect(&m_engine, &EngineThread::ended, this, [this](const QString &ended, bool) {
        if (ended == tag())
            publish([](RoutesState &state) { state.running = false; });
    });
    connect(&m_engine, &EngineThread::failed, this, [this](const QString &failed, const Error &error) {
        if (failed == tag())
            publish([&error](RoutesState &state) { state.problem = QString::fromUtf8(error.what()); });
    });
}

void RoutesDesk::publish(const std::function<void(RoutesState &)> &change)
{
    RoutesState next = m_model.state();
    change(next);
    m_model.setState(std::move(next));
}

QString RoutesDesk::obstacle() const
{
    if (const QString running = obstacleToRunning(m_document); !running.isEmpty())
        return running;
    const TraceMeta &meta = m_document.current()->trace->meta();
    const Selection &selection = m_document.selection().value();
    if (selection.token < 0 || meta.sequenceOf(selection.token) < 0)
        return tr("Select a token, in the text or in a map, to see what other experts would have done for it.");
    const TokenRange range = meta.sequences[static_cast<std::size_t>(meta.sequenceOf(selection.token))].range();
    if (selection.token + 1 >= range.end)
        return tr("This is the last token of its text: there is no next token whose probability could change. Select another one.");
    return {};
}

void RoutesDesk::refresh()
{
    if (!m_watched || m_document.isSwitching()) {
        m_engine.stop(tag());
        return;
    }
    const QString inTheWay = obstacle();
    publish([&](RoutesState &state) {
        state.obstacle = inTheWay;
        state.problem.clear();
        state.running = inTheWay.isEmpty();
    });
    if (inTheWay.isEmpty())
        post();
    else
        m_engine.stop(tag());
}

void RoutesDesk::post()
{
    const Selection &selection = m_document.selection().value();
    const TraceMeta &meta = m_document.current()->trace->meta();
    const int sequence = meta.sequenceOf(selection.token);
    const std::int64_t position = selection.token - meta.sequences[static_cast<std::size_t>(sequence)].firstToken;
    const int layer = meta.layers[static_cast<std::size_t>(selection.layer)];
    m_engine.post(tag(),
        [this, text = selectedText(m_document, sequence, position + 2), position, layer,
            settings = Params{routeKind().params, m_model.state().settings}](
            EngineThread::Engine &engine, const Progress &progress, const EngineThread::ToUi &toUi) {
            auto outcome = std::make_shared<RoutesOutcome>();
            outcome->routes =
                counterfactualRoutes(*engine.model, *engine.backend, text.sequence, layer, position, routeSettings(settings), progress);
            outcome->result = routeResult(outcome->routes, settings);
            outcome->layer = layer;
            outcome->experts = engine.model->config().layers[static_cast<std::size_t>(layer)].moe()->experts;
            outcome->position = position;
            outcome->text = text.title;
            const auto readable = [&](std::int64_t at) {
                const std::int32_t id = text.sequence.tokens[static_cast<std::size_t>(at)];
                return engine.tokenizer ? readableToken(engine.tokenizer->tokenBytes(id), id) : QString::number(id);
            };
            outcome->token = readable(position);
            outcome->next = readable(position + 1);
            toUi([this, outcome] { publish([&](RoutesState &state) { state.outcome = outcome; }); });
            return EngineThread::Outcome::Done;
        });
}

} // namespace expertscope
