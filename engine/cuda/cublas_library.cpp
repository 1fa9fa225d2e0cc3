// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// cuBLAS, opened when the first handle is made: a program that was built with it starts, and runs on the CPU, where it is not
// installed. Defines the functions of cublas_v2.h that this folder calls, and nothing else.
#include "engine/core/error.h"

#include <cublas_v2.h>
#include <dlfcn.h>
#include <string>

namespace {

/// What the linker would have found: installed for all programs, or with the toolkit this was built with.
void *openLibrary(const std::string &file)
{
    for (const std::string &place : {file, CUBLAS_FOLDER "/" + file})
        if (void *const library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL))
            return library;
    return nullptr;
}

/// Throws Error (Device) where the library or the function is missing.
void *find(const char *function)
{
    using expertscope::Error;
    static const std::string file = "libcublas.so." + std::to_string(CUBLAS_VER_MAJOR);
    static void *const library = openLibrary(file);
    void *const address = library ? dlsym(library, function) : nullptr;
    if (!address)
        throw Error{expertscope::ErrorKind::Device,
            "no CUDA matrix library: " + file + (library ? std::string{" lacks "} + function : std::string{" is not installed"}),
            "choosing the backend", "Install cuBLAS of the CUDA toolkit this program was built with, or use the CPU (--device cpu)"};
    return address;
}

template<class Result, class... Arguments>
Result call(void *function, Arguments... arguments)
{
    return reinterpret_cast<Result (*)(Arguments...)>(function)(arguments...);
}

} // namespace

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t *handle)
{
    static void *const function = find("cublasCreate_v2");
    return call<cublasStatus_t>(function, handle);
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle)
{
    static void *const function = find("cublasDestroy_v2");
    return call<cublasStatus_t>(function, handle);
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream)
{
    static void *const function = find("cublasSetStream_v2");
    return call<cublasStatus_t>(function, handle, stream);
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace, size_t bytes)
{
    static void *const function = find("cublasSetWorkspace_v2");
    return call<cublasStatus_t>(function, handle, workspace, bytes);
}

const char *cublasGetStatusString(cublasStatus_t status)
{
    static void *const function = find("cublasGetStatusString");
    return call<const char *>(function, status);
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t opA, cublasOperation_t opB, int m, int n, int k, const void *alpha,
    const void *a, cudaDataType aType, int lda, const void *b, cudaDataType bType, int ldb, const void *beta, void *c, cudaDataType cType,
    int ldc, cublasComputeType_t compute, cublasGemmAlgo_t algorithm)
{
    static void *const function = find("cublasGemmEx");
    return call<cublasStatus_t>(
        function, handle, opA, opB, m, n, k, alpha, a, aType, lda, b, bType, ldb, beta, c, cType, ldc, compute, algorithm);
}

} // extern "C"
