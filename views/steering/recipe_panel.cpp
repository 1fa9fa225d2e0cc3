// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/steering/recipe_panel.h"

#include "engine/steering/interventions.h"
#include "engine/steering/policies.h"
#include "views/steering/expert_list.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QScrollArea>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace expertscope {

namespace {

QString text(std::string_view view)
{
    return QString::fromUtf8(view.data(), static_cast<qsizetype>(view.size()));
}

template<typename Kind>
std::vector<CardKind> cardKinds(std::span<const Kind> kinds)
{
    std::vector<CardKind> cards;
    for (const Kind &kind : kinds)
        cards.push_back({kind.id, kind.title, kind.help, kind.source, kind.params});
    return cards;
}

CardValue cardOf(const Edit &edit)
{
    QString where = expertListText(edit.experts);
    if (!edit.vectors.empty()) {
        std::vector<int> layers;
        for (const auto &[layer, vector] : edit.vectors)
            layers.push_back(layer);
        where = QStringLiteral("a vector in layers %1").arg(layerListText(layers));
    }
    return {edit.op, edit.enabled, where, edit.settings, edit.tokens, edit.phase};
}

CardValue cardOf(const PolicySetting &policy)
{
    return {policy.policy, policy.enabled, layerListText(policy.layers), policy.settings, policy.tokens, policy.phase};
}

std::size_t indexOf(const std::vector<RecipeCard *> &cards, const RecipeCard *card)
{
    return static_cast<std::size_t>(std::find(cards.begin(), cards.end(), card) - cards.begin());
}

} // namespace

RecipePanel::RecipePanel(SteeringModel &model, QWidget *parent)
    : QWidget{parent}
    , m_model{model}
    , m_empty{new QLabel(this)}
    , m_problem{new QLabel(this)}
{
    setObjectName(QStringLiteral("recipePanel"));
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(6, 6, 6, 6);
    buildToolbar(*column);
    m_problem->setObjectName(QStringLiteral("recipeProblem"));
    m_problem->setWordWrap(true);
    m_problem->hide();
    column->addWidget(m_problem);
    auto *inner = new QWidget(this);
    m_cards = new QVBoxLayout(inner);
    m_cards->setContentsMargins(0, 0, 0, 0);
    m_empty->setObjectName(QStringLiteral("recipeEmpty"));
    m_empty->setWordWrap(true);
    m_empty->setText(QStringLiteral("Nothing is changed yet: the model routes as it was trained to.\n\nAdd an edit or a policy above, or "
                                    "right-click an expert in any view to boost, suppress or ablate it."));
    m_empty->setMargin(12);
    m_cards->addWidget(m_empty);
    m_cards->addStretch(1);
    auto *area = new QScrollArea(this);
    area->setWidget(inner);
    area->setWidgetResizable(true);
    area->setFrameShape(QFrame::NoFrame);
    area->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    column->addWidget(area, 1);
    m_corpus = new QPushButton(QStringLiteral("Trace the corpus with this recipe"), this);
    m_corpus->setObjectName(QStringLiteral("traceSteeredCorpus"));
    m_corpus->setToolTip(QStringLiteral("Runs every text of the corpus, and compares the routing with the unsteered one"));
    column->addWidget(m_corpus);
    connect(m_corpus, &QPushButton::clicked, &m_model, &SteeringModel::corpusWished);
    connect(&m_model, &SteeringModel::changed, this, &RecipePanel::showState);
    showState();
}

void RecipePanel::buildToolbar(QVBoxLayout &column)
{
    auto *bar = new QHBoxLayout;
    const auto button = [this, bar](const QString &title, const QString &name, const QString &help) {
        auto *made = new QToolButton(this);
        made->setText(title);
        made->setObjectName(name);
        made->setToolTip(help);
        bar->addWidget(made);
        return made;
    };
    QToolButton *edit =
        button(QStringLiteral("Add edit"), QStringLiteral("addEdit"), QStringLiteral("Change the logits or weights of chosen experts"));
    QToolButton *policy =
        button(QStringLiteral("Add policy"), QStringLiteral("addPolicy"), QStringLiteral("Choose experts by another rule"));
    const auto fill = [this](QToolButton *to, const auto &kinds, auto add) {
        auto *menu = new QMenu(to);
        menu->setToolTipsVisible(true);
        for (const auto &kind : kinds)
            menu->addAction(text(kind.title), this, [add, id = kind.id] { add(id); })->setToolTip(text(kind.help));
        to->setMenu(menu);
        to->setPopupMode(QToolButton::InstantPopup);
    };
    // vectors come from a file: there is no typing them
    std::vector<InterventionKind> typed;
    std::copy_if(interventionKinds().begin(), interventionKinds().end(), std::back_inserter(typed),
        [](const InterventionKind &kind) { return !kind.takesVectors; });
    fill(edit, typed, [this](std::string_view id) { addEdit(id, {}); });
    fill(policy, policyKinds(), [this](std::string_view id) { addPolicy(id); });
    bar->addStretch(1);
    m_undo = button(QStringLiteral("↶"), QStringLiteral("undo"), QStringLiteral("Undo (Ctrl+Z)"));
    m_undo->setShortcut(QKeySequence::Undo);
    m_redo = button(QStringLiteral("↷"), QStringLiteral("redo"), QStringLiteral("Redo (Ctrl+Shift+Z)"));
    m_redo->setShortcut(QKeySequence::Redo);
    QToolButton *open = button(QStringLiteral("Open…"), QStringLiteral("openRecipe"), QStringLiteral("Open a recipe file"));
    m_save = button(QStringLiteral("Save…"), QStringLiteral("saveRecipe"), QStringLiteral("Save the recipe as a file"));
    m_undo->setAccessibleName(QStringLiteral("Undo"));
    m_redo->setAccessibleName(QStringLiteral("Redo"));
    column.addLayout(bar);
    connect(m_undo, &QToolButton::clicked, &m_model, &SteeringModel::undoWished);
    connect(m_redo, &QToolButton::clicked, &m_model, &SteeringModel::redoWished);
    connect(open, &QToolButton::clicked, &m_model, &SteeringModel::openWished);
    connect(m_save, &QToolButton::clicked, &m_model, &SteeringModel::saveWished);
}

