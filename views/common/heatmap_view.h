// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// HeatmapView: a matrix on the screen that zooms, pans, brushes and tells what is under the cursor.
// It knows cells, not experts: its owner says what a row, a column and a value mean.
#pragma once

#include "views/common/heatmap_painter.h"
#include "views/common/scale_menu.h"

#include <QImage>
#include <QMenu>
#include <QWidget>

#include <optional>

namespace expertscope {

/// A cell that is pointed out; row or column -1 = the whole column or row.
struct HeatmapMark {
    enum class Style { Selected, Dot } style = Style::Selected;
    std::int64_t row = -1;
    std::int64_t column = -1;
    bool operator==(const HeatmapMark &) const = default;
};

class HeatmapView : public QWidget {
    Q_OBJECT
public:
    explicit HeatmapView(QWidget *parent = nullptr);

    /// Keeps the zoom if rows and columns stay the same.
    void setContent(HeatmapContent content);
    const HeatmapContent &content() const { return m_content; }
    /// Shown while there is no data.
    void setEmptyText(const QString &headline, const QString &advice);
    /// Lines of the readout for a cell; without it: row, column and value.
    void setDescribe(std::function<QStringList(int row, std::int64_t column)> describe) { m_describe = std::move(describe); }
    void setMarks(std::vector<HeatmapMark> marks);
    /// A range of columns that is pointed out (a brush); empty = none.
    void setBand(std::int64_t firstColumn, std::int64_t endColumn);
    /// Crosshair asked for by another view; -1 = none. The mouse wins while it is inside.
    void setCrosshair(std::int64_t row, std::int64_t column);
    /// Brushes cover whole columns (token ranges) instead of cells of one row.
    void setBrushColumns(bool columns) { m_brushColumns = columns; }

    const HeatmapWindow &window() const { return m_window; }
    void setWindow(const HeatmapWindow &window); ///< clamped to the data, at least one cell
    void fit();
    void zoom(double factorColumns, double factorRows, QPointF at); ///< factor > 1 = closer; at: widget coordinates

    const ScaleSettings &scaleSettings() const { return m_settings; }
    void setScaleSettings(const ScaleSettings &settings);
    ColourScale scale() const; ///< the one on the screen

    /// The figure with title, axes, legend and caption, for pictures; the visible window in print colours.
    void paintFigure(QPainter &painter, const QRectF &target) const;
    /// Where a cell is now; for tests and for placing things beside it.
    QRectF cellRect(std::int64_t row, std::int64_t column) const;
    QSize minimumSizeHint() const override { return {240, 160}; }
    QSize sizeHint() const override { return {800, 480}; }

Q_SIGNALS:
    void hovered(int row, qint64 column); ///< by mouse or cell cursor; -1, -1 = left
    void picked(int row, qint64 column, Qt::KeyboardModifiers modifiers);
    void brushed(int firstRow, int lastRow, qint64 firstColumn, qint64 lastColumn); ///< inclusive
    void menuOpened(QMenu *menu, int row, qint64 column); ///< before it is shown: others may add to it; -1, -1 = beside the cells
    void status(const QString &text);
    void scaleSettingsChanged();
    void pictureWished();
    void numbersWished();

protected:
    void paintEvent(QPaintEvent *event) override;
    void resizeEvent(QResizeEvent *event) override;
    void changeEvent(QEvent *event) override;
    void wheelEvent(QWheelEvent *event) override;
    void mousePressEvent(QMouseEvent *event) override;
    void mouseMoveEvent(QMouseEvent *event) override;
    void mouseReleaseEvent(QMouseEvent *event) override;
    void mouseDoubleClickEvent(QMouseEvent *event) override;
    void leaveEvent(QEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;
    void keyReleaseEvent(QKeyEvent *event) override;
    void focusOutEvent(QFocusEvent *event) override;
    void contextMenuEvent(QContextMenuEvent *event) override;

private:
    enum class Drag { None, Brush, Box, Pan };
    struct Cell {
        int row = -1;
        std::int64_t column = -1;
        bool valid() const { return row >= 0; }
        bool operator==(const Cell &) const = default;
    };

    bool hasData() const { return m_content.data && m_content.data->rows() > 0 && m_content.data->columns() > 0; }
    HeatmapPainter painterFor(const QRectF &target, const FigureLook &look, double pixelRatio) const;
    const HeatmapPainter &layout() const;
    void invalidate();
    Cell cellAt(QPointF at, bool clampToPlot = false) const;
    void setCursorCell(Cell cell, bool show);
    void moveCursorCell(int rows, std::int64_t columns);
    void panBy(double columns, double rows);
    void beginDrag(Drag drag, QPointF at);
    void finishDrag(QPointF at, Qt::KeyboardModifiers modifiers);
    QStringList describe(Cell cell) const;
    void paintBase() const;
    void paintOverlay(QPainter &painter) const;
    void paintMarks(QPainter &painter) const;
    void paintCrosshair(QPainter &painter, Cell cell) const;
    void updatePointer();

    HeatmapContent m_content;
    std::function<QStringList(int, std::int64_t)> m_describe;
    QString m_emptyHeadline;
    QString m_emptyAdvice;
    HeatmapWindow m_window;
    ScaleSettings m_settings;
    std::pair<double, double> m_range{0, 1};
    std::vector<HeatmapMark> m_marks;
    std::int64_t m_bandBegin = 0;
    std::int64_t m_bandEnd = 0;
    Cell m_crosshair; ///< from outside
    Cell m_cell; ///< under the mouse or moved by keys
    bool m_brushColumns = false;
    Drag m_drag = Drag::None;
    QPointF m_dragStart;
    QPointF m_dragNow;
    HeatmapWindow m_dragWindow;
    bool m_space = false;
    mutable QImage m_base; ///< matrix, axes and legend
    mutable bool m_baseValid = false;
    mutable std::optional<HeatmapPainter> m_layout;
};

} // namespace expertscope
