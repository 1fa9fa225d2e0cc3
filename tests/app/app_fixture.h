// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the window is tested on: a tiny model folder with a byte tokenizer, a small corpus in several scripts, and the real
// window with its file dialogs and settings answered by the test.
#pragma once

#include "app/settings.h"
#include "app/window/main_window.h"
#include "app/workbench.h"

#include <QStringList>
#include <QTemporaryDir>

#include <memory>

namespace expertscope::test {

/// Writes a random qwen3_moe of 3 layers and 8 experts, top 2, whose tokens are the 256 bytes.
void writeTinyModel(const QString &folder, int maxPositions = 512);
/// Ten texts in five languages, each of `texts` of them as a parallel text, and two rows of code; rows in this order.
void writeTinyCorpus(const QString &file, int texts = 3);

/// The real window offscreen. Each part can be closed and opened again to see what comes back.
class AppFixture {
public:
    AppFixture();
    ~AppFixture();

    QString path(const QString &name) const { return m_folder.filePath(name); }
    QString model() const { return path(QStringLiteral("model")); }
    QString corpus() const { return path(QStringLiteral("corpus.jsonl")); }
    /// Opens the window on the paths, or as it was left when there are none.
    void start(const QStringList &paths = {});
    void close(); ///< the window and all behind it, as when the person quits
    /// Waits until nothing runs and everything has arrived.
    bool settle(int seconds = 30);

    QAction *action(const QString &name) const;
    template<typename T>
    T *find(const QString &name) const
    {
        return window->findChild<T *>(name);
    }
    Document &document() { return workbench->document(); }
    Selection selection() { return document().selection().value(); }
    QString bannerText() const;

    QString chosenFolder, chosenSave; ///< what the next dialogs answer
    QStringList chosenFiles;
    std::vector<BackendChoice> backends = backendChoices(); ///< of the next start
    std::unique_ptr<Settings> settings;
    std::unique_ptr<Workbench> workbench;
    std::unique_ptr<MainWindow> window;

private:
    QTemporaryDir m_folder;
};

} // namespace expertscope::test
