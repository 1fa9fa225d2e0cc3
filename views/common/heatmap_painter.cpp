// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/heatmap_painter.h"

#include "views/common/axis.h"

#include <QFontInfo>
#include <QFontMetricsF>
#include <QImage>
#include <QPainter>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace expertscope {

namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();
constexpr double mostForNames = 0.3; ///< of width or height
constexpr int smallestFont = 7; ///< pixels

/// Lines of names may stand closer than lines of a text: this many times the size of the font.
constexpr double closest = 1.12;

/// The font made smaller until a line of it fits into `room`; as it is where that would be unreadable.
QFont fittingFont(const QFont &font, double room)
{
    QFont smaller = font;
    for (int size = QFontInfo(font).pixelSize(); size >= smallestFont; --size) {
        smaller.setPixelSize(size);
        if (closest * size <= room)
            return smaller;
    }
    return font;
}

double widestColumnLabel(const HeatmapContent &content, const QFont &font)
{
    const QFontMetricsF metrics(font);
    double widest = 0;
    for (std::int64_t column = 0; column < content.data->columns(); ++column)
        widest = std::max(widest, metrics.horizontalAdvance(content.columnLabel(column)));
    return widest;
}

/// Which cells lie under each device pixel along one axis.
struct PixelAxis {
    std::vector<std::int64_t> first; ///< [pixels]
    std::vector<std::int64_t> end; ///< [pixels] exclusive; first + 1 where a pixel is not wider than a cell
    std::vector<bool> lastOfCell; ///< [pixels] the next pixel shows another cell
    double perPixel = 1; ///< cells

    PixelAxis(double from, double cells, int pixels, std::int64_t count)
        : perPixel{cells / pixels}
    {
        const auto inside = [&](double at) { return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(at)), 0, count - 1); };
        for (int pixel = 0; pixel < pixels; ++pixel) {
            const double at = from + pixel * perPixel;
            first.push_back(perPixel > 1 ? inside(at) : inside(at + 0.5 * perPixel));
            end.push_back(perPixel > 1 ? std::max(first.back() + 1, inside(std::ceil(at + perPixel) - 1) + 1) : first.back() + 1);
        }
        for (int pixel = 0; pixel < pixels; ++pixel) {
            const auto p = static_cast<std::size_t>(pixel);
            lastOfCell.push_back(pixel + 1 == pixels ? inside(from + (pixel + 1.5) * perPixel) != first[p] : first[p + 1] != first[p]);
        }
    }
};

/// One value per pixel column of a matrix row; x in blocks of the level.
void sampleRow(const HeatmapData::Level &level, bool categorical, int row, const PixelAxis &x, std::span<float> samples)
{
    const float *values = level.values.data() + static_cast<std::int64_t>(row) * level.columns;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const std::int64_t first = x.first[i] / level.block;
        const std::int64_t last = (x.end[i] - 1) / level.block;
        samples[i] = first == last ? values[first]
            : categorical          ? values[(first + last + 1) / 2]
                                   : meanOf(values + first, last - first + 1);
    }
}

/// Rows that are thinner than a pixel: the mean of those under it, or the middle one of ids.
void sampleRows(const HeatmapData &data, std::int64_t first, std::int64_t end, const PixelAxis &x, std::span<float> samples)
{
    const HeatmapData::Level &level = data.levelFor(x.perPixel);
    if (end - first <= 1 || data.categorical()) {
        sampleRow(level, data.categorical(), static_cast<int>((first + end - 1) / 2), x, samples);
        return;
    }
    std::vector<float> one(samples.size());
    std::vector<float> sum(samples.size(), 0.0F);
    std::vector<float> count(samples.size(), 0.0F);
    for (std::int64_t row = first; row < end; ++row) {
        sampleRow(level, false, static_cast<int>(row), x, one);
        for (std::size_t i = 0; i < one.size(); ++i) {
            if (!std::isnan(one[i])) {
                sum[i] += one[i];
                count[i] += 1;
            }
        }
    }
    for (std::size_t i = 0; i < samples.size(); ++i)
        samples[i] = count[i] > 0 ? sum[i] / count[i] : missing;
}

