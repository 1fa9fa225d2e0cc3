// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/series_chart.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

namespace expertscope {

SeriesChart::SeriesChart(QWidget *parent)
    : QChartView{parent}
{
    setObjectName(QStringLiteral("seriesChart"));
    setFrameShape(QFrame::NoFrame);
    setRenderHint(QPainter::Antialiasing);
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setAccessibleName(QStringLiteral("Chart"));
}

void SeriesChart::setSeries(Series series)
{
    m_series = std::move(series);
    m_place = {};
    m_named = -1;
    setAccessibleName(QString::fromStdString(m_series.title));
    rebuild();
}

void SeriesChart::clear()
{
    setSeries({});
}

void SeriesChart::setEmptyText(const QString &headline, const QString &advice)
{
    m_emptyHeadline = headline;
    m_emptyAdvice = advice;
    viewport()->update();
}

void SeriesChart::setMarks(const PlotMarks &marks)
{
    m_marks = marks;
    if (m_plot && m_named < 0)
        m_plot->setMarks(marks);
}

void SeriesChart::rebuild()
{
    const FigureLook look = FigureLook::of(*this);
    setBackgroundBrush(look.paper);
    m_plot = nullptr;
    QChart *next = nullptr;
    if (!m_series.curves.empty())
        next = m_plot = new SeriesPlot(m_series, look, true);
    else
        next = new QChart;
    if (!m_plot)
        next->setBackgroundVisible(false);
    const QChart *last = chart();
    setChart(next);
    delete last;
    if (m_plot)
        m_plot->setMarks(m_marks);
}

void SeriesChart::fit()
{
    if (m_plot)
        m_plot->fit();
}

void SeriesChart::setPlace(SeriesPlot::Place place)
{
    if (place == m_place)
        return;
    m_place = place;
    const QString text = m_plot ? m_plot->describe(place).join(QStringLiteral(" · ")) : QString();
    setAccessibleDescription(text);
    emit status(text);
    emit hovered(place.x, place.curve);
    viewport()->update();
}

void SeriesChart::setNamed(int curve)
{
    if (curve == m_named || !m_plot)
        return;
    m_named = curve;
    PlotMarks marks = m_marks;
    if (curve >= 0)
        marks.curve = QString::fromStdString(m_series.curves[static_cast<std::size_t>(curve)].name);
    m_plot->setMarks(marks);
    viewport()->setCursor(curve >= 0 ? Qt::PointingHandCursor : Qt::ArrowCursor);
    emit status(curve >= 0 ? marks.curve : QString());
}

void SeriesChart::step(int x, int curve)
{
    if (!m_plot)
        return;
    SeriesPlot::Place next = m_place;
    const auto data = [&](int c) { return m_series.curves[static_cast<std::size_t>(c)].role == Curve::Role::Data; };
    const int curves = static_cast<int>(m_series.curves.size());
    if (next.curve < 0) {
        next.x = 0;
        for (next.curve = 0; next.curve < curves - 1 && !data(next.curve);)
            ++next.curve;
    } else {
        next.x = std::clamp(next.x + x, 0, std::max(0, static_cast<int>(m_series.x.size()) - 1));
        for (int c = next.curve + curve; curve != 0 && c >= 0 && c < curves; c += curve) {
            if (data(c)) {
                next.curve = c;
                break;
            }
        }
    }
    setPlace(next);
}

void SeriesChart::paintEvent(QPaintEvent *event)
{
    if (m_plot) {
        QChartView::paintEvent(event);
        return;
    }
    QPainter painter(viewport());
    paintEmptyState(painter, viewport()->rect(), FigureLook::of(*this), m_emptyHeadline, m_emptyAdvice);
}

void SeriesChart::drawForeground(QPainter *painter, const QRectF &)
{
    if (!m_plot || m_place.curve < 0)
        return;
    const QPointF at = m_plot->position(m_place);
    const FigureLook look = FigureLook::of(*this);
    painter->setPen(QPen(look.paper, 1.5));
    painter->setBrush(m_plot->colour(m_place.curve));
    painter->drawEllipse(at, 5, 5);
    paintReadout(*painter, QRectF(at - QPointF(4, 4), QSizeF(8, 8)), viewport()->rect(), m_plot->describe(m_place), look);
}

void SeriesChart::changeEvent(QEvent *event)
{
    QChartView::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange)
        rebuild();
}

void SeriesChart::mousePressEvent(QMouseEvent *event)
{
    event->accept();
}

void SeriesChart::mouseMoveEvent(QMouseEvent *event)
{
    if (!m_plot)
        return;
    setPlace(m_plot->nearest(event->position()));
    setNamed(m_plot->namedAt(event->position()));
}

void SeriesChart::mouseReleaseEvent(QMouseEvent *event)
{
    if (!m_plot || event->button() != Qt::LeftButton)
        return;
    const SeriesPlot::Place place = m_plot->nearest(event->position());
    if (place.curve >= 0)
        emit picked(place.x, place.curve);
    else if (const int curve = m_plot->namedAt(event->position()); curve >= 0)
        emit namePicked(curve);
}

void SeriesChart::leaveEvent(QEvent *)
{
    setPlace({});
    setNamed(-1);
}

void SeriesChart::wheelEvent(QWheelEvent *event)
{
    if (m_plot)
        m_plot->zoomX(std::pow(1.2, event->angleDelta().y() / 120.0), event->position());
    event->accept();
}

void SeriesChart::keyPressEvent(QKeyEvent *event)
{
    const QPointF middle = m_plot ? m_plot->plotArea().center() : QPointF();
    switch (event->key()) {
    case Qt::Key_Left:
        return step(-1, 0);
    case Qt::Key_Right:
        return step(1, 0);
    case Qt::Key_Up:
        return step(0, -1);
    case Qt::Key_Down:
        return step(0, 1);
    case Qt::Key_Return:
    case Qt::Key_Enter:
        if (m_place.curve >= 0)
            emit picked(m_place.x, m_place.curve);
        return;
    case Qt::Key_F:
        if (event->modifiers() & Qt::ControlModifier)
            break;
        return fit();
    case Qt::Key_Plus:
    case Qt::Key_Equal:
    case Qt::Key_Minus:
        if (m_plot)
            m_plot->zoomX(event->key() == Qt::Key_Minus ? 1 / 1.4 : 1.4, middle);
        return;
    default:
        break;
    }
    QWidget::keyPressEvent(event);
}

void SeriesChart::contextMenuEvent(QContextMenuEvent *event)
{
    if (!m_plot)
        return;
    auto *menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->setObjectName(QStringLiteral("chartMenu"));
    const QStringList lines = m_plot->describe(m_plot->nearest(event->pos()));
    if (!lines.isEmpty()) {
        menu->addAction(QStringLiteral("Copy values"), this, [lines] { QApplication::clipboard()->setText(lines.join(u'\n')); });
        menu->addSeparator();
    }
    menu->addAction(QStringLiteral("Fit (F)"), this, &SeriesChart::fit);
    menu->addAction(QStringLiteral("Save picture…"), this, &SeriesChart::pictureWished);
    menu->addAction(QStringLiteral("Save numbers (CSV)…"), this, &SeriesChart::numbersWished);
    menu->popup(event->globalPos());
}

} // namespace expertscope
