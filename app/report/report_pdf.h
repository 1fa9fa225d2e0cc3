// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The report as a PDF of A4 pages: the same content as the HTML, figures as vectors, fonts of every script embedded.
#pragma once

#include "app/report/report_figures.h"
#include "engine/core/progress.h"

#include <vector>

namespace expertscope {

/// figures: one per Figure of the content, in its order. The same input gives the same bytes: its dates are SOURCE_DATE_EPOCH, or 1970.
/// Runs in any thread.
QByteArray reportPdf(const ReportContent &content, const std::vector<PaintedFigure> &figures, const Progress &progress);

} // namespace expertscope
