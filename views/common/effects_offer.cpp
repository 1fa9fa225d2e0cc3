// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/effects_offer.h"

#include "views/common/result_table.h"

#include <QEvent>
#include <QLabel>
#include <QMenu>
#include <QToolButton>

#include <set>
#include <utility>

namespace expertscope {

EffectsOffer::EffectsOffer(ResultTable &table, EffectsModel &effects)
    : QObject{&table}
    , m_table{table}
    , m_effects{effects}
    , m_button{new QToolButton(&table)}
    , m_caption{new QLabel(&table)}
{
    m_button->setObjectName(QStringLiteral("measureEffects"));
    m_button->setPopupMode(QToolButton::MenuButtonPopup);
    auto *menu = new QMenu(m_button);
    menu->addAction(QStringLiteral("Scatter of score and effect; choose the sample…"), this, &EffectsOffer::setAgainstScores)
        ->setObjectName(QStringLiteral("effectsScatter"));
    m_button->setMenu(menu);
    m_caption->setObjectName(QStringLiteral("effectsCaption"));
    m_caption->setWordWrap(true);
    m_caption->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_caption->setContentsMargins(6, 2, 6, 4);
    table.addTool(m_button);
    table.addFootnote(m_caption);
    table.setFurtherColumns([this](const Table &shown) { return measuredColumns(shown, m_effects.state()); });
    table.installEventFilter(this);
    connect(m_button, &QToolButton::clicked, this, &EffectsOffer::measureOrStop);
    connect(&table, &ResultTable::tableSet, this, &EffectsOffer::showState);
    connect(&effects, &EffectsModel::changed, this, &EffectsOffer::refresh);
    showState();
}

bool EffectsOffer::eventFilter(QObject *watched, QEvent *event)
{
    if (event->type() == QEvent::Show && std::exchange(m_stale, false))
        refresh();
    return QObject::eventFilter(watched, event);
}

void EffectsOffer::refresh()
{
    m_stale = !m_table.isVisible();
    if (!m_stale)
        m_table.refreshFurtherColumns();
    showState();
}

void EffectsOffer::showState()
{
    const EffectsState &state = m_effects.state();
    const bool offers = ranksExperts(m_table.model().table());
    m_button->setVisible(offers);
    m_button->setEnabled(state.obstacle.isEmpty());
    m_button->setText(state.running ? QStringLiteral("Stop measuring") : QStringLiteral("Measure effects"));
    m_button->setToolTip(!state.obstacle.isEmpty()
            ? state.obstacle
            : QStringLiteral(
                "Ablate each expert of the rows that are shown, the first ones first, and measure what that does to the loss"));
    const bool measured = offers && state.obstacle.isEmpty() && state.effects && !state.effects->empty();
    m_caption->setVisible(measured);
    if (measured)
        m_caption->setText(effectsCaption(state) + (state.running ? QStringLiteral(" – measuring…") : QString()));
}

std::vector<ExpertPlace> EffectsOffer::shownExperts() const
{
    const std::vector<ExpertPlace> experts = expertsOf(m_table.model().table());
    std::vector<ExpertPlace> shown;
    std::set<ExpertPlace> seen;
    for (int row = 0; row < m_table.model().rowCount(); ++row)
        if (const ExpertPlace &expert = experts[m_table.model().source(row)]; seen.insert(expert).second)
            shown.push_back(expert);
    return shown;
}

void EffectsOffer::measureOrStop()
{
    if (m_effects.state().running)
        emit m_effects.stopWished();
    else
        emit m_effects.wished(shownExperts());
}

void EffectsOffer::setAgainstScores()
{
    emit m_effects.rankingWished({QString::fromStdString(m_table.model().table().title), m_table.ownTable()});
}

void offerEffects(ResultTable &table, const ViewContext &context)
{
    if (context.effects)
        new EffectsOffer(table, *context.effects);
}

} // namespace expertscope
