// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RecipePanel: the recipe as a list of cards: add, change, switch off, remove, undo, open and save.
#pragma once

#include "engine/core/recipe.h"
#include "views/common/steering_model.h"
#include "views/steering/recipe_card.h"

#include <QWidget>

#include <vector>

class QLabel;
class QPushButton;
class QToolButton;
class QVBoxLayout;

namespace expertscope {

class RecipePanel : public QWidget {
    Q_OBJECT
public:
    explicit RecipePanel(SteeringModel &model, QWidget *parent = nullptr);

    const std::vector<RecipeCard *> &editCards() const { return m_edits; }
    const std::vector<RecipeCard *> &policyCards() const { return m_policies; }
    /// Adds an edit of the op, for the experts; also what the button does.
    void addEdit(std::string_view op, const std::vector<LayerExperts> &experts);
    void addPolicy(std::string_view policy);

private:
    void buildToolbar(QVBoxLayout &column);
    void showState();
    RecipeCard *makeCard(bool policy);
    void takeEdit(const RecipeCard *card, bool moving);
    void takePolicy(const RecipeCard *card, bool moving);
    void remove(const RecipeCard *card);

    SteeringModel &m_model;
    std::vector<RecipeCard *> m_edits, m_policies; ///< in the order of the recipe
    QToolButton *m_undo = nullptr;
    QToolButton *m_redo = nullptr;
    QToolButton *m_save = nullptr;
    QPushButton *m_corpus = nullptr;
    QVBoxLayout *m_cards = nullptr;
    QLabel *m_empty = nullptr;
    QLabel *m_problem = nullptr;
};

} // namespace expertscope
