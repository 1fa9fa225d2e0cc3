// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/experiments/result_panel.h"

#include "engine/analysis/result_text.h"
#include "views/common/definition.h"
#include "views/common/figure.h"
#include "views/common/result_figure.h"
#include "views/common/result_pages.h"

#include <QEvent>
#include <QLabel>
#include <QTextBrowser>
#include <QVBoxLayout>

namespace expertscope {

ResultPanel::ResultPanel(const QString &advice, QWidget *parent)
    : QStackedWidget{parent}
    , m_advice{advice}
    , m_pages{new ResultPages(this)}
    , m_definition{new QTextBrowser(this)}
    , m_where{new QLabel(this)}
{
    auto *empty = new QLabel(advice, this);
    empty->setObjectName(QStringLiteral("resultAdvice"));
    empty->setWordWrap(true);
    empty->setAlignment(Qt::AlignCenter);
    empty->setMargin(24);
    m_definition->setFrameShape(QFrame::NoFrame);
    m_definition->setObjectName(QStringLiteral("resultDefinition"));
    m_pages->addTab(m_definition, QStringLiteral("Definition"));
    m_where->setObjectName(QStringLiteral("resultFolder"));
    m_where->setTextFormat(Qt::PlainText);
    m_where->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_where->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    m_where->setMargin(3);
    auto *shown = new QWidget(this);
    auto *column = new QVBoxLayout(shown);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_pages, 1);
    column->addWidget(m_where);
    addWidget(empty);
    addWidget(shown);
}

void ResultPanel::setResult(const ExperimentResultPtr &result)
{
    if (result == m_shown)
        return;
    m_shown = result;
    setCurrentIndex(m_shown ? 1 : 0);
    if (!m_shown)
        return;
    m_pages->setResult(std::shared_ptr<const Result>{m_shown, &m_shown->result});
    showDefinition();
    m_where->setText(QStringLiteral("Files: ") + m_shown->folder);
    m_where->setToolTip(m_shown->folder);
    m_where->setVisible(!m_shown->folder.isEmpty());
}

void ResultPanel::showDefinition()
{
    m_definition->setHtml(definitionHtml(*m_shown->kind, &m_shown->result));
}

void ResultPanel::changeEvent(QEvent *event)
{
    QStackedWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_shown)
        showDefinition();
}

void ResultPanel::paintFigure(QPainter &painter, const QRectF &target) const
{
    const FigureLook look = FigureLook::print(font());
    if (!m_shown) {
        paintEmptyState(painter, target, look, QStringLiteral("Nothing was run yet"), m_advice);
        return;
    }
    const QString caption = resultCaption(m_shown->result, *m_shown->kind, m_shown->model.toStdString());
    m_pages->paintPart(painter, [&](const QString &title) { return paintFigureFrame(painter, target, look, title, caption); });
}

std::string ResultPanel::csv() const
{
    const Table *table = m_shown ? m_pages->table() : nullptr;
    return table ? expertscope::csv(*table) : std::string();
}

} // namespace expertscope
