// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Every operation of a backend against another's, on odd shapes and for every stored type. Without Qt, so that it also runs where a
// GPU is and nothing else.
#pragma once

#include "engine/core/backend.h"

#include <functional>
#include <random>
#include <string>
#include <vector>

namespace expertscope {

/// What one operation gave on one shape.
struct OpCheck {
    std::string name; ///< "linear, BF16, 17 rows, 130 to 40"
    double error = 0; ///< largest difference relative to the largest expected magnitude; infinite where only one is a number
    double allowed = 0;
    std::vector<float> values; ///< of the tested backend
    bool passed() const { return error <= allowed; }
};

class OpChecker {
public:
    using Values = std::vector<float>;

    /// Both must outlive this. `done` hears of each check.
    OpChecker(Backend &tested, Backend &reference, std::function<void(const OpCheck &)> done);

    /// Runs an operation on both backends.
    void compare(const std::string &name, double allowed, const std::function<Values(Backend &)> &operation);

    Values normals(std::int64_t count, float deviation = 1);
    int below(int end);
    /// A matrix in host memory that begins where no vector is aligned, as tensors of a mapped file may; kept until this ends.
    Tensor matrix(DType type, std::int64_t rows, std::int64_t cols);

private:
    Backend &m_tested;
    Backend &m_reference;
    std::function<void(const OpCheck &)> m_done;
    std::mt19937_64 m_random{42};
    std::vector<std::vector<std::byte>> m_stored;
};

struct OpGroup {
    const char *name;
    void (*run)(OpChecker &);
};
/// embed, rmsNorm, linear, ...
std::vector<OpGroup> opGroups();

/// `values` in a backend's memory, and back.
Buffer put(Backend &backend, const std::vector<float> &values, Shape shape);
std::vector<float> take(Backend &backend, const Tensor &tensor);

} // namespace expertscope
