// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ViewArea: the centre of the window: one dock for every kind of view, stacked, side by side or as tabs, movable by hand.
#pragma once

#include "views/common/view.h"

#include <QMainWindow>
#include <QVariantMap>

#include <vector>

namespace expertscope {

enum class Arrangement { Stacked, SideBySide, Tabs };

class ViewArea : public QMainWindow {
    Q_OBJECT
public:
    explicit ViewArea(const ViewContext &context, QWidget *parent = nullptr);

    const std::vector<View *> &views() const { return m_views; }
    /// The view the person works with: the one that had the focus last, if it is still to be seen. Null if none is.
    View *activeView() const;
    void activate(View *view);
    void arrange(Arrangement arrangement);
    void setSubject(const Subject &subject);
    QVariantMap saveViews() const; ///< state by view id
    void restoreViews(const QVariantMap &states);
    QAction *toggleAction(View *view) const; ///< shows and hides it

signals:
    void status(const QString &text);
    void pictureWished(expertscope::View *view);
    void numbersWished(expertscope::View *view);

private:
    void follow(QWidget *focused);

    std::vector<View *> m_views;
    std::vector<QDockWidget *> m_docks; ///< of the views, in the same order
    View *m_active = nullptr;
};

} // namespace expertscope
