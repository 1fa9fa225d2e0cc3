// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/experts.h"

#include "engine/core/error.h"
#include "engine/cuda/expert_products.h"
#include "engine/cuda/expert_store.h"
#include "engine/cuda/launch.h"

#include <algorithm>
#include <functional>
#include <vector>

namespace expertscope::cuda {

namespace {

constexpr int threads = 256;

/// Up to so many rows an expert on average they are multiplied a few at a time: the weights must be read in either way.
constexpr std::int64_t fewRowsOnAverage = 4;
/// Bounds the working memory: 0.5 GB of bf16 outputs where H is 2048, 0.1 of the weights of a large model.
constexpr std::int64_t mostSlotsAtOnce = 128 * 1024;

/// to[r, 0..pitch) = from[r, 0..width) as bf16, padded with 0. Bound by 6 bytes a number.
__global__ void roundRows(const float *from, int width, Bf16 *to, int pitch)
{
    const std::int64_t row = blockIdx.y;
    const int column = 2 * static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (column >= pitch)
        return;
    const float *const at = from + row * width;
    *reinterpret_cast<std::uint32_t *>(to + row * pitch + column) =
        packBf16(column < width ? at[column] : 0, column + 1 < width ? at[column + 1] : 0);
}

/// out[t] += sum over s of weight * y[row of (t, s)], one after another. Bound by reading y.
template<class Y>
__global__ void addWeighted(
    const Y *y, int pitch, const std::int32_t *expert, const float *weight, const std::int32_t *rowOf, int slots, float *out, int width)
{
    const std::int64_t token = blockIdx.y;
    const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (column >= width)
        return;
    float sum = out[token * width + column];
    for (int s = 0; s < slots; ++s) {
        const std::int64_t slot = token * slots + s;
        if (expert[slot] >= 0)
            sum += weight[slot] * toFloat(y[static_cast<std::int64_t>(rowOf[slot]) * pitch + column]);
    }
    out[token * width + column] = sum;
}

/// A warp for each slot. Bound by reading y.
template<class Y>
__global__ void takeNorms(
    const Y *y, int pitch, const std::int32_t *expert, const std::int32_t *rowOf, std::int64_t slots, float *norm, int width)
{
    const std::int64_t slot = static_cast<std::int64_t>(blockIdx.x) * (threads / 32) + threadIdx.x / 32;
    if (slot >= slots)
        return;
    float squares = 0;
    if (expert[slot] >= 0)
        for (int i = static_cast<int>(threadIdx.x % 32); i < width; i += 32) {
            const float value = toFloat(y[static_cast<std::int64_t>(rowOf[slot]) * pitch + i]);
            squares += value * value;
        }
    squares = warpSum(squares);
    if (threadIdx.x % 32 == 0)
        norm[slot] = sqrtf(squares);
}

template<class Y>
void gather(Context &context, const ExpertWork &work, const Y *y, const DeviceAssignments &to, float *out, float *norm)
{
    launch(addWeighted<Y>, {blocksFor(work.hidden, threads), static_cast<unsigned>(to.tokens)}, threads, 0, context.stream(), y,
        work.hiddenPitch, to.expert, to.weight, work.order.rowOf, to.slots, out, work.hidden);
    if (norm)
        launch(takeNorms<Y>, blocksFor(to.tokens * to.slots, threads / 32), threads, 0, context.stream(), y, work.hiddenPitch, to.expert,
            work.order.rowOf, to.tokens * to.slots, norm, work.hidden);
}

enum class Way { Few, TilesF32, TilesBf16 };

/// The products of all rows that have experts on the device, and of the others as these come.
void eachPart(Context &context, OrderedSlots &ordered, const DeviceAssignments &to, const CudaExpertWeights &weights,
    const std::function<void(const ExpertPointers *)> &multiply)
{
    const auto part = [&](const ExpertPointers *pointers) {
        ordered.cut(pointers);
        multiply(pointers);
    };
    if (weights.store) {
        context.needHost();
        weights.store->run(weights, to.expert, to.tokens * to.slots, part);
    } else
        part(weights.pointers);
}

void runPart(Context &context, const float *x, const DeviceAssignments &to, const CudaExpertWeights &weights, float *out, float *norm)
{
    const ExpertLayout &layout = weights.layout;
    const std::int64_t slots = to.tokens * to.slots;
    const Way way = slots <= fewRowsOnAverage * layout.experts ? Way::Few : layout.type == DType::BF16 ? Way::TilesBf16 : Way::TilesF32;
    const int tileRows = way == Way::Few ? fewRows : way == Way::TilesBf16 ? tileRowsBf16 : tileRowsF32;
    OrderedSlots ordered{context, to, layout.experts, tileRows};
    ExpertWork work{nullptr, ordered.order(), ordered.mostTiles(), to.slots, static_cast<int>(layout.hidden),
        static_cast<int>(layout.width), static_cast<int>(layout.hiddenPitch), static_cast<int>(layout.widthPitch)};
    if (way == Way::TilesBf16) {
        const Scratch<Bf16> rounded{context, to.tokens * layout.hiddenPitch, "the experts' input"};
        const Scratch<Bf16> hidden{context, slots * layout.widthPitch, "the experts' hidden activations"};
        const Scratch<Bf16> y{context, slots * layout.hiddenPitch, "the experts' outputs"};
        launch(roundRows, {blocksFor(layout.hiddenPitch, 2 * threads), static_cast<unsigned>(to.tokens)}, threads, 0, context.stream(), x,
            work.hidden, rounded.data(), work.hiddenPitch);
        eachPart(context, ordered, to, weights, [&](const ExpertPointers *experts) {
            work.experts = experts;
            multiplyTilesBf16(context, work, rounded.data(), hidden.data(), y.data());
        });
        gather(context, work, y.data(), to, out, norm);
    } else {
        const Scratch<float> hidden{context, slots * layout.widthPitch, "the experts' hidden activations"};
        const Scratch<float> y{context, slots * layout.hiddenPitch, "the experts' outputs"};
        eachPart(context, ordered, to, weights, [&](const ExpertPointers *experts) {
            work.experts = experts;
            if (way == Way::Few)
                multiplyFew(context, work, layout.type, x, hidden.data(), y.data());
            else
                multiplyTilesF32(context, work, x, hidden.data(), y.data());
        });
        gather(context, work, y.data(), to, out, norm);
    }
}

} // namespace

void runExperts(
    Context &context, const Tensor &x, const DeviceAssignments &to, const CudaExpertWeights &experts, const Tensor &out, float *outNorm)
{
    if (to.slots == 0)
        return;
    constexpr std::int64_t mostBlocks = 65535; // along y
    const std::int64_t step = std::clamp<std::int64_t>(mostSlotsAtOnce / to.slots, 1, mostBlocks);
    for (std::int64_t first = 0; first < to.tokens; first += step) {
        const std::int64_t slot = first * to.slots;
        const DeviceAssignments part{std::min(step, to.tokens - first), to.slots, to.expert + slot, to.weight + slot};
        runPart(context, x.f32() + first * experts.layout.hidden, part, experts, out.f32() + first * experts.layout.hidden,
            outNorm ? outNorm + slot : nullptr);
    }
}

void experts(Context &context, const Tensor &x, const Assignments &assignments, const CudaExpertWeights &experts, const Tensor &out,
    const Tensor *outNorm)
{
    const auto slots = static_cast<std::size_t>(assignments.slotCount);
    std::vector<std::int32_t> expert(assignments.expert.size(), -1);
    for (std::size_t t = 0; t < assignments.count.size(); ++t)
        for (std::size_t s = 0; s < static_cast<std::size_t>(assignments.count[t]); ++s) {
            const std::int32_t e = assignments.expert[t * slots + s];
            if (e < 0 || e >= experts.layout.experts)
                throw Error{ErrorKind::Check,
                    "expert " + std::to_string(e) + " does not exist: the layer has " + std::to_string(experts.layout.experts),
                    "token " + std::to_string(t) + " of the batch", "Correct the routing recipe"};
            expert[t * slots + s] = e;
        }
    const auto count = static_cast<std::int64_t>(expert.size());
    const Scratch<std::int32_t> ids{context, count, "the chosen experts"};
    const Scratch<float> weights{context, count, "the chosen experts"};
    context.staging().upload(ids.data(), expert.data(), expert.size() * sizeof(std::int32_t));
    context.staging().upload(weights.data(), assignments.weight.data(), expert.size() * sizeof(float));
    runExperts(context, x, {assignments.tokens, assignments.slotCount, ids.data(), weights.data()}, experts, out,
        outNorm ? outNorm->f32() : nullptr);
}

} // namespace expertscope::cuda
