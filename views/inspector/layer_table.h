// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// LayerTable: what one token does in every layer. A row a layer; its experts as segments whose width is their gate weight; the numbers
// beside.
#pragma once

#include <QRectF>
#include <QWidget>

#include <limits>
#include <vector>

namespace expertscope {

struct LayerRow {
    QString name; ///< the model's own layer number
    struct Part {
        int expert = 0;
        double weight = 0; ///< NaN if the trace has none
    };
    std::vector<Part> parts; ///< largest weight first
    double entropy = std::numeric_limits<double>::quiet_NaN(); ///< bits; NaN = not recorded
    double margin = std::numeric_limits<double>::quiet_NaN();
};

class LayerTable : public QWidget {
    Q_OBJECT
public:
    explicit LayerTable(QWidget *parent = nullptr);
    void setRows(std::vector<LayerRow> rows);
    const std::vector<LayerRow> &rows() const { return m_rows; }
    void setCurrentLayer(int layer, const std::vector<int> &experts); ///< of the selection
    QRectF partRect(int layer, int part) const;
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return {200, sizeHint().height()}; }

Q_SIGNALS:
    void picked(int layer, int expert); ///< expert -1 = only the layer
    void hovered(int layer, int expert); ///< -1, -1 = nothing

protected:
    bool event(QEvent *event) override;
    void paintEvent(QPaintEvent *event) override;
    void mouseMoveEvent(QMouseEvent *event) override;
    void mouseReleaseEvent(QMouseEvent *event) override;
    void leaveEvent(QEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;

private:
    struct Columns {
        QRectF name, parts, entropy, margin;
    };
    Columns columns() const;
    double rowHeight() const;
    double headHeight() const;
    int layerAt(QPointF at) const;
    int partAt(int layer, QPointF at) const;
    void setHovered(int layer, int part);

    std::vector<LayerRow> m_rows;
    bool m_entropy = false;
    bool m_margin = false;
    int m_layer = -1;
    std::vector<int> m_experts;
    int m_hoverLayer = -1;
    int m_hoverPart = -1;
};

} // namespace expertscope
