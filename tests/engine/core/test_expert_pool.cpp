// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/error.h"
#include "engine/core/expert_pool.h"
#include "engine/core/memory_plan.h"
#include "tests/engine/core/golden_traces.h"

#include <QtTest>

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace expertscope;

namespace {

/// Runs layers of tokens [begin, end) of a trace as a backend would: what is there first, in waves. With wishes for the next layer, of
/// which `right` in 100 are those of its first token and the rest the experts after them.
void runBatch(ExpertPool &pool, const RoutingTrace &trace, TokenRange range, int right, std::mt19937_64 &random)
{
    const auto slotCount = static_cast<std::size_t>(trace.meta().slotCount);
    std::vector<ExpertId> ids(static_cast<std::size_t>(range.count()) * slotCount);
    std::vector<ExpertId> ahead(slotCount);
    for (int layer = 0; layer < trace.meta().moeLayers(); ++layer) {
        trace.expertIds(range, layer, ids);
        const std::set<std::int32_t> needed{ids.begin(), ids.end()};
        const std::vector<std::int32_t> list{needed.begin(), needed.end()};
        const std::vector<std::int32_t> order = pool.presentFirst(layer, list);
        for (std::size_t next = 0; next < order.size();) {
            const std::size_t first = next;
            while (next < order.size() && pool.acquire({layer, order[next]}))
                ++next;
            QVERIFY(next > first);
            pool.release(layer);
        }
        if (right == 0 || layer + 1 == trace.meta().moeLayers())
            continue;
        trace.expertIds({range.begin, range.begin + 1}, layer + 1, ahead);
        std::vector<ExpertKey> keys;
        for (const ExpertId id : ahead)
            keys.push_back({layer + 1, static_cast<int>(random() % 100) < right ? id : (id + 1) % trace.meta().experts});
        pool.wish(keys);
    }
}

ExpertPoolCounts runTrace(const RoutingTrace &trace, double share, std::int64_t batch, std::int64_t tokens, int right)
{
    constexpr std::int64_t expertBytes = 3 * 2048 * 1408 * 2; // of DeepSeek-V2-Lite in bf16
    const std::vector<int> experts(static_cast<std::size_t>(trace.meta().moeLayers()), trace.meta().experts);
    const auto slotCount = static_cast<std::int64_t>(share * trace.meta().moeLayers() * trace.meta().experts);
    ExpertPool pool{experts, slotCount, trace.meta().slotCount, expertBytes};
    std::mt19937_64 random{42};
    for (std::int64_t t = 0; t + batch <= tokens; t += batch)
        runBatch(pool, trace, {t, t + batch}, right, random);
    return pool.counts();
}

} // namespace

class TestExpertPool : public QObject {
    Q_OBJECT
private slots:
    void evictsWhatWasUsedLongestAgo()
    {
        const std::vector<int> experts{8};
        ExpertPool pool{experts, 3, 2, 10};
        const auto use = [&pool](int expert) {
            const auto place = pool.acquire({0, expert});
            pool.release(0);
            return std::pair{place->slot, place->load};
        };
        QCOMPARE(use(5), std::pair(0, true));
        QCOMPARE(use(6), std::pair(1, true));
        QCOMPARE(use(7), std::pair(2, true));
        QCOMPARE(use(5), std::pair(0, false));
        QCOMPARE(use(1), std::pair(1, true)); // 6 was used longest ago
        QVERIFY(!pool.holds({0, 6}));
        QCOMPARE(use(7), std::pair(2, false));
        QCOMPARE(pool.counts().hits, 2);
        QCOMPARE(pool.counts().misses, 4);
        QCOMPARE(pool.counts().bytes, 40);
        QCOMPARE(QString::fromStdString(pool.counts().text()), QStringLiteral("expert pool: 33.3 % of 6 uses were there, 0.0 MB brought"));
    }

    void anotherLayersShareIsItsOwn()
    {
        const std::vector<int> experts{8, 8};
        ExpertPool pool{experts, 4, 2, 1};
        pool.acquire({0, 0});
        pool.acquire({0, 1});
        pool.release(0);
        for (int expert = 0; expert < 8; ++expert) {
            QVERIFY(pool.acquire({1, expert}));
            pool.release(1);
        }
        QVERIFY(pool.holds({0, 0}));
        QVERIFY(pool.holds({0, 1}));
        QVERIFY(pool.holds({1, 7}));
    }

