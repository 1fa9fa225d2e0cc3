// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The experts of a layer brought to the device as one piece of memory.
#include "engine/core/error.h"
#include "engine/cuda/experts.h"
#include "engine/cuda/launch.h"
#include "engine/cuda/weight.h"

#include <algorithm>
#include <array>

namespace expertscope::cuda {

namespace {

/// to[r, 0..pitch) = from[r, 0..width), padded with 0; a thread for each number that is written.
template<class T>
__global__ void padRows(const T *from, std::int64_t width, T *to, std::int64_t pitch, std::int64_t count)
{
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < count)
        to[i] = i % pitch < width ? from[i / pitch * width + i % pitch] : T{0};
}

std::int64_t pitchOf(std::int64_t width)
{
    return (width + pitchStep - 1) / pitchStep * pitchStep;
}

void checkShapes(std::span<const StoredMlp> stored)
{
    const auto wrong = [](const std::string &what) {
        return Error{
            ErrorKind::Input, what, "preparing the experts of a layer", "Take the complete checkpoint this config.json was published with"};
    };
    if (stored.empty())
        throw wrong("there are no experts");
    const Shape &inner = stored.front().gate.shape;
    for (const StoredMlp &mlp : stored)
        if (inner.rank != 2 || mlp.gate.shape != inner || mlp.up.shape != inner || mlp.down.shape != Shape{inner[1], inner[0]})
            throw wrong("experts have weights of the shapes " + mlp.gate.shape.text() + ", " + mlp.up.shape.text() + " and "
                + mlp.down.shape.text() + ", which do not belong together");
}

/// Brings a matrix to `to`, its rows `pitch` apart.
void place(Context &context, const Tensor &stored, DType type, std::byte *to, std::int64_t pitch)
{
    constexpr int threads = 256;
    if (stored.dtype == type && stored.shape[1] == pitch)
        return context.staging().upload(to, stored.data, stored.bytes());
    const auto weight = loadWeight(context, stored, type == DType::BF16 ? Products::Fast : Products::Exact);
    const std::int64_t count = weight->rows() * pitch;
    if (type == DType::BF16)
        launch(padRows<std::uint16_t>, blocksFor(count, threads), threads, 0, context.stream(),
            static_cast<const std::uint16_t *>(weight->data()), weight->cols(), reinterpret_cast<std::uint16_t *>(to), pitch, count);
    else
        launch(padRows<float>, blocksFor(count, threads), threads, 0, context.stream(), static_cast<const float *>(weight->data()),
            weight->cols(), reinterpret_cast<float *>(to), pitch, count);
}

} // namespace

ExpertLayout expertLayout(const Context &context, std::span<const StoredMlp> stored)
{
    checkShapes(stored);
    const bool bf16 = context.roundsActivations() && std::all_of(stored.begin(), stored.end(), [](const StoredMlp &mlp) {
        return mlp.gate.dtype == DType::BF16 && mlp.up.dtype == DType::BF16 && mlp.down.dtype == DType::BF16;
    });
    const Shape &inner = stored.front().gate.shape;
    return {bf16 ? DType::BF16 : DType::F32, static_cast<std::int64_t>(stored.size()), inner[1], inner[0], pitchOf(inner[1]),
        pitchOf(inner[0])};
}

void placeExpert(Context &context, const ExpertLayout &layout, const StoredMlp &stored, std::byte *to)
{
    place(context, stored.gate, layout.type, to, layout.hiddenPitch);
    place(context, stored.up, layout.type, to + layout.innerBytes(), layout.hiddenPitch);
    place(context, stored.down, layout.type, to + 2 * layout.innerBytes(), layout.widthPitch);
}

std::shared_ptr<const CudaExpertWeights> loadExperts(Context &context, std::span<const StoredMlp> stored)
{
    auto made = std::make_shared<CudaExpertWeights>();
    made->layout = expertLayout(context, stored);
    made->weights = context.allocate(stored.size() * made->layout.bytes(), "the experts of a layer");
    std::vector<ExpertPointers> pointers;
    auto *at = static_cast<std::byte *>(made->weights.get());
    for (const StoredMlp &mlp : stored) {
        placeExpert(context, made->layout, mlp, at);
        pointers.push_back(made->layout.at(at));
        at += made->layout.bytes();
    }
    made->table = context.allocate(pointers.size() * sizeof(ExpertPointers), "the experts of a layer");
    context.staging().upload(made->table.get(), pointers.data(), pointers.size() * sizeof(ExpertPointers));
    made->pointers = static_cast<const ExpertPointers *>(made->table.get());
    return made;
}

} // namespace expertscope::cuda
