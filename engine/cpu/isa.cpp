// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cpu/isa.h"

#include "engine/core/error.h"

#include <algorithm>
#include <array>
#include <cpuid.h>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <sys/syscall.h>
#include <unistd.h>

namespace expertscope::cpu {

namespace {

struct Level {
    std::string_view word;
    const char *title;
};
constexpr std::array<Level, 5> levels{
    {{"baseline", "SSE2"}, {"avx2", "AVX2"}, {"avx512", "AVX-512"}, {"avx512bf16", "AVX-512 BF16"}, {"amx", "AMX BF16"}}};

/// A process must ask Linux once before its threads may touch tile registers; all threads inherit the answer.
bool tilesGranted()
{
    constexpr long requestPermission = 0x1023; // ARCH_REQ_XCOMP_PERM
    constexpr long tileData = 18; // XFEATURE_XTILEDATA
    static const bool granted = syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
    return granted;
}

/// CPUID leaf 7, subleaf 0, register EDX: bits that older compilers have no name for in __builtin_cpu_supports.
bool leaf7Edx(unsigned bit)
{
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> bit & 1u);
}

Isa bestIsa()
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c"))
        return Isa::Baseline;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq")
        || !__builtin_cpu_supports("avx512vl"))
        return Isa::Avx2;
    if (!__builtin_cpu_supports("avx512bf16"))
        return Isa::Avx512;
    constexpr unsigned amxBf16 = 22;
    constexpr unsigned amxTile = 24;
    return leaf7Edx(amxBf16) && leaf7Edx(amxTile) && tilesGranted() ? Isa::Amx : Isa::Avx512Bf16;
}

} // namespace

Isa usableIsa()
{
    const Isa best = bestIsa();
    const char *wanted = std::getenv("EXPERTSCOPE_ISA");
    if (!wanted || !*wanted)
        return best;
    for (std::size_t i = 0; i < levels.size(); ++i)
        if (levels[i].word == wanted)
            return std::min(best, static_cast<Isa>(i));
    throw Error{ErrorKind::Usage, "\"" + std::string{wanted} + "\" is no instruction set", "EXPERTSCOPE_ISA",
        "Use baseline, avx2, avx512, avx512bf16 or amx, or leave the variable unset"};
}

const char *title(Isa isa)
{
    return levels[static_cast<std::size_t>(isa)].title;
}

std::string processorName()
{
    std::array<unsigned, 12> words{};
    for (unsigned leaf = 0; leaf < 3; ++leaf)
        if (!__get_cpuid(0x80000002u + leaf, &words[leaf * 4], &words[leaf * 4 + 1], &words[leaf * 4 + 2], &words[leaf * 4 + 3]))
            return "x86-64 processor";
    std::array<char, sizeof words + 1> text{};
    std::memcpy(text.data(), words.data(), sizeof words);
    std::string name{text.data()};
    name.erase(0, name.find_first_not_of(' '));
    name.erase(name.find_last_not_of(' ') + 1);
    return name;
}

} // namespace expertscope::cpu