void RecipePanel::addEdit(std::string_view op, const std::vector<LayerExperts> &experts)
{
    Recipe next = m_model.state().recipe;
    Edit edit;
    edit.op = op;
    edit.experts = experts;
    edit.enabled = !experts.empty(); // nothing to act on until experts are named
    next.edits.push_back(edit);
    emit m_model.recipeWished(next, false);
}

void RecipePanel::addPolicy(std::string_view policy)
{
    Recipe next = m_model.state().recipe;
    PolicySetting setting;
    setting.policy = policy;
    next.policies.push_back(setting);
    emit m_model.recipeWished(next, false);
}

RecipeCard *RecipePanel::makeCard(bool policy)
{
    auto *card = policy
        ? new RecipeCard(cardKinds(policyKinds()), QStringLiteral("Layers"), QStringLiteral("0-3, 7 or * for every MoE layer"), this)
        : new RecipeCard(cardKinds(interventionKinds()), QStringLiteral("Experts"),
            QStringLiteral("L3: 1, 5; L4: 0-2\n* stands for every layer or every expert"), this);
    connect(card, &RecipeCard::changed, this,
        [this, card, policy](bool moving) { policy ? takePolicy(card, moving) : takeEdit(card, moving); });
    // The card is gone once the recipe has changed, so its own signal must have returned before.
    connect(
        card, &RecipeCard::removeWished, this, [this, card] { remove(card); }, Qt::QueuedConnection);
    return card;
}

void RecipePanel::showState()
{
    const SteeringState &state = m_model.state();
    const auto fit = [this](std::vector<RecipeCard *> &cards, std::size_t count, bool policy) {
        for (; cards.size() > count; cards.pop_back())
            cards.back()->deleteLater();
        while (cards.size() < count)
            cards.push_back(makeCard(policy));
    };
    fit(m_edits, state.recipe.edits.size(), false);
    fit(m_policies, state.recipe.policies.size(), true);
    int at = 0;
    for (std::size_t i = 0; i < m_edits.size(); ++i) {
        m_cards->insertWidget(at++, m_edits[i]);
        m_edits[i]->setValue(cardOf(state.recipe.edits[i]), !state.recipe.edits[i].vectors.empty());
    }
    for (std::size_t i = 0; i < m_policies.size(); ++i) {
        m_cards->insertWidget(at++, m_policies[i]);
        m_policies[i]->setValue(cardOf(state.recipe.policies[i]));
    }
    m_empty->setVisible(at == 0);
    m_corpus->setEnabled(at > 0 && state.obstacle.isEmpty());
    m_undo->setEnabled(state.canUndo);
    m_redo->setEnabled(state.canRedo);
    m_save->setEnabled(at > 0);
    m_problem->setText(QStringLiteral("⚠ ") + state.problem);
    m_problem->setVisible(!state.problem.isEmpty());
}

void RecipePanel::takeEdit(const RecipeCard *card, bool moving)
{
    const std::size_t at = indexOf(m_edits, card);
    Recipe next = m_model.state().recipe;
    Edit &edit = next.edits[at];
    const CardValue &value = card->value();
    if (edit.vectors.empty()) {
        const ExpertListText read = readExpertList(value.where);
        m_edits[at]->setProblem(value.enabled ? read.problem : QString());
        if (!read.problem.isEmpty() && value.enabled)
            return; // stays on the card until it can be read
        edit.experts = read.experts;
    }
    edit.op = value.kind;
    edit.enabled = value.enabled;
    edit.settings = value.settings;
    edit.tokens = value.tokens;
    edit.phase = value.phase;
    emit m_model.recipeWished(next, moving);
}

void RecipePanel::takePolicy(const RecipeCard *card, bool moving)
{
    const std::size_t at = indexOf(m_policies, card);
    const CardValue &value = card->value();
    const LayerListText read = readLayerList(value.where);
    m_policies[at]->setProblem(read.problem);
    if (!read.problem.isEmpty())
        return;
    Recipe next = m_model.state().recipe;
    next.policies[at] = {value.kind, value.enabled, read.layers, value.settings, value.tokens, value.phase};
    emit m_model.recipeWished(next, moving);
}

void RecipePanel::remove(const RecipeCard *card)
{
    Recipe next = m_model.state().recipe;
    if (const std::size_t at = indexOf(m_edits, card); at < m_edits.size())
        next.edits.erase(next.edits.begin() + static_cast<std::ptrdiff_t>(at));
    else if (const std::size_t policy = indexOf(m_policies, card); policy < m_policies.size())
        next.policies.erase(next.policies.begin() + static_cast<std::ptrdiff_t>(policy));
    emit m_model.recipeWished(next, false);
}

} // namespace expertscope
