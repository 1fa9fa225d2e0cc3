// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// MainWindow: puts panels, views and menus together and passes wishes to the workbench; does no work itself.
#pragma once

#include "app/settings.h"
#include "app/window/dialogs.h"
#include "app/window/view_area.h"
#include "app/workbench.h"

#include <QActionGroup>
#include <QMainWindow>
#include <QPointer>

namespace expertscope {

class Banner;
class CorpusPanel;
class InspectorPanel;
class Picker;
class PromptPanel;
class SelectionHistory;

class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    /// All outlive the window.
    MainWindow(Workbench &workbench, Settings &settings, Dialogs dialogs);
    ~MainWindow() override;

    /// Opens what is given; with nothing given what was open last time, or else the demo.
    void start(const QStringList &paths);

    ViewArea &viewArea() { return *m_views; }
    CorpusPanel &corpusPanel() { return *m_corpus; }
    PromptPanel &promptPanel() { return *m_prompt; }

protected:
    void keyPressEvent(QKeyEvent *event) override;
    void closeEvent(QCloseEvent *event) override;

private:
    static inline const QString backendSetting = QStringLiteral("backend");

    // main_window.cpp: parts and wiring
    void createPanels();
    void connectWorkbench();
    void refreshTitle();
    void restoreLayout();
    void saveSession() const;
    bool isOverEvaluation(const QPoint &at) const;
    void openDropped(const QStringList &paths, const QPoint &at);
    void openDemo();
    void applySelectionOfLastSession();
    void clearSelectionOrStop();

    // main_window_actions.cpp: menus, what they ask for, and the pickers
    void createMenus();
    void createFileMenu();
    void createRunMenu();
    void createViewMenu();
    void createGoMenu();
    void createHelpMenu();
    void fillRecentMenu();
    void fillCacheMenu();
    void refreshActions();
    void openFolderDialog();
    void openTraceDialog();
    void openCorpusDialog();
    void saveTraceDialog();
    void writeReportDialog();
    void openRecipeDialog();
    void saveRecipeDialog();
    void connectExperiments();
    void openPlan(const QString &file);
    /// Runs the work that writes a file; says that it was saved, or what went wrong.
    void saveTo(const QString &file, const std::function<void()> &work);
    void exportPictureOf(View *view);
    void exportNumbersOf(View *view);
    void showPalette();
    void showSequenceFinder();
    void showGoTo();
    void setLook(Theme theme, int scalePercent);

    Workbench &m_workbench;
    Settings &m_settings;
    Dialogs m_dialogs;
    SelectionHistory *m_history;
    ViewArea *m_views = nullptr;
    CorpusPanel *m_corpus = nullptr;
    PromptPanel *m_prompt = nullptr;
    InspectorPanel *m_inspector = nullptr;
    Banner *m_banner = nullptr;
    Picker *m_picker = nullptr;
    QMenu *m_recentMenu = nullptr;
    QMenu *m_cacheMenu = nullptr;
    std::vector<QPointer<QAction>> m_needTrace; ///< enabled while a trace is shown
    QAction *m_traceSteered = nullptr;
    std::vector<QPointer<QAction>> m_needModel; ///< enabled while model and corpus are open
    Selection m_lastSelection; ///< of the last session, until its trace has grown far enough or the person chose something
    QString m_lastTrace; ///< key of the trace it belongs to; empty = nothing to restore
    bool m_isDemo = false; ///< model and corpus are the bundled ones
};

} // namespace expertscope
