// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// InspectorPanel: the side panel that explains what is selected: the token in all layers, or the expert against chance.
// Cards are computed off the UI thread; the page follows the selection.
#pragma once

#include "views/common/view.h"

#include <QWidget>

class QComboBox;
class QLabel;
class QStackedWidget;
class QTabBar;
class QToolButton;

namespace expertscope {

class TokenPage;
class ExpertPage;

class InspectorPanel : public QWidget {
    Q_OBJECT
public:
    explicit InspectorPanel(ViewContext context, QWidget *parent = nullptr);
    void setSubject(const Subject &subject);
    QSize sizeHint() const override { return {360, 600}; }

private:
    enum Tab { TokenTab, ExpertTab };

    void showSelection(const Selection &selection);
    void requestToken();
    void requestExpert();
    void showTab(int tab);
    int expertShown() const; ///< of the selected experts; -1 = none

    ViewContext m_context;
    Subject m_subject;
    Selection m_shown;
    QTabBar *m_tabs;
    QStackedWidget *m_pages;
    QLabel *m_empty;
    QComboBox *m_expertBox;
    QToolButton *m_steer;
    TokenPage *m_token;
    ExpertPage *m_expert;
    bool m_hasToken = false;
    bool m_hasExpert = false;
};

} // namespace expertscope
