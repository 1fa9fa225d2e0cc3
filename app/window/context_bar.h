// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ContextBar: the line above the views that says what is being looked at: back and forward, which trace, and one chip for
// every part of the selection, each of which can be cleared.
#pragma once

#include "app/document.h"
#include "app/selection_history.h"

#include <QWidget>

#include <vector>

class QComboBox;
class QHBoxLayout;
class QLabel;
class QToolButton;

namespace expertscope {

/// One part of a selection in words, and the selection without it.
struct SelectionPart {
    QString text;
    Selection without;
};
std::vector<SelectionPart> selectionParts(const Selection &selection, const TraceMeta &meta);
/// The selection with nothing chosen; the layer stays where it is.
Selection nothingSelected(const Selection &selection);

class ContextBar : public QWidget {
    Q_OBJECT
public:
    ContextBar(Document &document, SelectionHistory &history, QWidget *parent = nullptr);

private:
    void refreshTraces();
    void refreshChips();

    Document &m_document;
    QComboBox *m_traces;
    QLabel *m_scope;
    QHBoxLayout *m_chips;
    QToolButton *m_clear;
};

} // namespace expertscope
