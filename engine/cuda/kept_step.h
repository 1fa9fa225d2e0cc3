// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// KeptStep: the work of a decode step as one CUDA graph. It begins with a copy of what the host tells the kernels; copies of results are
// branches of it, on the second stream; its working memory is its own.
#pragma once

#include "engine/cuda/attention_plan.h"
#include "engine/cuda/kept_memory.h"

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace expertscope::cuda {

class KeptStep final : public Step {
public:
    /// Captures what `work` puts on the context's streams. Throws what it throws, and Error (Device) where that cannot be captured.
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

private:
    struct FreePinned {
        void operator()(std::byte *memory) const { cudaFreeHost(memory); }
    };
    struct DestroyGraph {
        void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
    };
    struct DestroyEvent {
        void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
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
    /// bytes: of all places.
    void capture(std::size_t bytes, const std::function<void()> &work);

    std::shared_ptr<Context> m_context;
    std::shared_ptr<KeptMemory> m_memory; ///< also of what was made in the step and outlives it
    CudaKvCache::Layout m_cache;
    AttentionPlan m_plan;
    std::vector<int> m_layers;
    std::array<Place, inputCount> m_places;
    std::unique_ptr<std::byte, FreePinned> m_host;
    std::byte *m_device = nullptr;
    std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, DestroyGraph> m_graph;
    std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, DestroyEvent> m_done; ///< the last launch
};

/// Null where the context keeps no steps, or not this one.
std::unique_ptr<Step> keepStep(const std::shared_ptr<Context> &context, const StepInputs &inputs, const std::function<void()> &work);

} // namespace expertscope::cuda
