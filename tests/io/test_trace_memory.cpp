// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Recording and reading are streams: a million tokens take no more memory than ten thousand.
#include "engine/core/summary.h"
#include "io/trace_hdf5.h"
#include "tests/engine/core/random_trace.h"

#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QtTest>

#include <filesystem>
#include <fstream>

using namespace expertscope;
using namespace expertscope::test;

namespace {

constexpr std::int64_t sequenceTokens = 1000;

/// Peak resident memory since the last call, in MiB.
double peakMiB()
{
    std::ifstream status{"/proc/self/status"};
    std::string line;
    double peak = 0;
    while (std::getline(status, line))
        if (line.starts_with("VmHWM:"))
            peak = std::stod(line.substr(6)) / 1024;
    std::ofstream{"/proc/self/clear_refs"} << 5; // starts a new peak
    return peak;
}

void recordMany(const std::filesystem::path &file, std::int64_t tokens)
{
    TraceShape shape;
    shape.experts = 64;
    shape.slotCount = 8;
    shape.layers = {0, 1, 2, 3, 4, 5, 6, 7};
    const TraceMeta meta = metaOf(shape);
    const auto sink = createTraceFile(file, {});
    sink->begin(meta);
    const std::vector<float> mean(8 * 64, 1.0f / 64);
    std::vector<TraceBlock> blocks; // more than gzip looks back over
    for (std::uint64_t seed = 1; seed <= 5; ++seed)
        blocks.push_back(randomBlock(meta, sequenceTokens, 0, 0, seed));
    for (std::int64_t done = 0; done < tokens; done += sequenceTokens) {
        const auto sequence = static_cast<std::int32_t>(done / sequenceTokens);
        TraceBlock &block = blocks[static_cast<std::size_t>(sequence) % blocks.size()];
        std::fill(block.seqIndex.begin(), block.seqIndex.end(), sequence);
        sink->append(block);
        SequenceInfo info;
        info.id = "sequence-" + std::to_string(sequence);
        info.sha256 = std::string(64, 'a');
        info.labels = {"web", std::to_string(sequence % 5)};
        info.firstToken = done;
        info.nPrompt = sequenceTokens;
        sink->endSequence(info, mean);
    }
    sink->finish({});
}

} // namespace

class TestTraceMemory : public QObject {
    Q_OBJECT

private slots:
    void memoryDoesNotGrowWithTheTrace()
    {
        QTemporaryDir folder;
        const std::filesystem::path small = folder.filePath("small.h5").toStdString(), large = folder.filePath("large.h5").toStdString();
        peakMiB();
        recordMany(small, 10'000);
        const double smallWrite = peakMiB();
        QElapsedTimer timer;
        timer.start();
        recordMany(large, 1'000'000);
        const double largeWrite = peakMiB();
        qInfo("recording: %.1f MiB at 10 k tokens, %.1f MiB at 1 M (%.0f tokens/s, file %.0f MB)", smallWrite, largeWrite,
            1e9 / static_cast<double>(timer.elapsed()), static_cast<double>(std::filesystem::file_size(large)) / 1e6);

        const auto all = [](const SequenceInfo &) { return "all"; };
        summarise(*openTraceFile(small), "all", all, Progress{});
        const double smallRead = peakMiB();
        timer.restart();
        const TracePtr trace = openTraceFile(large);
        const RoutingSummary summary = summarise(*trace, "all", all, Progress{});
        const double largeRead = peakMiB();
        qInfo("summarising: %.1f MiB at 10 k tokens, %.1f MiB at 1 M (%.0f tokens/s)", smallRead, largeRead,
            1e9 / static_cast<double>(timer.elapsed()));

        QCOMPARE(summary.tokens.at(0), 1'000'000);
        QCOMPARE(summary.counts, trace->load());
        // up to 16 MiB of chunks wait for the disk, whatever the length
        QVERIFY2(largeWrite < smallWrite + 24, "recording grew with the number of tokens");
        // the reader keeps up to 96 MiB of blocks, whatever the length
        QVERIFY2(largeRead < smallRead + 112, "reading grew with the number of tokens");
    }
};

QTEST_APPLESS_MAIN(TestTraceMemory)
#include "test_trace_memory.moc"
