// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/steering/fixed_random_router.h"

#include "engine/steering/counter_random.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace expertscope {

namespace {

/// L2 norm of each row of a matrix [E, H] that only the backend can read: its product with the unit vectors.
std::vector<double> rowNorms(Backend &backend, const Weight &matrix)
{
    const std::int64_t rows = matrix.rows();
    const std::int64_t width = matrix.cols();
    std::vector<float> unit(static_cast<std::size_t>(width * width));
    for (std::size_t i = 0; i < static_cast<std::size_t>(width); ++i)
        unit[i * static_cast<std::size_t>(width + 1)] = 1;
    const Buffer in = backend.allocate(DType::F32, {width, width});
    const Buffer out = backend.allocate(DType::F32, {width, rows});
    backend.upload(unit, in.tensor());
    backend.linear(in.tensor(), matrix, nullptr, out.tensor());
    std::vector<float> transposed(static_cast<std::size_t>(width * rows));
    backend.download(out.tensor(), transposed);
    std::vector<double> norms(static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < transposed.size(); ++i)
        norms[i % norms.size()] += static_cast<double>(transposed[i]) * static_cast<double>(transposed[i]);
    for (double &norm : norms)
        norm = std::sqrt(norm);
    return norms;
}

class FixedRandomRouter final : public StageOverrides {
public:
    FixedRandomRouter(std::uint64_t seed, const PolicyContext &context)
    {
        for (int layer : context.layers) {
            const Weight &own = *context.model.layer(layer).router;
            const std::vector<double> norms = rowNorms(context.backend, own);
            Router &made = m_routers[layer];
            made.values = hostBuffer(DType::F32, {own.rows(), own.cols()});
            float *value = made.values.tensor().f32();
            for (std::size_t e = 0; e < norms.size(); ++e) {
                CounterRandom random{seed, static_cast<std::uint64_t>(layer), e};
                for (std::int64_t h = 0; h < own.cols(); ++h)
                    *value++ = static_cast<float>(random.normal() * norms[e] / std::sqrt(static_cast<double>(own.cols())));
            }
            made.matrix = context.backend.prepare(made.values.tensor(), Products::Exact);
        }
    }
    const Weight *router(int layer) const override { return m_routers.at(layer).matrix.get(); }
    void editLogits(const RoutingPlace &place, std::span<float> logits) const override
    {
        std::copy(place.otherLogits.begin(), place.otherLogits.end(), logits.begin());
    }

private:
    struct Router {
        Buffer values; ///< [E, H]; what `matrix` was made of must stay
        WeightPtr matrix;
    };
    std::map<int, Router> m_routers; ///< by layer
};

} // namespace

PolicyKind fixedRandomRouterPolicy()
{
    static const std::array params{ParamKind{"seed", "Seed", "Of the matrix", ParamKind::Type::Integer, "42", 0, 1e15}};
    return {"fixed-random-router", "Fixed random router",
        "The router is replaced by a matrix of normal random numbers whose rows are about as long as its own: a control that keeps which "
        "tokens go together.",
        "SMoE-Dropout, arXiv:2303.01610", params, false,
        [](const Params &given, const PolicyContext &context) -> std::shared_ptr<StageOverrides> {
            return std::make_shared<FixedRandomRouter>(static_cast<std::uint64_t>(given.integer("seed")), context);
        }};
}

} // namespace expertscope
