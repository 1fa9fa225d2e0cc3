// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/divergence_shape.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace expertscope {

namespace {

/// Drops from the two ends to the lowest point.
struct Drops {
    double first = noNumber, last = noNumber;
    double lower() const { return std::min(first, last); }
};

std::size_t lowestOf(const std::vector<double> &curve)
{
    std::size_t lowest = 0;
    for (std::size_t m = 1; m < curve.size(); ++m)
        if (curve[m] < curve[lowest] || std::isnan(curve[lowest]))
            lowest = m;
    return lowest;
}

Drops dropsTo(const std::vector<double> &curve, std::size_t lowest)
{
    return {curve.front() - curve[lowest], curve.back() - curve[lowest]};
}

/// Curve r of [M] of [R]; empty past the last.
std::vector<double> replicate(const std::vector<std::vector<double>> &replicates, std::size_t r)
{
    std::vector<double> curve;
    for (const std::vector<double> &layer : replicates) {
        if (layer.size() <= r)
            return {};
        curve.push_back(layer[r]);
    }
    return curve;
}

std::string number(double x)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.4f", x);
    return text;
}

std::string number(double x, const Interval &interval)
{
    return std::isnan(interval.low) ? number(x) : number(x) + " [" + number(interval.low) + ", " + number(interval.high) + "]";
}

} // namespace

CurveShape curveShape(const std::vector<double> &curve, const std::vector<std::vector<double>> &replicates,
    const std::vector<std::vector<double>> &null, const std::vector<int> &layers)
{
    CurveShape shape;
    if (curve.empty())
        return shape;
    shape.trough = lowestOf(curve);
    shape.lowest = curve[shape.trough];
    const Drops drops = dropsTo(curve, shape.trough);
    shape.depth = drops.lower();

    std::vector<double> at, lowest, depth, first, last;
    for (std::size_t r = 0;; ++r) {
        const std::vector<double> drawn = replicate(replicates, r);
        if (drawn.empty())
            break;
        const Drops of = dropsTo(drawn, shape.trough);
        at.push_back(static_cast<double>(lowestOf(drawn)));
        lowest.push_back(drawn[shape.trough]);
        depth.push_back(of.lower());
        first.push_back(of.first);
        last.push_back(of.last);
    }
    shape.troughAt = interval95(at);
    shape.lowestInterval = interval95(lowest);
    shape.depthInterval = interval95(depth);

    std::vector<double> nullDepths, nullDrops;
    for (std::size_t r = 0;; ++r) {
        const std::vector<double> drawn = replicate(null, r);
        if (drawn.empty())
            break;
        const Drops of = dropsTo(drawn, lowestOf(drawn));
        nullDepths.push_back(of.lower());
        nullDrops.push_back(std::max(of.first, of.last));
    }
    shape.nullDepth = mean(nullDepths);
    shape.nullDepthHigh = quantile(nullDepths, 0.975);

    const std::string layer = "layer " + std::to_string(layers[shape.trough]);
    const std::string facts = "it is lowest at " + layer + " (" + number(shape.lowest, shape.lowestInterval) + "), " + number(curve.front())
        + " at the first layer and " + number(curve.back()) + " at the last";
    if (layers.size() < 3) {
        shape.words = "There are fewer than three layers, so the mean curve has no shape.";
        return shape;
    }
    if (depth.empty()) {
        shape.words = "Mean over languages: " + facts + ". Without an interval its shape cannot be tested.";
        return shape;
    }
    // the null curves take their own lowest point, so the choice of the lowest of many layers is allowed for
    const bool beyond = nullDepths.empty() || std::max(drops.first, drops.last) > quantile(nullDrops, 0.975);
    const bool deeper = nullDepths.empty() || shape.depth > shape.nullDepthHigh;
    const bool falls = quantile(first, 0.025) > 0 && beyond, rises = quantile(last, 0.025) > 0 && beyond;
    const std::string beyondWhat = nullDepths.empty() ? "" : " and beyond what the label-permutation null shows";
    if (falls && rises && deeper)
        shape.words =
            "U-shaped: " + facts + "; both ends are higher by at least " + number(shape.depth, shape.depthInterval) + beyondWhat + ".";
    else if (falls && !rises)
        shape.words = "Falling: " + facts + "; the drop from the first layer is outside its interval" + beyondWhat
            + ", a rise to the last layer is not.";
    else if (rises && !falls)
        shape.words = "Rising: " + facts + "; the rise to the last layer is outside its interval" + beyondWhat
            + ", a drop from the first layer is not.";
    else
        shape.words = "No shape beyond the null: " + facts + "; the smaller difference between an end and the lowest layer is "
            + number(shape.depth, shape.depthInterval) + ", and label permutation gives "
            + (shape.nullDepthHigh < 0.00005 ? "none" : "up to " + number(shape.nullDepthHigh)) + ".";
    return shape;
}

} // namespace expertscope
