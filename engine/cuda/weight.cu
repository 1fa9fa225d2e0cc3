// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/weight.h"

#include "engine/core/error.h"
#include "engine/cuda/launch.h"
#include "engine/cuda/numbers.h"

#include <cuda_fp16.h>

namespace expertscope::cuda {

namespace {

__device__ inline float wide(__half value)
{
    return __half2float(value);
}
__device__ inline float wide(Bf16 value)
{
    return toFloat(value);
}

template<class Stored>
__global__ void widen(const Stored *from, float *to, std::int64_t count)
{
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < count)
        to[i] = wide(from[i]);
}

void checkType(const Tensor &stored)
{
    if (stored.dtype != DType::F32 && stored.dtype != DType::F16 && stored.dtype != DType::BF16)
        throw Error{ErrorKind::Input, std::string{"weights of type "} + name(stored.dtype) + " cannot be used", "preparing a weight",
            "Use a checkpoint in F32, F16 or BF16"};
}

/// In pieces, so that the stored numbers and the wide ones need not both have room.
void uploadWide(Context &context, const Tensor &stored, float *to)
{
    constexpr std::int64_t piece = std::int64_t{4} << 20;
    constexpr int threads = 256;
    const std::int64_t count = stored.count();
    const Scratch<std::uint16_t> raw{context, std::min(piece, count), "weights on their way"};
    for (std::int64_t begin = 0; begin < count; begin += piece) {
        const std::int64_t length = std::min(piece, count - begin);
        context.staging().upload(raw.data(), static_cast<const std::uint16_t *>(stored.data) + begin, static_cast<std::size_t>(length) * 2);
        if (stored.dtype == DType::F16)
            launch(widen<__half>, blocksFor(length, threads), threads, 0, context.stream(), reinterpret_cast<const __half *>(raw.data()),
                to + begin, length);
        else
            launch(widen<Bf16>, blocksFor(length, threads), threads, 0, context.stream(), reinterpret_cast<const Bf16 *>(raw.data()),
                to + begin, length);
    }
}

std::shared_ptr<void> load(Context &context, const Tensor &stored, DType type)
{
    const std::size_t bytes = static_cast<std::size_t>(stored.count()) * sizeBytes(type);
    std::shared_ptr<void> memory = context.allocate(bytes, "the model's weights");
    if (stored.dtype == type)
        context.staging().upload(memory.get(), stored.data, bytes);
    else
        uploadWide(context, stored, static_cast<float *>(memory.get()));
    return memory;
}

} // namespace

std::shared_ptr<const CudaWeight> loadWeight(Context &context, const Tensor &stored, Products products)
{
    checkType(stored);
    if (stored.shape.rank != 2)
        throw Error{ErrorKind::Input, "a matrix is needed, not a tensor of shape " + stored.shape.text(), "preparing a weight",
            "Take the complete checkpoint this config.json was published with"};
    const bool bf16 = products == Products::Fast && stored.dtype == DType::BF16 && context.roundsActivations();
    const DType type = bf16 ? DType::BF16 : DType::F32;
    return std::make_shared<CudaWeight>(load(context, stored, type), type, stored.shape[0], stored.shape[1]);
}

Buffer loadVector(Context &context, const Tensor &stored)
{
    checkType(stored);
    std::shared_ptr<void> memory = load(context, stored, DType::F32);
    const Tensor view{memory.get(), DType::F32, stored.shape};
    return {std::move(memory), view};
}

} // namespace expertscope::cuda
