// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/sha256.h"

#include "engine/core/error.h"

#include <array>
#include <fstream>
#include <openssl/evp.h>

namespace expertscope {
namespace {

void check(int result)
{
    if (result != 1)
        throw Error{
            ErrorKind::Device, "SHA-256 is not available in the installed OpenSSL", {}, "Reinstall libssl3, or check its configuration"};
}

} // namespace

struct Sha256::Context {
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    ~Context() { EVP_MD_CTX_free(digest); }
};

Sha256::Sha256()
    : m_context{std::make_unique<Context>()}
{
    check(EVP_DigestInit_ex(m_context->digest, EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

Sha256 &Sha256::add(std::string_view bytes)
{
    check(EVP_DigestUpdate(m_context->digest, bytes.data(), bytes.size()));
    return *this;
}

Sha256 &Sha256::add(std::uint64_t number)
{
    std::array<char, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>(number >> (8 * i) & 0xffu);
    return add(std::string_view{bytes.data(), bytes.size()});
}

std::string Sha256::hex()
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
    unsigned length = 0;
    check(EVP_DigestFinal_ex(m_context->digest, sum.data(), &length));
    std::string text;
    for (unsigned i = 0; i < length; ++i) {
        text += "0123456789abcdef"[sum[i] >> 4];
        text += "0123456789abcdef"[sum[i] & 15u];
    }
    return text;
}

std::string sha256OfFile(const std::filesystem::path &file, const Progress &progress)
{
    std::ifstream stream{file, std::ios::binary};
    std::string piece(std::size_t{1} << 20, '\0');
    Sha256 hash;
    while (stream) {
        progress.check();
        stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        hash.add(std::string_view{piece.data(), static_cast<std::size_t>(stream.gcount())});
    }
    if (!stream.eof())
        throw Error{ErrorKind::Input, "the file cannot be read", file.string(), "Check that it is there and that you may read it"};
    return hash.hex();
}

} // namespace expertscope
