// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Gated MLPs: of all rows, and of the rows each expert was given. Gate and up are multiplied block by block in the same
// task and leave it as the packed input of down, so the hidden activations are never transposed nor stored twice.
#include "engine/core/error.h"
#include "engine/cpu/ops.h"
#include "engine/cpu/products.h"

#include <algorithm>
#include <cmath>

namespace expertscope::cpu {

namespace {

struct MlpGroup {
    const GatedMlp *mlp;
    RowGroup rows;
};

struct BlockTask {
    PanelRange range;
    std::int64_t firstBlock;
    std::int64_t endBlock;
};

std::vector<BlockTask> cut(const PackedRows &packed, std::span<const MlpGroup> groups, std::int64_t depth, WeightPtr GatedMlp::*matrix)
{
    std::vector<BlockTask> tasks;
    for (const PanelRange &range : packed.ranges()) {
        const MlpGroup &group = groups[range.group];
        const std::int64_t blocks = blocksOf((group.mlp->*matrix)->rows());
        const std::int64_t step = blocksPerTask(depth, group.rows.rows);
        for (std::int64_t block = 0; block < blocks; block += step)
            tasks.push_back({range, block, std::min(blocks, block + step)});
    }
    return tasks;
}

/// Calls body(panel index, first weight row, count) for all panels and blocks of all tasks, in parallel.
template<typename Body>
void runTasks(const std::vector<BlockTask> &tasks, std::span<const MlpGroup> groups, WeightPtr GatedMlp::*matrix, const Body &body)
{
    parallelFor(static_cast<std::int64_t>(tasks.size()), 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t t = begin; t < end; ++t) {
            const BlockTask &task = tasks[static_cast<std::size_t>(t)];
            const MlpGroup &group = groups[task.range.group];
            const std::int64_t rows = (group.mlp->*matrix)->rows();
            for (std::int64_t block = task.firstBlock; block < task.endBlock; ++block)
                for (std::size_t p = task.range.begin; p < task.range.end; ++p)
                    body(group, task.range.group, p, block * blockRows, std::min(blockRows, rows - block * blockRows));
        }
    });
}

/// outputs[r] = mlp of its group (input(r)) for every row r of all groups; outputs [rows, H].
template<typename Row>
void runMlps(CpuContext &context, std::span<const MlpGroup> groups, const Row &input, float *outputs)
{
    if (groups.empty())
        return;
    const std::int64_t width = groups.front().mlp->down->rows();
    const std::int64_t depth = groups.front().mlp->gate->cols();
    const std::int64_t hidden = groups.front().mlp->gate->rows();
    std::vector<RowGroup> rows;
    std::vector<ProductChoice> choices;
    for (const MlpGroup &group : groups) {
        const CpuWeight *const weights[]{&cpuWeight(*group.mlp->gate), &cpuWeight(*group.mlp->up), &cpuWeight(*group.mlp->down)};
        rows.push_back(group.rows);
        choices.push_back(chooseProduct(context, weights, group.rows.rows));
    }
    PackedRows inputs{context.packedScratch, rows, choices, depth};
    inputs.pack(input);
    const PackedRows hiddens{context.hiddenScratch, rows, choices, hidden};

    runTasks(cut(inputs, groups, 2 * depth, &GatedMlp::gate), groups, &GatedMlp::gate,
        [&](const MlpGroup &group, std::size_t g, std::size_t p, std::int64_t first, std::int64_t count) {
            const ProductKernel &kernel = inputs.kernel(g);
            const Panel &panel = inputs.panels()[p];
            alignas(64) Columns gate;
            alignas(64) Columns up;
            kernel.multiply(cpuWeight(*group.mlp->gate).from(first), count, panel.shape, panel.data, gate);
            kernel.multiply(cpuWeight(*group.mlp->up).from(first), count, panel.shape, panel.data, up);
            context.kernels.siluTimes(gate, up, count * panel.shape.width);
            kernel.packColumns(gate, first, count, hiddens.panels()[p].shape, hiddens.panels()[p].data);
        });
    runTasks(cut(hiddens, groups, hidden, &GatedMlp::down), groups, &GatedMlp::down,
        [&](const MlpGroup &group, std::size_t g, std::size_t p, std::int64_t first, std::int64_t count) {
            const Panel &panel = hiddens.panels()[p];
            alignas(64) Columns columns;
            hiddens.kernel(g).multiply(cpuWeight(*group.mlp->down).from(first), count, panel.shape, panel.data, columns);
            context.kernels.storeRows(
                columns, count, panel.shape.width, panel.shape.rows, nullptr, outputs + panel.firstRow * width + first, width);
        });
}

} // namespace

