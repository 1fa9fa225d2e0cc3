// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Pictures of every view for looking at: view_shots DIR. Light and dark, small and large, plus the exported figures.
#include "view_fixture.h"
#include "views/common/analysis_view.h"
#include "views/common/heatmap_view.h"
#include "views/inspector/inspector.h"
#include "views/routing_map/routing_map_view.h"
#include "views/tokens/tokens_view.h"

#include <QApplication>
#include <QDir>
#include <QMouseEvent>
#include <QPainter>
#include <QStyleFactory>
#include <QSvgGenerator>

#include <cstdio>

using namespace expertscope;

namespace {

QPalette darkPalette()
{
    QPalette palette;
    palette.setColor(QPalette::Window, QColor(45, 45, 48));
    palette.setColor(QPalette::WindowText, QColor(225, 225, 225));
    palette.setColor(QPalette::Base, QColor(30, 30, 32));
    palette.setColor(QPalette::AlternateBase, QColor(40, 40, 43));
    palette.setColor(QPalette::Text, QColor(225, 225, 225));
    palette.setColor(QPalette::Button, QColor(55, 55, 58));
    palette.setColor(QPalette::ButtonText, QColor(225, 225, 225));
    palette.setColor(QPalette::Highlight, QColor(64, 128, 200));
    palette.setColor(QPalette::HighlightedText, Qt::white);
    palette.setColor(QPalette::ToolTipBase, QColor(30, 30, 32));
    palette.setColor(QPalette::ToolTipText, QColor(225, 225, 225));
    palette.setColor(QPalette::PlaceholderText, QColor(140, 140, 140));
    return palette;
}

void shoot(QWidget &widget, const QString &path)
{
    QApplication::processEvents();
    widget.grab().save(path);
    std::printf("%s\n", qPrintable(path));
}

void hover(QWidget *widget, QPointF at)
{
    QMouseEvent move(QEvent::MouseMove, at, widget->mapToGlobal(at), Qt::NoButton, Qt::NoButton, Qt::NoModifier);
    QApplication::sendEvent(widget, &move);
}

} // namespace

int main(int argc, char **argv)
{
    QApplication app(argc, argv);
    app.setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    QFont font(QStringLiteral("Noto Sans"));
    font.setPointSize(10);
    app.setFont(font);
    const QDir dir(argc > 1 ? QString::fromLocal8Bit(argv[1]) : QStringLiteral("shots"));
    dir.mkpath(QStringLiteral("."));
    const TracePtr trace = test::textTrace(test::manyLanguages(8), {16, 32, 4, true});
    const QPalette light = app.palette();
    for (const bool dark : {false, true}) {
        app.setPalette(dark ? darkPalette() : light);
        const QString theme = dark ? QStringLiteral("dark") : QStringLiteral("light");
        SelectionModel selection;
        test::Jobs jobs;
        {
            InspectorPanel panel(jobs.context(selection));
            panel.resize(380, 1500);
            panel.show();
            panel.setSubject(test::subjectOf(trace));
            shoot(panel, dir.filePath(QStringLiteral("inspector-%1-empty.png").arg(theme)));
            selection.set({0, 130, {}, 3, {}, {}, {}});
            shoot(panel, dir.filePath(QStringLiteral("inspector-%1-token.png").arg(theme)));
            selection.set({0, 130, {}, 3, {5, 6}, {}, {}});
            shoot(panel, dir.filePath(QStringLiteral("inspector-%1-expert.png").arg(theme)));
            selection.set({});
        }
        for (const ViewKind &kind : viewKinds()) {
            for (const QSize size : {QSize(800, 520), QSize(1600, 900)}) {
                const std::unique_ptr<View> view(kind.make(jobs.context(selection), nullptr));
                view->resize(size);
                view->show();
                const QString name = QStringLiteral("%1-%2-%3").arg(QLatin1String(kind.id), theme).arg(size.width());
                const auto save = [&](const char *suffix) {
                    shoot(*view, dir.filePath(name + QLatin1String(suffix) + QStringLiteral(".png")));
                };
                if (size.width() == 800)
                    save("-empty");
                view->setSubject(test::subjectOf(trace));
                Selection chosen;
                chosen.layer = 3;
                chosen.experts = {5};
                chosen.token = 12;
                chosen.sequence = 0;
                selection.set(chosen);
                if (qobject_cast<AnalysisView *>(view.get())) {
                    for (int i = 0; i < 5; ++i)
                        QApplication::processEvents();
                    save("");
                }
                if (auto *tokens = qobject_cast<TokensView *>(view.get())) {
                    save("");
                    tokens->setMetric("entropy");
                    hover(tokens->canvas()->viewport(), tokens->canvas()->tokenRect(95).center());
                    save("-entropy");
                    tokens->setMetric("logprob");
                    save("-logprob");
                }
                if (auto *map = qobject_cast<RoutingMapView *>(view.get())) {
                    hover(map->map(), map->map()->cellRect(7, 20).center());
                    save("");
                    selection.set({-1, -1, {}, 3, {5, 6, 7}, {}, {}});
                    map->setValue(QStringLiteral("log2_ratio"));
                    save("-ratio");
                    selection.set(chosen);
                    map->setMode(RoutingMapView::Mode::TokenLayer);
                    hover(map->map(), map->map()->cellRect(4, 11).center());
                    save("-tokens");
                    map->setValue(QStringLiteral("entropy"));
                    save("-entropy");
                    selection.set({});
                    save("-entropy-all");
                }
                if (!dark && size.width() == 800) {
                    QImage figure(1600, 1000, QImage::Format_RGB32);
                    figure.setDevicePixelRatio(2);
                    QPainter painter(&figure);
                    view->paintFigure(painter, QRectF(0, 0, 800, 500));
                    painter.end();
                    figure.save(dir.filePath(QLatin1String(kind.id) + QStringLiteral("-figure.png")));
                    QSvgGenerator svg;
                    svg.setFileName(dir.filePath(QLatin1String(kind.id) + QStringLiteral("-figure.svg")));
                    svg.setSize({800, 500});
                    svg.setViewBox(QRect(0, 0, 800, 500));
                    QPainter vector(&svg);
                    view->paintFigure(vector, QRectF(0, 0, 800, 500));
                }
            }
        }
    }
    return 0;
}