/// Of values in cells: two, and more where all colours lie within less than 1.
int decimalsOf(const ColourScale &scale)
{
    const double range = scale.high - scale.low;
    return range > 0 ? std::clamp(static_cast<int>(std::ceil(2 - std::log10(range))), 2, 5) : 2;
}

/// What rounds to nothing has no sign, and nothing itself no decimals.
QString cellText(double value, int decimals)
{
    const double size = std::abs(value);
    if (size == 0)
        return QStringLiteral("0");
    const bool rounds = size < 0.5 * std::pow(10.0, -decimals);
    return QString::number(rounds ? 0.0 : value, 'f', size < 99.5 ? decimals : 0);
}

} // namespace

QString HeatmapContent::valueLabel() const
{
    return unit.isEmpty() || unit == QLatin1String("1") ? valueTitle : valueTitle + QStringLiteral(" [") + unit + u']';
}

void fillHeatmap(QImage &image, const QRect &rect, const HeatmapData &data, const HeatmapWindow &window, const ColourScale &scale,
    const FigureLook &look)
{
    const QRect area = rect.intersected(image.rect());
    if (area != rect || rect.isEmpty() || data.rows() == 0 || data.columns() == 0)
        return;
    const PixelAxis x(window.left, window.columns(), rect.width(), data.columns());
    const PixelAxis y(window.top, window.rows(), rect.height(), data.rows());
    const bool gaps = x.perPixel < 1.0 / 9 && y.perPixel < 1.0 / 7;
    const QRgb paper = look.paper.rgb();
    const QRgb hatch = look.missing.rgb();
    const std::span<const QRgb> table = colourTable(scale.map);
    const auto width = static_cast<std::size_t>(rect.width());

    std::vector<float> samples(width);
    std::vector<QRgb> colours(width);
    std::vector<int> missingPixels;
    for (int py = 0; py < rect.height(); ++py) {
        const auto p = static_cast<std::size_t>(py);
        QRgb *line = reinterpret_cast<QRgb *>(image.scanLine(rect.top() + py)) + rect.left();
        if (gaps && y.lastOfCell[p]) {
            std::fill_n(line, width, paper);
            continue;
        }
        if (py == 0 || y.first[p] != y.first[p - 1] || y.end[p] != y.end[p - 1]) {
            sampleRows(data, y.first[p], y.end[p], x, samples);
            missingPixels.clear();
            for (std::size_t i = 0; i < width; ++i) {
                const float value = samples[i];
                if (gaps && x.lastOfCell[i])
                    colours[i] = paper;
                else if (std::isnan(value))
                    missingPixels.push_back(static_cast<int>(i));
                else
                    colours[i] =
                        scale.categorical() ? expertColour(static_cast<int>(value)) : table[static_cast<std::size_t>(scale.index(value))];
            }
        }
        std::memcpy(line, colours.data(), width * sizeof(QRgb));
        for (const int px : missingPixels)
            line[px] = (px + py) % 6 == 0 ? hatch : paper;
    }
}

std::pair<double, double> heatmapRange(const HeatmapContent &content, RangeMode mode, ColourMap map)
{
    auto [low, high] = autoRange(content.data->values(), content.data->extent(), mode, map, content.centre);
    constexpr double least = 1e-6;
    if (!std::isnan(content.reach)) {
        low = std::clamp(low, content.centre - content.reach, content.centre + content.reach);
        high = std::clamp(high, low + least, std::max(low + least, content.centre + content.reach));
    }
    if (content.floor)
        return {*content.floor, std::max(high, *content.floor + least)};
    return {low, high};
}

LegendSpec heatmapLegend(const HeatmapContent &content, const ColourScale &scale, bool locked, double columnsPerPixel)
{
    LegendSpec spec;
    spec.scale = scale;
    spec.title = content.valueLabel();
    spec.locked = locked;
    spec.reference = content.reference;
    spec.referenceName = content.referenceName;
    if (!content.data)
        return spec;
    spec.categories = content.data->categories();
    // Tolerance of half a colour step: rounding is not clipping.
    const double slack = (scale.high - scale.low) / 512;
    const ValueExtent &extent = content.data->extent();
    spec.missing = extent.missing;
    spec.missingName = content.missingLabel();
    spec.clippedLow = extent.any && extent.low < scale.low - slack;
    spec.clippedHigh = extent.any && extent.high > scale.high + slack;
    const auto &level = content.data->levelFor(columnsPerPixel);
    if (columnsPerPixel > 1.5) {
        const auto each = static_cast<std::int64_t>(std::llround(columnsPerPixel));
        spec.title += content.data->categorical() ? QStringLiteral(", most frequent of %1 a pixel").arg(level.block)
                                                  : QStringLiteral(", mean of %1 a pixel").arg(each);
    }
    return spec;
}

