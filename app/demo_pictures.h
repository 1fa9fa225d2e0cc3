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
    DemoPictures(Workbench &workbench, MainWindow &window, QString folder);

private:
    enum class Stage { Tracing, Dark, Light, Saving, Done };
    void advance(); ///< when nothing runs any more
    void later();
    void selectSomething();
    void pictureWindow(const QString &name);
    void pictureViews();
    QString traceFile() const;
    void fail(const Error &error);

    Workbench &m_workbench;
    MainWindow &m_window;
    QString m_folder;
    Stage m_stage = Stage::Tracing;
    bool m_queued = false; ///< advance() is on its way
    bool m_failed = false;
};

} // namespace expertscope
