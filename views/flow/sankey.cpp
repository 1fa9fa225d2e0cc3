// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/flow/sankey.h"

#include "views/common/axis.h"
#include "views/common/colour_map.h"

#include <QContextMenuEvent>
#include <QFontMetricsF>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>

#include <algorithm>
#include <map>

namespace expertscope {

namespace {

constexpr double nodeWidth = 12;
constexpr double gapShare = 0.18; ///< of the height, for the gaps between nodes

} // namespace

SankeyLayout::SankeyLayout(const SankeyContent &content, const QRectF &plot)
{
    if (content.layers.size() < 2 || plot.width() < 40 || plot.height() < 20)
        return;
    placeNodes(content, plot);
    placeRibbons(content);
}

void SankeyLayout::placeNodes(const SankeyContent &content, const QRectF &plot)
{
    // A node is as high as the larger of what comes in and what goes out, so that nothing hangs over.
    std::map<std::pair<int, int>, std::pair<double, double>> sums; // (column, expert) -> in, out
    for (const SankeyFlow &flow : content.flows) {
        sums[{flow.column, flow.from}].second += flow.share;
        sums[{flow.column + 1, flow.to}].first += flow.share;
    }
    const int columns = static_cast<int>(content.layers.size());
    std::vector<double> total(static_cast<std::size_t>(columns), 0);
    std::vector<int> count(static_cast<std::size_t>(columns), 0);
    for (const auto &[key, sum] : sums) {
        m_nodes.push_back({key.first, key.second, std::max(sum.first, sum.second), {}});
        total[static_cast<std::size_t>(key.first)] += m_nodes.back().share;
        ++count[static_cast<std::size_t>(key.first)];
    }
    const double most = std::max(1e-9, *std::max_element(total.begin(), total.end()));
    m_scale = plot.height() * (1 - gapShare) / most;
    std::vector<double> y(static_cast<std::size_t>(columns), plot.top());
    for (Node &node : m_nodes) {
        const auto c = static_cast<std::size_t>(node.column);
        const double gap = (plot.height() - total[c] * m_scale) / std::max(1, count[c] - 1);
        const double x = plot.left() + (plot.width() - nodeWidth) * node.column / (columns - 1);
        node.rect = QRectF(x, y[c], nodeWidth, std::max(0.5, node.share * m_scale));
        y[c] += node.share * m_scale + std::min(gap, plot.height() * 0.05);
    }
}

void SankeyLayout::placeRibbons(const SankeyContent &content)
{
    std::map<std::pair<int, int>, const Node *> nodes;
    for (const Node &node : m_nodes)
        nodes[{node.column, node.expert}] = &node;
    std::vector<std::size_t> order(content.flows.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    const auto byEnds = [&](std::size_t a, std::size_t b) {
        const SankeyFlow &first = content.flows[a], &second = content.flows[b];
        return std::tuple(first.column, first.from, first.to) < std::tuple(second.column, second.from, second.to);
    };
    std::sort(order.begin(), order.end(), byEnds);
    std::map<std::pair<int, int>, double> left, right;
    for (const std::size_t i : order) {
        const SankeyFlow &flow = content.flows[i];
        const Node &a = *nodes[{flow.column, flow.from}];
        const Node &b = *nodes[{flow.column + 1, flow.to}];
        double &out = left[{flow.column, flow.from}];
        double &in = right[{flow.column + 1, flow.to}];
        const double height = flow.share * m_scale;
        const QPointF start(a.rect.right(), a.rect.top() + out), end(b.rect.left(), b.rect.top() + in);
        out += height;
        in += height;
        m_ribbons.push_back({i, {start, end, height}});
    }
    // Wide ones first: thin ones stay on top, where the mouse finds them.
    std::stable_sort(m_ribbons.begin(), m_ribbons.end(),
        [&](const FlowRibbon &a, const FlowRibbon &b) { return content.flows[a.flow].share > content.flows[b.flow].share; });
}

const SankeyLayout::Node *SankeyLayout::nodeAt(QPointF at) const
{
    for (const Node &node : m_nodes)
        if (node.rect.adjusted(-3, -1, 3, 1).contains(at))
            return &node;
    return nullptr;
}

const SankeyLayout::FlowRibbon *SankeyLayout::ribbonAt(QPointF at) const
{
    for (auto ribbon = m_ribbons.rbegin(); ribbon != m_ribbons.rend(); ++ribbon)
        if (ribbon->ribbon.contains(at))
            return &*ribbon;
    return nullptr;
}

QRectF sankeyPlot(const QRectF &target, const FigureLook &look, bool titled)
{
    const double line = QFontMetricsF(look.smallFont()).height();
    const double title = titled ? QFontMetricsF(look.titleFont()).height() + 4 : 0;
    return target.adjusted(34, title + 6, -34, -line * 2 - (titled ? line + 4 : 0) - 4);
}

void paintSankey(QPainter &painter, const QRectF &target, const SankeyContent &content, const SankeyLayout &layout, const FigureLook &look,
    const SankeyMark &mark, bool titled)
{
    painter.save();
    painter.fillRect(target, look.paper);
    painter.setRenderHint(QPainter::Antialiasing);
    const QFontMetricsF small(look.smallFont()), bold(look.titleFont());
    const QRectF plot = sankeyPlot(target, look, titled);
    painter.setPen(look.ink);
    if (titled) {
        painter.setFont(look.titleFont());
        painter.drawText(QRectF(target.left() + 8, target.top() + 4, target.width() - 16, bold.height()), Qt::AlignLeft | Qt::AlignVCenter,
            bold.elidedText(content.title, Qt::ElideRight, target.width() - 16));
        painter.setFont(look.smallFont());
        painter.setPen(look.faint);
        painter.drawText(QRectF(target.left() + 8, target.bottom() - small.height() - 3, target.width() - 16, small.height()),
            Qt::AlignLeft | Qt::AlignVCenter, small.elidedText(content.caption, Qt::ElideRight, target.width() - 16));
    }
    const auto touches = [&](const SankeyFlow &flow) {
        return (flow.column == mark.column && flow.from == mark.expert) || (flow.column + 1 == mark.column && flow.to == mark.expert);
    };
    const bool chosen = std::any_of(content.flows.begin(), content.flows.end(), touches);
    for (const bool front : {false, true}) {
        std::map<int, std::vector<ColouredRibbon>> steps; // by the column they leave
        for (const SankeyLayout::FlowRibbon &one : layout.ribbons()) {
            const SankeyFlow &flow = content.flows[one.flow];
            if ((chosen && touches(flow)) != front)
                continue;
            QColor colour(expertColour(flow.from));
            colour.setAlpha(front ? 200 : chosen ? 28 : 95);
            steps[flow.column].push_back({one.ribbon, colour});
        }
        for (const auto &[column, ribbons] : steps)
            fillRibbons(painter, ribbons);
    }
    painter.setFont(look.smallFont());
    for (const SankeyLayout::Node &node : layout.nodes()) {
        painter.setPen(node.column == mark.column && node.expert == mark.expert ? QPen(look.accent, 2.5) : QPen(look.paper, 0.5));
        painter.setBrush(QColor(expertColour(node.expert)));
        painter.drawRect(node.rect);
        if (node.rect.height() < small.height() * 0.75)
            continue;
        const bool last = node.column + 1 == static_cast<int>(content.layers.size());
        const QRectF label(
            last ? node.rect.right() + 3 : node.rect.left() - 33, node.rect.center().y() - small.height() / 2, 30, small.height());
        painter.setPen(look.ink);
        painter.drawText(label, (last ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter, QString::number(node.expert));
    }
    painter.setPen(look.ink);
    const auto columns = static_cast<int>(content.layers.size());
    for (int c = 0; c < columns; ++c) {
        const double x = plot.left() + (columns > 1 ? (plot.width() - nodeWidth) * c / (columns - 1) : 0) + nodeWidth / 2;
        painter.drawText(QRectF(x - 60, plot.bottom() + 4, 120, small.height()), Qt::AlignCenter,
            QStringLiteral("Layer %1").arg(content.layers[static_cast<std::size_t>(c)]));
    }
    painter.setPen(look.faint);
    painter.drawText(QRectF(plot.left(), plot.bottom() + 4 + small.height(), plot.width(), small.height()), Qt::AlignCenter,
        QStringLiteral("Experts, height = share of tokens"));
    painter.restore();
}

Sankey::Sankey(QWidget *parent)
    : QWidget{parent}
{
    setObjectName(QStringLiteral("sankey"));
    setMouseTracking(true);
    setAccessibleName(QStringLiteral("Flow of tokens from expert to expert"));
}

void Sankey::setContent(SankeyContent content)
{
    m_content = std::move(content);
    setAccessibleDescription(m_content.caption);
    place();
}

void Sankey::setMark(const SankeyMark &mark)
{
    m_mark = mark;
    update();
}

void Sankey::place()
{
    m_layout = SankeyLayout(m_content, sankeyPlot(rect(), FigureLook::of(*this), true));
    m_words.clear();
    update();
}

void Sankey::paintEvent(QPaintEvent *)
{
    QPainter painter(this);
    const FigureLook look = FigureLook::of(*this);
    if (m_layout.nodes().empty()) {
        paintEmptyState(painter, rect(), look, QStringLiteral("No flows"),
            QStringLiteral("No flow between these layers has enough tokens; lower the setting Least tokens."));
        return;
    }
    paintSankey(painter, rect(), m_content, m_layout, look, m_mark, true);
    if (!m_words.isEmpty())
        paintReadout(painter, QRectF(m_mouse, QSizeF(1, 1)), rect(), m_words, look);
}

void Sankey::resizeEvent(QResizeEvent *)
{
    place();
}

void Sankey::mouseMoveEvent(QMouseEvent *event)
{
    m_mouse = event->position();
    m_words.clear();
    if (const SankeyLayout::Node *node = m_layout.nodeAt(m_mouse))
        m_words = {QStringLiteral("layer %1, expert %2").arg(m_content.layers[static_cast<std::size_t>(node->column)]).arg(node->expert),
            QStringLiteral("%1 % of the tokens in the flows shown").arg(numberText(100 * node->share))};
    else if (const SankeyLayout::FlowRibbon *ribbon = m_layout.ribbonAt(m_mouse))
        m_words = m_content.flows[ribbon->flow].words;
    emit status(m_words.join(QStringLiteral(" · ")));
    update();
}

void Sankey::mouseReleaseEvent(QMouseEvent *event)
{
    const SankeyLayout::Node *node = m_layout.nodeAt(event->position());
    if (event->button() == Qt::LeftButton && node)
        emit picked(node->column, node->expert);
}

void Sankey::leaveEvent(QEvent *)
{
    m_words.clear();
    emit status({});
    update();
}

void Sankey::contextMenuEvent(QContextMenuEvent *event)
{
    auto *menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(QStringLiteral("Save picture…"), this, &Sankey::pictureWished);
    menu->addAction(QStringLiteral("Save numbers (CSV)…"), this, &Sankey::numbersWished);
    if (const SankeyLayout::Node *node = m_layout.nodeAt(QPointF(event->pos())))
        emit menuOpened(menu, node->column, node->expert);
    menu->popup(event->globalPos());
}

} // namespace expertscope
