// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Figures of a report as SVG for the page and as recorded painting for the PDF: the same drawing.
// Colours that belong to the paper are few and known, so that a dark page can exchange them.
#pragma once

#include "app/report/report_content.h"
#include "views/common/figure.h"

#include <QByteArray>
#include <QPicture>
#include <QSize>

namespace expertscope {

/// The same font and colours wherever the report is made. Needs a QGuiApplication.
FigureLook reportLook();

struct PaintedFigure {
    QByteArray svg; ///< a whole <svg> element without namespaces, width or height, so that it can stand in HTML
    QSize size; ///< in CSS pixels
    QPicture picture; ///< for paper, for any painter in any thread, where text stays text
    QSize pictureSize; ///< in the same pixels; pageColumn wide where it is simple enough to stand beside another, else pageWidth
};

/// Only on the GUI thread: charts are graphics scenes.
inline constexpr int pageWidth = 780, pageColumn = 384; ///< of figures on paper; two columns and what is between them are a page

PaintedFigure paintFigure(const Figure &figure);

} // namespace expertscope
