// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// LanguageMap: languages as points whose distances are their divergences, or as a tree. Clicking one selects it.
#pragma once

#include "views/common/figure.h"

#include <QWidget>

#include <vector>

namespace expertscope {

struct LanguagePoint {
    QString name;
    double x = 0, y = 0;
    QColor colour;
};

/// A step of the tree: clusters a and b become one; clusters below the number of points are points, the rest earlier steps.
struct LanguageMerge {
    int a = 0, b = 0;
    double height = 0;
};

struct LanguageMapContent {
    QString title;
    std::vector<LanguagePoint> points;
    std::vector<LanguageMerge> merges; ///< empty = no tree
    QString unit; ///< of distances and heights, as an axis title
    bool tree = false; ///< show the tree
};

/// Paints it into the target, with a title if there is one; returns where each point is.
std::vector<QRectF> paintLanguageMap(
    QPainter &painter, const QRectF &target, const LanguageMapContent &content, const FigureLook &look, const QString &selected);

class LanguageMap : public QWidget {
    Q_OBJECT
public:
    explicit LanguageMap(QWidget *parent = nullptr);

    void setContent(LanguageMapContent content);
    const LanguageMapContent &content() const { return m_content; }
    void setSelected(const QString &name);
    QRectF pointRect(const QString &name) const; ///< where it is painted; empty before the first painting
    QSize minimumSizeHint() const override { return {160, 120}; }
    QSize sizeHint() const override { return {300, 240}; }

Q_SIGNALS:
    void picked(const QString &name);
    void status(const QString &text);

protected:
    void paintEvent(QPaintEvent *event) override;
    void mouseMoveEvent(QMouseEvent *event) override;
    void mouseReleaseEvent(QMouseEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;

private:
    QString at(QPointF place) const;

    LanguageMapContent m_content;
    QString m_selected;
    std::vector<QRectF> m_rects; ///< [points]
};

} // namespace expertscope
