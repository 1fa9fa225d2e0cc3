// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// BarTable: labelled horizontal bars with intervals and a chance line, n beside each. One row can be clicked.
#pragma once

#include <QColor>
#include <QVariant>
#include <QWidget>

#include <limits>
#include <vector>

namespace expertscope {

struct BarRow {
    QString label;
    QString note; ///< right of the bar: the value in words, n
    QString help; ///< tool tip
    double value = 0;
    double low = std::numeric_limits<double>::quiet_NaN(); ///< interval; NaN = none
    double high = std::numeric_limits<double>::quiet_NaN();
    QColor colour; ///< invalid = the accent of bars
    QVariant data; ///< invalid = not clickable
};

class BarTable : public QWidget {
    Q_OBJECT
public:
    explicit BarTable(QWidget *parent = nullptr);

    /// title names value and unit; reference: a level marked in all rows, in units of the value, NaN = none; referenceText: what it is,
    /// with its value.
    void setRows(const QString &title, std::vector<BarRow> rows, double reference, const QString &referenceText);
    const std::vector<BarRow> &rows() const { return m_rows; }
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return {160, sizeHint().height()}; }

Q_SIGNALS:
    void activated(const QVariant &data);
    void hovered(const QVariant &data); ///< invalid = nothing

protected:
    bool event(QEvent *event) override;
    void paintEvent(QPaintEvent *event) override;
    void mouseMoveEvent(QMouseEvent *event) override;
    void mouseReleaseEvent(QMouseEvent *event) override;
    void leaveEvent(QEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;

private:
    double rowHeight() const;
    double rowsTop() const;
    int rowAt(QPointF at) const;
    void setCurrent(int row);

    QString m_title;
    std::vector<BarRow> m_rows;
    double m_reference = std::numeric_limits<double>::quiet_NaN();
    QString m_referenceText;
    int m_current = -1;
};

} // namespace expertscope
