// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// From activations and weights to products: which kernel fits, how rows become panels, and how work is cut into tasks.
// Cuts depend on shapes only, never on the number of threads, so results repeat bit for bit.
#pragma once

#include "engine/core/parallel.h"
#include "engine/cpu/context.h"

#include <array>
#include <span>
#include <vector>

namespace expertscope::cpu {

struct Panel {
    std::int64_t firstRow = 0;
    PanelShape shape;
    std::byte *data = nullptr;
};

/// Rows that are multiplied by the same weights.
struct RowGroup {
    std::int64_t firstRow = 0;
    std::int64_t rows = 0;
};

/// Panels of one group that one task multiplies: few enough to stay in a core's cache while weights stream past.
struct PanelRange {
    std::size_t group = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
};

struct ProductChoice {
    const ProductKernel *kernel = nullptr;
    int terms = 1;
};

/// The kernel for this many rows and weights that are all multiplied by the same panels.
ProductChoice chooseProduct(const CpuContext &context, std::span<const CpuWeight *const> weights, std::int64_t rows);

/// The panels of groups of rows, each group with its own kernel, in one piece of scratch memory.
class PackedRows {
public:
    /// Cuts rows of `depth` numbers into panels; packs nothing yet. choices: one per group.
    PackedRows(Scratch &scratch, std::span<const RowGroup> groups, std::span<const ProductChoice> choices, std::int64_t depth);

    /// Fills all panels in parallel; row(i) gives a pointer to row i.
    template<typename Row>
    void pack(const Row &row);

    const std::vector<Panel> &panels() const { return m_panels; }
    const std::vector<PanelRange> &ranges() const { return m_ranges; }
    const ProductKernel &kernel(std::size_t group) const { return *m_choices[group].kernel; }

private:
    void packPanel(std::size_t index, std::span<const float *const> rows) const;

    std::vector<ProductChoice> m_choices;
    std::vector<Panel> m_panels;
    std::vector<std::size_t> m_groupOf; ///< of each panel
    std::vector<PanelRange> m_ranges;
};

/// Number of blocks of blockRows weight rows.
inline std::int64_t blocksOf(std::int64_t rows)
{
    return (rows + blockRows - 1) / blockRows;
}

/// How many blocks a task should take so that waking a core for it is worth while.
std::int64_t blocksPerTask(std::int64_t depth, std::int64_t rows);

/// Largest width of any panel.
inline constexpr int largestWidth = 48;
/// Room for the columns of one block.
using Columns = float[blockRows * largestWidth];

template<typename Row>
void PackedRows::pack(const Row &row)
{
    parallelFor(static_cast<std::int64_t>(m_panels.size()), 1, [&](std::int64_t begin, std::int64_t end) {
        std::array<const float *, largestWidth> rows;
        for (std::int64_t p = begin; p < end; ++p) {
            const Panel &panel = m_panels[static_cast<std::size_t>(p)];
            for (int r = 0; r < panel.shape.rows; ++r)
                rows[static_cast<std::size_t>(r)] = row(panel.firstRow + r);
            packPanel(static_cast<std::size_t>(p), rows);
        }
    });
}

} // namespace expertscope::cpu
