// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ParamForm: a form made from declared parameters: one field each, checked as declared, its help as tool tip.
#pragma once

#include "engine/core/params.h"

#include <QWidget>

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace expertscope {

class ParamForm : public QWidget {
    Q_OBJECT
public:
    /// The declarations outlive the form.
    explicit ParamForm(std::span<const ParamKind> params, QWidget *parent = nullptr);

    /// All parameters in the order of their declaration.
    ParamValues values() const;
    /// Those that are given; the others, and values that do not fit their declaration, become the default. Emits nothing.
    void setValues(const ParamValues &values);

Q_SIGNALS:
    void changed(); ///< the person changed a value and is done with its field

private:
    QWidget *makeField(const ParamKind &param);

    std::span<const ParamKind> m_params;
    std::vector<QWidget *> m_fields; ///< [params]
};

} // namespace expertscope
