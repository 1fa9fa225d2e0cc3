// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/effects_desk.h"

#include "app/selected_text.h"
#include "app/words.h"
#include "engine/experiments/sequence_sample.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace expertscope {

namespace {

constexpr int publishEveryMs = 100;

/// One posted measurement; lives on the engine thread.
struct Work {
    std::vector<TokenSequence> sample;
    std::vector<ExpertPlace> experts;
    Params settings;
    std::size_t next = 0;
    std::shared_ptr<const Model> model; ///< null before the first slice
    std::optional<ExpertAblation> ablation;
};

/// Whether a trace is of that model, as far as the trace says of which it is.
bool isOf(const ModelInfo &trace, const ModelInfo &open)
{
    if (!trace.sha256.empty() && !open.sha256.empty())
        return trace.sha256 == open.sha256;
    return trace.family == open.family && trace.nLayers == open.nLayers && trace.nExperts == open.nExperts && trace.topK == open.topK
        && trace.tokenizerSha256 == open.tokenizerSha256;
}

bool sameTexts(const std::vector<TokenSequence> &a, const std::vector<TokenSequence> &b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
        [](const TokenSequence &x, const TokenSequence &y) { return x.tokens == y.tokens && x.info.id == y.info.id; });
}

} // namespace

EffectsDesk::EffectsDesk(Document &document, EngineThread &engine, QObject *parent)
    : QObject{parent}
    , m_document{document}
    , m_engine{engine}
{
    m_state.settings = Params{effectsParams()}.all();
    m_pause.setSingleShot(true);
    m_pause.setInterval(publishEveryMs);
    connect(&m_pause, &QTimer::timeout, this, &EffectsDesk::publish);
    connect(&m_model, &EffectsModel::wished, this, &EffectsDesk::measure);
    connect(&m_model, &EffectsModel::stopWished, this, &EffectsDesk::stop);
    connect(&m_model, &EffectsModel::settingsWished, this, [this](const ParamValues &settings) {
        m_state.settings = Params{effectsParams(), settings}.all();
        publish();
    });
    connect(&m_model, &EffectsModel::rankingWished, this, [this](const ExpertRanking &ranking) {
        m_state.ranking = std::make_shared<const ExpertRanking>(ranking);
        publish();
        emit viewWished();
    });
    connect(&m_document, &Document::modelChanged, this, &EffectsDesk::forget);
    connect(&m_document, &Document::subjectChanged, this, &EffectsDesk::refreshObstacle);
    connect(&m_engine, &EngineThread::ended, this, [this](const QString &tagOfJob, bool) {
        if (tagOfJob != tag())
            return;
        m_state.running = false;
        m_waiting.clear();
        publish();
    });
    refreshObstacle();
}

void EffectsDesk::publish()
{
    m_pause.stop();
    m_state.effects = m_sample.empty() ? nullptr : std::make_shared<const std::map<ExpertPlace, AblationEffect>>(m_effects);
    m_model.setState(m_state);
}

void EffectsDesk::refreshObstacle()
{
    QString obstacle = obstacleToRunning(m_document);
    if (obstacle.isEmpty()) {
        const TraceMeta &meta = m_document.current()->trace->meta();
        if (!isOf(meta.model, m_document.model()->info))
            obstacle = tr("The experts of this trace are not those of the open model: open the model that made it.");
        else if (!meta.fields.tokenId)
            obstacle = tr("This trace has no token ids, so its texts cannot be run.");
    }
    if (std::exchange(m_state.obstacle, obstacle) != obstacle)
        publish();
}

void EffectsDesk::forget()
{
    stop();
    m_effects.clear();
    m_sample.clear();
    m_waiting.clear();
    refreshObstacle();
    publish();
}

void EffectsDesk::stop()
{
    m_engine.stop(tag());
}

