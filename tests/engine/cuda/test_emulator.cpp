// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The emulator sees what it is there for: races, outputs that are not written, wrong masks, forgotten waits, leaks;
// and its stand-ins for instructions follow their documented layouts.
#include "emulator/emulator.h"
#include "engine/core/tensor.h"
#include "test_kernels.h"

#include <QTest>

#include <functional>
#include <numeric>
#include <vector>

using namespace emulator;
using expertscope::bf16ToF32;
using expertscope::f32ToBf16;

namespace {

/// Device memory of the test.
template<class T>
struct Numbers {
    Numbers(cudaStream_t stream_, std::vector<T> values)
        : Numbers{stream_, values.size()}
    {
        cudaMemcpyAsync(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice, stream);
    }
    Numbers(cudaStream_t stream_, std::size_t count_)
        : stream{stream_}
        , count{count_}
    {
        void *made = nullptr;
        cudaMallocAsync(&made, count * sizeof(T), stream);
        memory = static_cast<T *>(made);
    }
    ~Numbers() { cudaFreeAsync(memory, stream); }
    std::vector<T> values() const
    {
        std::vector<T> out(count);
        cudaMemcpyAsync(out.data(), memory, count * sizeof(T), cudaMemcpyDeviceToHost, stream);
        return out;
    }
    cudaStream_t stream;
    std::size_t count;
    T *memory = nullptr;
};

std::vector<float> counting(std::size_t count)
{
    std::vector<float> values(count);
    std::iota(values.begin(), values.end(), 1.0f);
    return values;
}

bool anyNan(const std::vector<float> &values)
{
    return std::any_of(values.begin(), values.end(), [](float v) { return std::isnan(v); });
}

} // namespace

class TestEmulator : public QObject {
    Q_OBJECT

    cudaStream_t m_stream = nullptr;

    template<class Kernel, class... Arguments>
    void start(unsigned threads, Kernel kernel, Arguments... arguments)
    {
        cudaLaunchConfig_t config;
        config.blockDim = threads;
        config.dynamicSmemBytes = 512;
        config.stream = m_stream;
        QCOMPARE(cudaLaunchKernelEx(&config, kernel, arguments...), cudaSuccess);
    }

    /// What a kernel's Fault says; empty if there is none.
    template<class Kernel, class... Arguments>
    std::string faultOf(unsigned threads, Kernel kernel, Arguments... arguments)
    {
        start(threads, kernel, arguments...);
        try {
            cudaStreamSynchronize(m_stream);
        } catch (const Fault &fault) {
            return fault.what();
        }
        return {};
    }

private slots:
    void init() { cudaStreamCreateWithFlags(&m_stream, cudaStreamNonBlocking); }
    void cleanup()
    {
        cudaStreamDestroy(m_stream);
        QCOMPARE(usedBytes(), std::size_t{0});
    }

    void rightKernelsAreRightInAnyOrder()
    {
        const Numbers<float> in{m_stream, counting(64)};
        const Numbers<float> out{m_stream, 64};
        for (unsigned seed = 1; seed < 20; ++seed) {
            setSeed(seed);
            start(64, sumOfBlock, in.memory, out.memory);
            QCOMPARE(out.values(), std::vector<float>(64, 64 * 65 / 2));
        }
    }

    void missingBarrierShows()
    {
        const Numbers<float> in{m_stream, counting(64)};
        const Numbers<float> out{m_stream, 64};
        start(64, sumWithoutBarrier, in.memory, out.memory);
        QVERIFY(anyNan(out.values()));
    }

    void unwrittenOutputShows()
    {
        const Numbers<float> in{m_stream, counting(64)};
        const Numbers<float> out{m_stream, 64};
        start(64, copyAllButLast, in.memory, out.memory, 64);
        const std::vector<float> values = out.values();
        QVERIFY(std::isnan(values.back()));
        QCOMPARE(values.front(), 1.0f);
    }

