// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#undef _FORTIFY_SOURCE // its longjmp takes a jump to another stack for an error
#include "fibers.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <setjmp.h>
#include <string>
#include <sys/mman.h>
#include <ucontext.h>
#include <utility>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

emulator::Index threadIdx, blockIdx;
emulator::Extent blockDim, gridDim;

// The linker's names for the section that static __shared__ variables lie in; absent where there are none.
extern "C" {
extern std::byte __start_emulated_shared[] __attribute__((weak));
extern std::byte __stop_emulated_shared[] __attribute__((weak));
}

namespace emulator {

namespace {

constexpr std::size_t stackBytes = 256 * 1024;
constexpr int poison = 0xff; // NaN as f32 and bf16, -1 as an integer

struct Copy {
    void *to;
    const void *from;
    std::size_t bytes, zeroBytes;
};

/// A stack on which threads run one after another.
struct Fiber {
    jmp_buf place;
    ucontext_t start{};
    void *stack = nullptr;
    bool begun = false;
    void *fakeStack = nullptr; ///< AddressSanitizer's
};

struct Thread {
    unsigned number = 0;
    Index index;
    Fiber *fiber = nullptr;
    bool done = false;
    std::vector<Copy> copies; ///< not committed yet
    std::vector<std::vector<Copy>> groups;
};

/// The lanes of one mask on their way to the same operation.
struct Meeting {
    unsigned mask = 0;
    unsigned arrived = 0;
    unsigned generation = 0;
    const char *operation = "";
    Brought values[2];
    std::vector<unsigned> waiting;
};

struct Block {
    const std::function<void()> *body = nullptr;
    std::vector<Thread> threads;
    std::vector<unsigned> runnable;
    std::vector<unsigned> atBarrier;
    std::vector<std::vector<std::unique_ptr<Meeting>>> warps;
    std::vector<std::byte> shared;
    std::size_t ended = 0;
};

std::uint64_t randomBits = 1;
Block block;
Thread *current = nullptr;
std::vector<std::unique_ptr<Fiber>> allFibers;
std::vector<Fiber *> freeFibers;
jmp_buf scheduler;
std::string fault; ///< of the running thread

#ifdef __SANITIZE_ADDRESS__
void *schedulerFakeStack = nullptr;
const void *schedulerStack = nullptr;
std::size_t schedulerStackBytes = 0;
void leaveFor(void **fakeStack, const void *stack, std::size_t bytes)
{
    __sanitizer_start_switch_fiber(fakeStack, stack, bytes);
}
void arrive(void *fakeStack, const void **fromStack, std::size_t *fromBytes)
{
    __sanitizer_finish_switch_fiber(fakeStack, fromStack, fromBytes);
}
#endif

std::size_t below(std::size_t end)
{
    randomBits ^= randomBits << 13; // xorshift
    randomBits ^= randomBits >> 7;
    randomBits ^= randomBits << 17;
    return static_cast<std::size_t>((randomBits >> 32) * end >> 32);
}

/// Takes a thread that can run; there is one.
Thread &takeRunnable()
{
    std::swap(block.runnable[below(block.runnable.size())], block.runnable.back());
    Thread &thread = block.threads[block.runnable.back()];
    block.runnable.pop_back();
    return thread;
}

/// Lets others run; returns when the thread is woken.
void pause()
{
    Fiber *const fiber = current->fiber;
    if (_setjmp(fiber->place) == 0) {
#ifdef __SANITIZE_ADDRESS__
        leaveFor(&fiber->fakeStack, schedulerStack, schedulerStackBytes);
#else
        if (!current->done && fault.empty() && !block.runnable.empty()) {
            Thread &next = takeRunnable();
            if (next.fiber) { // in the middle: no need of the scheduler
                current = &next;
                threadIdx = next.index;
                _longjmp(next.fiber->place, 1);
            }
            block.runnable.push_back(next.number);
        }
#endif
        _longjmp(scheduler, 1);
    }
#ifdef __SANITIZE_ADDRESS__
    arrive(fiber->fakeStack, &schedulerStack, &schedulerStackBytes);
#endif
}

[[noreturn]] void runThreads()
{
#ifdef __SANITIZE_ADDRESS__
    arrive(nullptr, &schedulerStack, &schedulerStackBytes);
#endif
    for (;;) {
        (*block.body)();
        current->done = true;
        pause();
    }
}

Fiber *takeFiber()
{
    if (freeFibers.empty()) {
        auto fiber = std::make_unique<Fiber>();
        fiber->stack = mmap(nullptr, stackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (fiber->stack == MAP_FAILED)
            throw std::bad_alloc{};
        getcontext(&fiber->start);
        fiber->start.uc_stack.ss_sp = fiber->stack;
        fiber->start.uc_stack.ss_size = stackBytes;
        makecontext(&fiber->start, runThreads, 0);
        freeFibers.push_back(fiber.get());
        allFibers.push_back(std::move(fiber));
    }
    Fiber *const fiber = freeFibers.back();
    freeFibers.pop_back();
    return fiber;
}

void wake(Thread &thread)
{
    current = &thread;
    threadIdx = thread.index;
    if (!thread.fiber)
        thread.fiber = takeFiber();
    Fiber *const fiber = thread.fiber;
    if (_setjmp(scheduler) == 0) {
#ifdef __SANITIZE_ADDRESS__
        leaveFor(&schedulerFakeStack, fiber->stack, stackBytes);
#endif
        if (fiber->begun)
            _longjmp(fiber->place, 1);
        fiber->begun = true;
        setcontext(&fiber->start);
    }
#ifdef __SANITIZE_ADDRESS__
    arrive(schedulerFakeStack, nullptr, nullptr);
#endif
}

std::string nameOf(const Thread &thread)
{
    return "block (" + std::to_string(blockIdx.x) + ", " + std::to_string(blockIdx.y) + ", " + std::to_string(blockIdx.z) + "), thread "
        + std::to_string(thread.number);
}

/// Ends the grid with a Fault; never returns to the thread, whose objects are not destroyed: so none that own memory may be around.
[[noreturn]] void failHere(std::initializer_list<const char *> what)
{
    fault = nameOf(*current) + ": ";
    for (const char *part : what)
        fault += part;
    for (;;)
        pause();
}

std::string whoWaits()
{
    std::string text = std::to_string(block.atBarrier.size()) + " threads wait at __syncthreads, " + std::to_string(block.ended) + " of "
        + std::to_string(block.threads.size()) + " have ended";
    for (const auto &warp : block.warps)
        for (const auto &meeting : warp)
            if (meeting->arrived != 0)
                return text + ", and lanes wait at " + meeting->operation + " for mask " + std::to_string(meeting->mask);
    return text;
}

void runBlock()
{
    const std::size_t count = blockDim.count();
    block.threads.assign(count, {});
    block.runnable.clear();
    block.atBarrier.clear();
    block.warps.clear();
    block.warps.resize((count + 31) / 32);
    block.ended = 0;
    std::fill(block.shared.begin(), block.shared.end(), std::byte{poison});
    if (__start_emulated_shared)
        std::memset(__start_emulated_shared, poison, static_cast<std::size_t>(__stop_emulated_shared - __start_emulated_shared));
    for (unsigned n = 0; n < count; ++n) {
        block.threads[n].number = n;
        block.threads[n].index = {n % blockDim.x, n / blockDim.x % blockDim.y, n / (blockDim.x * blockDim.y)};
        block.runnable.push_back(n);
    }
    while (!block.runnable.empty()) {
        wake(takeRunnable());
        if (!fault.empty())
            return;
        if (current->done) { // whoever came back, which need not be whom was woken
            ++block.ended;
            freeFibers.push_back(current->fiber);
            current->fiber = nullptr;
        }
    }
    if (block.ended < count)
        fault = "block (" + std::to_string(blockIdx.x) + ", " + std::to_string(blockIdx.y) + ", " + std::to_string(blockIdx.z)
            + ") hangs: " + whoWaits();
}

} // namespace

void setSeed(std::uint64_t seed)
{
    randomBits = seed * 0x9e3779b97f4a7c15u | 1;
}

void runGrid(Extent grid, Extent threads, std::size_t sharedBytes, const std::function<void()> &thread)
{
    gridDim = grid;
    blockDim = threads;
    block.body = &thread;
    block.shared.assign(sharedBytes, std::byte{poison});
    block.shared.shrink_to_fit(); // so that AddressSanitizer knows where it ends
    std::vector<std::size_t> order(grid.count());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    for (std::size_t left = order.size(); left > 0 && fault.empty(); --left) {
        std::swap(order[below(left)], order[left - 1]);
        const std::size_t n = order[left - 1];
        blockIdx = {static_cast<unsigned>(n % grid.x), static_cast<unsigned>(n / grid.x % grid.y),
            static_cast<unsigned>(n / (std::size_t{grid.x} * grid.y))};
        runBlock();
    }
    if (!fault.empty()) {
        // fibers in the middle of a kernel are never resumed
        std::erase_if(allFibers, [](const std::unique_ptr<Fiber> &fiber) {
            const bool idle = std::find(freeFibers.begin(), freeFibers.end(), fiber.get()) != freeFibers.end();
            if (!idle)
                munmap(fiber->stack, stackBytes);
            return !idle;
        });
        throw Fault{std::exchange(fault, {})};
    }
}

void syncThreads()
{
    block.atBarrier.push_back(current->number);
    if (block.atBarrier.size() == block.threads.size()) {
        block.runnable.insert(block.runnable.end(), block.atBarrier.begin(), block.atBarrier.end());
        block.atBarrier.clear();
    }
    pause();
}

const Brought &exchange(unsigned mask, const char *operation, const void *mine, std::size_t bytes)
{
    const unsigned self = lane();
    if ((mask >> self & 1) == 0)
        failHere({operation, " with a mask that leaves the calling lane out"});
    auto &meetings = block.warps[current->number / 32];
    auto found = std::find_if(meetings.begin(), meetings.end(), [&](const auto &m) { return m->mask == mask; });
    if (found == meetings.end()) {
        meetings.push_back(std::make_unique<Meeting>());
        found = std::prev(meetings.end());
        (*found)->mask = mask;
        std::memset((*found)->values, poison, sizeof(*found)->values);
    }
    Meeting &meeting = **found;
    if (meeting.arrived == 0)
        meeting.operation = operation;
    else if (meeting.operation != operation && std::strcmp(meeting.operation, operation) != 0)
        failHere({operation, " where other lanes of the mask are at ", meeting.operation});
    Brought &values = meeting.values[meeting.generation & 1]; // the other half may still be read
    std::memcpy(values.at[self], mine, bytes);
    meeting.arrived |= 1u << self;
    if (meeting.arrived == mask) {
        ++meeting.generation;
        meeting.arrived = 0;
        block.runnable.insert(block.runnable.end(), meeting.waiting.begin(), meeting.waiting.end());
        meeting.waiting.clear();
    } else {
        meeting.waiting.push_back(current->number);
        pause();
    }
    return values;
}

void fail(const char *what)
{
    failHere({what});
}

unsigned lane()
{
    return current->number % 32;
}

std::byte *dynamicShared()
{
    return block.shared.data();
}

void copyLater(void *to, const void *from, std::size_t bytes, std::size_t zeroBytes)
{
    if (reinterpret_cast<std::uintptr_t>(to) % (bytes + zeroBytes) != 0
        || (bytes > 0 && reinterpret_cast<std::uintptr_t>(from) % (bytes + zeroBytes) != 0))
        failHere({"an asynchronous copy of unaligned addresses"});
    std::memset(to, poison, bytes + zeroBytes);
    current->copies.push_back({to, from, bytes, zeroBytes});
}

void commitCopies()
{
    current->groups.push_back(std::exchange(current->copies, {}));
}

void waitForCopies(std::size_t groupsLeft)
{
    while (current->groups.size() > groupsLeft) {
        for (const Copy &copy : current->groups.front()) {
            std::memcpy(copy.to, copy.from, copy.bytes);
            std::memset(static_cast<std::byte *>(copy.to) + copy.bytes, 0, copy.zeroBytes);
        }
        current->groups.erase(current->groups.begin());
    }
}

} // namespace emulator