/// Effects of other texts, or by other settings, are of no use any more.
void EffectsDesk::takeSample(const Params &settings)
{
    const OpenTrace &open = *m_document.current();
    const TraceMeta &meta = open.trace->meta();
    const bool selected = settings.text("texts") == "selected";
    const std::vector<int> sequences = selected
        ? std::vector<int>{selectedSequence(meta, m_document.selection().value())}
        : drawnSequences(meta, settings.integer("per_language"), static_cast<std::uint64_t>(settings.integer("seed")));
    std::vector<TokenSequence> sample;
    std::int64_t predicted = 0;
    std::set<std::string> languages;
    for (const int sequence : sequences) {
        sample.push_back(sequenceOf(*open.trace, sequence, settings.integer("max_tokens")));
        predicted += std::ssize(sample.back().tokens) - 1;
        languages.insert(sample.back().info.language);
    }
    if (sameTexts(sample, m_sample) && m_state.measuredWith == settings.all())
        return;
    m_effects.clear();
    m_waiting.clear();
    m_sample = std::move(sample);
    m_state.measuredWith = settings.all();
    m_state.tokens = predicted;
    const QString texts = countOf(std::ssize(m_sample), tr("text"), tr("texts"));
    if (selected && !m_sample.empty()) {
        const std::string &id = m_sample.front().info.id;
        m_state.sample =
            tr("the text %1 of %2").arg(QString::fromStdString(id.empty() ? std::to_string(sequences.front()) : id), open.title);
    } else if (languages.size() > 1) {
        const bool unnamed = languages.erase(std::string{}) > 0;
        m_state.sample = tr("%1 of %2: up to %3 of each of %4%5, seed %6")
                             .arg(texts, open.title)
                             .arg(settings.integer("per_language"))
                             .arg(countOf(std::ssize(languages), tr("language"), tr("languages")),
                                 unnamed ? tr(" and of the texts without one") : QString())
                             .arg(settings.integer("seed"));
    } else {
        m_state.sample = tr("%1 of %2, seed %3").arg(texts, open.title).arg(settings.integer("seed"));
    }
}

void EffectsDesk::measure(const std::vector<ExpertPlace> &experts)
{
    if (!m_state.obstacle.isEmpty())
        return;
    const Params settings{effectsParams(), m_state.settings};
    takeSample(settings);
    if (m_sample.empty()) {
        emit noted(tr("No text of this trace has two tokens, so there is no loss to measure"));
        return;
    }
    std::vector<ExpertPlace> order;
    std::set<ExpertPlace> seen;
    for (const std::vector<ExpertPlace> *list : {&experts, &std::as_const(m_waiting)})
        for (const ExpertPlace &expert : *list)
            if (!m_effects.contains(expert) && seen.insert(expert).second)
                order.push_back(expert);
    m_waiting = std::move(order);
    if (m_waiting.empty()) {
        emit noted(tr("All effects that were asked for are known already"));
        publish();
        return;
    }
    m_state.running = true;
    publish();
    post(settings);
}

void EffectsDesk::post(const Params &settings)
{
    const auto work = std::make_shared<Work>(Work{m_sample, m_waiting, settings, 0, nullptr, {}});
    m_engine.post(tag(),
        [this, work, model = m_document.model()->info](
            EngineThread::Engine &engine, const Progress &progress, const EngineThread::ToUi &toUi) {
            using Outcome = EngineThread::Outcome;
            const auto report = [&] { progress.report(static_cast<std::int64_t>(work->next), std::ssize(work->experts), "experts"); };
            if (!engine.model || engine.model->info() != model)
                return Outcome::Done; // another one was opened
            if (!work->model) {
                work->model = engine.model;
                work->ablation.emplace(*work->model, *engine.backend, work->sample, work->settings, progress);
                report();
                return Outcome::Again;
            }
            const AblationEffect effect = work->ablation->effect(work->experts[work->next++], progress);
            toUi([this, effect] {
                m_effects.insert_or_assign(effect.expert, effect);
                std::erase(m_waiting, effect.expert);
                if (!m_pause.isActive())
                    m_pause.start();
            });
            report();
            return work->next < work->experts.size() ? Outcome::Again : Outcome::Done;
        });
}

} // namespace expertscope
