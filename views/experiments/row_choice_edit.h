// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RowChoiceEdit: rows of a file: which file, and the columns they are chosen by. RowListEdit: several of them.
#pragma once

#include "engine/experiments/sweep_plan.h"

#include <QWidget>

#include <vector>

class QLabel;
class QLineEdit;
class QVBoxLayout;

namespace expertscope {

class ExperimentModel;

class RowChoiceEdit : public QWidget {
    Q_OBJECT
public:
    /// The model is asked for file dialogs; it outlives this.
    explicit RowChoiceEdit(ExperimentModel &model, QWidget *parent = nullptr);

    void setValue(const RowChoice &rows); ///< emits nothing
    const RowChoice &value() const { return m_value; }
    QLineEdit *file() const { return m_file; }
    QLineEdit *where() const { return m_where; }

Q_SIGNALS:
    void changed();

private:
    void take();

    RowChoice m_value;
    QLineEdit *m_file;
    QLineEdit *m_where;
    QLabel *m_problem;
};

class RowListEdit : public QWidget {
    Q_OBJECT
public:
    explicit RowListEdit(ExperimentModel &model, QWidget *parent = nullptr);

    void setValue(const std::vector<RowChoice> &list); ///< emits nothing
    std::vector<RowChoice> value() const;

Q_SIGNALS:
    void changed();

private:
    struct Line {
        QWidget *whole = nullptr;
        RowChoiceEdit *edit = nullptr;
    };
    void addLine(const RowChoice &rows);
    void remove(const QWidget *whole);

    ExperimentModel &m_model;
    QVBoxLayout *m_column;
    std::vector<Line> m_lines;
};

} // namespace expertscope
