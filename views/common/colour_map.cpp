// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/colour_map.h"

#include <QColor>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace expertscope {

namespace {

using Table = std::array<QRgb, 256>;

Table interpolate(std::span<const QRgb> anchors)
{
    Table table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
        const double at = static_cast<double>(i) / 255.0 * static_cast<double>(anchors.size() - 1);
        const auto left = std::min(static_cast<std::size_t>(at), anchors.size() - 2);
        const double t = at - static_cast<double>(left);
        const auto mix = [&](int (*channel)(QRgb)) {
            return static_cast<int>(std::lround((1 - t) * channel(anchors[left]) + t * channel(anchors[left + 1])));
        };
        table[i] = qRgb(mix(qRed), mix(qGreen), mix(qBlue));
    }
    return table;
}

const Table &viridis()
{
    static constexpr QRgb anchors[] = {
        0xff440154, 0xff482475, 0xff414487, 0xff355f8d, 0xff2a788e, 0xff21918c, 0xff22a884, 0xff44bf70, 0xff7ad151, 0xffbddf26, 0xfffde725};
    static const Table table = interpolate(anchors);
    return table;
}

const Table &cividis()
{
    static constexpr QRgb anchors[] = {
        0xff00224e, 0xff123570, 0xff3b496c, 0xff575d6d, 0xff707173, 0xff8a8678, 0xffa59c74, 0xffc3b369, 0xffe1cc55, 0xfffee838};
    static const Table table = interpolate(anchors);
    return table;
}

const Table &diverging()
{
    static constexpr QRgb anchors[] = {
        0xff0b3c6f, 0xff2166ac, 0xff5b9bd0, 0xffaed0e6, 0xfff4f4f2, 0xfff7cfa0, 0xffe89548, 0xffc0611a, 0xff7a3407};
    static const Table table = interpolate(anchors);
    return table;
}

double fromLinear(double x)
{
    return x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;
}

/// OKLab (Ottosson 2020) to sRGB, given lightness, chroma and hue in turns.
QRgb fromOkLch(double lightness, double chroma, double hueTurns)
{
    const double angle = hueTurns * 2 * M_PI;
    const double a = chroma * std::cos(angle);
    const double b = chroma * std::sin(angle);
    const double l = std::pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
    const double m = std::pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
    const double s = std::pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
    const auto channel = [](double linear) { return static_cast<int>(std::lround(255 * fromLinear(std::clamp(linear, 0.0, 1.0)))); };
    return qRgb(channel(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
        channel(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s), channel(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
}

/// Ids below eight take the colours of Okabe and Ito; later ones turn the hue by the golden angle and walk through four lightnesses.
std::vector<QRgb> expertPalette()
{
    std::vector<QRgb> palette{0xff0072b2, 0xffe69f00, 0xff009e73, 0xffcc79a7, 0xff56b4e9, 0xffd55e00, 0xfff0e442, 0xff7f7f7f};
    constexpr double lightness[] = {0.72, 0.48, 0.86, 0.60};
    constexpr double chroma[] = {0.14, 0.13, 0.10, 0.17};
    for (int id = 8; id < 1024; ++id) {
        const double hue = std::fmod(0.11 + 0.3819660113 * id, 1.0);
        const auto tier = static_cast<std::size_t>((id + id / 4) % 4);
        palette.push_back(fromOkLch(lightness[tier], chroma[tier], hue));
    }
    return palette;
}

} // namespace

QString title(ColourMap map)
{
    switch (map) {
    case ColourMap::Viridis:
        return QStringLiteral("Viridis");
    case ColourMap::Cividis:
        return QStringLiteral("Cividis");
    case ColourMap::Diverging:
        return QStringLiteral("Blue to orange, white in the middle");
    case ColourMap::Categorical:
        break;
    }
    return QStringLiteral("One colour per expert");
}

std::span<const QRgb> colourTable(ColourMap map)
{
    switch (map) {
    case ColourMap::Cividis:
        return cividis();
    case ColourMap::Diverging:
        return diverging();
    case ColourMap::Viridis:
    case ColourMap::Categorical:
        break;
    }
    return viridis();
}

QRgb expertColour(int expert)
{
    static const std::vector<QRgb> palette = expertPalette();
    return palette[static_cast<std::size_t>(std::max(expert, 0)) % palette.size()];
}

QRgb inkOn(QRgb background)
{
    const double luma = 0.299 * qRed(background) + 0.587 * qGreen(background) + 0.114 * qBlue(background);
    return luma > 140 ? qRgb(16, 16, 16) : qRgb(255, 255, 255);
}

int ColourScale::index(float value) const
{
    const double t = high > low ? (static_cast<double>(value) - low) / (high - low) : 0.5;
    return static_cast<int>(std::clamp(t, 0.0, 1.0) * 255.0 + 0.5);
}

QRgb ColourScale::colour(float value) const
{
    if (categorical())
        return expertColour(static_cast<int>(value));
    return colourTable(map)[static_cast<std::size_t>(index(value))];
}

ValueExtent extentOf(std::span<const float> values)
{
    ValueExtent extent;
    for (const float value : values) {
        if (!std::isfinite(value)) {
            extent.missing = true;
            continue;
        }
        extent.low = extent.any ? std::min(extent.low, static_cast<double>(value)) : value;
        extent.high = extent.any ? std::max(extent.high, static_cast<double>(value)) : value;
        extent.any = true;
    }
    return extent;
}

std::pair<double, double> autoRange(std::span<const float> values, const ValueExtent &extent, RangeMode mode, ColourMap map, double centre)
{
    if (!extent.any)
        return {0, 1};
    double low = extent.low;
    double high = extent.high;
    if (mode == RangeMode::Robust) {
        // A sample is enough for a colour range and keeps long traces cheap.
        constexpr std::size_t sampleSize = 100'000;
        const std::size_t step = std::max<std::size_t>(1, values.size() / sampleSize);
        std::vector<float> sample;
        for (std::size_t i = 0; i < values.size(); i += step) {
            if (std::isfinite(values[i]))
                sample.push_back(values[i]);
        }
        const auto nth = [&](double share) {
            const auto at = sample.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(sample.size() - 1));
            std::nth_element(sample.begin(), at, sample.end());
            return static_cast<double>(*at);
        };
        if (!sample.empty()) {
            low = nth(0.01);
            high = nth(0.99);
        }
    }
    if (map == ColourMap::Diverging) {
        const double reach = std::max(std::abs(low - centre), std::abs(high - centre));
        return reach > 0 ? std::pair{centre - reach, centre + reach} : std::pair{centre - 1, centre + 1}; // nothing differs
    }
    if (high - low < 1e-9)
        high = low + 1e-3;
    return {low, high};
}

} // namespace expertscope
