// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Small pieces of rich text for the Inspector: everything from a trace is escaped, and kept from reordering the words around it.
#pragma once

#include "engine/analysis/token_text.h"

#include <QPalette>
#include <QString>

class QLabel;
class QWidget;

namespace expertscope {

/// A wrapping, selectable label.
QLabel *richLabel(QWidget *parent);

QString escaped(const QString &text);

/// "…before <b>token</b> after…"; the token carries a highlight.
QString contextHtml(const TokenContext &context, const QPalette &palette);

/// A table of names and values.
class FactTable {
public:
    void add(const QString &name, const QString &valueHtml);
    QString html() const;

private:
    QString m_rows;
};

} // namespace expertscope