    void aShareTooSmallForATokenBorrows()
    {
        const std::vector<int> experts(16, 8);
        ExpertPool pool{experts, 8, 4, 1}; // a share of half a slot
        for (int layer = 0; layer < 16; ++layer) {
            std::set<int> taken;
            for (int expert = 0; expert < 4; ++expert) {
                const auto place = pool.acquire({layer, expert});
                QVERIFY(place);
                taken.insert(place->slot);
            }
            QCOMPARE(taken.size(), 4u);
            QVERIFY(!pool.acquire({layer, 5})); // four at once, no more
            pool.release(layer);
            QVERIFY(pool.acquire({layer, 5}));
            pool.release(layer);
        }
    }

    void wishesAreProtectedUntilTheLayerHasHadItsTurn()
    {
        const std::vector<int> experts{8, 8};
        ExpertPool pool{experts, 6, 2, 1};
        const std::vector<ExpertKey> keys{{1, 1}, {1, 2}, {1, 3}};
        QCOMPARE(pool.wish(keys).size(), 3u);
        const std::vector<ExpertKey> more{{1, 4}, {1, 1}};
        QVERIFY(pool.wish(more).empty()); // no room without breaking an earlier wish
        QVERIFY(!pool.holds({1, 4}));

        QVERIFY(!pool.acquire({1, 2})->load);
        QVERIFY(pool.acquire({1, 7})->load); // what is needed goes before what is wished for
        QVERIFY(pool.holds({1, 2}));
        pool.release(1);
        QCOMPARE(pool.counts().prefetchedHits, 1);
        QCOMPARE(pool.counts().unusedPrefetches, 1);
        QCOMPARE(pool.wish(more).size(), 1u); // what is left of the old wishes may go now, but not for a wish what is wished for again
        QVERIFY(pool.holds({1, 1}) && pool.holds({1, 4}));
        QCOMPARE(pool.counts().bytesInVain, pool.counts().unusedPrefetches);
        QCOMPARE(pool.counts().bytes, pool.counts().misses + pool.counts().prefetches);
    }

    void whatIsNotThereIsRefused()
    {
        const std::vector<int> experts{8, 4};
        ExpertPool pool{experts, 6, 2, 1};
        QVERIFY_THROWS_EXCEPTION(Error, pool.acquire({1, 4}));
        QVERIFY_THROWS_EXCEPTION(Error, pool.acquire({2, 0}));
        QVERIFY_THROWS_EXCEPTION(Error, pool.acquire({0, -1}));
        QVERIFY_THROWS_EXCEPTION(Error, (ExpertPool{experts, 1, 2, 1}));
    }

