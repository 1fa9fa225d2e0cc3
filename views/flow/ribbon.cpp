// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/flow/ribbon.h"

#include <QImage>
#include <QPaintEngine>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace expertscope {

namespace {

/// How far down a ribbon is, as a share, at a share of its way: the Bézier curve with control points half-way, solved for x.
double descent(double way)
{
    double low = 0, high = 1; // of the curve's parameter
    for (int i = 0; i < 30; ++i) {
        const double t = (low + high) / 2;
        (1.5 * t * (1 - t) + t * t * t < way ? low : high) = t;
    }
    return low * low * (3 - 2 * low);
}

struct Pixel {
    float red = 0, green = 0, blue = 0, alpha = 0; ///< premultiplied
};

/// A picture of the area between two columns, pixel column by pixel column: a ribbon covers one stretch of each.
class RibbonRaster {
public:
    RibbonRaster(int width, int height)
        : m_width{width}
        , m_height{height}
        , m_pixels(static_cast<std::size_t>(width) * static_cast<std::size_t>(height))
        , m_cover(static_cast<std::size_t>(height))
    {
        for (int x = 0; x <= width; ++x)
            m_descent.push_back(descent(static_cast<double>(x) / width));
    }

    /// Heights in pixels of this picture.
    void fill(double start, double end, double thickness, const QColor &colour)
    {
        const Pixel source{
            colour.redF() * colour.alphaF(), colour.greenF() * colour.alphaF(), colour.blueF() * colour.alphaF(), colour.alphaF()};
        for (int x = 0; x < m_width; ++x) {
            const double left = start + (end - start) * m_descent[static_cast<std::size_t>(x)];
            const double right = start + (end - start) * m_descent[static_cast<std::size_t>(x) + 1];
            const int first = std::max(0, static_cast<int>(std::floor(std::min(left, right))));
            const int last = std::min(m_height - 1, static_cast<int>(std::floor(std::max(left, right) + thickness)));
            // A steep edge crosses several rows within a pixel's width: as many samples make it smooth.
            const int samples = 1 + std::min(7, static_cast<int>(std::abs(right - left) * 2));
            for (int s = 0; s < samples; ++s) {
                const double top = left + (right - left) * (s + 0.5) / samples;
                cover(top, top + thickness, 1.0F / static_cast<float>(samples));
            }
            for (int y = first; y <= last; ++y) {
                Pixel &to = m_pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(m_width) + static_cast<std::size_t>(x)];
                const float share = std::exchange(m_cover[static_cast<std::size_t>(y)], 0.0F), rest = 1 - share * source.alpha;
                to = {to.red * rest + source.red * share, to.green * rest + source.green * share, to.blue * rest + source.blue * share,
                    to.alpha * rest + source.alpha * share};
            }
        }
    }

    QImage image() const
    {
        QImage image(m_width, m_height, QImage::Format_ARGB32_Premultiplied);
        const auto byte = [](float value) { return std::clamp(static_cast<int>(std::lround(value * 255)), 0, 255); };
        for (int y = 0; y < m_height; ++y) {
            auto *line = reinterpret_cast<QRgb *>(image.scanLine(y));
            for (int x = 0; x < m_width; ++x) {
                const Pixel &from = m_pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(m_width) + static_cast<std::size_t>(x)];
                line[x] = qRgba(byte(from.red), byte(from.green), byte(from.blue), byte(from.alpha));
            }
        }
        return image;
    }

private:
    void cover(double top, double bottom, float share)
    {
        const int first = std::max(0, static_cast<int>(std::floor(top)));
        const int last = std::min(m_height - 1, static_cast<int>(std::floor(bottom)));
        for (int y = first; y <= last; ++y)
            m_cover[static_cast<std::size_t>(y)] +=
                share * static_cast<float>(std::max(0.0, std::min(bottom, y + 1.0) - std::max(top, double(y))));
    }

    int m_width, m_height;
    std::vector<Pixel> m_pixels; ///< [height, width]
    std::vector<float> m_cover; ///< [height] of the pixel column in hand
    std::vector<double> m_descent; ///< [width + 1] at the edges of the pixel columns
};

} // namespace

QPainterPath Ribbon::path() const
{
    const double middle = (start.x() + end.x()) / 2;
    QPainterPath path(start);
    path.cubicTo(QPointF(middle, start.y()), QPointF(middle, end.y()), end);
    path.lineTo(end + QPointF(0, height));
    path.cubicTo(QPointF(middle, end.y() + height), QPointF(middle, start.y() + height), start + QPointF(0, height));
    path.closeSubpath();
    return path;
}

bool Ribbon::contains(QPointF at) const
{
    if (at.x() < start.x() || at.x() > end.x())
        return false;
    const double top = start.y() + (end.y() - start.y()) * descent((at.x() - start.x()) / (end.x() - start.x()));
    return at.y() >= top && at.y() <= top + height;
}

void fillRibbons(QPainter &painter, std::span<const ColouredRibbon> ribbons)
{
    if (ribbons.empty())
        return;
    if (painter.paintEngine()->type() != QPaintEngine::Raster) {
        for (const ColouredRibbon &one : ribbons)
            painter.fillPath(one.ribbon.path(), one.colour);
        return;
    }
    QRectF area(ribbons.front().ribbon.start, ribbons.front().ribbon.end);
    area = area.normalized();
    for (const ColouredRibbon &one : ribbons) {
        area.setTop(std::min({area.top(), one.ribbon.start.y(), one.ribbon.end.y()}));
        area.setBottom(std::max({area.bottom(), one.ribbon.start.y() + one.ribbon.height, one.ribbon.end.y() + one.ribbon.height}));
    }
    const double scale = painter.deviceTransform().m11(); // the screen's pixels, or those of a larger picture
    RibbonRaster raster(
        std::max(1, static_cast<int>(std::ceil(area.width() * scale))), std::max(1, static_cast<int>(std::ceil(area.height() * scale))));
    for (const ColouredRibbon &one : ribbons)
        raster.fill(
            (one.ribbon.start.y() - area.top()) * scale, (one.ribbon.end.y() - area.top()) * scale, one.ribbon.height * scale, one.colour);
    const QImage image = raster.image();
    painter.drawImage(QRectF(area.topLeft(), QSizeF(image.size()) / scale), image);
}

} // namespace expertscope
