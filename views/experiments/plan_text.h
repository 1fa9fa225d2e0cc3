// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Parts of a plan as a person types them: lists between commas, and rows of a file by their columns.
#pragma once

#include "engine/experiments/sweep_plan.h"

#include <QString>

#include <string>
#include <vector>

namespace expertscope {

QString listText(const std::vector<double> &values); ///< "0.1, 0.2"
QString listText(const std::vector<std::string> &values);
/// "language = en; domain = prose, code": columns and the values that count; empty = all rows.
QString whereText(const RowChoice &rows);

// The same read back. They return what is wrong, in a sentence, and change nothing then; empty = nothing is wrong.
QString readList(const QString &text, std::vector<double> &to);
QString readList(const QString &text, std::vector<std::string> &to);
QString readWhere(const QString &text, RowChoice &to);

} // namespace expertscope
