// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/steering/recipe_card.h"

#include "views/common/axis.h"
#include "views/common/param_form.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSignalBlocker>
#include <QSlider>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <utility>

namespace expertscope {

namespace {

constexpr int sliderSteps = 100; ///< on each side of zero

QString text(std::string_view view)
{
    return QString::fromUtf8(view.data(), static_cast<qsizetype>(view.size()));
}

/// What the end of a slider stands for: a few times the default, which is where things happen.
double sliderEnd(const ParamKind &strength)
{
    const double standard = std::abs(std::stod(std::string{strength.standard}));
    return 4 * (standard > 0 ? standard : 1);
}

std::string settingOf(const ParamValues &settings, const ParamKind &param)
{
    const auto at = std::find_if(settings.begin(), settings.end(), [&](const auto &one) { return one.first == param.id; });
    return at == settings.end() ? std::string{param.standard} : at->second;
}

void setSetting(ParamValues &settings, std::string_view id, std::string value)
{
    const auto at = std::find_if(settings.begin(), settings.end(), [&](const auto &one) { return one.first == id; });
    if (at == settings.end())
        settings.emplace_back(id, std::move(value));
    else
        at->second = std::move(value);
}

} // namespace

RecipeCard::RecipeCard(std::vector<CardKind> kinds, const QString &whereTitle, const QString &whereHelp, QWidget *parent)
    : QFrame{parent}
    , m_kinds{std::move(kinds)}
    , m_enabled{new QCheckBox(this)}
    , m_kindBox{new QComboBox(this)}
    , m_where{new QLineEdit(this)}
    , m_strengthRow{new QWidget(this)}
    , m_slider{new QSlider(Qt::Horizontal, this)}
    , m_strengthText{new QLabel(this)}
    , m_more{new QToolButton(this)}
    , m_details{new QWidget(this)}
    , m_tokensBox{new QComboBox(this)}
    , m_label{new QLineEdit(this)}
    , m_pattern{new QLineEdit(this)}
    , m_phaseBox{new QComboBox(this)}
    , m_problem{new QLabel(this)}
{
    setObjectName(QStringLiteral("recipeCard"));
    setFrameShape(QFrame::StyledPanel);
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(8, 6, 8, 6);
    column->setSpacing(4);
    buildHead();
    auto *where = new QFormLayout;
    where->setContentsMargins(0, 0, 0, 0);
    m_where->setObjectName(QStringLiteral("where"));
    m_where->setAccessibleName(whereTitle);
    m_where->setToolTip(whereHelp);
    m_where->setPlaceholderText(whereHelp.section(u'\n', 0, 0));
    where->addRow(whereTitle, m_where);
    column->addLayout(where);
    auto *row = new QHBoxLayout(m_strengthRow);
    row->setContentsMargins(0, 0, 0, 0);
    m_slider->setObjectName(QStringLiteral("strength"));
    m_slider->setAccessibleName(QStringLiteral("Strength"));
    m_slider->setRange(-sliderSteps, sliderSteps);
    m_slider->setTickPosition(QSlider::TicksBelow);
    m_slider->setTickInterval(sliderSteps);
    m_strengthText->setMinimumWidth(fontMetrics().horizontalAdvance(QStringLiteral("-0.0000")));
    m_strengthText->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    row->addWidget(m_slider, 1);
    row->addWidget(m_strengthText);
    column->addWidget(m_strengthRow);
    buildSpan();
    column->addWidget(m_details);
    m_problem->setObjectName(QStringLiteral("problem"));
    m_problem->setWordWrap(true);
    m_problem->hide();
    column->addWidget(m_problem);

    connect(m_enabled, &QCheckBox::toggled, this, [this](bool on) {
        m_value.enabled = on;
        emit changed(false);
    });
    connect(m_kindBox, &QComboBox::activated, this, [this](int i) {
        m_value.kind = std::string{m_kinds[static_cast<std::size_t>(i)].id};
        m_value.settings.clear(); // strengths of one op mean nothing to another
        showKind();
        emit changed(false);
    });
    connect(m_where, &QLineEdit::editingFinished, this, [this] {
        if (std::exchange(m_value.where, m_where->text()) != m_where->text())
            emit changed(false);
    });
    connect(m_slider, &QSlider::valueChanged, this, &RecipeCard::setStrength);
    connect(m_slider, &QSlider::sliderReleased, this, [this] { emit changed(false); });
}

void RecipeCard::buildHead()
{
    auto *head = new QHBoxLayout;
    m_enabled->setObjectName(QStringLiteral("enabled"));
    m_enabled->setToolTip(QStringLiteral("On or off"));
    m_enabled->setAccessibleName(QStringLiteral("On"));
    m_kindBox->setObjectName(QStringLiteral("kind"));
    m_kindBox->setAccessibleName(QStringLiteral("What is done"));
    for (const CardKind &one : m_kinds) {
        m_kindBox->addItem(text(one.title), text(one.id));
        m_kindBox->setItemData(m_kindBox->count() - 1, text(one.help) + QStringLiteral("\n") + text(one.source), Qt::ToolTipRole);
    }
    m_more->setObjectName(QStringLiteral("more"));
    m_more->setText(QStringLiteral("More"));
    m_more->setCheckable(true);
    m_more->setToolTip(QStringLiteral("Exact values, and for which tokens"));
    auto *remove = new QToolButton(this);
    remove->setObjectName(QStringLiteral("remove"));
    remove->setText(QStringLiteral("✕"));
    remove->setToolTip(QStringLiteral("Remove"));
    remove->setAccessibleName(QStringLiteral("Remove"));
    remove->setAutoRaise(true);
    head->addWidget(m_enabled);
    head->addWidget(m_kindBox, 1);
    head->addWidget(m_more);
    head->addWidget(remove);
    static_cast<QVBoxLayout *>(layout())->addLayout(head);
    connect(m_more, &QToolButton::toggled, m_details, &QWidget::setVisible);
    connect(remove, &QToolButton::clicked, this, &RecipeCard::removeWished);
}

void RecipeCard::buildSpan()
{
    auto *form = new QFormLayout(m_details);
    form->setContentsMargins(0, 4, 0, 0);
    m_tokensBox->setObjectName(QStringLiteral("tokens"));
    m_tokensBox->addItems({QStringLiteral("all"), QStringLiteral("of the prompt"), QStringLiteral("generated or given after it"),
        QStringLiteral("that match a pattern"), QStringLiteral("of texts with a label"),
        QStringLiteral("at a position")}); // in the order of TokenSpan::Kind
    m_label->setObjectName(QStringLiteral("label"));
    m_label->setPlaceholderText(QStringLiteral("language, domain or another column"));
    m_pattern->setObjectName(QStringLiteral("pattern"));
    m_phaseBox->setObjectName(QStringLiteral("phase"));
    m_phaseBox->addItems({QStringLiteral("prefill and decode"), QStringLiteral("prefill"), QStringLiteral("decode")}); // of RunPhase
    form->addRow(QStringLiteral("Tokens"), m_tokensBox);
    form->addRow(m_label);
    form->addRow(m_pattern);
    form->addRow(QStringLiteral("Phase"), m_phaseBox);
    m_details->hide();
    connect(m_tokensBox, &QComboBox::activated, this, [this](int i) {
        m_value.tokens.kind = static_cast<TokenSpan::Kind>(i);
        showSpan();
        // a pattern or label that is still to be typed would be an error
        if (m_value.tokens.kind != TokenSpan::Kind::Pattern && m_value.tokens.kind != TokenSpan::Kind::Label)
            emit changed(false);
    });
    connect(m_phaseBox, &QComboBox::activated, this, [this](int i) {
        m_value.phase = static_cast<RunPhase>(i);
        emit changed(false);
    });
    for (QLineEdit *edit : {m_label, m_pattern})
        connect(edit, &QLineEdit::editingFinished, this, [this] {
            TokenSpan next = m_value.tokens;
            next.label = m_label->text().trimmed().toStdString();
            const std::string typed = m_pattern->text().toStdString();
            if (next.kind == TokenSpan::Kind::Position)
                next.position = m_pattern->text().toLongLong();
            else
                (next.kind == TokenSpan::Kind::Label ? next.value : next.pattern) = typed;
            if (next != m_value.tokens) {
                m_value.tokens = next;
                emit changed(false);
            }
        });
}

const CardKind &RecipeCard::kind() const
{
    const auto at = std::find_if(m_kinds.begin(), m_kinds.end(), [&](const CardKind &one) { return one.id == m_value.kind; });
    return at == m_kinds.end() ? m_kinds.front() : *at;
}

const ParamKind *RecipeCard::strength() const
{
    const auto params = kind().params;
    const auto at = std::find_if(params.begin(), params.end(), [](const ParamKind &param) { return param.id == "strength"; });
    return at == params.end() ? nullptr : &*at;
}

void RecipeCard::setValue(const CardValue &value, bool whereFixed)
{
    const bool otherKind = value.kind != m_value.kind || !m_form;
    m_value = value;
    {
        const QSignalBlocker quiet(m_enabled);
        m_enabled->setChecked(value.enabled);
    }
    m_where->setText(value.where);
    m_where->setReadOnly(whereFixed);
    m_phaseBox->setCurrentIndex(static_cast<int>(value.phase));
    if (otherKind)
        showKind();
    m_form->setValues(value.settings);
    showSlider();
    showSpan();
}

/// Fields of another kind.
void RecipeCard::showKind()
{
    m_kindBox->setCurrentIndex(m_kindBox->findData(text(kind().id)));
    m_kindBox->setToolTip(m_kindBox->currentData(Qt::ToolTipRole).toString());
    auto *form = static_cast<QFormLayout *>(m_details->layout());
    if (m_form)
        form->removeRow(m_form);
    m_form = new ParamForm(kind().params, m_details);
    m_form->layout()->setContentsMargins(0, 0, 0, 0);
    m_form->setVisible(!kind().params.empty());
    form->insertRow(0, m_form);
    connect(m_form, &ParamForm::changed, this, [this] {
        m_value.settings = m_form->values();
        showSlider();
        emit changed(false);
    });
    showSlider();
}

void RecipeCard::showSlider()
{
    const ParamKind *param = strength();
    m_strengthRow->setVisible(param);
    if (!param)
        return;
    const double value = std::stod(settingOf(m_value.settings, *param));
    const QSignalBlocker quiet(m_slider);
    m_slider->setValue(static_cast<int>(std::lround(std::clamp(value / sliderEnd(*param), -1.0, 1.0) * sliderSteps)));
    m_slider->setToolTip(text(param->help));
    m_strengthText->setText(numberText(value));
}

void RecipeCard::setStrength(int position)
{
    const ParamKind *param = strength();
    const QString value = QString::number(position * sliderEnd(*param) / sliderSteps, 'g', 6);
    setSetting(m_value.settings, param->id, value.toStdString());
    m_form->setValues(m_value.settings);
    m_strengthText->setText(numberText(value.toDouble()));
    emit changed(m_slider->isSliderDown());
}

void RecipeCard::showSpan()
{
    const TokenSpan &span = m_value.tokens;
    const bool isLabel = span.kind == TokenSpan::Kind::Label, isPattern = span.kind == TokenSpan::Kind::Pattern;
    const bool isPosition = span.kind == TokenSpan::Kind::Position;
    m_tokensBox->setCurrentIndex(static_cast<int>(span.kind));
    m_label->setVisible(isLabel);
    m_label->setText(QString::fromStdString(span.label));
    m_pattern->setVisible(isLabel || isPattern || isPosition);
    m_pattern->setPlaceholderText(isLabel ? QStringLiteral("its value")
            : isPosition                  ? QStringLiteral("position, from 0")
                                          : QStringLiteral("regular expression over the text"));
    m_pattern->setText(isPosition ? QString::number(span.position) : QString::fromStdString(isLabel ? span.value : span.pattern));
    if (span.kind != TokenSpan::Kind::All || m_value.phase != RunPhase::Both)
        m_more->setChecked(true);
}

void RecipeCard::setProblem(const QString &problem)
{
    m_problem->setText(QStringLiteral("⚠ ") + problem);
    m_problem->setVisible(!problem.isEmpty());
}

} // namespace expertscope
