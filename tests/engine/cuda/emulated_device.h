// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The emulated GPU as tests of single operations use it: numbers there and back, and routing without a model.
#pragma once

#include "engine/cuda/experts.h"
#include "engine/cuda/router.h"

#include <memory>
#include <span>
#include <vector>

namespace expertscope {

class EmulatedDevice {
public:
    cuda::Context &context() { return *m_context; }

    Buffer tensor(const std::vector<float> &values, Shape shape)
    {
        std::shared_ptr<void> memory = m_context->allocate(values.size() * sizeof(float), "a test");
        m_context->staging().upload(memory.get(), values.data(), values.size() * sizeof(float));
        const Tensor view{memory.get(), DType::F32, shape};
        return {std::move(memory), view};
    }

    std::vector<float> values(const Tensor &tensor)
    {
        std::vector<float> values(static_cast<std::size_t>(tensor.count()));
        m_context->staging().download(values.data(), tensor.data, tensor.bytes());
        return values;
    }

    /// Routes logits [T, E], and runs experts of which nobody wants the output. spans [T]: of the changes, if there are any.
    CollectedRouting route(const MoeFfn &rule, const std::vector<float> &bias, const std::vector<float> &logits,
        const RoutingChanges *changes, const std::vector<std::uint64_t> &spans, std::span<const BatchSpan> sequences,
        const RoutingNeeds &needs)
    {
        const auto rows = static_cast<std::int64_t>(logits.size()) / rule.experts;
        const Buffer ones = hostBuffer(DType::F32, {4, 4});
        std::fill_n(ones.tensor().f32(), 16, 1.0f);
        const auto experts =
            cuda::loadExperts(*m_context, std::vector(static_cast<std::size_t>(rule.experts), StoredMlp{ones, ones, ones}));
        const Buffer x = tensor(std::vector<float>(static_cast<std::size_t>(rows) * 4, 0.5f), {rows, 4});
        const auto router = cuda::makeRouter(m_desk, rule, bias, changes);
        const auto pending = router->route(tensor(logits, {rows, rule.experts}), {sequences, spans}, needs);
        pending->runExperts(x, *experts, x);
        return pending->collect();
    }

private:
    std::shared_ptr<cuda::Context> m_context = cuda::Context::open();
    cuda::RoutingDesk m_desk{m_context};
};

} // namespace expertscope
