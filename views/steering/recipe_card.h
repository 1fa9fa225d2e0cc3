// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RecipeCard: one edit or policy of a recipe: on or off, what it does, where, how strongly, for which tokens.
#pragma once

#include "engine/core/params.h"
#include "engine/core/recipe.h"

#include <QFrame>

#include <span>
#include <string_view>
#include <vector>

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QSlider;
class QToolButton;

namespace expertscope {

class ParamForm;

/// What a card may be: an op of edits, or a policy.
struct CardKind {
    std::string_view id, title, help, source;
    std::span<const ParamKind> params;
};

/// What a card says, of an edit and a policy alike.
struct CardValue {
    std::string kind;
    bool enabled = true;
    QString where; ///< experts or layers as text
    ParamValues settings;
    TokenSpan tokens;
    RunPhase phase = RunPhase::Both;
    bool operator==(const CardValue &) const = default;
};

class RecipeCard : public QFrame {
    Q_OBJECT
public:
    /// whereTitle: "Experts" or "Layers".
    RecipeCard(std::vector<CardKind> kinds, const QString &whereTitle, const QString &whereHelp, QWidget *parent = nullptr);

    const CardValue &value() const { return m_value; }
    /// Emits nothing. whereFixed: what the card acts on cannot be typed (a vector).
    void setValue(const CardValue &value, bool whereFixed = false);
    /// A complaint about this card; empty = none.
    void setProblem(const QString &problem);

Q_SIGNALS:
    /// moving: in the middle of a drag of the slider, so that more follows.
    void changed(bool moving);
    void removeWished();

private:
    void buildHead();
    void buildSpan();
    void showKind();
    void showSlider();
    void showSpan();
    void setStrength(int position);
    const CardKind &kind() const;
    const ParamKind *strength() const; ///< null where the kind has none

    std::vector<CardKind> m_kinds;
    CardValue m_value;
    QCheckBox *m_enabled;
    QComboBox *m_kindBox;
    QLineEdit *m_where;
    QWidget *m_strengthRow;
    QSlider *m_slider;
    QLabel *m_strengthText;
    QToolButton *m_more;
    QWidget *m_details;
    ParamForm *m_form = nullptr; ///< of the kind
    QComboBox *m_tokensBox;
    QLineEdit *m_label;
    QLineEdit *m_pattern;
    QComboBox *m_phaseBox;
    QLabel *m_problem;
};

} // namespace expertscope