    void wrongMasksShow()
    {
        const Numbers<float> in{m_stream, counting(32)};
        const Numbers<float> out{m_stream, 32};
        QVERIFY(faultOf(32, sumOfHalfWarpWithWholeMask, in.memory, out.memory).find("wait at __shfl_xor_sync") != std::string::npos);
        QVERIFY(faultOf(32, sumOfOthers, in.memory, out.memory).find("leaves the calling lane out") != std::string::npos);
        QVERIFY(faultOf(32, barrierInBranch, out.memory).find("16 threads wait at __syncthreads") != std::string::npos);
        start(32, copyAllButLast, in.memory, out.memory, 32); // and it still works
        QCOMPARE(out.values().front(), 1.0f);
    }

    void asynchronousCopiesMustBeWaitedFor()
    {
        const Numbers<float> in{m_stream, counting(128)};
        const Numbers<float> out{m_stream, 32};
        start(32, copyWithoutWaiting, in.memory, out.memory);
        QVERIFY(anyNan(out.values()));
        start(32, copyAndWait, in.memory, out.memory);
        std::vector<float> expected = counting(32);
        std::fill_n(expected.begin(), 4, 0.0f); // not valid
        QCOMPARE(out.values(), expected);
    }

    void matrixInstructionsFollowTheirLayouts()
    {
        std::vector<unsigned> a;
        std::vector<unsigned> b;
        const auto number = [](unsigned i) { return static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 16; };
        const auto pairs = [&](unsigned count, unsigned from) {
            std::vector<unsigned> packed;
            for (unsigned i = 0; i < count; i += 2)
                packed.push_back(f32ToBf16(number(from + i)) | static_cast<unsigned>(f32ToBf16(number(from + i + 1))) << 16);
            return packed;
        };
        const Numbers<unsigned> left{m_stream, pairs(256, 0)};
        const Numbers<unsigned> right{m_stream, pairs(128, 1000)};
        const Numbers<float> direct{m_stream, 128};
        const Numbers<float> shuffled{m_stream, 128};
        start(32, multiplyTiles, left.memory, right.memory, direct.memory, shuffled.memory);
        std::vector<float> expected;
        for (unsigned i = 0; i < 16; ++i)
            for (unsigned j = 0; j < 8; ++j) {
                float sum = 0;
                for (unsigned k = 0; k < 16; ++k)
                    sum += number(i * 16 + k) * number(1000 + j * 16 + k);
                expected.push_back(sum);
            }
        QCOMPARE(direct.values(), expected);
        QCOMPARE(shuffled.values(), expected);

        std::vector<std::uint16_t> halves(256); // four matrices of 8 x 8
        std::iota(halves.begin(), halves.end(), std::uint16_t{0});
        std::vector<unsigned> words(128);
        std::memcpy(words.data(), halves.data(), 512);
        const Numbers<unsigned> from{m_stream, words};
        const Numbers<unsigned> straight{m_stream, 128};
        const Numbers<unsigned> transposed{m_stream, 128};
        start(32, readMatrices, from.memory, straight.memory, transposed.memory);
        const std::vector<unsigned> rows = straight.values();
        const std::vector<unsigned> columns = transposed.values();
        for (unsigned m = 0; m < 4; ++m)
            for (unsigned lane = 0; lane < 32; ++lane) {
                const unsigned first = m * 64 + lane / 4 * 8 + lane % 4 * 2;
                QCOMPARE(rows[m * 32 + lane], first | (first + 1) << 16);
                const unsigned above = m * 64 + lane % 4 * 2 * 8 + lane / 4;
                QCOMPARE(columns[m * 32 + lane], above | (above + 8) << 16);
            }
    }

