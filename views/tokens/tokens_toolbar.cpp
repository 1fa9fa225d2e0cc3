// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The row above the text (what to colour by, which layer, legend) and how it follows the subject and the selection.
#include "views/common/figure.h"
#include "views/tokens/find_bar.h"
#include "views/tokens/tokens_view.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QSlider>
#include <QSpinBox>
#include <QStandardItemModel>
#include <QVBoxLayout>

namespace expertscope {

namespace {

/// Counts layers by index, shows the model's own numbers.
class LayerSpin : public QSpinBox {
public:
    using QSpinBox::QSpinBox;
    void setLayers(std::vector<int> layers) { m_layers = std::move(layers); }

protected:
    QString textFromValue(int value) const override
    {
        return value >= 0 && value < static_cast<int>(m_layers.size()) ? QString::number(m_layers[static_cast<std::size_t>(value)])
                                                                       : QString::number(value);
    }
    int valueFromText(const QString &text) const override
    {
        const auto at = std::find(m_layers.begin(), m_layers.end(), text.toInt());
        return at == m_layers.end() ? value() : static_cast<int>(at - m_layers.begin());
    }
    QValidator::State validate(QString &text, int &) const override
    {
        bool number = false;
        const int layer = text.toInt(&number);
        if (text.isEmpty())
            return QValidator::Intermediate;
        if (!number)
            return QValidator::Invalid;
        return std::find(m_layers.begin(), m_layers.end(), layer) == m_layers.end() ? QValidator::Intermediate : QValidator::Acceptable;
    }

private:
    std::vector<int> m_layers;
};

} // namespace

TokensView::TokensView(ViewContext context, QWidget *parent)
    : View{std::move(context), parent}
    , m_metric{&tokenMetrics().front()}
    , m_canvas{new TokenCanvas(this)}
    , m_findBar{new FindBar(this)}
{
    setObjectName(QStringLiteral("tokens"));
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    buildToolbar();
    m_textNote = new QLabel(this);
    m_textNote->setObjectName(QStringLiteral("textNote"));
    m_textNote->setWordWrap(true);
    m_textNote->setTextFormat(Qt::PlainText);
    m_textNote->setContentsMargins(10, 2, 10, 4);
    m_textNote->hide();
    column->addWidget(m_textNote);
    column->addWidget(m_canvas, 1);
    column->addWidget(m_findBar);
    setFocusProxy(m_canvas);

    connect(m_findBar, &FindBar::searched, this, &TokensView::requestFind);
    connect(m_findBar, &FindBar::stepped, this, &TokensView::stepFind);
    connect(m_findBar, &FindBar::closed, this, [this] {
        m_findBar->hide();
        m_canvas->setFocus();
        requestFind();
    });
    connectCanvas();
    fillMetrics();
    showValues();
}

void TokensView::buildToolbar()
{
    auto *bar = new QWidget(this);
    auto *row = new QHBoxLayout(bar);
    row->setContentsMargins(8, 4, 8, 4);
    m_metricBox = new QComboBox(bar);
    m_metricBox->setObjectName(QStringLiteral("metric"));
    m_metricBox->setAccessibleName(QStringLiteral("Colour tokens by"));
    m_metricBox->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    auto *colourLabel = new QLabel(QStringLiteral("&Colour by"), bar);
    colourLabel->setBuddy(m_metricBox);
    m_layerSpin = new LayerSpin(bar);
    m_layerSpin->setObjectName(QStringLiteral("layer"));
    m_layerSpin->setAccessibleName(QStringLiteral("Layer"));
    m_layerSpin->setKeyboardTracking(false);
    auto *layerLabel = new QLabel(QStringLiteral("&Layer"), bar);
    layerLabel->setBuddy(m_layerSpin);
    m_layerSlider = new QSlider(Qt::Horizontal, bar);
    m_layerSlider->setAccessibleName(QStringLiteral("Layer"));
    m_layerSlider->setPageStep(1);
    m_layerSlider->setMinimumWidth(80);
    m_layerSlider->setMaximumWidth(220);
    m_legend = new LegendBar(bar);
    QSizePolicy keepsRoom = m_legend->sizePolicy();
    keepsRoom.setRetainSizeWhenHidden(true);
    m_legend->setSizePolicy(keepsRoom);
    m_legend->setContextMenuPolicy(Qt::CustomContextMenu);
    row->addWidget(colourLabel);
    row->addWidget(m_metricBox);
    row->addSpacing(8);
    row->addWidget(layerLabel);
    row->addWidget(m_layerSpin);
    row->addWidget(m_layerSlider, 1);
    row->addSpacing(8);
    row->addWidget(m_legend, 2);
    static_cast<QVBoxLayout *>(layout())->addWidget(bar);

    connect(m_metricBox, &QComboBox::activated, this, [this](int i) { setMetric(tokenMetrics()[static_cast<std::size_t>(i)].id); });
    const auto setLayer = [this](int layer) {
        Selection next = context().selection->value();
        if (next.layer == layer)
            return;
        next.layer = layer;
        next.experts.clear(); // ids mean another expert in another layer
        context().selection->set(next);
    };
    connect(m_layerSpin, &QSpinBox::valueChanged, this, setLayer);
    connect(m_layerSlider, &QSlider::valueChanged, this, setLayer);
    connect(m_legend, &LegendBar::clicked, this, [this] {
        if (!m_metric->categorical)
            applyScale(toggledLock(m_settings, scale()));
    });
    connect(m_legend, &QWidget::customContextMenuRequested, this, [this](const QPoint &at) { showMenu(m_legend->mapToGlobal(at)); });
}

void TokensView::fillMetrics()
{
    const QSignalBlocker quiet(m_metricBox);
    m_metricBox->clear();
    const auto available = [this](
                               const TokenMetricKind &kind) { return !m_subject.trace || kind.available(m_subject.trace->meta().fields); };
    for (const TokenMetricKind &kind : tokenMetrics()) {
        m_metricBox->addItem(QString::fromUtf8(kind.title.data(), static_cast<qsizetype>(kind.title.size())));
        const int row = m_metricBox->count() - 1;
        QString help = QString::fromUtf8(kind.help.data(), static_cast<qsizetype>(kind.help.size()));
        if (!available(kind)) {
            help += QStringLiteral("\nNot available: this trace does not hold what it is computed from.");
            static_cast<QStandardItemModel *>(m_metricBox->model())->item(row)->setEnabled(false);
        }
        m_metricBox->setItemData(row, help, Qt::ToolTipRole);
    }
    if (!available(*m_metric))
        m_metric = &tokenMetrics().front();
    m_metricBox->setCurrentIndex(static_cast<int>(m_metric - tokenMetrics().data()));
    m_metricBox->setToolTip(m_metricBox->currentData(Qt::ToolTipRole).toString());

    const std::vector<int> layers = m_subject.trace ? m_subject.trace->meta().layers : std::vector<int>{};
    const int last = std::max(0, static_cast<int>(layers.size()) - 1);
    const QSignalBlocker quietSpin(m_layerSpin);
    const QSignalBlocker quietSlider(m_layerSlider);
    static_cast<LayerSpin *>(m_layerSpin)->setLayers(layers);
    m_layerSpin->setRange(0, last);
    m_layerSlider->setRange(0, last);
    m_layerSpin->setEnabled(!layers.empty());
    m_layerSlider->setEnabled(!layers.empty());
    m_metricBox->setEnabled(m_subject.trace != nullptr);
}

void TokensView::setMetric(std::string_view id)
{
    for (const TokenMetricKind &kind : tokenMetrics()) {
        if (kind.id != id || &kind == m_metric || (m_subject.trace && !kind.available(m_subject.trace->meta().fields)))
            continue;
        m_metric = &kind;
        // A locked range of bits says nothing about nats.
        if (m_settings.mode == RangeMode::Locked)
            m_settings.mode = RangeMode::Full;
        m_values = {};
        requestValues();
    }
    fillMetrics();
    m_layerSpin->setEnabled(m_metric->perLayer && m_subject.trace);
    m_layerSlider->setEnabled(m_metric->perLayer && m_subject.trace);
    showSelection();
}

void TokensView::showSelection()
{
    const Selection &selection = context().selection->value();
    {
        const QSignalBlocker quietSpin(m_layerSpin);
        const QSignalBlocker quietSlider(m_layerSlider);
        m_layerSpin->setValue(selection.layer);
        m_layerSlider->setValue(selection.layer);
    }
    m_canvas->setSelection(selection.sequence, selection.token, selection.brush);
    if (selection.layer != m_valuesLayer && m_metric->perLayer)
        requestValues();
    requestFlags();
}

} // namespace expertscope
