// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cpu/products.h"

#include <algorithm>

namespace expertscope::cpu {

namespace {

constexpr std::int64_t fewRows = 3;

// Rows a task multiplies at once: their panels (2048 numbers deep) about fill the second-level cache of a core.
constexpr std::int64_t rangeRows = 192;

std::size_t aligned(std::size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

} // namespace

ProductChoice chooseProduct(const CpuContext &context, std::span<const CpuWeight *const> weights, std::int64_t rows)
{
    if (rows <= fewRows)
        return {&context.kernels.few, 1};
    const bool roundable = std::all_of(
        weights.begin(), weights.end(), [](const CpuWeight *w) { return w->type() == Stored::BF16 && w->products() == Products::Fast; });
    if (context.bf16 && roundable)
        return {context.bf16, context.bf16Terms};
    return {&context.kernels.panels, 1};
}

PackedRows::PackedRows(Scratch &scratch, std::span<const RowGroup> groups, std::span<const ProductChoice> choices, std::int64_t depth)
    : m_choices{choices.begin(), choices.end()}
{
    std::vector<std::size_t> offsets;
    std::size_t bytes = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
        const ProductKernel &kernel = *m_choices[g].kernel;
        const std::int64_t rows = groups[g].rows;
        const std::int64_t count = (rows + kernel.maxWidth - 1) / kernel.maxWidth;
        const std::int64_t share = count ? (rows + count - 1) / count : 0;
        const std::int64_t width = (share + kernel.lanes - 1) / kernel.lanes * kernel.lanes;
        for (std::int64_t row = 0; row < rows; row += width) {
            const std::int64_t here = std::min(width, rows - row);
            const auto padded = static_cast<int>((here + kernel.lanes - 1) / kernel.lanes * kernel.lanes);
            const PanelShape shape{static_cast<int>(here), padded, depth, m_choices[g].terms};
            const bool joins = !m_ranges.empty() && m_ranges.back().group == g
                && row + here - (m_panels[m_ranges.back().begin].firstRow - groups[g].firstRow) <= rangeRows;
            if (!joins)
                m_ranges.push_back({g, m_panels.size(), m_panels.size()});
            m_panels.push_back({groups[g].firstRow + row, shape, nullptr});
            m_ranges.back().end = m_panels.size();
            m_groupOf.push_back(g);
            offsets.push_back(bytes);
            bytes += aligned(kernel.panelBytes(shape));
        }
    }
    std::byte *const memory = scratch.bytes(bytes);
    for (std::size_t p = 0; p < m_panels.size(); ++p)
        m_panels[p].data = memory + offsets[p];
}

void PackedRows::packPanel(std::size_t index, std::span<const float *const> rows) const
{
    const Panel &panel = m_panels[index];
    kernel(m_groupOf[index]).pack(rows.data(), panel.shape, panel.data);
}

std::int64_t blocksPerTask(std::int64_t depth, std::int64_t rows)
{
    // About 20 us of a core at memory speed (few rows) or at arithmetic speed (many).
    constexpr std::int64_t weightsPerTask = 128 * 1024;
    const std::int64_t weightsPerBlock = blockRows * depth * std::max<std::int64_t>(1, rows / 16);
    return std::max<std::int64_t>(1, weightsPerTask / std::max<std::int64_t>(1, weightsPerBlock));
}

} // namespace expertscope::cpu
