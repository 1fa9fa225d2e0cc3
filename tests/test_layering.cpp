// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The directions of ARCHITECTURE.md, checked on every #include of the tree: a folder includes only what it may know.
#include <QDirIterator>
#include <QFile>
#include <QRegularExpression>
#include <QTest>

#include <algorithm>

namespace {

struct Layer {
    QString folder; ///< first match of a path wins
    QStringList mayKnow; ///< folders besides its own
    bool qt = false;
};

const QList<Layer> &layers()
{
    static const QList<Layer> list{
        {"engine/core/", {}},
        {"engine/text/", {"engine/core/"}},
        {"engine/families/", {"engine/core/"}},
        {"engine/routing/", {"engine/core/"}},
        {"engine/forward/", {"engine/core/", "engine/families/", "engine/routing/", "engine/text/"}},
        {"engine/steering/", {"engine/core/", "engine/forward/", "engine/routing/", "engine/text/"}},
        {"engine/cpu/", {"engine/core/"}},
        {"engine/cuda/", {"engine/core/"}},
        {"engine/no_cuda/", {"engine/core/"}},
        {"engine/analysis/", {"engine/core/"}},
        {"engine/experiments/",
            {"engine/core/", "engine/text/", "engine/routing/", "engine/forward/", "engine/steering/", "engine/analysis/"}},
        {"io/", {"engine/core/", "engine/text/"}},
        {"views/common/",
            {"engine/core/", "engine/analysis/", "engine/experiments/comparison.h", "engine/experiments/ablation.h",
                "engine/experiments/route_result.h", "engine/experiments/sequence_sample.h", "engine/experiments/sweep_plan.h"},
            true},
        {"views/view_kinds", {"views/"}, true},
        {"views/",
            {"engine/core/", "engine/analysis/", "engine/experiments/comparison.h", "engine/experiments/sweep_plan.h",
                "engine/experiments/evaluation.h", "engine/experiments/ablation.h", "engine/experiments/route_result.h",
                "engine/experiments/sequence_sample.h", "engine/steering/", "views/common/"},
            true},
        {"app/cli/", {"engine/", "io/", "app/backends.h", "app/recent_rate.h", "app/recording.h", "app/experiments/"}},
        {"app/experiments/", {"engine/", "io/", "app/appending_sink.h"}},
        {"app/appending_sink", {"engine/"}},
        {"app/backends", {"engine/"}},
        {"app/recording", {"engine/", "io/"}},
        {"app/", {"engine/", "io/", "views/"}, true},
    };
    return list;
}

/// A view folder is its own: "views/tokens/" of "views/tokens/tokens_view.cpp".
QString ownFolder(const QString &path)
{
    return path.left(path.lastIndexOf('/') + 1);
}

} // namespace

class TestLayering : public QObject {
    Q_OBJECT

private slots:
    void includesFollowTheArrows()
    {
        const QString root = QStringLiteral(SOURCE_DIR "/");
        const QRegularExpression include{"^\\s*#\\s*include\\s*([<\"])([^>\"]+)[>\"]", QRegularExpression::MultilineOption};
        QStringList wrong;
        int seen = 0;
        for (const char *top : {"engine", "io", "views", "app"}) {
            QDirIterator files{root + top, {"*.h", "*.cpp", "*.cu", "*.cuh"}, QDir::Files, QDirIterator::Subdirectories};
            while (files.hasNext()) {
                const QString path = files.next().mid(root.size());
                const auto layer =
                    std::find_if(layers().begin(), layers().end(), [&](const Layer &l) { return path.startsWith(l.folder); });
                QVERIFY2(layer != layers().end(), qPrintable(path + " is in no layer"));
                QFile file{root + path};
                QVERIFY(file.open(QIODevice::ReadOnly));
                const QString text = QString::fromUtf8(file.readAll());
                for (auto match = include.globalMatch(text); match.hasNext();) {
                    const auto m = match.next();
                    const QString what = m.captured(2);
                    ++seen;
                    if (m.captured(1) == "<") {
                        const bool qtHeader = what.startsWith('Q') && !what.contains('.');
                        const bool cudaHeader = what.startsWith("cuda") || what.startsWith("cublas") || what.startsWith("cub/");
                        if ((qtHeader && !layer->qt) || (cudaHeader && !path.startsWith("engine/cuda/")))
                            wrong += path + " includes <" + what + ">";
                    } else if (what.contains('/')) {
                        const bool known = what.startsWith(layer->folder == "views/" ? ownFolder(path) : layer->folder)
                            || std::any_of(
                                layer->mayKnow.begin(), layer->mayKnow.end(), [&](const QString &f) { return what.startsWith(f); });
                        if (!known)
                            wrong += path + " includes " + what;
                    }
                }
            }
        }
        QVERIFY(seen > 200);
        QVERIFY2(wrong.isEmpty(), qPrintable("\n" + wrong.join('\n')));
    }

    void everyFileNamesItsLicence()
    {
        QStringList wrong;
        for (const char *top : {"engine", "io", "views", "app", "tests", "packaging", "tools"}) {
            QDirIterator files{
                QStringLiteral(SOURCE_DIR "/") + top, {"*.h", "*.cpp", "*.cu", "*.cuh", "*.py"}, QDir::Files, QDirIterator::Subdirectories};
            while (files.hasNext()) {
                QFile file{files.next()};
                QVERIFY(file.open(QIODevice::ReadOnly));
                if (!file.read(400).contains("SPDX-License-Identifier: Apache-2.0"))
                    wrong += file.fileName();
            }
        }
        QVERIFY2(wrong.isEmpty(), qPrintable("\n" + wrong.join('\n')));
    }
};

QTEST_APPLESS_MAIN(TestLayering)
#include "test_layering.moc"
