// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Random numbers from what they are for, not from the order they are drawn in: the size of a batch and the number of threads change
// nothing. A splitmix64 stream (Steele et al. 2014, doi:10.1145/2660193.2660195) starts at a hash of its key.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <numbers>
#include <string_view>

namespace expertscope {

class CounterRandom {
public:
    explicit CounterRandom(std::initializer_list<std::uint64_t> key)
    {
        for (std::uint64_t part : key)
            m_state = mixed(m_state ^ part) + golden;
    }

    std::uint64_t next() { return mixed(m_state += golden); }
    /// 0 .. count - 1; count > 0.
    std::uint64_t below(std::uint64_t count) { return next() % count; }
    /// Standard normal, by Box and Muller.
    double normal()
    {
        const double u = (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53;
        const double v = static_cast<double>(next() >> 11) * 0x1p-53;
        return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
    }

private:
    static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15u;
    static std::uint64_t mixed(std::uint64_t z)
    {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    std::uint64_t m_state = golden;
};

/// FNV-1a, to make a key of a name.
inline std::uint64_t hashOf(std::string_view text)
{
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

} // namespace expertscope