HeatmapPainter::HeatmapPainter(
    const HeatmapContent &content, const HeatmapWindow &window, const LegendSpec &legend, const FigureLook &look, const QRectF &target)
    : m_content{content}
    , m_window{window}
    , m_legend{legend}
    , m_look{look}
    , m_target{target}
{
    const double line = QFontMetricsF(look.smallFont()).height();
    const double right = legendExtent(legend, Qt::Vertical, look) + 14;
    m_columnFont = m_rowFont = look.smallFont();
    m_columnLabels = line;
    const bool filled = content.data && content.data->rows() > 0 && content.data->columns() > 0;
    const QFontMetricsF metrics(look.smallFont());
    double rowWidth = metrics.horizontalAdvance(QStringLiteral("00"));
    if (filled) {
        const std::int64_t rows = content.data->rows();
        for (const std::int64_t row : integerTicks(0, rows - 1, content.rowsNamed ? static_cast<int>(rows) : 64))
            rowWidth = std::max(rowWidth, metrics.horizontalAdvance(content.rowLabel(row)));
        rowWidth = std::max(rowWidth, metrics.horizontalAdvance(content.rowLabel(rows - 1)));
    }
    const double left = line + 8 + std::min(rowWidth, mostForNames * target.width()) + 7;
    if (filled && content.columnsNamed) {
        const double each = (target.width() - left - right) / static_cast<double>(content.data->columns());
        const double widest = widestColumnLabel(content, m_columnFont);
        m_turned = widest + 4 > each;
        if (m_turned) {
            m_columnFont = fittingFont(look.smallFont(), each);
            m_columnLabels = std::min(widestColumnLabel(content, m_columnFont), mostForNames * target.height());
        }
    }
    const double bottom = 5 + m_columnLabels + line * (content.columnText ? 2 : 1) + 3;
    m_plot = target.adjusted(left, line * 0.5, -right, -bottom);
    if (m_plot.width() < 20)
        m_plot.setWidth(20);
    if (m_plot.height() < 20)
        m_plot.setHeight(20);
    if (filled && content.rowsNamed)
        m_rowFont = fittingFont(look.smallFont(), m_plot.height() / static_cast<double>(content.data->rows()));
    m_plot = QRectF(m_plot.toRect()); // cells and pixels agree
    m_legendRect = QRectF(m_plot.right() + 12, m_plot.top(), right - 14, m_plot.height());
}

QRectF HeatmapPainter::cell(double row, double column) const
{
    const double width = m_plot.width() / m_window.columns();
    const double height = m_plot.height() / m_window.rows();
    return {m_plot.left() + (column - m_window.left) * width, m_plot.top() + (row - m_window.top) * height, width, height};
}

/// A tick and a name for as many columns as there is room for: level, or upright where they are many.
void HeatmapPainter::paintColumnNames(QPainter &painter, std::int64_t first, std::int64_t last) const
{
    const QFontMetricsF metrics(m_columnFont);
    const double ends =
        std::max(metrics.horizontalAdvance(m_content.columnLabel(last)), metrics.horizontalAdvance(m_content.columnLabel(first)));
    // Names that fit side by side need no more room than they take; numbers grow while one zooms.
    const double each = m_turned ? closest * QFontInfo(m_columnFont).pixelSize()
        : m_content.columnsNamed ? widestColumnLabel(m_content, m_columnFont) + 4
                                 : ends + metrics.averageCharWidth() * 2;
    painter.save();
    painter.setFont(m_columnFont);
    for (const std::int64_t tick : integerTicks(first, last, std::max(1, static_cast<int>(m_plot.width() / each + 0.01)))) {
        const double x = cell(0, static_cast<double>(tick)).center().x();
        painter.setPen(QPen(m_look.faint, 1));
        painter.drawLine(QPointF(x, m_plot.bottom() + 1), QPointF(x, m_plot.bottom() + 4));
        painter.setPen(m_look.ink);
        const QString name = m_content.columnLabel(tick);
        if (!m_turned) {
            painter.drawText(QRectF(x - each, m_plot.bottom() + 5, 2 * each, metrics.height()), Qt::AlignHCenter | Qt::AlignTop, name);
            continue;
        }
        painter.save();
        painter.translate(x, m_plot.bottom() + 5);
        painter.rotate(-90);
        painter.drawText(QRectF(-m_columnLabels - 1, -metrics.height() / 2, m_columnLabels + 1, metrics.height()),
            Qt::AlignRight | Qt::AlignVCenter, metrics.elidedText(name, Qt::ElideRight, m_columnLabels + 1));
        painter.restore();
    }
    painter.restore();
}

