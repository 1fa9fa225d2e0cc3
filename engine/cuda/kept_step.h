// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// KeptStep: the work of a decode step as one CUDA graph. It is kernels only, one after another: such graphs are launched at a cost that
// does not grow with their length (CUDA 12.6). One copy before it brings what the host tells the kernels, one after it the results. Its
// working memory is its own.
#pragma once

#include "engine/cuda/attention_plan.h"
#include "engine/cuda/kept_memory.h"
#include "engine/cuda/kept_results.h"

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace expertscope::cuda {

class KeptStep final : public Step {
public:
    /// Captures what `work` puts on the context's stream. Throws what it throws, and Error (Device) where that cannot be captured.
    KeptStep(std::shared_ptr<Context> context, const StepInputs &inputs, const std::function<void()> &work);
    ~KeptStep() override;
    KeptStep(const KeptStep &) = delete;
    KeptStep &operator=(const KeptStep &) = delete;
    bool run(const StepInputs &inputs) override;

    // What the operations ask while they are captured.

    /// Where the kernels find an input. Throws Error (Device) on numbers that StepInputs do not give.
    const void *place(Input input, std::span<const std::byte> content) const;
    /// The cache grows in this layer at every step.
    void extends(int layer) { m_layers.push_back(layer); }
    const std::shared_ptr<KeptMemory> &memory() const { return m_memory; }
    const std::shared_ptr<KeptResults> &results() const { return m_results; }

private:
    struct FreePinned {
        void operator()(std::byte *memory) const { cudaFreeHost(memory); }
    };
    struct DestroyGraph {
        void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
    };
    /// What the host tells the kernels, and what it decides for them.
    struct Told {
        std::array<std::vector<std::byte>, inputCount> numbers;
        AttentionPlan plan; ///< without addresses
    };
    static Told tell(const StepInputs &inputs);
    /// Where an input lies, on both sides.
    struct Place {
        std::size_t at = 0;
        std::size_t room = 0;
        std::size_t bytes = 0; ///< told
    };
    bool fits(const Told &told) const;
    void write(const Told &told);
    void capture(const std::function<void()> &work);

    std::shared_ptr<Context> m_context;
    std::shared_ptr<KeptMemory> m_memory; ///< also of what was made in the step and outlives it, as the results
    std::shared_ptr<KeptResults> m_results;
    CudaKvCache::Layout m_cache;
    AttentionPlan m_plan;
    std::vector<int> m_layers;
    std::array<Place, inputCount> m_places;
    std::size_t m_bytes = 0; ///< of all places
    std::unique_ptr<std::byte, FreePinned> m_host;
    std::byte *m_device = nullptr;
    std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, DestroyGraph> m_graph;
};

/// Null where the context keeps no steps, or not this one.
std::unique_ptr<Step> keepStep(const std::shared_ptr<Context> &context, const StepInputs &inputs, const std::function<void()> &work);

} // namespace expertscope::cuda
