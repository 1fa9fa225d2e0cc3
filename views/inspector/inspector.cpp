// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/inspector/inspector.h"

#include "views/common/figure.h"
#include "views/common/steering_actions.h"
#include "views/inspector/expert_page.h"
#include "views/inspector/token_page.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QStackedWidget>
#include <QTabBar>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace expertscope {

InspectorPanel::InspectorPanel(ViewContext context, QWidget *parent)
    : QWidget{parent}
    , m_context{std::move(context)}
    , m_tabs{new QTabBar(this)}
    , m_pages{new QStackedWidget(this)}
    , m_empty{new QLabel(this)}
    , m_expertBox{new QComboBox(this)}
    , m_steer{new QToolButton(this)}
    , m_token{new TokenPage(m_context.selection)}
    , m_expert{new ExpertPage(m_context.selection)}
{
    setObjectName(QStringLiteral("inspector"));
    m_tabs->setObjectName(QStringLiteral("inspectorTabs"));
    m_tabs->addTab(QStringLiteral("Token"));
    m_tabs->addTab(QStringLiteral("Expert"));
    m_tabs->setDrawBase(false);
    m_tabs->setExpanding(true);
    m_expertBox->setAccessibleName(QStringLiteral("Which of the selected experts"));
    m_empty->setObjectName(QStringLiteral("inspectorEmpty"));
    m_empty->setWordWrap(true);
    m_empty->setAlignment(Qt::AlignCenter);
    m_empty->setMargin(24);
    const auto scrolled = [](QWidget *page) {
        auto *area = new QScrollArea;
        area->setWidget(page);
        area->setWidgetResizable(true);
        area->setFrameShape(QFrame::NoFrame);
        area->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
        return area;
    };
    m_pages->addWidget(scrolled(m_token));
    m_pages->addWidget(scrolled(m_expert));
    m_pages->addWidget(m_empty);
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(4);
    column->addWidget(m_tabs);
    auto *row = new QHBoxLayout;
    row->setContentsMargins(6, 0, 6, 0);
    row->addWidget(m_expertBox);
    row->addStretch(1);
    row->addWidget(m_steer);
    column->addLayout(row);
    column->addWidget(m_pages, 1);

    auto *menu = new QMenu(m_steer);
    m_steer->setObjectName(QStringLiteral("steerExpert"));
    m_steer->setText(QStringLiteral("Steer"));
    m_steer->setToolTip(QStringLiteral("Boost, suppress or ablate this expert (or all that are selected) and see what it does"));
    m_steer->setPopupMode(QToolButton::InstantPopup);
    m_steer->setMenu(menu);
    connect(menu, &QMenu::aboutToShow, this, [this, menu] {
        menu->clear();
        const Selection &selection = m_context.selection->value();
        addSteeringActions(
            *menu, m_context, {m_subject.trace->meta().layers[static_cast<std::size_t>(selection.layer)], selection.experts});
    });
    connect(m_tabs, &QTabBar::currentChanged, this, &InspectorPanel::showTab);
    connect(m_expertBox, &QComboBox::activated, this, &InspectorPanel::requestExpert);
    connect(m_context.selection, &SelectionModel::changed, this, &InspectorPanel::showSelection);
    showTab(TokenTab);
}

void InspectorPanel::setSubject(const Subject &subject)
{
    const bool sameTrace = subject.trace == m_subject.trace;
    m_subject = subject;
    if (sameTrace)
        return;
    requestToken();
    requestExpert();
}

void InspectorPanel::showSelection(const Selection &selection)
{
    const Selection before = std::exchange(m_shown, selection);
    const bool expertChanged = selection.layer != before.layer || selection.experts != before.experts;
    const bool tokenChanged = selection.token != before.token;
    if (expertChanged) {
        const QSignalBlocker quiet(m_expertBox);
        m_expertBox->clear();
        for (const int expert : selection.experts)
            m_expertBox->addItem(QStringLiteral("Expert %1").arg(expert), expert);
        requestExpert();
    }
    if (tokenChanged)
        requestToken();
    // What was asked for last comes to the front.
    if (tokenChanged && selection.token >= 0)
        m_tabs->setCurrentIndex(TokenTab);
    else if (expertChanged && !selection.experts.empty())
        m_tabs->setCurrentIndex(ExpertTab);
    m_token->showSelection(selection);
    showTab(m_tabs->currentIndex());
}

int InspectorPanel::expertShown() const
{
    const std::vector<int> &experts = m_context.selection->value().experts;
    const int index = m_expertBox->currentIndex();
    return experts.empty() ? -1 : experts[static_cast<std::size_t>(std::clamp(index, 0, static_cast<int>(experts.size()) - 1))];
}

void InspectorPanel::requestToken()
{
    const TracePtr trace = m_subject.trace;
    const std::int64_t token = m_context.selection->value().token;
    if (!trace || token < 0 || token >= trace->meta().tokens) {
        m_hasToken = false;
        showTab(m_tabs->currentIndex());
        return;
    }
    runJob(
        m_context, this, QStringLiteral("inspector.token"),
        [trace, token, text = m_subject.textOfToken](const Progress &progress) { return tokenCard(*trace, token, text, progress); },
        [this, trace, token](const TokenCard &card) {
            if (trace != m_subject.trace || token != m_context.selection->value().token)
                return;
            m_hasToken = true;
            m_token->setCard(card, trace->meta());
            showTab(m_tabs->currentIndex());
        });
}

void InspectorPanel::requestExpert()
{
    const TracePtr trace = m_subject.trace;
    const int layer = m_context.selection->value().layer;
    const int expert = expertShown();
    if (!trace || trace->meta().tokens == 0 || expert < 0 || expert >= trace->meta().experts || layer < 0
        || layer >= trace->meta().moeLayers()) {
        m_hasExpert = false;
        showTab(m_tabs->currentIndex());
        return;
    }
    runJob(
        m_context, this, QStringLiteral("inspector.expert"),
        [trace, layer, expert](const Progress &progress) { return expertCard(*trace, layer, expert, progress); },
        [this, trace, layer, expert](const ExpertCard &card) {
            if (trace != m_subject.trace || layer != m_context.selection->value().layer || expert != expertShown())
                return;
            m_hasExpert = true;
            m_expert->setCard(card, trace);
            showTab(m_tabs->currentIndex());
        });
}

void InspectorPanel::showTab(int tab)
{
    m_expertBox->setVisible(tab == ExpertTab && m_expertBox->count() > 1);
    m_steer->setVisible(tab == ExpertTab && m_hasExpert && m_context.steering);
    if ((tab == TokenTab && m_hasToken) || (tab == ExpertTab && m_hasExpert)) {
        m_pages->setCurrentIndex(tab);
        return;
    }
    if (!m_subject.trace)
        m_empty->setText(nothingOpenAdvice());
    else if (tab == TokenTab && m_subject.trace->importedCounts())
        m_empty->setText(countsOnlyHeadline() + QStringLiteral(". ") + countsOnlyAdvice());
    else if (tab == TokenTab)
        m_empty->setText(QStringLiteral("Click a token in the text or in the routing map to see its experts in every layer."));
    else
        m_empty->setText(QStringLiteral("Click a cell of the routing map, or an expert of a token, to see what that expert does."));
    m_pages->setCurrentWidget(m_empty);
}

} // namespace expertscope
