// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// SHA-256 of a stream of bytes or a file, by OpenSSL.
#pragma once

#include "engine/core/progress.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace expertscope {

class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256 &add(std::string_view bytes);
    Sha256 &add(std::uint64_t number); ///< as eight little-endian bytes
    /// 64 lower-case hexadecimal digits of all that was added; nothing may be added after it.
    std::string hex();

private:
    struct Context;
    std::unique_ptr<Context> m_context;
};

inline std::string sha256(std::string_view bytes)
{
    return Sha256{}.add(bytes).hex();
}

/// Of a file's bytes, read in pieces. Throws Error (Input) if it cannot be read.
std::string sha256OfFile(const std::filesystem::path &file, const Progress &progress);

} // namespace expertscope
