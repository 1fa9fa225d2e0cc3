// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Routing map: layer x expert (how a part of the trace uses every expert) or token x layer (what each token does in every layer).
// Clicking and brushing selects experts or tokens everywhere; what is hovered elsewhere shows here.
#pragma once

#include "views/common/heatmap_view.h"
#include "views/common/steering_actions.h"
#include "views/routing_map/expert_load.h"
#include "views/routing_map/token_map.h"

class QComboBox;

namespace expertscope {

class RoutingMapView : public View {
    Q_OBJECT
public:
    enum class Mode { LayerExpert, TokenLayer };

    explicit RoutingMapView(ViewContext context, QWidget *parent = nullptr);

    void setSubject(const Subject &subject) override;
    void paintFigure(QPainter &painter, const QRectF &target) override;
    std::string csv() const override { return csvWork()(); }
    std::function<std::string()> csvWork() const override;
    void fit() override;
    QVariantMap saveState() const override;
    void restoreState(const QVariantMap &state) override;

    Mode mode() const { return m_mode; }
    void setMode(Mode mode);
    /// What a cell shows: "share", "log2_ratio", "mean_weight", or for token x layer the id of a per-layer token metric.
    void setValue(const QString &id);
    QString value() const;
    HeatmapView *map() const { return m_map; }

private:
    /// The part of the trace that is shown.
    struct Scope {
        TokenRange range;
        std::string group; ///< of a summary; empty = the range
        const RoutingSummary *summary = nullptr;
        int sequence = -1;
        QString name; ///< "sequence en-12", "language de", "whole trace"
    };

    void buildToolbar();
    void connectMap();
    void fillValues();
    Scope scope() const;
    void refresh(); ///< asks for the numbers the mode and the selection need
    void showLoad();
    void showTokens();
    void showSelection(const Selection &selection);
    void showMarks();
    void requestDots();
    void picked(int row, std::int64_t column, Qt::KeyboardModifiers modifiers);
    void brushed(int row, std::int64_t firstColumn, std::int64_t lastColumn);
    QStringList describe(int row, std::int64_t column) const;
    std::optional<ExpertSet> expertsOfCell(int row, std::int64_t column) const;
    QString layerName(int layer) const;
    QString tokenName(std::int64_t column) const; ///< position in the sequence, or row of the trace
    QString tokenText(std::int64_t column) const;

    Subject m_subject;
    Mode m_mode = Mode::LayerExpert;
    LoadValue m_loadValue = LoadValue::Share;
    const TokenMetricKind *m_metric;
    Selection m_shown; ///< the selection the numbers were asked for
    Scope m_scope; ///< of the numbers shown
    std::optional<ExpertLoad> m_load;
    std::optional<TokenMap> m_tokens;
    std::vector<HeatmapMark> m_dots; ///< experts of the hovered or selected token, in every layer

    QComboBox *m_modeBox = nullptr;
    QComboBox *m_valueBox = nullptr;
    QComboBox *m_scopeBox = nullptr;
    HeatmapView *m_map = nullptr;
};

} // namespace expertscope
