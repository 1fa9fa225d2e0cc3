// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Tokens view: the text of the trace, each token coloured by one number at one layer.
// Hovering, clicking and brushing tokens speaks to the shared Selection; tokens that use the selected or hovered expert are marked.
#pragma once

#include "engine/analysis/token_metrics.h"
#include "views/common/legend.h"
#include "views/common/scale_menu.h"
#include "views/common/view.h"
#include "views/tokens/token_canvas.h"

class QComboBox;
class QLabel;
class QLabel;
class QSlider;
class QSpinBox;

namespace expertscope {

class FindBar;

class TokensView : public View {
    Q_OBJECT
public:
    explicit TokensView(ViewContext context, QWidget *parent = nullptr);

    void setSubject(const Subject &subject) override;
    void paintFigure(QPainter &painter, const QRectF &target) override;
    /// Of the brushed tokens, else of the selected sequence, else of all: one row a token.
    std::string csv() const override { return csvWork()(); }
    std::function<std::string()> csvWork() const override;
    void fit() override;
    bool find() override;
    QVariantMap saveState() const override;
    void restoreState(const QVariantMap &state) override;

    void setMetric(std::string_view id); ///< an unavailable one is left alone
    const TokenMetricKind &metric() const { return *m_metric; }
    TokenCanvas *canvas() const { return m_canvas; }
    LegendBar *legend() const { return m_legend; }

protected:
    void keyPressEvent(QKeyEvent *event) override;

private:
    struct Values {
        std::shared_ptr<const std::vector<float>> values; ///< [T]
        ValueExtent extent;
    };

    void buildToolbar();
    void connectCanvas();
    void fillMetrics();
    void requestIndex();
    void requestValues();
    void requestFlags();
    void requestFind();
    void showValues();
    void showSelection();
    void pick(std::int64_t token);
    void stepFind(int direction);
    void applyScale(const ScaleSettings &settings);
    void showMenu(const QPoint &globalPos);
    ColourScale scale() const;
    LegendSpec legendSpec() const;
    QString metricTitle() const; ///< "Router entropy at layer 3"
    QString header(int sequence) const;
    QStringList describe(std::int64_t token) const;
    TokenRange exportRange() const;

    Subject m_subject;
    const TokenMetricKind *m_metric;
    ScaleSettings m_settings;
    Values m_values;
    int m_valuesLayer = -1; ///< the layer they were asked for
    std::vector<TokenRange> m_found;
    int m_foundCurrent = -1;

    QComboBox *m_metricBox = nullptr;
    QSlider *m_layerSlider = nullptr;
    QSpinBox *m_layerSpin = nullptr;
    LegendBar *m_legend = nullptr;
    QLabel *m_textNote = nullptr; ///< shown where the trace holds no texts
    TokenCanvas *m_canvas = nullptr;
    FindBar *m_findBar = nullptr;
};

} // namespace expertscope
