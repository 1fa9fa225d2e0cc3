// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// TokenPage: one token in all layers: what it is, what the model expected, and its experts layer by layer.
#pragma once

#include "engine/analysis/token_card.h"
#include "views/common/selection.h"

#include <QWidget>

class QLabel;

namespace expertscope {

class LayerTable;

class TokenPage : public QWidget {
    Q_OBJECT
public:
    explicit TokenPage(SelectionModel *selection, QWidget *parent = nullptr);
    void setCard(const TokenCard &card, const TraceMeta &meta);
    void showSelection(const Selection &selection);
    LayerTable *layers() const { return m_layers; }

private:
    SelectionModel *m_selection;
    QLabel *m_text;
    QLabel *m_facts;
    QLabel *m_context;
    LayerTable *m_layers;
};

} // namespace expertscope
