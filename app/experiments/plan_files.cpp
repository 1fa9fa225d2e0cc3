// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/experiments/plan_files.h"

#include "app/experiments/result_files.h"
#include "io/input_file.h"

#include <functional>

namespace expertscope {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t planLimitBytes = 10'000'000;

void forEachData(SweepPlan &plan, const std::function<fs::path(const fs::path &)> &moved)
{
    const auto move = [&](RowChoice &choice) {
        if (!choice.data.empty())
            choice.data = moved(choice.data).string();
    };
    for (RowChoice *choice : {&plan.target, &plan.baseline, &plan.parallel})
        move(*choice);
    for (RowChoice &choice : plan.evaluate)
        move(choice);
}

fs::path folderOf(const fs::path &file)
{
    return fs::absolute(file).parent_path();
}

} // namespace

SweepPlan readPlan(const fs::path &file)
{
    SweepPlan plan = parsePlan(readWholeFile(file, planLimitBytes), file.string());
    forEachData(plan, [&](const fs::path &data) { return (folderOf(file) / data).lexically_normal(); });
    return plan;
}

void writePlan(const SweepPlan &plan, const fs::path &file)
{
    SweepPlan moved = plan;
    forEachData(moved, [&](const fs::path &data) { return fs::absolute(data).lexically_proximate(folderOf(file)); });
    writeFile(file, planJson(moved), true);
}

} // namespace expertscope
