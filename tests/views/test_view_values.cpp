// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What views compute before they paint: text of tokens, ticks, colours, CSV, the column pyramid.
#include "engine/core/csv.h"
#include "views/common/axis.h"
#include "views/common/colour_map.h"
#include "views/common/heatmap_data.h"
#include "views/common/token_text.h"

#include <QTest>

#include <cmath>
#include <random>
#include <set>

using namespace expertscope;

namespace {

TokenText textOf(const std::vector<std::string> &tokens)
{
    const std::vector<std::string_view> views(tokens.begin(), tokens.end());
    const std::vector<std::int32_t> ids(tokens.size(), 7);
    return tokenText(views, ids);
}

} // namespace

class TestViewValues : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void charactersSpreadOverTokensAreShared()
    {
        // U+4E2D is E4 B8 AD: two bytes in one token, the last in the next, together with 'a'.
        const TokenText text = textOf({"x\xe4\xb8",
            "\xad"
            "a"});
        QCOMPARE(text.text, QStringLiteral("x中a"));
        QCOMPARE(text.clusters.size(), std::size_t{3});
        QCOMPARE(text.clusters[1].firstToken, 0);
        QCOMPARE(text.clusters[1].lastToken, 1);
        QCOMPARE(text.rangeOf(0), (std::pair{0, 2}));
        QCOMPARE(text.rangeOf(1), (std::pair{1, 3}));
        QCOMPARE(text.rangeOf(2), (std::pair{0, 0}));
    }

    void combiningMarksShareTheirBase()
    {
        const TokenText text = textOf({"e", "\xcc\x81", "!"});
        QCOMPARE(text.clusters.size(), std::size_t{2});
        QCOMPARE(text.clusters[0].firstToken, 0);
        QCOMPARE(text.clusters[0].lastToken, 1);
    }

    void strayBytesControlsAndDirectionMarksAreVisible_data()
    {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("readable");
        QTest::newRow("stray byte") << QByteArray("\xe4") << QStringLiteral("<0xE4>");
        QTest::newRow("overlong") << QByteArray("\xc0\xaf") << QStringLiteral("<0xC0><0xAF>");
        QTest::newRow("surrogate") << QByteArray("\xed\xa0\x80") << QStringLiteral("<0xED><0xA0><0x80>");
        QTest::newRow("beyond Unicode") << QByteArray("\xf4\x90\x80\x80") << QStringLiteral("<0xF4><0x90><0x80><0x80>");
        QTest::newRow("leading space") << QByteArray(" the") << QStringLiteral("\u2423the");
        QTest::newRow("only spaces") << QByteArray("  ") << QStringLiteral("\u2423\u2423");
        QTest::newRow("newline") << QByteArray("\n") << QStringLiteral("\u21b5");
        QTest::newRow("tab") << QByteArray("\t") << QStringLiteral("\u21e5");
        QTest::newRow("nul") << QByteArray(1, '\0') << QStringLiteral("\u2400");
        QTest::newRow("right-to-left override") << QByteArray("\xe2\x80\xae") << QStringLiteral("<U+202E>");
        QTest::newRow("byte order mark") << QByteArray("\xef\xbb\xbf") << QStringLiteral("<U+FEFF>");
        QTest::newRow("no bytes") << QByteArray() << QStringLiteral("<#7>");
        QTest::newRow("joiner is kept") << QByteArray("\xe2\x80\x8d") << QStringLiteral("\u200d");
    }
    void strayBytesControlsAndDirectionMarksAreVisible()
    {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, readable);
        QCOMPARE(readableToken(std::string_view(bytes.constData(), static_cast<std::size_t>(bytes.size())), 7), readable);
    }

    void everyTokenOfRandomBytesHasAPartInTheText()
    {
        std::mt19937 random(5);
        for (int round = 0; round < 300; ++round) {
            std::vector<std::string> tokens;
            for (auto i = 1 + random() % 12; i > 0; --i) {
                std::string token;
                for (auto k = random() % 5; k > 0; --k)
                    token += static_cast<char>(random() % 256);
                tokens.push_back(token);
            }
            const TokenText text = textOf(tokens);
            int position = 0;
            std::set<int> seen;
            for (const TextCluster &cluster : text.clusters) {
                QCOMPARE(cluster.begin, position);
                QVERIFY(cluster.end > cluster.begin);
                position = cluster.end;
                for (int token = cluster.firstToken; token <= cluster.lastToken; ++token)
                    seen.insert(token);
            }
            QCOMPARE(position, static_cast<int>(text.text.size()));
            QVERIFY(seen.empty() || *seen.rbegin() < static_cast<int>(tokens.size()));
            // Only a newline before the end may lose its line break; no token may lose its last trace.
            QCOMPARE(seen.size(), tokens.size());
        }
    }

    void csvQuotesAndLeavesMissingEmpty()
    {
        CsvWriter csv;
        csv.field("a,b").field("say \"hi\"").field(std::nan("")).field(0.1F).field(0.1).field(1.0 / 3).field(std::int64_t{-3}).endRow();
        QCOMPARE(csv.text(), std::string("\"a,b\",\"say \"\"hi\"\"\",,0.1,0.1,0.3333333333333333,-3\r\n"));
    }

    void ticksAreRoundAndInside()
    {
        const std::vector<double> ticks = roundTicks(0, 1, 5);
        QCOMPARE(ticks.size(), std::size_t{6});
        for (std::size_t i = 0; i < ticks.size(); ++i)
            QVERIFY(std::abs(ticks[i] - 0.2 * static_cast<double>(i)) < 1e-12);
        QCOMPARE(integerTicks(0, 3, 10), (std::vector<std::int64_t>{0, 1, 2, 3}));
        QCOMPARE(integerTicks(7, 99'999, 3), (std::vector<std::int64_t>{50'000}));
        QVERIFY(roundTicks(1, 1, 4).empty());
        QVERIFY(roundTicks(std::nan(""), 1, 4).empty());
        QCOMPARE(numberText(0.125), QStringLiteral("0.125"));
        QCOMPARE(numberText(std::nan("")), QStringLiteral("missing"));
        QCOMPARE(numberText(1e-5), QStringLiteral("1e-05"));
        QCOMPARE(countText(1'234'567), QStringLiteral("1,234,567"));
        QCOMPARE(countText(1, "token"), QStringLiteral("1 token"));
    }

    void sequentialMapsRiseInLightness()
    {
        for (const ColourMap map : {ColourMap::Viridis, ColourMap::Cividis}) {
            double last = -1;
            for (const QRgb colour : colourTable(map)) {
                const double luma = 0.2126 * qRed(colour) + 0.7152 * qGreen(colour) + 0.0722 * qBlue(colour);
                QVERIFY2(luma > last - 0.7, qPrintable(title(map)));
                last = std::max(last, luma);
            }
        }
    }

    void zeroOfADivergingScaleIsItsMiddle()
    {
        const std::vector<float> values{-0.5F, 3.0F, std::nanf("")};
        const auto [low, high] = autoRange(values, extentOf(values), RangeMode::Full, ColourMap::Diverging);
        QCOMPARE(low, -3.0);
        QCOMPARE(high, 3.0);
        const ColourScale scale{ColourMap::Diverging, low, high};
        const QRgb zero = scale.colour(0);
        QVERIFY(qRed(zero) > 235 && qGreen(zero) > 235 && qBlue(zero) > 235);
        QCOMPARE(scale.index(-99), 0);
        QCOMPARE(scale.index(99), 255);
    }

    void robustRangeLeavesOutliersOut()
    {
        std::vector<float> values;
        for (int i = 0; i < 1000; ++i)
            values.push_back(static_cast<float>(i) / 1000);
        values.push_back(1e6F);
        const auto [low, high] = autoRange(values, extentOf(values), RangeMode::Robust, ColourMap::Viridis);
        QVERIFY(low >= 0.005 && low < 0.02);
        QVERIFY(high > 0.97 && high < 1);
    }

    void neighbouringExpertsDiffer()
    {
        for (int id = 0; id + 1 < 512; ++id) {
            const QRgb a = expertColour(id);
            const QRgb b = expertColour(id + 1);
            QVERIFY2(std::abs(qRed(a) - qRed(b)) + std::abs(qGreen(a) - qGreen(b)) + std::abs(qBlue(a) - qBlue(b)) > 60,
                qPrintable(QString::number(id)));
        }
        QCOMPARE(expertColour(3), expertColour(3));
    }

    void coarseColumnsAreExactMeans()
    {
        constexpr std::int64_t columns = 10'007;
        std::mt19937 random(1);
        std::vector<float> values(columns * 2);
        for (float &value : values)
            value = random() % 10 == 0 ? std::nanf("") : static_cast<float>(random() % 1000);
        const HeatmapData data(2, columns, values);
        const HeatmapData::Level &level = data.levelFor(70);
        QCOMPARE(level.block, std::int64_t{64});
        for (std::int64_t block : {std::int64_t{0}, std::int64_t{100}, level.columns - 1}) {
            double sum = 0;
            int n = 0;
            for (std::int64_t i = block * level.block; i < std::min(columns, (block + 1) * level.block); ++i) {
                const float value = values[static_cast<std::size_t>(columns + i)];
                if (!std::isnan(value)) {
                    sum += static_cast<double>(value);
                    ++n;
                }
            }
            QCOMPARE(level.values[static_cast<std::size_t>(level.columns + block)], static_cast<float>(sum / n));
        }
        QVERIFY(std::isnan(meanOf(&values.front(), 0)));
    }

    void coarseCategoriesAreTheMostFrequent()
    {
        std::vector<float> values(4096, 2);
        for (std::size_t i = 0; i < values.size(); i += 16) {
            for (std::size_t k = 0; k < 7; ++k)
                values[i + k] = 5; // seven fives against nine twos: in blocks of four, five wins the first block
        }
        values[3] = 99; // not an id: missing
        const HeatmapData data(1, 4096, values, 8);
        QVERIFY(std::isnan(data.at(0, 3)));
        QCOMPARE(data.levelFor(4).values[0], 5.0F);
        QCOMPARE(data.levelFor(16).values[0], 2.0F);
    }
};

QTEST_GUILESS_MAIN(TestViewValues)
#include "test_view_values.moc"
