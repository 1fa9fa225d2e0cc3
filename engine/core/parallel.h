// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Splits a loop over the machine's cores in dynamic chunks; waits without spinning.
// Other programs may use the cores too: whoever is free takes the next chunk.
#pragma once

#include <cstdint>
#include <functional>

namespace expertscope {

/// Number of threads parallelFor uses, the calling one included. 0 = one per core the process may use.
void setThreadCount(int threads);
int threadCount();

/// Calls body(begin, end) for disjoint chunks of at most `grain` items that cover [0, count), from several threads at once,
/// and returns when all are done. Rethrows the first exception. Nested calls run in the calling thread.
void parallelFor(std::int64_t count, std::int64_t grain, const std::function<void(std::int64_t, std::int64_t)> &body);

} // namespace expertscope
