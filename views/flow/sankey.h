// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Sankey: how tokens flow from expert to expert through a band of layers; a column per layer, a node per expert, a ribbon per flow.
// Clicking a node selects its expert; the ribbons of the selected expert come to the front.
#pragma once

#include "views/common/figure.h"
#include "views/flow/ribbon.h"

#include <QMenu>
#include <QWidget>

#include <cstdint>
#include <vector>

namespace expertscope {

struct SankeyFlow {
    int column = 0; ///< index into SankeyContent::layers it leaves
    int from = 0, to = 0; ///< experts
    double share = 0; ///< of all tokens
    QStringList words; ///< readout
};

struct SankeyContent {
    QString title;
    QString caption;
    std::vector<std::int64_t> layers; ///< the model's own numbers, one more than there are steps
    std::vector<SankeyFlow> flows;
};

/// What is selected: an expert in a column; -1 = none.
struct SankeyMark {
    int column = -1, expert = -1;
    bool operator==(const SankeyMark &) const = default;
};

/// Where everything is: computed once for a size, then painted and asked.
class SankeyLayout {
public:
    struct Node {
        int column = 0, expert = 0;
        double share = 0;
        QRectF rect;
    };
    struct FlowRibbon {
        std::size_t flow = 0;
        Ribbon ribbon;
    };
    SankeyLayout() = default;
    SankeyLayout(const SankeyContent &content, const QRectF &plot);

    const std::vector<Node> &nodes() const { return m_nodes; }
    const std::vector<FlowRibbon> &ribbons() const { return m_ribbons; }
    /// Null if there is none at the point.
    const Node *nodeAt(QPointF at) const;
    const FlowRibbon *ribbonAt(QPointF at) const;

private:
    void placeNodes(const SankeyContent &content, const QRectF &plot);
    void placeRibbons(const SankeyContent &content);

    std::vector<Node> m_nodes;
    std::vector<FlowRibbon> m_ribbons;
    double m_scale = 0; ///< height of all tokens
};

/// Plot area inside a target, without column titles.
QRectF sankeyPlot(const QRectF &target, const FigureLook &look, bool titled);
void paintSankey(QPainter &painter, const QRectF &target, const SankeyContent &content, const SankeyLayout &layout, const FigureLook &look,
    const SankeyMark &mark, bool titled);

class Sankey : public QWidget {
    Q_OBJECT
public:
    explicit Sankey(QWidget *parent = nullptr);

    void setContent(SankeyContent content);
    const SankeyContent &content() const { return m_content; }
    void setMark(const SankeyMark &mark);
    const SankeyLayout &layoutNow() const { return m_layout; }
    QSize minimumSizeHint() const override { return {240, 140}; }
    QSize sizeHint() const override { return {640, 320}; }

Q_SIGNALS:
    void picked(int column, int expert);
    void menuOpened(QMenu *menu, int column, int expert); ///< over a node, before it is shown: others may add to it
    void status(const QString &text);
    void pictureWished();
    void numbersWished();

protected:
    void paintEvent(QPaintEvent *event) override;
    void resizeEvent(QResizeEvent *event) override;
    void mouseMoveEvent(QMouseEvent *event) override;
    void mouseReleaseEvent(QMouseEvent *event) override;
    void leaveEvent(QEvent *event) override;
    void contextMenuEvent(QContextMenuEvent *event) override;

private:
    void place();

    SankeyContent m_content;
    SankeyLayout m_layout;
    SankeyMark m_mark;
    QStringList m_words; ///< of what is under the mouse
    QPointF m_mouse;
};

} // namespace expertscope
