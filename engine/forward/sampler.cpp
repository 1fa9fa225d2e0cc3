// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/forward/sampler.h"

#include "engine/core/error.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

[[noreturn]] void outside(const char *name, const char *range)
{
    throw Error{ErrorKind::Usage, std::string{name} + " is outside " + range, "sampling", std::string{"Give a number in "} + range};
}

} // namespace

double logProbability(std::span<const float> logits, std::int32_t id)
{
    const double top = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (float z : logits)
        sum += std::exp(static_cast<double>(z) - top);
    return static_cast<double>(logits[static_cast<std::size_t>(id)]) - top - std::log(sum);
}

Sampler::Sampler(const Sampling &sampling)
    : m_sampling{sampling}
    , m_state{sampling.seed}
{
    if (!(sampling.temperature >= 0 && sampling.temperature <= 1000))
        outside("temperature", "0 to 1000");
    if (sampling.topK < 0)
        outside("top-k", "0 (off) and above");
    if (!(sampling.topP > 0 && sampling.topP <= 1))
        outside("top-p", "above 0 to 1 (off)");
}

std::int32_t Sampler::draw(std::span<const float> logits)
{
    if (!std::isfinite(std::accumulate(logits.begin(), logits.end(), 0.0)))
        throw Error{ErrorKind::Check, "the model's output is not finite numbers", "next-token logits",
            "The weights are damaged, or overflowed when they were converted: take the checkpoint in its original type"};
    const auto best = static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    if (m_sampling.temperature == 0)
        return best;

    std::vector<double> mass(logits.size()); // not normalised
    const double top = logits[static_cast<std::size_t>(best)];
    for (std::size_t i = 0; i < mass.size(); ++i)
        mass[i] = std::exp((static_cast<double>(logits[i]) - top) / static_cast<double>(m_sampling.temperature));
    const std::vector<std::int32_t> kept = candidates(mass);

    double sum = 0;
    for (std::int32_t id : kept)
        sum += mass[static_cast<std::size_t>(id)];
    double left = uniform() * sum;
    for (std::int32_t id : kept) {
        left -= mass[static_cast<std::size_t>(id)];
        if (left < 0)
            return id;
    }
    return best; // rounding used up the last candidate
}

std::vector<std::int32_t> Sampler::candidates(std::span<const double> mass) const
{
    std::vector<std::int32_t> ids(mass.size());
    std::iota(ids.begin(), ids.end(), 0);
    if (m_sampling.topK == 0 && m_sampling.topP == 1)
        return ids;

    const auto massOf = [&](std::int32_t id) { return mass[static_cast<std::size_t>(id)]; };
    const auto larger = [&](std::int32_t a, std::int32_t b) { return massOf(a) != massOf(b) ? massOf(a) > massOf(b) : a < b; };
    double all = std::accumulate(mass.begin(), mass.end(), 0.0);
    if (m_sampling.topK > 0) {
        const std::size_t n = std::min(ids.size(), static_cast<std::size_t>(m_sampling.topK));
        std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n), ids.end(), larger);
        ids.resize(n);
        all = std::accumulate(ids.begin(), ids.end(), 0.0, [&](double sum, std::int32_t id) { return sum + massOf(id); });
    } else {
        // ids below this hold less than 1 - topP together, so none of them is in the smallest set: no need to sort them
        const double least = (1 - static_cast<double>(m_sampling.topP)) * all / static_cast<double>(mass.size());
        std::erase_if(ids, [&](std::int32_t id) { return massOf(id) < least; });
        std::sort(ids.begin(), ids.end(), larger);
    }
    double sum = 0;
    std::size_t n = 0;
    while (n < ids.size() && sum < static_cast<double>(m_sampling.topP) * all)
        sum += massOf(ids[n++]);
    ids.resize(std::max<std::size_t>(n, 1));
    return ids;
}

double Sampler::uniform()
{
    std::uint64_t z = m_state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

} // namespace expertscope
