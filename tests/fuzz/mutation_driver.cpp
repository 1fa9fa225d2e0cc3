// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without libFuzzer: every seed file as it is, then mutations of them, the same ones every time. For the ordinary
// suite, which is built with any compiler. Arguments: number of mutations, then seed files and folders.
// A crash leaves the input in crash-<target>, to be given back as the only seed with 0 mutations.
#include "tests/fuzz/require.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::size_t largestInput = 1 << 16;
constexpr std::chrono::seconds longest{20}; // for slow machines and sanitizers: the first part of the same sequence

std::string input; // what the target is at, for the crash handler
std::string crashFile;

void saveInput(int signalNumber)
{
    const int file = ::open(crashFile.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file >= 0 && ::write(file, input.data(), input.size()) == static_cast<ssize_t>(input.size()))
        ::close(file);
    std::signal(signalNumber, SIG_DFL);
    std::raise(signalNumber);
}

/// noexcept: an exception that leaves the target ends the program, as under libFuzzer.
void run(const std::string &bytes) noexcept
{
    input = bytes;
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t *>(input.data()), input.size());
}

std::vector<std::string> readSeeds(int count, char **paths)
{
    std::vector<std::filesystem::path> files;
    for (int i = 0; i < count; ++i) {
        if (std::filesystem::is_directory(paths[i]))
            std::copy(std::filesystem::directory_iterator{paths[i]}, std::filesystem::directory_iterator{}, std::back_inserter(files));
        else
            files.emplace_back(paths[i]);
    }
    std::sort(files.begin(), files.end());
    std::vector<std::string> seeds;
    for (const std::filesystem::path &file : files) {
        std::ifstream stream{file, std::ios::binary};
        if (!stream)
            throw std::runtime_error{"cannot read the seed " + file.string()};
        seeds.emplace_back(std::istreambuf_iterator<char>{stream}, std::istreambuf_iterator<char>{});
    }
    return seeds;
}

class Mutator {
public:
    explicit Mutator(const std::vector<std::string> &seeds)
        : m_seeds{seeds}
    {
    }

    std::string next()
    {
        std::string bytes = m_seeds[below(m_seeds.size())];
        for (std::size_t edits = 1 + below(6); edits > 0; --edits)
            edit(bytes);
        bytes.resize(std::min(bytes.size(), largestInput));
        return bytes;
    }

private:
    // Not std::uniform_int_distribution, whose results differ between libraries.
    std::size_t below(std::size_t limit) { return limit ? m_random() % limit : 0; }

    void edit(std::string &bytes)
    {
        static const std::vector<std::string> words{"0", "-1", "18446744073709551615", "9223372036854775808", "2147483648", "1e999", "0.5",
            "null", "true", "{", "}", "[", "]", "\"", "\\", ",", ":", "\n", "\r\n", "\t", " ", "\\u0000", "\\ud800", "\xEF\xBB\xBF", "\xFF",
            std::string(1, '\0'), std::string(8, '\xFF'), std::string(300, '[')};
        const std::size_t at = below(bytes.size() + 1);
        const std::size_t length = std::min(below(1u << below(8)) + 1, bytes.size() - at);
        switch (below(8)) {
        case 0:
            if (at < bytes.size())
                bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
            break;
        case 1:
            if (at < bytes.size())
                bytes[at] = static_cast<char>(below(256));
            break;
        case 2:
            bytes.erase(at, length);
            break;
        case 3:
            bytes.insert(at, bytes.substr(below(bytes.size() + 1), length));
            break;
        case 4:
            bytes.insert(at, words[below(words.size())]);
            break;
        case 5:
            bytes.replace(at, length, words[below(words.size())]);
            break;
        case 6:
            bytes.resize(at);
            break;
        default: {
            const std::string &other = m_seeds[below(m_seeds.size())];
            bytes = bytes.substr(0, at) + other.substr(below(other.size() + 1));
        }
        }
    }

    const std::vector<std::string> &m_seeds;
    std::mt19937_64 m_random{20260101};
};

} // namespace

int main(int argc, char **argv)
try {
    const std::vector<std::string> seeds = readSeeds(argc - 2, argv + 2);
    if (seeds.empty())
        throw std::runtime_error{"no seeds were given"};
    crashFile = "crash-" + std::filesystem::path{argv[0]}.filename().string();
    for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL})
        std::signal(number, saveInput);
#ifndef __SANITIZE_ADDRESS__
    // An allocation as large as a number in the input says fails here instead of taking the machine's memory.
    const rlimit memory{2ul << 30, 2ul << 30};
    ::setrlimit(RLIMIT_DATA, &memory);
#endif
    for (const std::string &seed : seeds)
        run(seed);
    Mutator mutator{seeds};
    const long wanted = std::stol(argv[1]);
    long done = 0;
    const auto start = std::chrono::steady_clock::now();
    while (done < wanted && std::chrono::steady_clock::now() - start < longest) {
        run(mutator.next());
        ++done;
    }
    std::printf("%zu seeds, %ld of %ld mutations\n", seeds.size(), done, wanted);
    return 0;
} catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