    void randomUse_data()
    {
        QTest::addColumn<int>("slotCount");
        QTest::addColumn<int>("atOnce");
        for (const auto &[slotCount, atOnce] : {std::pair{4, 4}, {5, 3}, {8, 4}, {17, 4}, {31, 2}, {36, 6}, {100, 6}})
            QTest::addRow("%d slots, %d at once", slotCount, atOnce) << slotCount << atOnce;
    }
    /// Against a list of what each slot holds, kept here: no slot serves two experts, nothing in use moves, sums agree.
    void randomUse()
    {
        QFETCH(int, slotCount);
        QFETCH(int, atOnce);
        const std::vector<int> experts{6, 12, 8, 10};
        ExpertPool pool{experts, slotCount, atOnce, 7};
        std::map<int, ExpertKey> content; // by slot
        std::mt19937_64 random{42};
        const auto below = [&random](int n) { return static_cast<int>(random() % static_cast<std::uint64_t>(n)); };
        std::int64_t acquired = 0;
        std::int64_t loads = 0;
        for (int turn = 0; turn < 4000; ++turn) {
            const int layer = turn % 4;
            std::map<int, ExpertKey> inUse;
            const auto enter = [&](const ExpertPlace &place) {
                QVERIFY(place.slot >= 0 && place.slot < pool.slotCount());
                if (place.load) {
                    QVERIFY2(!inUse.contains(place.slot), "evicted what is in use");
                    content[place.slot] = place.key;
                    ++loads;
                }
                QCOMPARE(content[place.slot], place.key);
            };
            for (int i = below(atOnce) + 1; i-- > 0;) {
                const ExpertKey key{layer, below(experts[static_cast<std::size_t>(layer)])};
                const bool held = pool.holds(key);
                const auto place = pool.acquire(key);
                QVERIFY(place);
                QCOMPARE(place->load, !held);
                enter(*place);
                inUse[place->slot] = key;
                ++acquired;
            }
            std::vector<ExpertKey> keys;
            const int next = (layer + 1) % 4;
            for (int i = below(5); i-- > 0;)
                keys.push_back({next, below(experts[static_cast<std::size_t>(next)])});
            for (const ExpertPlace &place : pool.wish(keys))
                enter(place);
            for (const auto &[slot, key] : inUse)
                QCOMPARE(content[slot], key);
            pool.release(layer);
            std::size_t held = 0;
            for (int l = 0; l < 4; ++l)
                for (int e = 0; e < experts[static_cast<std::size_t>(l)]; ++e)
                    held += pool.holds({l, e});
            QCOMPARE(held, content.size());
        }
        const ExpertPoolCounts &counts = pool.counts();
        QCOMPARE(counts.hits + counts.misses, acquired);
        QCOMPARE(counts.misses + counts.prefetches, loads);
        QCOMPARE(counts.bytes, 7 * loads);
        QVERIFY(counts.prefetchedHits + counts.unusedPrefetches <= counts.prefetches);
        if (pool.holdsAll())
            QVERIFY(loads <= 36);
    }

    void whatFits()
    {
        // Qwen3-30B-A3B in bf16: 128 experts x 48 layers of 9.4 MB, top-8
        const ModelMemory model{3'100'000'000, 9'437'184, 6144, 8};
        constexpr std::int64_t gb = 1'000'000'000;
        QCOMPARE(expertSlots(model, 80 * gb, 4 * gb), 6144);
        const std::int64_t slotsOf24 = expertSlots(model, 24 * gb, 4 * gb);
        QCOMPARE(slotsOf24, 16'900'000'000 / 9'437'184);
        try {
            expertSlots(model, 5 * gb, 2 * gb);
            QFAIL("fits where it cannot");
        } catch (const Error &error) {
            QCOMPARE(error.kind, ErrorKind::Device);
            QCOMPARE(QString::fromStdString(error.message),
                QStringLiteral("the model needs 3.1 GB for what every token uses, 2.0 GB to work in and 151.0 MB for 16 experts at a time "
                               "(61.1 GB in all), and 5.0 GB are free"));
        }
    }

    /// Prints hit rates. What must hold of them: more slots never hit less, wishes that are mostly right help, and where all experts have
    /// a slot each is brought once.
    void realRouting_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addRow("law") << "law";
        QTest::addRow("intent") << "intent";
    }
    void realRouting()
    {
        QFETCH(QString, name);
        const TracePtr trace = test::realTrace(name.toStdString());
        if (!trace)
            QSKIP("the shared folder's real traces are not here");
        constexpr std::int64_t tokens = 1024;
        for (const std::int64_t batch : {std::int64_t{1}, std::int64_t{512}}) {
            double before = 0;
            for (const double share : {0.2, 0.4, 0.6, 0.8}) {
                const ExpertPoolCounts plain = runTrace(*trace, share, batch, tokens, 0);
                const ExpertPoolCounts wished = runTrace(*trace, share, batch, tokens, 75);
                qInfo("batches of %d, slots for %.0f %%: %s; with wishes: %s", static_cast<int>(batch), 100 * share, plain.text().c_str(),
                    wished.text().c_str());
                QVERIFY(plain.hitRate() > before);
                before = plain.hitRate();
                if (batch == 1)
                    QVERIFY(wished.hitRate() > plain.hitRate());
            }
        }
        const ExpertPoolCounts all = runTrace(*trace, 1, 1, tokens, 0);
        QVERIFY(all.misses <= std::int64_t{trace->meta().moeLayers()} * trace->meta().experts);
    }
};

QTEST_GUILESS_MAIN(TestExpertPool)
#include "test_expert_pool.moc"
