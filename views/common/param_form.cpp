// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/param_form.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDoubleValidator>
#include <QFormLayout>
#include <QLineEdit>
#include <QPushButton>
#include <QRegularExpression>
#include <QRegularExpressionValidator>

#include <algorithm>

namespace expertscope {

namespace {

QString text(std::string_view view)
{
    return QString::fromUtf8(view.data(), static_cast<qsizetype>(view.size()));
}

QString rangeText(const ParamKind &param)
{
    return param.least < param.most ? QStringLiteral("\n%1 to %2").arg(param.least).arg(param.most) : QString();
}

QString valueOf(const QWidget *field)
{
    if (const auto *box = qobject_cast<const QCheckBox *>(field))
        return box->isChecked() ? QStringLiteral("on") : QStringLiteral("off");
    if (const auto *box = qobject_cast<const QComboBox *>(field))
        return box->currentText();
    return static_cast<const QLineEdit *>(field)->text().trimmed();
}

void setValue(QWidget *field, const QString &value)
{
    const QSignalBlocker quiet(field);
    if (auto *check = qobject_cast<QCheckBox *>(field))
        check->setChecked(value == QLatin1String("on"));
    else if (auto *box = qobject_cast<QComboBox *>(field))
        box->setCurrentIndex(box->findText(value));
    else
        static_cast<QLineEdit *>(field)->setText(value);
}

/// True if the declaration accepts it.
bool fits(const ParamKind &param, const std::string &value)
{
    try {
        const ParamValues given{{std::string{param.id}, value}};
        const Params checked({&param, 1}, given);
        return true;
    } catch (const std::exception &) {
        return false;
    }
}

} // namespace

ParamForm::ParamForm(std::span<const ParamKind> params, QWidget *parent)
    : QWidget{parent}
    , m_params{params}
{
    setObjectName(QStringLiteral("paramForm"));
    auto *form = new QFormLayout(this);
    form->setRowWrapPolicy(QFormLayout::WrapLongRows);
    for (const ParamKind &param : params) {
        QWidget *field = makeField(param);
        field->setObjectName(QStringLiteral("param.") + text(param.id));
        field->setToolTip(text(param.help) + rangeText(param));
        field->setAccessibleName(text(param.title));
        field->setAccessibleDescription(text(param.help));
        m_fields.push_back(field);
        if (param.type == ParamKind::Type::Flag)
            form->addRow(field);
        else
            form->addRow(text(param.title), field);
    }
    if (params.empty())
        return;
    auto *defaults = new QPushButton(QStringLiteral("Defaults"), this);
    defaults->setObjectName(QStringLiteral("paramDefaults"));
    form->addRow(defaults);
    connect(defaults, &QPushButton::clicked, this, [this] {
        setValues({});
        emit changed();
    });
    setValues({});
}

QWidget *ParamForm::makeField(const ParamKind &param)
{
    switch (param.type) {
    case ParamKind::Type::Flag: {
        auto *box = new QCheckBox(text(param.title), this);
        connect(box, &QCheckBox::toggled, this, &ParamForm::changed);
        return box;
    }
    case ParamKind::Type::Choice: {
        auto *box = new QComboBox(this);
        box->addItems(text(param.choices).split(u'|'));
        connect(box, &QComboBox::currentIndexChanged, this, &ParamForm::changed);
        return box;
    }
    case ParamKind::Type::Integer:
    case ParamKind::Type::Real:
    case ParamKind::Type::Text:
        break;
    }
    auto *edit = new QLineEdit(this);
    if (param.type == ParamKind::Type::Integer) {
        edit->setValidator(new QRegularExpressionValidator(QRegularExpression(QStringLiteral("-?[0-9]{1,18}")), edit));
    } else if (param.type == ParamKind::Type::Real) {
        auto *validator = new QDoubleValidator(edit);
        validator->setLocale(QLocale::c());
        edit->setValidator(validator);
    }
    connect(edit, &QLineEdit::editingFinished, this, [this, edit, &param] {
        if (!edit->isModified())
            return;
        edit->setModified(false);
        // A number out of its range goes back to the default rather than to an error.
        if (!fits(param, edit->text().trimmed().toStdString()))
            edit->setText(text(param.standard));
        emit changed();
    });
    return edit;
}

ParamValues ParamForm::values() const
{
    ParamValues values;
    for (std::size_t i = 0; i < m_params.size(); ++i)
        values.emplace_back(m_params[i].id, valueOf(m_fields[i]).toStdString());
    return values;
}

void ParamForm::setValues(const ParamValues &values)
{
    for (std::size_t i = 0; i < m_params.size(); ++i) {
        const auto given = std::find_if(values.begin(), values.end(), [&](const auto &value) { return value.first == m_params[i].id; });
        const bool use = given != values.end() && fits(m_params[i], given->second);
        setValue(m_fields[i], use ? QString::fromStdString(given->second) : text(m_params[i].standard));
    }
}

} // namespace expertscope
