// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/specialisation/group_map.h"

#include "engine/analysis/result_parts.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace expertscope {

std::vector<std::string> groupsOf(const Table &specialisation)
{
    std::vector<std::string> groups;
    for (const std::string &group : specialisation.texts("group")) {
        if (std::find(groups.begin(), groups.end(), group) != groups.end())
            break; // the groups follow one another for every expert
        groups.push_back(group);
    }
    return groups;
}

GroupMap groupMap(const Table &specialisation, const std::string &group, GroupValue value)
{
    const auto &layer = specialisation.integers("layer"), &expert = specialisation.integers("expert");
    const auto &count = specialisation.integers("count"), &n = specialisation.integers("n");
    const auto &significant = specialisation.integers("significant");
    const auto &share = specialisation.reals("value"), &load = specialisation.reals("load");
    const auto &groups = specialisation.texts("group");
    std::map<std::int64_t, std::size_t> rows;
    std::int64_t experts = 0;
    double tokens = 0;
    for (std::size_t i = 0; i < specialisation.rows(); ++i) {
        rows.emplace(layer[i], rows.size());
        experts = std::max(experts, expert[i] + 1);
        if (layer[i] == layer.front() && expert[i] == expert.front())
            tokens += static_cast<double>(n[i]);
    }
    const bool lifts = value == GroupValue::Log2Lift;
    GroupMap map{{.id = "group",
                     .title = "Experts of " + group,
                     .valueTitle = lifts ? "log2 lift over the expert's load" : "Share minus the expert's load",
                     .unit = "1",
                     .rowTitle = "Layer",
                     .columnTitle = "Expert",
                     .rows = {},
                     .columns = {},
                     .values = {},
                     .neutral = 0},
        {}};
    for (const auto &[number, row] : rows)
        map.matrix.rows.push_back(std::to_string(number));
    for (std::int64_t e = 0; e < experts; ++e)
        map.matrix.columns.push_back(std::to_string(e));
    map.matrix.values.assign(rows.size() * static_cast<std::size_t>(experts), noNumber);
    map.significant.assign(map.matrix.values.size(), false);
    for (std::size_t i = 0; i < specialisation.rows(); ++i) {
        if (groups[i] != group)
            continue;
        const std::size_t cell = rows[layer[i]] * static_cast<std::size_t>(experts) + static_cast<std::size_t>(expert[i]);
        const double mine = (static_cast<double>(count[i]) + 0.5) / (static_cast<double>(n[i]) + 1);
        const double all = (load[i] * tokens + 0.5) / (tokens + 1);
        if (!lifts || count[i] > 0)
            map.matrix.values[cell] = lifts ? std::log2(mine / all) : share[i] - load[i];
        map.significant[cell] = significant[i] != 0;
    }
    if (lifts)
        setLiftScale(map.matrix, "never chosen");
    return map;
}

Series expertBars(const Table &specialisation, std::int64_t layer, std::int64_t expert)
{
    Series bars{.id = "expert",
        .title = "Layer " + std::to_string(layer) + ", expert " + std::to_string(expert) + ": who chooses it",
        .xTitle = "Group",
        .yTitle = "Share of the group's tokens",
        .unit = "1",
        .x = {},
        .curves = {{Curve::Role::Data, "share", {}, {}, {}}, {Curve::Role::Chance, "load over all groups", {}, {}, {}},
            {Curve::Role::Chance, "even router, k/E", {}, {}, {}}},
        .bars = true,
        .names = {}};
    const auto &layers = specialisation.integers("layer"), &experts = specialisation.integers("expert");
    for (std::size_t i = 0; i < specialisation.rows(); ++i) {
        if (layers[i] != layer || experts[i] != expert)
            continue;
        bars.x.push_back(static_cast<double>(bars.names.size()));
        bars.names.push_back(specialisation.texts("group")[i]);
        bars.curves[0].y.push_back(specialisation.reals("value")[i]);
        bars.curves[0].low.push_back(specialisation.reals("low")[i]);
        bars.curves[0].high.push_back(specialisation.reals("high")[i]);
        bars.curves[1].y.push_back(specialisation.reals("load")[i]);
        bars.curves[2].y.push_back(specialisation.reals("chance")[i]);
    }
    return bars;
}

} // namespace expertscope
