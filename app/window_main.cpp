// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window_main.h"

#include "app/demo_pictures.h"
#include "app/settings.h"
#include "app/window/main_window.h"
#include "app/window/theme.h"
#include "app/workbench.h"

#include <QApplication>
#include <QIcon>
#include <QTemporaryDir>

#include <cstdio>

/// Resources of a static library are not linked in by themselves; the macro must stand outside of any namespace.
static void initResources()
{
    Q_INIT_RESOURCE(expertscope);
}

namespace expertscope {

namespace {

void describeProgram()
{
    initResources();
    QApplication::setApplicationName(QStringLiteral("Expertscope"));
    QApplication::setApplicationVersion(QStringLiteral(EXPERTSCOPE_VERSION));
    QApplication::setDesktopFileName(QStringLiteral("expertscope"));
    QApplication::setWindowIcon(QIcon{QStringLiteral(":/icons/expertscope.svg")});
}

bool hasDisplay()
{
    return qEnvironmentVariableIsSet("QT_QPA_PLATFORM") || !qEnvironmentVariableIsEmpty("DISPLAY")
        || !qEnvironmentVariableIsEmpty("WAYLAND_DISPLAY");
}

} // namespace

int runWindow(int argc, char **argv)
{
    if (!hasDisplay()) {
        std::fputs(
            "expertscope: there is no display to open a window on. Set DISPLAY, or use the command line: expertscope --help\n", stderr);
        return 5;
    }
    QApplication app{argc, argv};
    describeProgram();
    Settings settings;
    applyTheme(settings.theme(), settings.scalePercent());
    Workbench workbench;
    MainWindow window{workbench, settings, Dialogs::real()};
    window.show();
    window.start(QApplication::arguments().mid(1));
    return QApplication::exec();
}

int renderDemo(int argc, char **argv, const DemoRun &run)
{
    if (!qEnvironmentVariableIsSet("QT_QPA_PLATFORM"))
        qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication app{argc, argv};
    describeProgram();
    const QTemporaryDir own;
    Settings settings{own.filePath(QStringLiteral("settings.ini"))};
    applyTheme(Theme::Light, 100);
    Workbench workbench;
    MainWindow window{workbench, settings, Dialogs::real()};
    DemoPictures pictures{workbench, window, run.folder, run.traces.isEmpty()};
    window.resize(run.size);
    window.show();
    window.start(run.traces);
    return QApplication::exec();
}

} // namespace expertscope
