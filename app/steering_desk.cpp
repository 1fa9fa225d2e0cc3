// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/steering_desk.h"

#include "engine/experiments/steering_bench.h"

#include <algorithm>
#include <utility>

namespace expertscope {

namespace {

constexpr std::int64_t longestText = 1024; ///< tokens that are run at each change
constexpr std::size_t mostUndo = 200;

const char *opOf(SteeringWish::Kind kind)
{
    switch (kind) {
    case SteeringWish::Kind::Boost:
    case SteeringWish::Kind::WhatIf:
        return "soft";
    case SteeringWish::Kind::Suppress:
        return "force-min";
    case SteeringWish::Kind::Ablate:
        return "exclude";
    }
    return "soft";
}

} // namespace

SteeringDesk::SteeringDesk(Document &document, EngineThread &engine, QObject *parent)
    : QObject{parent}
    , m_document{document}
    , m_engine{engine}
{
    connect(&m_model, &SteeringModel::wished, this, &SteeringDesk::fulfil);
    connect(&m_model, &SteeringModel::recipeWished, this, &SteeringDesk::setRecipe);
    connect(&m_model, &SteeringModel::undoWished, this, &SteeringDesk::undo);
    connect(&m_model, &SteeringModel::redoWished, this, &SteeringDesk::redo);
    connect(&m_model, &SteeringModel::newTokensWished, this, [this](int count) {
        publish([count](SteeringState &state) { state.newTokens = count; });
        refresh();
    });
    connect(&m_model, &SteeringModel::watchedChanged, this, [this](bool watched) {
        m_watched = watched;
        refresh();
    });
    connect(&m_document, &Document::modelChanged, this, [this] {
        publish([](SteeringState &state) { state.outcome.reset(); });
        refresh();
    });
    connect(&m_document, &Document::currentChanged, this, [this] { refresh(); });
    connect(&m_document.selection(), &SelectionModel::changed, this, [this, last = -1](const Selection &selection) mutable {
        if (std::exchange(last, selection.sequence) != selection.sequence)
            refresh();
    });
    connect(&m_engine, &EngineThread::ended, this, [this](const QString &ended, bool) {
        if (ended != tag())
            return;
        publish([](SteeringState &state) { state.running = false; });
        if (m_waiting)
            refresh();
    });
    connect(&m_engine, &EngineThread::failed, this, [this](const QString &failed, const Error &error) {
        if (failed == tag())
            publish([&error](SteeringState &state) { state.problem = QString::fromUtf8(error.what()); });
    });
}

void SteeringDesk::publish(const std::function<void(SteeringState &)> &change)
{
    SteeringState next = m_model.state();
    change(next);
    next.canUndo = !m_past.empty();
    next.canRedo = !m_future.empty();
    m_model.setState(std::move(next));
}

Recipe SteeringDesk::recipeToSave() const
{
    Recipe saved = recipe();
    if (const auto &open = m_document.model(); open && saved.model == RecipeModel{})
        saved.model = {open->info.name, open->info.family, open->info.nLayers, open->info.nExperts, open->info.topK};
    return saved;
}

void SteeringDesk::setRecipe(const Recipe &recipe, bool moving)
{
    if (!moving && recipe != m_settled) {
        m_past.push_back(std::exchange(m_settled, recipe));
        if (m_past.size() > mostUndo)
            m_past.erase(m_past.begin());
        m_future.clear();
    }
    publish([&recipe](SteeringState &state) { state.recipe = recipe; });
    refresh(moving);
}

void SteeringDesk::show(const Recipe &recipe)
{
    setRecipe(recipe, false);
    emit viewWished();
}

void SteeringDesk::undo()
{
    if (m_past.empty())
        return;
    m_future.push_back(std::exchange(m_settled, m_past.back()));
    m_past.pop_back();
    publish([this](SteeringState &state) { state.recipe = m_settled; });
    refresh();
}

void SteeringDesk::redo()
{
    if (m_future.empty())
        return;
    m_past.push_back(std::exchange(m_settled, m_future.back()));
    m_future.pop_back();
    publish([this](SteeringState &state) { state.recipe = m_settled; });
    refresh();
}

void SteeringDesk::fulfil(const SteeringWish &wish)
{
    Recipe next = recipe();
    Edit edit;
    edit.op = opOf(wish.kind);
    edit.experts = {{wish.layer, false, wish.experts}};
    next.edits.push_back(edit);
    setRecipe(next, false);
    if (wish.kind == SteeringWish::Kind::WhatIf)
        emit viewWished();
    else
        emit noted(tr("Added to the recipe; the Steering view shows what it does"));
}

void SteeringDesk::refresh(bool moving)
{
    if (!m_watched || m_document.isSwitching())
        return;
    m_waiting = moving && m_engine.active(tag());
    if (m_waiting)
        return;
    const QString obstacle = obstacleToRunning(m_document);
    publish([&](SteeringState &state) {
        state.obstacle = obstacle;
        state.problem.clear();
        state.running = obstacle.isEmpty();
    });
    if (obstacle.isEmpty())
        post(selectedText(m_document, selectedSequence(m_document.current()->trace->meta(), m_document.selection().value()), longestText));
    else
        m_engine.stop(tag());
}

void SteeringDesk::post(const SelectedText &text)
{
    m_engine.post(tag(),
        [this, text, recipe = recipe(), newTokens = m_model.state().newTokens](
            EngineThread::Engine &engine, const Progress &progress, const EngineThread::ToUi &toUi) {
            if (!engine.bench)
                engine.bench = std::make_shared<SteeringBench>(engine.model, *engine.backend, engine.tokenizer);
            engine.bench->setText(text.sequence, text.labelColumns, progress);
            auto outcome = std::make_shared<SteeringOutcome>();
            outcome->comparison = engine.bench->compare(recipe, newTokens, progress);
            outcome->result = comparisonResult(outcome->comparison);
            outcome->recipe = recipe;
            outcome->text = text.title;
            outcome->firstToken = text.firstToken;
            toUi([this, outcome] { publish([&](SteeringState &state) { state.outcome = outcome; }); });
            return EngineThread::Outcome::Done;
        });
}

} // namespace expertscope
