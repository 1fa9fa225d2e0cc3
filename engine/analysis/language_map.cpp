// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/language_map.h"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

/// The eigenvector, scaled so that distances along it are those of the points.
std::vector<double> axis(const Eigen::VectorXd &vector, double eigenvalue)
{
    const auto n = static_cast<std::size_t>(vector.size());
    std::vector<double> coordinates(vector.begin(), vector.end());
    for (double &c : coordinates)
        c *= std::sqrt(eigenvalue);
    // within rounding the first of equally large coordinates decides
    std::size_t largest = 0;
    for (std::size_t i = 1; i < n; ++i)
        if (std::abs(coordinates[i]) > std::abs(coordinates[largest]) * (1 + 1e-9))
            largest = i;
    if (coordinates[largest] < 0)
        for (double &c : coordinates)
            c = -c;
    return coordinates;
}

} // namespace

PlaneMap planeMap(std::span<const double> distances, std::size_t n)
{
    if (n == 0)
        return {};
    std::vector<double> b(n * n), rowMean(n, 0.0);
    double all = 0;
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j)
            rowMean[i] += distances[i * n + j] * distances[i * n + j] / static_cast<double>(n);
        all += rowMean[i] / static_cast<double>(n);
    }
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
            b[i * n + j] = -0.5 * (distances[i * n + j] * distances[i * n + j] - rowMean[i] - rowMean[j] + all);
    const auto size = static_cast<Eigen::Index>(n);
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved{Eigen::Map<const Eigen::MatrixXd>(b.data(), size, size)};
    // Eigen's ascend
    const auto place = [&](std::size_t rank) { return size - 1 - static_cast<Eigen::Index>(rank); };
    const auto eigenvalue = [&](std::size_t rank) { return rank < n ? std::max(0.0, solved.eigenvalues()[place(rank)]) : 0.0; };

    PlaneMap map;
    map.x = axis(solved.eigenvectors().col(place(0)), eigenvalue(0));
    map.y = n > 1 ? axis(solved.eigenvectors().col(place(1)), eigenvalue(1)) : std::vector<double>(n, 0.0);
    double positive = 0;
    for (std::size_t rank = 0; rank < n; ++rank)
        positive += eigenvalue(rank);
    map.explained = positive > 0 ? (eigenvalue(0) + eigenvalue(1)) / positive : 1;
    double misfit = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = i + 1; j < n; ++j) {
            const double d = distances[i * n + j], drawn = std::hypot(map.x[i] - map.x[j], map.y[i] - map.y[j]);
            misfit += (d - drawn) * (d - drawn);
            squares += d * d;
        }
    map.stress = squares > 0 ? std::sqrt(misfit / squares) : 0;
    return map;
}

} // namespace expertscope
