// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Alignment view: how far each language's routing is from the pivot's, layer by layer, with interval and null; the matrix of all
// languages at the layer under the cursor; the map or tree of languages. A click on a language or a layer selects it everywhere.
#pragma once

#include "views/alignment/language_map.h"
#include "views/common/analysis_view.h"

class QLabel;

namespace expertscope {

class HeatmapView;
class SeriesChart;

class AlignmentView : public AnalysisView {
    Q_OBJECT
public:
    explicit AlignmentView(ViewContext context, QWidget *parent = nullptr);

    void paintFigure(QPainter &painter, const QRectF &target) override;

    SeriesChart *chart() const { return m_chart; }
    HeatmapView *matrix() const { return m_matrix; }
    LanguageMap *map() const { return m_map; }

protected:
    void showResult() override;
    void subjectChanged() override;
    void changeEvent(QEvent *event) override;

private:
    void showMatrix();
    void showMap();
    void showSelection(const Selection &selection);
    void pick(int layer, const QString &language); ///< layer: the model's own number; -1 and empty leave their part alone
    QString selectedLanguage() const;
    QString pivot() const;

    QComboBox *m_pivotBox = nullptr;
    QComboBox *m_matrixBox = nullptr;
    QComboBox *m_mapBox = nullptr;
    QLabel *m_words = nullptr;
    SeriesChart *m_chart = nullptr;
    HeatmapView *m_matrix = nullptr;
    LanguageMap *m_map = nullptr;
    int m_hoverLayer = -1; ///< index; -1 = the selected one
    QString m_matrixShown; ///< id
};

} // namespace expertscope