    void forgottenWaitsShow()
    {
        // the host looks at pinned memory before the copy is done
        const Numbers<float> in{m_stream, counting(4)};
        void *pinned = nullptr;
        cudaMallocHost(&pinned, 16);
        const auto *const seen = static_cast<const float *>(pinned);
        cudaMemcpyAsync(pinned, in.memory, 16, cudaMemcpyDeviceToHost, m_stream);
        QVERIFY(std::isnan(seen[0]));
        cudaStreamSynchronize(m_stream);
        QCOMPARE(seen[0], 1.0f);
        // a second stream does not wait for the first unless it is told to
        cudaStream_t other = nullptr;
        cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking);
        const Numbers<float> result{m_stream, 64};
        const Numbers<float> sixtyFour{m_stream, counting(64)};
        cudaStreamSynchronize(m_stream);
        start(64, sumOfBlock, sixtyFour.memory, result.memory);
        cudaMemcpyAsync(pinned, result.memory, 16, cudaMemcpyDeviceToHost, other);
        cudaStreamSynchronize(other);
        QVERIFY(std::isnan(seen[0]));
        cudaEvent_t event = nullptr;
        cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
        cudaEventRecord(event, m_stream);
        cudaStreamWaitEvent(other, event);
        cudaMemcpyAsync(pinned, result.memory, 16, cudaMemcpyDeviceToHost, other);
        cudaStreamSynchronize(other);
        QCOMPARE(seen[0], 2080.0f);
        cudaEventDestroy(event);
        cudaStreamDestroy(other);
        cudaFreeHost(pinned);
    }

    void graphsDoAgainWhatWasCaptured()
    {
        const Numbers<float> in{m_stream, counting(64)};
        const Numbers<float> out{m_stream, 64};
        cudaStreamSynchronize(m_stream);
        QCOMPARE(cudaStreamBeginCapture(m_stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
        {
            const Numbers<float> between{m_stream, 64};
            start(64, sumOfBlock, in.memory, between.memory);
            start(64, sumOfBlock, between.memory, out.memory);
        }
        cudaGraph_t graph = nullptr;
        cudaGraphExec_t exec = nullptr;
        QCOMPARE(cudaStreamEndCapture(m_stream, &graph), cudaSuccess);
        QCOMPARE(cudaGraphInstantiate(&exec, graph), cudaSuccess);
        cudaGraphDestroy(graph);
        QVERIFY(anyNan(out.values())); // nothing has run yet
        for (float factor : {1.0f, 2.0f}) {
            std::vector<float> values = counting(64);
            for (float &v : values)
                v *= factor;
            cudaMemcpyAsync(in.memory, values.data(), 256, cudaMemcpyHostToDevice, m_stream);
            cudaGraphLaunch(exec, m_stream);
            QCOMPARE(out.values(), std::vector<float>(64, factor * 2080 * 64));
        }
        cudaGraphExecDestroy(exec);
    }

    void captureForbidsWhatCudaForbids()
    {
        const Numbers<float> numbers{m_stream, counting(4)};
        const Numbers<float> other{m_stream, counting(4)};
        cudaStreamSynchronize(m_stream);
        void *pinned = nullptr;
        cudaMallocHost(&pinned, 16);
        cudaEvent_t inside = nullptr;
        cudaEvent_t outside = nullptr;
        cudaEventCreateWithFlags(&inside, cudaEventDisableTiming);
        cudaEventCreateWithFlags(&outside, cudaEventDisableTiming);
        cudaEventRecord(outside, m_stream);
        float pageable[4];
        void *more = nullptr;
        const auto start = [&](cudaStreamCaptureMode mode) { QCOMPARE(cudaStreamBeginCapture(m_stream, mode), cudaSuccess); };
        const std::vector<std::pair<std::string, std::function<cudaError_t()>>> wrongs{
            {"cudaStreamSynchronize", [&] { return cudaStreamSynchronize(m_stream); }},
            {"cudaDeviceSynchronize", [&] { return cudaDeviceSynchronize(); }},
            {"cudaEventSynchronize of a captured event",
                [&] {
                    cudaEventRecord(inside, m_stream);
                    return cudaEventSynchronize(inside);
                }},
            {"a wait for work outside of the capture", [&] { return cudaStreamWaitEvent(m_stream, outside); }},
            {"a copy of host memory that is not pinned",
                [&] { return cudaMemcpyAsync(pageable, numbers.memory, 16, cudaMemcpyDeviceToHost, m_stream); }},
            {"cudaFreeAsync of memory from outside", [&] { return cudaFreeAsync(other.memory, m_stream); }},
        };
        for (const auto &[what, wrong] : wrongs) {
            start(cudaStreamCaptureModeRelaxed);
            QVERIFY(wrong() != cudaSuccess);
            QCOMPARE(captureFaults(), what);
            cudaGraph_t graph = nullptr;
            QCOMPARE(cudaStreamEndCapture(m_stream, &graph), cudaErrorStreamCaptureInvalidated);
            QVERIFY(!graph);
        }
        const std::vector<std::function<cudaError_t()>> unsafe{
            [&] { return cudaEventSynchronize(outside); }, [&] { return cudaMallocHost(&more, 16); }};
        for (const auto &call : unsafe)
            for (const auto mode : {cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed}) {
                start(mode);
                QCOMPARE(call() == cudaSuccess, mode == cudaStreamCaptureModeRelaxed);
                QCOMPARE(captureFaults().empty(), mode == cudaStreamCaptureModeRelaxed);
                cudaGraph_t graph = nullptr;
                cudaStreamEndCapture(m_stream, &graph);
                cudaGraphDestroy(graph);
            }
        QCOMPARE(other.values().back(), 4.0f); // and it still works
        cudaFreeHost(more);
        cudaFreeHost(pinned);
        cudaEventDestroy(inside);
        cudaEventDestroy(outside);
    }

    void branchesOfGraphsAreAsLateAsTheyMay()
    {
        const Numbers<float> in{m_stream, counting(64)};
        const Numbers<float> sums{m_stream, 64};
        void *pinned = nullptr;
        cudaMallocHost(&pinned, 16);
        const auto *const seen = static_cast<const float *>(pinned);
        cudaStream_t branch = nullptr;
        cudaStreamCreateWithFlags(&branch, cudaStreamNonBlocking);
        cudaEvent_t fork = nullptr;
        cudaEventCreateWithFlags(&fork, cudaEventDisableTiming);
        // a sum, its copy on a branch, and then the sum's memory is used again: what the copy sees depends on who waits for it
        const auto capture = [&](bool wait, bool joined, cudaGraph_t *graph) {
            cudaStreamBeginCapture(m_stream, cudaStreamCaptureModeRelaxed);
            start(64, sumOfBlock, in.memory, sums.memory);
            cudaEventRecord(fork, m_stream);
            cudaStreamWaitEvent(branch, fork);
            cudaMemcpyAsync(pinned, sums.memory, 16, cudaMemcpyDeviceToHost, branch);
            cudaEventRecord(fork, branch);
            if (wait)
                cudaStreamWaitEvent(m_stream, fork);
            cudaMemsetAsync(sums.memory, 0, 256, m_stream);
            if (joined)
                cudaStreamWaitEvent(m_stream, fork);
            return cudaStreamEndCapture(m_stream, graph);
        };
        cudaGraph_t graph = nullptr;
        QCOMPARE(capture(false, false, &graph), cudaErrorStreamCaptureUnjoined);
        QVERIFY(!graph);
        for (const bool wait : {false, true}) {
            cudaGraphExec_t exec = nullptr;
            QCOMPARE(capture(wait, true, &graph), cudaSuccess);
            cudaGraphInstantiate(&exec, graph);
            cudaGraphDestroy(graph);
            cudaGraphLaunch(exec, m_stream);
            cudaStreamSynchronize(m_stream);
            QCOMPARE(seen[0], wait ? 2080.0f : 0.0f);
            cudaGraphExecDestroy(exec);
        }
        // what a graph needs must still be there
        cudaGraphExec_t exec = nullptr;
        QCOMPARE(capture(true, true, &graph), cudaSuccess);
        cudaGraphInstantiate(&exec, graph);
        cudaGraphDestroy(graph);
        cudaFreeHost(pinned);
        cudaGraphLaunch(exec, m_stream);
        QVERIFY_EXCEPTION_THROWN(cudaStreamSynchronize(m_stream), Fault);
        cudaGraphExecDestroy(exec);
        cudaEventDestroy(fork);
        cudaStreamDestroy(branch);
        QCOMPARE(captureFaults(), std::string{});
    }

    void memoryEnds()
    {
        setMemoryBytes(1000);
        void *memory = nullptr;
        QCOMPARE(cudaMallocAsync(&memory, 1001, m_stream), cudaErrorMemoryAllocation);
        QCOMPARE(cudaMallocAsync(&memory, 1000, m_stream), cudaSuccess);
        cudaFreeAsync(memory, m_stream);
        cudaStreamSynchronize(m_stream);
        setMemoryBytes(std::size_t{64} << 30);
    }
};

QTEST_APPLESS_MAIN(TestEmulator)
#include "test_emulator.moc"
