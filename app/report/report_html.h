// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The report as one HTML file that needs nothing else: no script, no network, light and dark, for screen and paper.
// It is well-formed XML too, so that any tool can check and read it.
#pragma once

#include "app/report/report_figures.h"

#include <QString>

#include <vector>

namespace expertscope {

/// figures: one per Figure of the content, in its order.
QByteArray reportHtml(const ReportContent &content, const std::vector<PaintedFigure> &figures);

/// Text of any origin as it can be shown: controls, bidirectional controls, stray bytes and what XML forbids become visible marks.
QString shownText(std::string_view bytes);

} // namespace expertscope