void gatedMlp(CpuContext &context, const Tensor &x, const GatedMlp &mlp, const Tensor &out)
{
    const std::int64_t depth = mlp.gate->cols();
    const MlpGroup all{&mlp, {0, x.count() / depth}};
    runMlps(
        context, {&all, 1}, [&](std::int64_t row) { return x.f32() + row * depth; }, out.f32());
}

void experts(CpuContext &context, const Tensor &x, const Assignments &assignments, std::span<const GatedMlp> experts, const Tensor &out,
    const Tensor *outNorm)
{
    const std::int64_t width = x.shape[1];
    const auto slots = static_cast<std::size_t>(assignments.slotCount);
    const auto tokens = static_cast<std::size_t>(assignments.tokens);

    // Count, then place: rows of one expert become neighbours, in order of tokens.
    std::vector<std::int64_t> firstOf(experts.size() + 1, 0);
    for (std::size_t t = 0; t < tokens; ++t)
        for (std::size_t s = 0; s < static_cast<std::size_t>(assignments.count[t]); ++s) {
            const std::int32_t expert = assignments.expert[t * slots + s];
            if (expert < 0 || static_cast<std::size_t>(expert) >= experts.size())
                throw Error{ErrorKind::Check,
                    "expert " + std::to_string(expert) + " does not exist: the layer has " + std::to_string(experts.size()),
                    "token " + std::to_string(t) + " of the batch", "Correct the routing recipe"};
            ++firstOf[static_cast<std::size_t>(expert) + 1];
        }
    std::vector<MlpGroup> groups;
    for (std::size_t e = 0; e < experts.size(); ++e) {
        const std::int64_t rows = firstOf[e + 1];
        firstOf[e + 1] += firstOf[e];
        if (rows > 0)
            groups.push_back({&experts[e], {firstOf[e], rows}});
    }
    std::vector<std::int64_t> tokenOf(static_cast<std::size_t>(firstOf.back())); // of each row
    std::vector<std::int64_t> rowOf(tokens * slots, -1); // of each token and slot
    for (std::size_t t = 0; t < tokens; ++t)
        for (std::size_t s = 0; s < static_cast<std::size_t>(assignments.count[t]); ++s) {
            const std::int64_t row = firstOf[static_cast<std::size_t>(assignments.expert[t * slots + s])]++;
            tokenOf[static_cast<std::size_t>(row)] = static_cast<std::int64_t>(t);
            rowOf[t * slots + s] = row;
        }

    float *const outputs = context.outputScratch.floats(tokenOf.size() * static_cast<std::size_t>(width));
    runMlps(
        context, groups, [&](std::int64_t row) { return x.f32() + tokenOf[static_cast<std::size_t>(row)] * width; }, outputs);

    constexpr std::int64_t numbersPerTask = 64 * 1024;
    const std::int64_t tokensPerTask = std::max<std::int64_t>(1, numbersPerTask / (width * std::max(1, assignments.slotCount)));
    parallelFor(assignments.tokens, tokensPerTask, [&](std::int64_t begin, std::int64_t end) {
        for (auto t = static_cast<std::size_t>(begin); t < static_cast<std::size_t>(end); ++t)
            for (std::size_t s = 0; s < slots; ++s) {
                const std::int64_t row = rowOf[t * slots + s];
                if (row < 0) {
                    if (outNorm)
                        outNorm->f32()[t * slots + s] = 0;
                    continue;
                }
                const float *output = outputs + row * width;
                context.kernels.addScaled(
                    out.f32() + static_cast<std::int64_t>(t) * width, output, assignments.weight[t * slots + s], width);
                if (outNorm)
                    outNorm->f32()[t * slots + s] = std::sqrt(context.kernels.sumOfSquares(output, width));
            }
    });
}

} // namespace expertscope::cpu
