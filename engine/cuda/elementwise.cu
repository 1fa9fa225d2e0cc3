// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Operations that take each number by itself, four to a thread. Bound: bytes (8 to 12 a number).
#include "engine/cuda/launch.h"
#include "engine/cuda/numbers.h"
#include "engine/cuda/ops.h"

namespace expertscope::cuda {

namespace {

constexpr int threads = 256;
constexpr int perThread = 4;

struct Sum {
    const float *y;
    __device__ float operator()(float x, std::int64_t i) const { return x + y[i]; }
};
struct Limit {
    float limit;
    __device__ float operator()(float x, std::int64_t) const { return fminf(fmaxf(x, -limit), limit); }
};
struct Gate {
    const float *g;
    int width;
    __device__ float operator()(float x, std::int64_t i) const { return x * (1.0f / (1.0f + expf(-g[i / width]))); }
};
struct SiluTimes {
    const float *up;
    __device__ float operator()(float gate, std::int64_t i) const { return gate / (1.0f + expf(-gate)) * up[i]; }
};
struct Shift {
    const float *bias;
    int width;
    __device__ float operator()(float x, std::int64_t i) const { return x + bias[i % width]; }
};

/// x[i] = change(x[i], i).
template<class Change>
__global__ void changeEach(float *x, Change change, std::int64_t count)
{
    // neighbours take neighbouring numbers, so that each of the four passes is one piece of memory for a warp
    const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * (threads * perThread) + threadIdx.x;
#pragma unroll
    for (int j = 0; j < perThread; ++j) {
        const std::int64_t i = first + j * threads;
        if (i < count)
            x[i] = change(x[i], i);
    }
}

template<class Change>
void change(Context &context, float *x, std::int64_t count, Change how)
{
    launch(changeEach<Change>, blocksFor(count, threads * perThread), threads, 0, context.stream(), x, how, count);
}

} // namespace

void add(Context &context, const Tensor &x, const Tensor &y)
{
    change(context, x.f32(), x.count(), Sum{y.f32()});
}

void clamp(Context &context, const Tensor &x, float limit)
{
    change(context, x.f32(), x.count(), Limit{limit});
}

void scaleRowsBySigmoid(Context &context, const Tensor &x, const Tensor &g)
{
    change(context, x.f32(), x.count(), Gate{g.f32(), static_cast<int>(x.shape[1])});
}

void siluTimes(Context &context, float *gate, const float *up, std::int64_t count)
{
    change(context, gate, count, SiluTimes{up});
}

void addBias(Context &context, float *x, const float *bias, std::int64_t rows, int width)
{
    change(context, x, rows * width, Shift{bias, width});
}

} // namespace expertscope::cuda
