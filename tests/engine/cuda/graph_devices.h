// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What tests of kept decode steps share: texts, numbers compared bit for bit, a model on a backend with graphs or without.
#pragma once

#include "emulator/emulator.h"
#include "golden.h"

#include <QByteArray>

#include <span>
#include <string>
#include <vector>

namespace expertscope {

inline std::vector<std::int32_t> text(std::int64_t length, std::int64_t salt = 0)
{
    std::vector<std::int32_t> tokens;
    for (std::int64_t i = 0; i < length; ++i)
        tokens.push_back(static_cast<std::int32_t>(((i + salt) * 37 + 11) % 96));
    return tokens;
}

/// Numbers one after another, bit for bit.
class Bits {
public:
    template<class T>
    void add(const std::vector<T> &numbers)
    {
        const auto bytes = std::as_bytes(std::span{numbers});
        m_bytes.insert(m_bytes.end(), bytes.begin(), bytes.end());
    }
    bool operator==(const Bits &) const = default;
    bool empty() const { return m_bytes.empty(); }

private:
    std::vector<std::byte> m_bytes;
};

struct Device {
    explicit Device(bool graphs, const std::string &family = "olmoe")
    {
        qputenv("EXPERTSCOPE_CUDA_GRAPHS", graphs ? "1" : "0");
        backend = makeCudaBackend();
        qunsetenv("EXPERTSCOPE_CUDA_GRAPHS");
        model = Model::load(Golden{family}.files(), *backend, {});
    }
    std::unique_ptr<Backend> backend;
    std::shared_ptr<const Model> model;
};

} // namespace expertscope
