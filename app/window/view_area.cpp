// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/view_area.h"

#include <QAction>
#include <QApplication>
#include <QDockWidget>
#include <QTabBar>

#include <algorithm>
#include <iterator>

namespace expertscope {

namespace {

/// The views of the first page: what a token is, and where it goes.
bool isOnFirstPage(const QString &view)
{
    return view == QLatin1String("tokens") || view == QLatin1String("routing_map");
}

} // namespace

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
        connect(view, &View::baselineWished, this, &ViewArea::baselineWished);
        connect(dock, &QDockWidget::visibilityChanged, this, &ViewArea::showWhichPage, Qt::QueuedConnection);
    }
    makePages();
    arrange(Arrangement::Pages);
    if (!m_views.empty())
        m_active = m_views.front();
    connect(qApp, &QApplication::focusChanged, this, [this](QWidget *, QWidget *now) { follow(now); });
}

void ViewArea::makePages()
{
    m_bar = new QTabBar(this);
    m_bar->setObjectName(QStringLiteral("viewPages"));
    m_bar->setExpanding(false);
    m_bar->setDocumentMode(true);
    m_bar->setUsesScrollButtons(true);
    m_bar->setFocusPolicy(Qt::TabFocus);
    for (std::size_t i = 0; i < m_docks.size(); ++i) {
        if (isOnFirstPage(m_views[i]->objectName()) && !m_pages.empty() && m_bar->count() > 0) {
            m_pages.front().push_back(m_docks[i]);
            continue;
        }
        m_pages.push_back({m_docks[i]});
        const int tab = m_bar->addTab(m_pages.size() == 1 ? tr("Text and map") : m_docks[i]->windowTitle());
        m_bar->setTabToolTip(tab, m_docks[i]->toggleViewAction()->toolTip());
    }
    setMenuWidget(m_bar);
    connect(m_bar, &QTabBar::tabBarClicked, this, &ViewArea::showPage);
    connect(m_bar, &QTabBar::currentChanged, this, [this](int page) {
        if (m_bar->hasFocus())
            showPage(page);
    });
}

void ViewArea::showPage(int page)
{
    if (page < 0 || page >= static_cast<int>(m_pages.size()))
        return;
    const std::vector<QDockWidget *> &wanted = m_pages[static_cast<std::size_t>(page)];
    for (QDockWidget *dock : m_docks)
        if (!dock->isFloating())
            dock->setVisible(std::find(wanted.begin(), wanted.end(), dock) != wanted.end());
    for (QDockWidget *dock : wanted)
        dock->show();
    m_bar->setCurrentIndex(page);
}

std::vector<QDockWidget *> ViewArea::shown() const
{
    std::vector<QDockWidget *> docks;
    std::copy_if(m_docks.begin(), m_docks.end(), std::back_inserter(docks),
        [](const QDockWidget *dock) { return !dock->isHidden() && !dock->isFloating(); });
    return docks;
}

void ViewArea::showWhichPage()
{
    const auto at = std::find(m_pages.begin(), m_pages.end(), shown());
    if (at != m_pages.end())
        m_bar->setCurrentIndex(static_cast<int>(at - m_pages.begin()));
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
            if (dock->isHidden())
                for (std::size_t page = 0; page < m_pages.size(); ++page)
                    if (std::find(m_pages[page].begin(), m_pages[page].end(), dock) != m_pages[page].end())
                        showPage(static_cast<int>(page));
            dock->raise();
        }
    view->setFocus();
}

void ViewArea::arrange(Arrangement arrangement)
{
    const bool pages = arrangement == Arrangement::Pages;
    const std::vector<QDockWidget *> docks = pages ? m_docks : shown();
    // All of them at once would need more room than the window has, and make it grow.
    for (QDockWidget *dock : docks)
        dock->hide();
    for (std::size_t i = 0; i < docks.size(); ++i) {
        QDockWidget *dock = docks[i];
        dock->setFloating(false);
        removeDockWidget(dock);
        if (i == 0 || pages || arrangement == Arrangement::Stacked)
            addDockWidget(Qt::LeftDockWidgetArea, dock, Qt::Vertical);
        else if (arrangement == Arrangement::SideBySide)
            splitDockWidget(docks[i - 1], dock, Qt::Horizontal);
        else
            tabifyDockWidget(docks[i - 1], dock);
        dock->setVisible(!pages);
    }
    if (pages)
        showPage(std::max(0, m_bar->currentIndex()));
    const std::vector<QDockWidget *> now = shown();
    if (now.empty())
        return;
    now.front()->raise();
    resizeDocks({now.begin(), now.end()}, QList<int>(static_cast<qsizetype>(now.size()), 1000),
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
