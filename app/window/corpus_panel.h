// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// CorpusPanel: the sequences of what is open, filtered by text, language and domain; choosing one selects it everywhere, and
// choosing a language or a domain makes that the group that is looked at.
#pragma once

#include "app/document.h"
#include "app/job_runner.h"
#include "app/window/sequence_item_model.h"

#include <QWidget>

class QComboBox;
class QLabel;
class QLineEdit;
class QTableView;

namespace expertscope {

class CorpusPanel : public QWidget {
    Q_OBJECT
public:
    CorpusPanel(Document &document, JobRunner &jobs, QWidget *parent = nullptr);
    const SequenceItemModel &sequences() const { return *m_sequences; }
    void focusSearch();
    void selectSequence(int sequence); ///< as if the row had been clicked

private:
    void refresh();
    void setRows(std::vector<SequenceRow> rows);
    void applyFilter();
    void chooseGroup(const QString &grouping, const QString &group);
    void showSelection(const Selection &selection);
    void showRowMenu(const QPoint &at);

    Document &m_document;
    JobRunner &m_jobs;
    SequenceItemModel *m_sequences;
    SequenceFilter *m_filter;
    QLineEdit *m_search;
    QComboBox *m_language;
    QComboBox *m_domain;
    QTableView *m_table;
    QLabel *m_count;
    bool m_following = false; ///< the selection is being shown, not chosen
};

} // namespace expertscope
