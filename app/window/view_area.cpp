// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/view_area.h"

#include <QAction>
#include <QApplication>
#include <QDockWidget>

#include <algorithm>

namespace expertscope {

ViewArea::ViewArea(const ViewContext &context, QWidget *parent)
    : QMainWindow{parent}
{
    setWindowFlags(Qt::Widget); // the base class makes a window of itself
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setObjectName(QStringLiteral("viewArea"));
    setDockOptions(AnimatedDocks | AllowNestedDocks | AllowTabbedDocks);
    setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
    for (const ViewKind &kind : viewKinds()) {
        auto *dock = new QDockWidget{QCoreApplication::translate("ViewKind", kind.title), this};
        dock->setObjectName(QStringLiteral("dock.") + QLatin1String{kind.id});
        View *view = kind.make(context, dock);
        view->setObjectName(QLatin1String{kind.id});
        view->setWindowTitle(dock->windowTitle());
        view->setToolTip({});
        dock->setWidget(view);
        dock->toggleViewAction()->setToolTip(QCoreApplication::translate("ViewKind", kind.help));
        dock->toggleViewAction()->setStatusTip(dock->toggleViewAction()->toolTip());
        m_views.push_back(view);
        m_docks.push_back(dock);
        connect(view, &View::status, this, &ViewArea::status);
        connect(view, &View::pictureWished, this, [this, view] { emit pictureWished(view); });
        connect(view, &View::numbersWished, this, [this, view] { emit numbersWished(view); });
    }
    arrange(Arrangement::Stacked);
    if (!m_views.empty())
        m_active = m_views.front();
    connect(qApp, &QApplication::focusChanged, this, [this](QWidget *, QWidget *now) { follow(now); });
}

void ViewArea::follow(QWidget *focused)
{
    for (View *view : m_views)
        if (focused && (view == focused || view->isAncestorOf(focused)))
            m_active = view;
}

View *ViewArea::activeView() const
{
    const auto isSeen = [](const View *view) { return view && view->isVisible() && !view->visibleRegion().isEmpty(); };
    if (isSeen(m_active))
        return m_active;
    const auto seen = std::find_if(m_views.begin(), m_views.end(), isSeen);
    return seen == m_views.end() ? nullptr : *seen;
}

void ViewArea::activate(View *view)
{
    m_active = view;
    for (QDockWidget *dock : m_docks)
        if (dock->widget() == view) {
            dock->show();
            dock->raise();
        }
    view->setFocus();
}

void ViewArea::arrange(Arrangement arrangement)
{
    for (std::size_t i = 0; i < m_docks.size(); ++i) {
        QDockWidget *dock = m_docks[i];
        dock->setFloating(false);
        removeDockWidget(dock);
        if (i == 0 || arrangement == Arrangement::Stacked)
            addDockWidget(Qt::LeftDockWidgetArea, dock, Qt::Vertical);
        else if (arrangement == Arrangement::SideBySide)
            splitDockWidget(m_docks[i - 1], dock, Qt::Horizontal);
        else
            tabifyDockWidget(m_docks[i - 1], dock);
        dock->show();
    }
    if (m_docks.empty())
        return;
    m_docks.front()->raise();
    resizeDocks({m_docks.begin(), m_docks.end()}, QList<int>(static_cast<qsizetype>(m_docks.size()), 1000),
        arrangement == Arrangement::SideBySide ? Qt::Horizontal : Qt::Vertical);
}

void ViewArea::setSubject(const Subject &subject)
{
    for (View *view : m_views)
        view->setSubject(subject);
}

QVariantMap ViewArea::saveViews() const
{
    QVariantMap states;
    for (const View *view : m_views)
        states.insert(view->objectName(), view->saveState());
    return states;
}

void ViewArea::restoreViews(const QVariantMap &states)
{
    for (View *view : m_views)
        if (states.contains(view->objectName()))
            view->restoreState(states.value(view->objectName()).toMap());
}

QAction *ViewArea::toggleAction(View *view) const
{
    const auto at = std::find(m_views.begin(), m_views.end(), view);
    return m_docks[static_cast<std::size_t>(at - m_views.begin())]->toggleViewAction();
}

} // namespace expertscope
