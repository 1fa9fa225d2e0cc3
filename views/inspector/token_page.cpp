// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/inspector/token_page.h"

#include "views/common/axis.h"
#include "views/common/token_text.h"
#include "views/inspector/layer_table.h"
#include "views/inspector/rich_text.h"

#include <QLabel>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace expertscope {

TokenPage::TokenPage(SelectionModel *selection, QWidget *parent)
    : QWidget{parent}
    , m_selection{selection}
    , m_text{richLabel(this)}
    , m_facts{richLabel(this)}
    , m_context{richLabel(this)}
    , m_layers{new LayerTable(this)}
{
    setObjectName(QStringLiteral("tokenPage"));
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(10, 8, 10, 8);
    column->setSpacing(8);
    QFont large = m_text->font();
    large.setPointSizeF(large.pointSizeF() * 1.5);
    m_text->setFont(large);
    m_text->setObjectName(QStringLiteral("tokenText"));
    m_facts->setObjectName(QStringLiteral("tokenFacts"));
    for (QWidget *part : {static_cast<QWidget *>(m_text), static_cast<QWidget *>(m_context), static_cast<QWidget *>(m_facts),
             static_cast<QWidget *>(m_layers)})
        column->addWidget(part);
    column->addStretch(1);

    connect(m_layers, &LayerTable::picked, this, [this](int layer, int expert) {
        Selection next = m_selection->value();
        if (expert >= 0)
            next.experts = {expert};
        else if (layer != next.layer)
            next.experts.clear();
        next.layer = layer;
        m_selection->set(next);
    });
    connect(m_layers, &LayerTable::hovered, this, [this](int layer, int expert) { m_selection->setHover({-1, layer, expert}); });
}

void TokenPage::setCard(const TokenCard &card, const TraceMeta &meta)
{
    m_text->setText(escaped(isolated(readableToken(card.context.text, card.tokenId, card.context.token))));
    m_context->setText(contextHtml(card.context, palette()));
    m_context->setVisible(!card.context.before.empty() || !card.context.after.empty());

    FactTable facts;
    facts.add(QStringLiteral("Token id"), meta.fields.tokenId ? QString::number(card.tokenId) : QStringLiteral("not recorded"));
    if (card.sequence >= 0 && card.sequence < static_cast<int>(meta.sequences.size())) {
        const SequenceInfo &info = meta.sequences[static_cast<std::size_t>(card.sequence)];
        QStringList labels{isolated(QString::fromStdString(info.id))};
        for (const std::string *label : {&info.language, &info.domain}) {
            if (!label->empty())
                labels << isolated(QString::fromStdString(*label));
        }
        facts.add(QStringLiteral("Sequence"), escaped(labels.join(QStringLiteral(" · "))));
    }
    facts.add(QStringLiteral("Position"),
        QStringLiteral("%1 (row %2 of the trace)%3")
            .arg(card.position)
            .arg(card.context.token)
            .arg(card.phase == Phase::Decode ? QStringLiteral(", generated") : QString()));
    if (!std::isnan(card.logprob))
        facts.add(QStringLiteral("Log-probability"),
            QStringLiteral("%1 nats, probability %2").arg(numberText(card.logprob), numberText(card.probability)));
    else
        facts.add(QStringLiteral("Log-probability"),
            meta.fields.logprob ? QStringLiteral("none: first of its sequence") : QStringLiteral("not recorded"));
    if (card.hasPrediction) {
        facts.add(QStringLiteral("Expected next"),
            escaped(isolated(readableToken(card.predictedText, card.predictedId)))
                + (card.predictionCameTrue     ? QStringLiteral(" \u2713 came true")
                        : !meta.fields.tokenId ? QString()
                                               : QStringLiteral(" (another came)")));
    }
    m_facts->setText(facts.html());

    std::vector<LayerRow> rows;
    for (const TokenLayer &layer : card.layers) {
        LayerRow row;
        row.name = QString::number(layer.layer);
        row.entropy = static_cast<double>(layer.entropy);
        row.margin = static_cast<double>(layer.margin);
        for (const ChosenExpert &expert : layer.experts)
            row.parts.push_back({expert.expert, static_cast<double>(expert.gateWeight)});
        rows.push_back(std::move(row));
    }
    m_layers->setRows(std::move(rows));
    showSelection(m_selection->value());
}

void TokenPage::showSelection(const Selection &selection)
{
    m_layers->setCurrentLayer(selection.layer, selection.experts);
}

} // namespace expertscope
