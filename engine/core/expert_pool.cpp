// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/expert_pool.h"

#include "engine/core/error.h"
#include "engine/core/memory_plan.h"

#include <algorithm>
#include <cstdio>

namespace expertscope {

namespace {

std::string percentOf(std::int64_t part, std::int64_t whole)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %%", whole ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0.0);
    return text;
}

} // namespace

std::string ExpertPoolCounts::text() const
{
    const std::int64_t uses = hits + misses;
    std::string text = "expert pool: " + percentOf(hits, uses) + " of " + std::to_string(uses) + " uses were there";
    if (prefetches)
        text += " (" + percentOf(prefetchedHits, hits) + " of them brought ahead)";
    text += ", " + sizeText(bytes) + " brought";
    if (prefetches)
        text += ", " + sizeText(bytesInVain) + " in vain";
    return text;
}

ExpertPool::ExpertPool(std::span<const int> experts, std::int64_t slotCount, int atOnce, std::int64_t expertBytes)
    : m_expertBytes{expertBytes}
    , m_atOnce{atOnce}
    , m_first{0}
    , m_held(experts.size(), 0)
{
    for (const int count : experts)
        m_first.push_back(m_first.back() + static_cast<std::size_t>(count));
    m_places.resize(m_first.back());
    m_slotCount = static_cast<int>(std::min<std::int64_t>(slotCount, static_cast<std::int64_t>(m_places.size())));
    if (m_slotCount < atOnce)
        throw Error{ErrorKind::Device,
            "the memory holds " + std::to_string(m_slotCount) + " experts, and a token needs " + std::to_string(atOnce) + " at once",
            "expert pool", "Free memory on the device, or use the CPU"};
    for (int slot = m_slotCount; slot-- > 0;)
        m_free.push_back(slot);
}

std::size_t ExpertPool::index(ExpertKey key) const
{
    const auto layer = static_cast<std::size_t>(key.layer);
    if (key.layer < 0 || layer >= m_held.size() || key.expert < 0
        || static_cast<std::size_t>(key.expert) >= m_first[layer + 1] - m_first[layer])
        throw Error{ErrorKind::Check,
            "expert " + std::to_string(key.expert) + " of MoE layer " + std::to_string(key.layer) + " does not exist", "expert pool",
            "Correct the routing recipe"};
    return m_first[layer] + static_cast<std::size_t>(key.expert);
}

/// The most slots of a layer: the equal shares add up to all slots.
int ExpertPool::limit(int layer) const
{
    const int layers = static_cast<int>(m_held.size());
    if (holdsAll())
        return m_slotCount;
    return std::max(m_atOnce, m_slotCount / layers + (layer < m_slotCount % layers ? 1 : 0));
}

std::optional<int> ExpertPool::take(ExpertKey key, bool forWish)
{
    int &held = m_held[static_cast<std::size_t>(key.layer)];
    const bool fromOwnShare = held >= limit(key.layer);
    int slot = -1;
    if (!fromOwnShare && !m_free.empty()) {
        slot = m_free.back();
        m_free.pop_back();
    } else {
        const auto evicted = std::find_if(m_used.begin(), m_used.end(), [&](ExpertKey other) {
            const Place &there = place(other);
            return !there.pinned && !(forWish && there.wished) && (!fromOwnShare || other.layer == key.layer);
        });
        if (evicted == m_used.end())
            return {};
        Place &there = place(*evicted);
        slot = there.slot;
        m_counts.unusedPrefetches += there.unproven;
        m_counts.bytesInVain += there.unproven ? m_expertBytes : 0;
        there = {};
        --m_held[static_cast<std::size_t>(evicted->layer)];
        m_used.erase(evicted);
    }
    ++held;
    m_counts.bytes += m_expertBytes;
    Place &here = place(key);
    here.slot = slot;
    here.used = m_used.insert(m_used.end(), key);
    return slot;
}

void ExpertPool::touch(ExpertKey key)
{
    m_used.splice(m_used.end(), m_used, place(key).used);
}

std::optional<ExpertPlace> ExpertPool::acquire(ExpertKey key)
{
    Place &here = place(key);
    const bool there = here.slot >= 0;
    if (there)
        touch(key);
    else if (!take(key, false))
        return {};
    ++(there ? m_counts.hits : m_counts.misses);
    m_counts.prefetchedHits += here.unproven;
    here.unproven = false;
    here.pinned = true;
    return ExpertPlace{key, here.slot, !there};
}

void ExpertPool::release(int layer)
{
    for (std::size_t i = m_first[static_cast<std::size_t>(layer)]; i < m_first[static_cast<std::size_t>(layer) + 1]; ++i)
        m_places[i].pinned = m_places[i].wished = false;
}

std::vector<ExpertPlace> ExpertPool::wish(std::span<const ExpertKey> keys)
{
    for (const ExpertKey key : keys)
        if (Place &here = place(key); here.slot >= 0) { // first, or a wish would evict what comes after it in the list
            touch(key);
            here.wished = true;
        }
    std::vector<ExpertPlace> loads;
    for (const ExpertKey key : keys) {
        Place &here = place(key);
        if (here.slot >= 0 || !take(key, true))
            continue;
        here.wished = here.unproven = true;
        ++m_counts.prefetches;
        loads.push_back({key, here.slot, true});
    }
    return loads;
}

std::vector<std::int32_t> ExpertPool::presentFirst(int layer, std::span<const std::int32_t> experts) const
{
    std::vector<std::int32_t> order{experts.begin(), experts.end()};
    std::stable_partition(order.begin(), order.end(), [&](std::int32_t expert) { return holds({layer, expert}); });
    return order;
}

} // namespace expertscope