void HeatmapPainter::paintColumnAxis(QPainter &painter) const
{
    const QFontMetricsF metrics(m_look.smallFont());
    const std::int64_t columns = m_content.data->columns();
    const auto first = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(m_window.left - 0.5)), 0, columns - 1);
    const auto last = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(m_window.right - 0.5)), 0, columns - 1);
    paintColumnNames(painter, first, last);
    const double width = m_plot.width() / m_window.columns();
    const bool texts = m_content.columnText && width >= metrics.averageCharWidth() * 3;
    if (texts) {
        painter.setPen(m_look.faint);
        for (std::int64_t column = first; column <= last; ++column) {
            const QRectF box = cell(0, static_cast<double>(column));
            const QRectF text(box.left() + 1, m_plot.bottom() + 5 + metrics.height(), box.width() - 2, metrics.height());
            painter.drawText(text, Qt::AlignCenter, metrics.elidedText(m_content.columnText(column), Qt::ElideRight, text.width()));
        }
    }
    painter.setPen(m_look.ink);
    const double below = m_plot.bottom() + 5 + m_columnLabels + (texts ? metrics.height() : 0) + 1;
    painter.drawText(QRectF(m_plot.left(), below, m_plot.width(), metrics.height() + 2), Qt::AlignCenter, m_content.columnTitle);
}

void HeatmapPainter::paintRowAxis(QPainter &painter) const
{
    const QFontMetricsF metrics(m_look.smallFont());
    const std::int64_t rows = m_content.data->rows();
    const auto first = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(m_window.top - 0.5)), 0, rows - 1);
    const auto last = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(m_window.bottom - 0.5)), 0, rows - 1);
    const QFontMetricsF rowMetrics(m_rowFont);
    const double apart = m_content.rowsNamed ? closest * QFontInfo(m_rowFont).pixelSize() : metrics.height() * 1.3;
    const int most = std::max(1, static_cast<int>(m_plot.height() / apart + 0.01));
    const double right = m_plot.left() - 6;
    const double room = right - m_target.left() - metrics.height() - 2;
    painter.setFont(m_rowFont);
    for (const std::int64_t tick : integerTicks(first, last, most)) {
        const double y = cell(static_cast<double>(tick), 0).center().y();
        painter.setPen(QPen(m_look.faint, 1));
        painter.drawLine(QPointF(m_plot.left() - 4, y), QPointF(m_plot.left() - 1, y));
        painter.setPen(m_look.ink);
        painter.drawText(QRectF(m_target.left(), y - metrics.height() / 2, right - m_target.left(), metrics.height()),
            Qt::AlignRight | Qt::AlignVCenter, rowMetrics.elidedText(m_content.rowLabel(tick), Qt::ElideRight, room));
    }
    painter.setFont(m_look.smallFont());
    painter.save();
    painter.translate(m_target.left() + metrics.height() / 2 + 1, m_plot.center().y());
    painter.rotate(-90);
    painter.drawText(
        QRectF(-m_plot.height() / 2, -metrics.height() / 2, m_plot.height(), metrics.height()), Qt::AlignCenter, m_content.rowTitle);
    painter.restore();
}

