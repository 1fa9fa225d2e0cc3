// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/analyses/analyses_view.h"

#include "engine/analysis/result_text.h"
#include "views/common/heatmap_view.h"
#include "views/common/result_pages.h"
#include "views/common/steering_actions.h"

#include <QComboBox>

namespace expertscope {

namespace {

std::vector<const AnalysisKind *> allKinds()
{
    std::vector<const AnalysisKind *> kinds;
    for (const AnalysisKind &kind : analyses())
        kinds.push_back(&kind);
    return kinds;
}

QString text(std::string_view view)
{
    return QString::fromUtf8(view.data(), static_cast<qsizetype>(view.size()));
}

} // namespace

AnalysesView::AnalysesView(ViewContext context, QWidget *parent)
    : AnalysisView{std::move(context), allKinds(), parent}
    , m_pages{new ResultPages(this)}
{
    setObjectName(QStringLiteral("analyses"));
    m_box = addBox(QStringLiteral("&Analysis"), QStringLiteral("analysis"));
    for (const AnalysisKind &kind : analyses()) {
        m_box->addItem(text(kind.title), text(kind.id));
        m_box->setItemData(m_box->count() - 1, text(kind.help), Qt::ToolTipRole);
    }
    m_box->setMaxVisibleItems(30);
    connect(m_box, &QComboBox::currentIndexChanged, this, [this] { setAnalysis(m_box->currentData().toString()); });
    setBody(m_pages);
    addPart(m_pages);
    keep(QStringLiteral("analysis"), m_box);
    SelectionModel *selection = this->context().selection;
    connect(m_pages, &ResultPages::layerPicked, this, &AnalysesView::selectLayer);
    connect(m_pages, &ResultPages::expertPicked, this, &AnalysesView::selectExpert);
    connect(m_pages, &ResultPages::groupPicked, this, &AnalysesView::selectGroup);
    offerSteering(*m_pages->map(), this->context(), [this](int row, std::int64_t column) -> std::optional<ExpertSet> {
        const Matrix *shown = m_pages->matrix();
        if (!shown || row < 0 || shown->rowTitle != "Layer" || shown->columnTitle != "Expert")
            return std::nullopt;
        return expertsAt(
            std::stoi(shown->rows[static_cast<std::size_t>(row)]), std::stoi(shown->columns[static_cast<std::size_t>(column)]));
    });
    offerSteering(*m_pages->rows(), this->context());
    offerEffects(*m_pages->rows(), this->context());
    connect(selection, &SelectionModel::changed, this, [this](const Selection &now) { m_pages->setLayer(layerNumber(now.layer)); });
}

void AnalysesView::setAnalysis(const QString &id)
{
    const int at = m_box->findData(id);
    if (at < 0)
        return;
    m_box->setCurrentIndex(at);
    m_box->setToolTip(m_box->itemData(at, Qt::ToolTipRole).toString());
    setCurrent(run(id.toStdString()));
}

void AnalysesView::showResult()
{
    m_pages->setResult(result());
    m_pages->setLayer(layerNumber(context().selection->value().layer));
}

void AnalysesView::paintFigure(QPainter &painter, const QRectF &target)
{
    if (!result())
        paintFrame(painter, target, {});
    else
        m_pages->paintPart(painter, [&](const QString &title) { return paintFrame(painter, target, title); });
}

std::string AnalysesView::csv() const
{
    const Table *table = result() ? m_pages->table() : nullptr;
    return table ? expertscope::csv(withEffects(*table, context().effects)) : std::string();
}

} // namespace expertscope
