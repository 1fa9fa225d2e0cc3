// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ExpertPage: one expert of one layer against chance: load, top tokens with contexts, languages, domains, partners.
#pragma once

#include "engine/analysis/expert_card.h"
#include "views/common/selection.h"

#include <QWidget>

class QLabel;

namespace expertscope {

class BarTable;

class ExpertPage : public QWidget {
    Q_OBJECT
public:
    explicit ExpertPage(SelectionModel *selection, QWidget *parent = nullptr);
    void setCard(const ExpertCard &card, TracePtr trace);

private:
    void showGroups(BarTable *table, const QString &kind, const std::vector<GroupOfExpert> &groups, double load);
    void showToken(std::int64_t token);

    SelectionModel *m_selection;
    TracePtr m_trace;
    QLabel *m_title;
    QLabel *m_summary;
    BarTable *m_load;
    BarTable *m_languages;
    BarTable *m_domains;
    BarTable *m_partners;
    BarTable *m_tokens;
    QLabel *m_contexts;
    QLabel *m_note;
};

} // namespace expertscope
