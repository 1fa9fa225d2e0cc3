// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ViewArea: the centre of the window: one dock for every kind of view, movable by hand, and a bar of pages that shows those that
// belong together: text and map on the first one, an analysis on each of the others.
#pragma once

#include "views/common/view.h"

#include <QMainWindow>
#include <QVariantMap>

#include <vector>

class QTabBar;

namespace expertscope {

/// Pages: back to the order the program starts with. The others arrange the views that are shown now.
enum class Arrangement { Pages, Stacked, SideBySide, Tabs };

class ViewArea : public QMainWindow {
    Q_OBJECT
public:
    explicit ViewArea(const ViewContext &context, QWidget *parent = nullptr);

    const std::vector<View *> &views() const { return m_views; }
    /// The view the person works with: the one that had the focus last, if it is still to be seen. Null if none is.
    View *activeView() const;
    void activate(View *view); ///< shows the page it is on if it is hidden
    void arrange(Arrangement arrangement);
    void showPage(int page);
    void setSubject(const Subject &subject);
    QVariantMap saveViews() const; ///< state by view id
    void restoreViews(const QVariantMap &states);
    QAction *toggleAction(View *view) const; ///< shows and hides it

signals:
    void status(const QString &text);
    void pictureWished(expertscope::View *view);
    void numbersWished(expertscope::View *view);
    void baselineWished(const QString &key);

private:
    void follow(QWidget *focused);
    void makePages();
    void showWhichPage(); ///< marks the page that holds just what is shown, if one does
    std::vector<QDockWidget *> shown() const;

    std::vector<View *> m_views;
    std::vector<QDockWidget *> m_docks; ///< of the views, in the same order
    View *m_active = nullptr;
    QTabBar *m_bar = nullptr;
    std::vector<std::vector<QDockWidget *>> m_pages; ///< docks of each page
};

} // namespace expertscope
