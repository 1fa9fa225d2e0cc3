// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// DemoPictures: watches the demo until its corpus is traced, then saves the trace and pictures of window and views, and quits.
#pragma once

#include "app/window/main_window.h"
#include "app/workbench.h"

#include <QObject>

namespace expertscope {

class DemoPictures : public QObject {
    Q_OBJECT
public:
    /// saveTrace: the trace that is shown goes into the folder too.
    DemoPictures(Workbench &workbench, MainWindow &window, QString folder, bool saveTrace);

private:
    enum class Stage { Tracing, Dark, Light, Saving, Done };
    void showNext(); ///< the next view, or the first one in the next colours
    void advance(); ///< when nothing runs any more
    void later();
    void selectSomething();
    const std::vector<View *> &views() const;
    void pictureWindow(const QString &theme);
    void pictureView();
    QString traceFile() const;
    void fail(const Error &error);

    Workbench &m_workbench;
    MainWindow &m_window;
    QString m_folder;
    bool m_saveTrace;
    Stage m_stage = Stage::Tracing;
    std::size_t m_view = 0; ///< whose pictures come next
    bool m_waits = false; ///< for a view to be painted
    bool m_queued = false; ///< advance() is on its way
    bool m_failed = false;
};

} // namespace expertscope
