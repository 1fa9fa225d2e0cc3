// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Writes what a view shows, or a part of a result, to a file: a picture (PNG, SVG, PDF); writes any file whole. Under a temporary name
// first, so that there is never half a file.
#pragma once

#include "engine/analysis/analysis.h"
#include "views/common/view.h"

#include <QString>

namespace expertscope {

/// By the file's suffix; the picture has the view's own proportions. Throws Error (Usage) on another suffix, Error (Input) if it
/// cannot be written.
void exportPicture(View &view, const QString &file);
/// One chart or map of a result, the other being null, with title, axes, units and a caption that defines it; without a screen. Needs a
/// QApplication. Throws as exportPicture() does.
void exportResultFigure(const AnalysisKind &kind, const Result &result, const Series *series, const Matrix *matrix, const QString &file);
/// All or nothing. Throws Error (Input).
void writeWhole(const QString &file, const QByteArray &bytes);

} // namespace expertscope
