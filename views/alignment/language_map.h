// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// LanguageMap: languages as points whose distances are their divergences, or as a tree. A click selects one, the wheel zooms the map.
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

/// The part of the map that is shown: magnified around a place of it.
struct LanguageZoom {
    double factor = 1; ///< 1 = everything
    QPointF centre; ///< in units of the points; of no account at 1
};

/// Where a point and its name were painted. A name that has no room beside its point stands farther off, with a line to it.
struct LanguagePlace {
    QRectF point, name;
};

/// Paints it into the target, with a title if there is one; returns where each point is, empty for one that is out of sight.
std::vector<LanguagePlace> paintLanguageMap(QPainter &painter, const QRectF &target, const LanguageMapContent &content,
    const FigureLook &look, const QString &selected, const LanguageZoom &zoom = {});

class LanguageMap : public QWidget {
    Q_OBJECT
public:
    explicit LanguageMap(QWidget *parent = nullptr);

    void setContent(LanguageMapContent content);
    const LanguageMapContent &content() const { return m_content; }
    void setSelected(const QString &name);
    LanguagePlace placeOf(const QString &name) const; ///< empty before the first painting
    const LanguageZoom &zoomed() const { return m_zoom; }
    void zoom(double factor, QPointF at); ///< closer for factor > 1, around a place of the widget; the tree is always whole
    void fit();
    QSize minimumSizeHint() const override { return {160, 120}; }
    QSize sizeHint() const override { return {300, 240}; }

Q_SIGNALS:
    void picked(const QString &name);
    void status(const QString &text);
    void pictureWished();
    void numbersWished();

protected:
    void paintEvent(QPaintEvent *event) override;
    void mouseMoveEvent(QMouseEvent *event) override;
    void mouseReleaseEvent(QMouseEvent *event) override;
    void wheelEvent(QWheelEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;
    void contextMenuEvent(QContextMenuEvent *event) override;

private:
    QString at(QPointF place) const;

    LanguageMapContent m_content;
    LanguageZoom m_zoom;
    QString m_selected;
    std::vector<LanguagePlace> m_places; ///< [points]
};

} // namespace expertscope
