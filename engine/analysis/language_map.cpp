// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/language_map.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace expertscope {

namespace {

/// Eigenvalues and vectors of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, 8.5): small, exact, in a fixed order.
/// a [n, n] becomes diagonal; the columns of the result [n, n] are the vectors.
std::vector<double> diagonalise(std::vector<double> &a, std::size_t n)
{
    std::vector<double> vectors(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i)
        vectors[i * n + i] = 1;
    constexpr int mostSweeps = 60; // converges quadratically: six or seven are usual
    for (int sweep = 0; sweep < mostSweeps; ++sweep) {
        double off = 0, all = 0;
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j) {
                all += a[i * n + j] * a[i * n + j];
                off += i == j ? 0 : a[i * n + j] * a[i * n + j];
            }
        if (off <= 1e-26 * all)
            break;
        for (std::size_t p = 0; p < n; ++p)
            for (std::size_t q = p + 1; q < n; ++q) {
                if (a[p * n + q] == 0)
                    continue;
                const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
                const double t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
                const double c = 1 / std::sqrt(t * t + 1), s = t * c;
                const auto rotate = [&](double &x, double &y) {
                    const double old = x;
                    x = c * old - s * y;
                    y = s * old + c * y;
                };
                for (std::size_t k = 0; k < n; ++k)
                    rotate(a[k * n + p], a[k * n + q]);
                for (std::size_t k = 0; k < n; ++k)
                    rotate(a[p * n + k], a[q * n + k]);
                for (std::size_t k = 0; k < n; ++k)
                    rotate(vectors[k * n + p], vectors[k * n + q]);
            }
    }
    return vectors;
}

std::vector<double> axis(const std::vector<double> &vectors, std::size_t n, std::size_t which, double eigenvalue)
{
    std::vector<double> coordinates(n);
    for (std::size_t i = 0; i < n; ++i)
        coordinates[i] = vectors[i * n + which] * std::sqrt(std::max(0.0, eigenvalue));
    // within rounding the first of equally large coordinates decides
    std::size_t largest = 0;
    for (std::size_t i = 1; i < n; ++i)
        if (std::abs(coordinates[i]) > std::abs(coordinates[largest]) * (1 + 1e-9))
            largest = i;
    if (n > 0 && coordinates[largest] < 0)
        for (double &c : coordinates)
            c = -c;
    return coordinates;
}

} // namespace

PlaneMap planeMap(std::span<const double> distances, std::size_t n)
{
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
    const std::vector<double> vectors = diagonalise(b, n);
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return b[i * n + i] > b[j * n + j]; });
    const auto eigenvalue = [&](std::size_t rank) { return rank < n ? std::max(0.0, b[order[rank] * n + order[rank]]) : 0.0; };

    PlaneMap map;
    map.x = n > 0 ? axis(vectors, n, order[0], eigenvalue(0)) : std::vector<double>{};
    map.y = n > 1 ? axis(vectors, n, order[1], eigenvalue(1)) : std::vector<double>(n, 0.0);
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

std::vector<Merge> averageLinkage(std::span<const double> distances, std::size_t n)
{
    struct Cluster {
        std::int64_t id;
        double size;
    };
    std::vector<Cluster> clusters;
    for (std::size_t i = 0; i < n; ++i)
        clusters.push_back({static_cast<std::int64_t>(i), 1});
    std::vector<double> d(distances.begin(), distances.end()); // [n, n], rows of `clusters` by their place in it
    std::vector<std::size_t> place(n);
    std::iota(place.begin(), place.end(), std::size_t{0});
    std::vector<Merge> merges;
    while (clusters.size() > 1) {
        std::size_t a = 0, b = 1;
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < clusters.size(); ++i)
            for (std::size_t j = i + 1; j < clusters.size(); ++j)
                if (d[place[i] * n + place[j]] < least) {
                    least = d[place[i] * n + place[j]];
                    a = i;
                    b = j;
                }
        const double size = clusters[a].size + clusters[b].size;
        for (std::size_t k = 0; k < clusters.size(); ++k) {
            const double joined = (clusters[a].size * d[place[a] * n + place[k]] + clusters[b].size * d[place[b] * n + place[k]]) / size;
            d[place[a] * n + place[k]] = d[place[k] * n + place[a]] = joined;
        }
        merges.push_back({clusters[a].id, clusters[b].id, least, static_cast<std::int64_t>(size)});
        // the new cluster has the highest number: it goes to the end, so that ids stay ascending
        const std::size_t kept = place[a];
        for (const std::size_t gone : {b, a}) {
            clusters.erase(clusters.begin() + static_cast<std::ptrdiff_t>(gone));
            place.erase(place.begin() + static_cast<std::ptrdiff_t>(gone));
        }
        clusters.push_back({static_cast<std::int64_t>(n + merges.size() - 1), size});
        place.push_back(kept);
    }
    return merges;
}

} // namespace expertscope
