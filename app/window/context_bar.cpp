// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/context_bar.h"

#include "app/words.h"
#include "engine/core/summary.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QStyle>
#include <QToolButton>

namespace expertscope {

namespace {

constexpr int maxNameLength = 28;

QString shortened(const std::string &name)
{
    const QString text = QString::fromStdString(name);
    return text.size() <= maxNameLength ? text : text.left(maxNameLength - 1) + QChar{0x2026};
}

QString expertList(const std::vector<int> &experts)
{
    constexpr std::size_t shown = 4;
    QStringList names;
    for (std::size_t i = 0; i < std::min(shown, experts.size()); ++i)
        names << QStringLiteral("E%1").arg(experts[i]);
    if (experts.size() > shown)
        names << ContextBar::tr("%1 more").arg(experts.size() - shown);
    return names.join(QStringLiteral(", "));
}

} // namespace

std::vector<SelectionPart> selectionParts(const Selection &selection, const TraceMeta &meta)
{
    const QLocale locale;
    std::vector<SelectionPart> parts;
    const auto add = [&](const QString &text) -> Selection & {
        parts.push_back({text, selection});
        return parts.back().without;
    };
    if (!selection.group.isEmpty()) {
        Selection &without = add(QStringLiteral("%1: %2").arg(selection.grouping, selection.group));
        without.group.clear();
        without.grouping.clear();
    }
    if (selection.sequence >= 0 && selection.sequence < static_cast<int>(meta.sequences.size())) {
        Selection &without =
            add(ContextBar::tr("sequence %1").arg(shortened(meta.sequences[static_cast<std::size_t>(selection.sequence)].id)));
        without.sequence = -1;
        without.token = -1;
        without.brush = {};
    }
    if (selection.brush.count() > 0)
        add(ContextBar::tr("tokens %1 to %2")
                .arg(locale.toString(static_cast<qlonglong>(selection.brush.begin)),
                    locale.toString(static_cast<qlonglong>(selection.brush.end - 1))))
            .brush = {};
    if (selection.token >= 0)
        add(ContextBar::tr("token %1").arg(locale.toString(static_cast<qlonglong>(selection.token)))).token = -1;
    if (!selection.experts.empty() && selection.layer < meta.moeLayers())
        add(QStringLiteral("L%1 %2").arg(meta.layers[static_cast<std::size_t>(selection.layer)]).arg(expertList(selection.experts)))
            .experts.clear();
    return parts;
}

Selection nothingSelected(const Selection &selection)
{
    Selection nothing;
    nothing.layer = selection.layer;
    return nothing;
}

ContextBar::ContextBar(Document &document, SelectionHistory &history, QWidget *parent)
    : QWidget{parent}
    , m_document{document}
    , m_traces{new QComboBox{this}}
    , m_scope{new QLabel{this}}
    , m_chips{new QHBoxLayout}
    , m_clear{new QToolButton{this}}
{
    setObjectName(QStringLiteral("contextBar"));
    const auto arrow = [this](QStyle::StandardPixmap icon, const QString &help) {
        auto *button = new QToolButton{this};
        button->setAutoRaise(true);
        button->setIcon(style()->standardIcon(icon));
        button->setToolTip(help);
        button->setAccessibleName(help);
        button->setEnabled(false);
        return button;
    };
    QToolButton *back = arrow(QStyle::SP_ArrowBack, tr("Back to what was selected before (Alt+Left)"));
    QToolButton *forward = arrow(QStyle::SP_ArrowForward, tr("Forward again (Alt+Right)"));
    m_traces->setObjectName(QStringLiteral("traceChooser"));
    m_traces->setToolTip(tr("Which of the open traces is shown"));
    m_traces->setAccessibleName(tr("Trace"));
    m_traces->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_scope->setObjectName(QStringLiteral("scope"));
    m_scope->setForegroundRole(QPalette::PlaceholderText);
    m_clear->setObjectName(QStringLiteral("clearSelection"));
    m_clear->setText(tr("Clear"));
    m_clear->setToolTip(tr("Select nothing, look at the whole trace (Esc)"));
    m_clear->setAutoRaise(true);
    m_chips->setSpacing(4);
    auto *layout = new QHBoxLayout{this};
    layout->setContentsMargins(6, 3, 6, 3);
    layout->setSpacing(4);
    layout->addWidget(back);
    layout->addWidget(forward);
    layout->addWidget(m_traces);
    layout->addWidget(m_scope);
    layout->addLayout(m_chips);
    layout->addWidget(m_clear);
    layout->addStretch(1);

    connect(back, &QToolButton::clicked, &history, &SelectionHistory::goBack);
    connect(forward, &QToolButton::clicked, &history, &SelectionHistory::goForward);
    connect(&history, &SelectionHistory::changed, this, [&history, back, forward] {
        back->setEnabled(history.canGoBack());
        forward->setEnabled(history.canGoForward());
    });
    connect(m_traces, &QComboBox::activated, this, [this] { m_document.show(m_traces->currentData().toString()); });
    connect(m_clear, &QToolButton::clicked, this, [this] { m_document.selection().set(nothingSelected(m_document.selection().value())); });
    connect(&m_document, &Document::tracesChanged, this, &ContextBar::refreshTraces);
    connect(&m_document, &Document::currentChanged, this, &ContextBar::refreshTraces);
    connect(&m_document, &Document::subjectChanged, this, &ContextBar::refreshChips);
    connect(&m_document.selection(), &SelectionModel::changed, this, &ContextBar::refreshChips);
    refreshTraces();
    refreshChips();
}

void ContextBar::refreshTraces()
{
    m_traces->clear();
    for (const OpenTrace &open : m_document.traces())
        m_traces->addItem(open.title, open.key);
    if (const OpenTrace *open = m_document.current())
        m_traces->setCurrentIndex(m_traces->findData(open->key));
    m_traces->setVisible(m_traces->count() > 0);
}

void ContextBar::refreshChips()
{
    while (QLayoutItem *item = m_chips->takeAt(0)) {
        item->widget()->hide();
        item->widget()->deleteLater(); // it may be the chip whose click brought us here
        delete item;
    }
    const OpenTrace *open = m_document.current();
    if (!open) {
        m_scope->setText(tr("Nothing traced yet"));
        m_clear->hide();
        return;
    }
    const TraceMeta &meta = open->trace->meta();
    const std::vector<SelectionPart> parts = selectionParts(m_document.selection().value(), meta);
    if (const auto counts = open->trace->importedCounts())
        m_scope->setText(
            tr("counts of %1, by %2")
                .arg(countOf(tokensCounted(*open->trace), tr("token"), tr("tokens")), QString::fromStdString(counts->grouping)));
    else
        m_scope->setText(tr("%1 in %2")
                             .arg(countOf(meta.tokens, tr("token"), tr("tokens")),
                                 countOf(static_cast<qint64>(meta.sequences.size()), tr("sequence"), tr("sequences"))));
    for (const SelectionPart &part : parts) {
        auto *chip = new QToolButton{this};
        chip->setObjectName(QStringLiteral("chip"));
        chip->setText(part.text + QStringLiteral("  ") + QChar{0x00D7});
        chip->setToolTip(tr("Clear: %1").arg(part.text));
        connect(chip, &QToolButton::clicked, this, [this, without = part.without] { m_document.selection().set(without); });
        m_chips->addWidget(chip);
        chip->show();
    }
    m_clear->setVisible(!parts.empty());
}

} // namespace expertscope
