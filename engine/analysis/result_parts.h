// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Parts of a Result that many analyses make alike.
#pragma once

#include "engine/analysis/result.h"

#include <span>
#include <string>
#include <vector>

namespace expertscope {

/// "0", "1", ...
std::vector<std::string> numberNames(int count);
/// A layer x expert matrix of NaN with its labels. layers: the model's own numbers.
Matrix layerExpertMatrix(
    std::string id, std::string title, std::string valueTitle, std::string unit, std::span<const int> layers, int experts);
/// Scale of a matrix of log2 lifts, once it is filled: they have a greatest value, but the rarer an expert, the further they fall below
/// zero, and for one that was not chosen at all there is none. Colours reach as far down as up, at least one bit.
void setLiftScale(Matrix &lifts, std::string emptyMeans);
/// A line over the layers, without curves.
Series layerSeries(std::string id, std::string title, std::string yTitle, std::string unit, std::span<const int> layers);
/// The rows `order` of a table, in that order, as a table of its own.
Table rowsOf(const Table &table, std::span<const std::size_t> order, std::string id, std::string title);

} // namespace expertscope
