// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// down( silu(gate x) * up x ) of all rows: dense layers and shared experts. Bound: that of its three products.
#include "engine/cuda/ops.h"
#include "engine/cuda/products.h"

namespace expertscope::cuda {

void gatedMlp(Context &context, const Tensor &x, const GatedMlp &mlp, const Tensor &out)
{
    const CudaWeight &gate = cudaWeight(*mlp.gate);
    const auto width = static_cast<int>(gate.rows());
    Activations rows{context, x.f32(), x.count() / gate.cols(), static_cast<int>(gate.cols())};
    const Scratch<float> gated{context, rows.rows() * width, "the hidden numbers of an MLP"};
    const Scratch<float> up{context, rows.rows() * width, "the hidden numbers of an MLP"};
    multiply(context, rows, allRows(gate), nullptr, gated.data());
    multiply(context, rows, allRows(cudaWeight(*mlp.up)), nullptr, up.data());
    siluTimes(context, gated.data(), up.data(), rows.rows() * width);
    Activations hidden{context, gated.data(), rows.rows(), width};
    multiply(context, hidden, allRows(cudaWeight(*mlp.down)), nullptr, out.f32());
}

} // namespace expertscope::cuda
