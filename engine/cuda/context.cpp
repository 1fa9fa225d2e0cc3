// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/context.h"

#include "engine/core/error.h"
#include "engine/cuda/check.h"
#include "engine/cuda/kept_step.h"

#include <cstdlib>
#include <string_view>
#include <utility>

namespace expertscope::cuda {

namespace {

constexpr std::size_t workspaceBytes = std::size_t{32} << 20; // what cuBLAS wants on Hopper; its own could not be captured in a graph

std::string_view environment(const char *name)
{
    const char *const set = std::getenv(name);
    return set ? set : "";
}

bool keepsByEnvironment()
{
    const std::string_view graphs = environment("EXPERTSCOPE_CUDA_GRAPHS");
    if (!graphs.empty() && graphs != "0" && graphs != "1")
        throw Error{ErrorKind::Usage, "\"" + std::string{graphs} + "\" does not say whether the CUDA engine may use graphs",
            "EXPERTSCOPE_CUDA_GRAPHS", "Use 1 (decode steps are kept as graphs) or 0 (they are not), or leave the variable unset"};
    return graphs != "0";
}

bool roundsByEnvironment()
{
    const std::string_view terms = environment("EXPERTSCOPE_BF16_TERMS");
    if (terms.empty() || terms == "1")
        return true;
    if (terms == "3")
        return false;
    throw Error{ErrorKind::Usage, "\"" + std::string{terms} + "\" is no number of bf16 terms that the CUDA engine has",
        "EXPERTSCOPE_BF16_TERMS", "Use 1 (activations rounded to bf16) or 3 (exact), or leave the variable unset"};
}

} // namespace

std::shared_ptr<Context> Context::open()
{
    const std::shared_ptr<Context> context{new Context};
    context->start();
    return context;
}

void Context::start()
{
    m_roundsActivations = roundsByEnvironment();
    m_keepsSteps = keepsByEnvironment();
    m_device = openDevice();
    keepFreedMemory(m_device.index);
    ES_CUDA(cudaStreamCreateWithFlags(&m_stream, cudaStreamNonBlocking));
    ES_CUDA(cudaStreamCreateWithFlags(&m_copies, cudaStreamNonBlocking));
    ES_CUBLAS(cublasCreate(&m_blas));
    ES_CUBLAS(cublasSetStream(m_blas, m_stream));
    m_workspace = allocateBytes(m_device.index, workspaceBytes, m_stream, "working memory for matrix products");
    ES_CUBLAS(cublasSetWorkspace(m_blas, m_workspace, workspaceBytes));
    m_staging = std::make_unique<Staging>(m_stream);
    m_inputs = std::make_unique<Inputs>();
}

Context::~Context()
{
    // Nothing can be done about failures here: a lost device fails every call.
    if (m_stream)
        cudaStreamSynchronize(m_stream);
    m_inputs.reset();
    m_staging.reset();
    if (m_workspace)
        cudaFreeAsync(m_workspace, m_stream);
    if (m_blas)
        cublasDestroy(m_blas);
    if (m_copies)
        cudaStreamDestroy(m_copies);
    if (m_stream)
        cudaStreamDestroy(m_stream);
}

Staging &Context::staging()
{
    needHost();
    return *m_staging;
}

void Context::wait()
{
    needHost();
    ES_CUDA(cudaStreamSynchronize(m_stream));
}

void Context::needHost() const
{
    if (m_capturing)
        throw Error{ErrorKind::Device, "the host has a part in what is to be kept as a graph", "capturing a step",
            "Run it without a graph (EXPERTSCOPE_CUDA_GRAPHS=0)"};
}

std::shared_ptr<void> Context::allocate(std::size_t bytes, const std::string &what)
{
    void *const memory = take(bytes, what);
    if (m_capturing)
        return {memory, [kept = m_capturing->memory()](void *given) { kept->give(given); }};
    return {memory, [self = shared_from_this()](void *given) { self->give(given); }};
}

void *Context::take(std::size_t bytes, const std::string &what)
{
    return m_capturing ? m_capturing->memory()->take(bytes, what) : allocateBytes(m_device.index, bytes, m_stream, what);
}

void Context::give(void *memory)
{
    if (!m_capturing)
        cudaFreeAsync(memory, m_stream);
    else if (!m_capturing->memory()->give(memory))
        m_given.push_back(memory);
}

void Context::setCapturing(KeptStep *step)
{
    m_capturing = step;
    if (!step)
        for (void *memory : std::exchange(m_given, {}))
            give(memory);
}

void *takeBytes(Context &context, std::size_t bytes, const std::string &what)
{
    return context.take(bytes, what);
}

void giveBytes(Context &context, void *memory)
{
    context.give(memory);
}

} // namespace expertscope::cuda
