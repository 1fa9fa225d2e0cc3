// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/context.h"

#include "engine/core/error.h"
#include "engine/cuda/check.h"

#include <cstdlib>
#include <string_view>

namespace expertscope::cuda {

namespace {

constexpr std::size_t workspaceBytes = std::size_t{32} << 20; // what cuBLAS wants on Hopper; its own could not be captured in a graph

bool roundsByEnvironment()
{
    const char *const set = std::getenv("EXPERTSCOPE_BF16_TERMS");
    const std::string_view terms = set ? set : "";
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

void Context::wait()
{
    ES_CUDA(cudaStreamSynchronize(m_stream));
}

std::shared_ptr<void> Context::allocate(std::size_t bytes, const std::string &what)
{
    void *const memory = allocateBytes(m_device.index, bytes, m_stream, what);
    return {memory, [self = shared_from_this()](void *freed) { cudaFreeAsync(freed, self->m_stream); }};
}

} // namespace expertscope::cuda