bool HeatmapPainter::hasCellTexts() const
{
    const QFontMetricsF metrics(m_look.smallFont());
    const QRectF one = cell(0, 0);
    const HeatmapData &data = *m_content.data;
    const double needed = metrics.horizontalAdvance(data.categorical() ? QString::number(data.categories() - 1)
                                                                       : QStringLiteral("-0.") + QString(decimalsOf(m_legend.scale), u'0'))
        + 4;
    return one.width() >= needed && one.height() >= metrics.height() + 2;
}

void HeatmapPainter::paintCellTexts(QPainter &painter) const
{
    const HeatmapData &data = *m_content.data;
    if (!hasCellTexts())
        return;
    const int decimals = decimalsOf(m_legend.scale);
    painter.save();
    painter.setClipRect(m_plot, Qt::IntersectClip);
    const auto lastRow = std::min<std::int64_t>(data.rows(), static_cast<std::int64_t>(std::ceil(m_window.bottom)));
    const auto lastColumn = std::min<std::int64_t>(data.columns(), static_cast<std::int64_t>(std::ceil(m_window.right)));
    for (auto row = static_cast<std::int64_t>(std::max(0.0, m_window.top)); row < lastRow; ++row) {
        for (auto column = static_cast<std::int64_t>(std::max(0.0, m_window.left)); column < lastColumn; ++column) {
            const float value = data.at(static_cast<int>(row), column);
            if (std::isnan(value))
                continue;
            painter.setPen(QColor(inkOn(m_legend.scale.colour(value))));
            const QString text =
                data.categorical() ? QString::number(static_cast<int>(value)) : cellText(static_cast<double>(value), decimals);
            painter.drawText(cell(static_cast<double>(row), static_cast<double>(column)), Qt::AlignCenter, text);
        }
    }
    painter.restore();
}

void HeatmapPainter::paintDots(QPainter &painter) const
{
    const QRectF one = cell(0, 0);
    if (!m_content.dotted || std::min(one.width(), one.height()) < 2)
        return;
    painter.save();
    painter.setClipRect(m_plot, Qt::IntersectClip);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    const double radius = std::clamp(std::min(one.width(), one.height()) * 0.14, 0.6, 2.5);
    const bool texts = hasCellTexts(); // beside the number, not on it
    const HeatmapData &data = *m_content.data;
    const auto lastRow = std::min<std::int64_t>(data.rows(), static_cast<std::int64_t>(std::ceil(m_window.bottom)));
    const auto lastColumn = std::min<std::int64_t>(data.columns(), static_cast<std::int64_t>(std::ceil(m_window.right)));
    for (auto row = static_cast<std::int64_t>(std::max(0.0, m_window.top)); row < lastRow; ++row) {
        for (auto column = static_cast<std::int64_t>(std::max(0.0, m_window.left)); column < lastColumn; ++column) {
            const float value = data.at(static_cast<int>(row), column);
            if (std::isnan(value) || !m_content.dotted(row, column))
                continue;
            const QRectF box = cell(static_cast<double>(row), static_cast<double>(column));
            painter.setBrush(QColor(inkOn(m_legend.scale.colour(value))));
            painter.drawEllipse(texts ? box.topRight() + QPointF(-radius - 2, radius + 2) : box.center(), radius, radius);
        }
    }
    painter.restore();
}

void HeatmapPainter::paint(QPainter &painter, double pixelRatio) const
{
    if (!m_content.data || m_content.data->rows() == 0 || m_content.data->columns() == 0)
        return;
    QImage matrix(std::max(1, static_cast<int>(std::lround(m_plot.width() * pixelRatio))),
        std::max(1, static_cast<int>(std::lround(m_plot.height() * pixelRatio))), QImage::Format_RGB32);
    fillHeatmap(matrix, matrix.rect(), *m_content.data, m_window, m_legend.scale, m_look);
    painter.drawImage(m_plot, matrix);
    paintAround(painter);
}

void HeatmapPainter::paintAround(QPainter &painter) const
{
    painter.save();
    painter.setFont(m_look.smallFont());
    painter.setPen(QPen(m_look.faint, 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(m_plot.adjusted(-0.5, -0.5, 0.5, 0.5));
    paintCellTexts(painter);
    paintDots(painter);
    paintColumnAxis(painter);
    paintRowAxis(painter);
    paintLegend(painter, m_legendRect, m_legend, Qt::Vertical, m_look);
    painter.restore();
}

} // namespace expertscope
