// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/main_window.h"

#include "app/export.h"
#include "app/go_to.h"
#include "app/selection_history.h"
#include "app/window/actions.h"
#include "app/window/banner.h"
#include "app/window/context_bar.h"
#include "app/window/corpus_panel.h"
#include "app/window/help_window.h"
#include "app/window/picker.h"
#include "app/window/prompt_panel.h"
#include "app/window/theme.h"
#include "io/model_folder.h"
#include "io/recipe.h"

#include <QDir>
#include <QDockWidget>
#include <QFileInfo>
#include <QMenuBar>

#include <algorithm>
#include <any>

namespace expertscope {

void MainWindow::createMenus()
{
    createFileMenu();
    createRunMenu();
    createViewMenu();
    createGoMenu();
    createHelpMenu();
}

void MainWindow::createFileMenu()
{
    QMenu *menu = menuBar()->addMenu(tr("&File"));
    menu->addAction(tr("Open &Model Folder..."), QKeySequence{QStringLiteral("Ctrl+Shift+O")}, this, &MainWindow::openFolderDialog)
        ->setObjectName(QStringLiteral("openModel"));
    m_cacheMenu = menu->addMenu(tr("Models in the &Hugging Face Cache"));
    connect(m_cacheMenu, &QMenu::aboutToShow, this, &MainWindow::fillCacheMenu);
    menu->addAction(tr("Open &Trace..."), QKeySequence::Open, this, &MainWindow::openTraceDialog)
        ->setObjectName(QStringLiteral("openTrace"));
    menu->addAction(tr("Open &Corpus..."), QKeySequence{QStringLiteral("Ctrl+Alt+O")}, this, &MainWindow::openCorpusDialog)
        ->setObjectName(QStringLiteral("openCorpus"));
    menu->addAction(tr("Open the &Demo"), this, &MainWindow::openDemo)->setObjectName(QStringLiteral("openDemo"));
    m_recentMenu = menu->addMenu(tr("&Recent"));
    connect(m_recentMenu, &QMenu::aboutToShow, this, &MainWindow::fillRecentMenu);
    menu->addSeparator();
    QAction *close = menu->addAction(tr("C&lose This Trace"), QKeySequence{QStringLiteral("Ctrl+W")}, this, [this] {
        if (const OpenTrace *open = m_workbench.document().current())
            m_workbench.document().closeTrace(QString{open->key});
    });
    close->setObjectName(QStringLiteral("closeTrace"));
    menu->addSeparator();
    QAction *save =
        menu->addAction(tr("&Save Trace As HDF5..."), QKeySequence{QStringLiteral("Ctrl+Shift+S")}, this, &MainWindow::saveTraceDialog);
    save->setObjectName(QStringLiteral("saveTrace"));
    QAction *picture = menu->addAction(
        tr("Export View as &Picture..."), QKeySequence{QStringLiteral("Ctrl+E")}, this, [this] { exportPictureOf(m_views->activeView()); });
    picture->setObjectName(QStringLiteral("exportPicture"));
    QAction *numbers = menu->addAction(tr("Export &Numbers as CSV..."), QKeySequence{QStringLiteral("Ctrl+Shift+E")}, this,
        [this] { exportNumbersOf(m_views->activeView()); });
    numbers->setObjectName(QStringLiteral("exportNumbers"));
    QAction *report =
        menu->addAction(tr("Write &Report..."), QKeySequence{QStringLiteral("Ctrl+Shift+R")}, this, &MainWindow::writeReportDialog);
    report->setObjectName(QStringLiteral("writeReport"));
    menu->addSeparator();
    menu->addAction(tr("&Quit"), QKeySequence{QStringLiteral("Ctrl+Q")}, this, &QWidget::close)->setObjectName(QStringLiteral("quit"));
    for (QAction *action : {close, save, picture, numbers, report})
        m_needTrace.emplace_back(action);
}

void MainWindow::createRunMenu()
{
    QMenu *menu = menuBar()->addMenu(tr("&Run"));
    QAction *trace = menu->addAction(tr("Trace the &Corpus Again"), QKeySequence{Qt::Key_F5}, &m_workbench, &Workbench::traceCorpus);
    trace->setObjectName(QStringLiteral("traceCorpus"));
    m_needModel.emplace_back(trace);
    m_traceSteered = menu->addAction(tr("Trace the Corpus &with the Recipe"), &m_workbench, &Workbench::traceSteeredCorpus);
    m_traceSteered->setObjectName(QStringLiteral("traceSteeredCorpus"));
    menu->addAction(tr("Trace the &Prompt"), m_prompt, &PromptPanel::run)->setObjectName(QStringLiteral("runPrompt"));
    menu->addAction(tr("&Generate from the Prompt"), m_prompt, &PromptPanel::generate)->setObjectName(QStringLiteral("generate"));
    menu->addSeparator();
    menu->addAction(tr("Open &Recipe..."), this, &MainWindow::openRecipeDialog)->setObjectName(QStringLiteral("openRecipe"));
    menu->addAction(tr("Sa&ve Recipe..."), this, &MainWindow::saveRecipeDialog)->setObjectName(QStringLiteral("saveRecipe"));
    menu->addSeparator();
    QMenu *on = menu->addMenu(tr("&Compute On"));
    auto *group = new QActionGroup{on};
    for (const BackendChoice &choice : m_workbench.backends()) {
        const QString id = QString::fromStdString(choice.id);
        QAction *action = group->addAction(on->addAction(QString::fromStdString(choice.title)));
        action->setCheckable(true);
        action->setObjectName(QStringLiteral("computeOn.") + id);
        connect(action, &QAction::triggered, this, [this, id] {
            m_settings.setValue(backendSetting, id);
            m_workbench.useBackend(id);
        });
    }
    const auto mark = [this, on] {
        for (QAction *action : on->actions())
            action->setChecked(action->objectName() == QStringLiteral("computeOn.") + m_workbench.backend());
    };
    connect(&m_workbench, &Workbench::backendChanged, on, mark);
    connect(&m_workbench, &Workbench::failed, on, mark); // where it could not be had, the one before computes on
    menu->addSeparator();
    QAction *stop = menu->addAction(tr("&Stop, or Clear the Selection"), this, &MainWindow::clearSelectionOrStop);
    stop->setObjectName(QStringLiteral("stop"));
    setKeyHint(*stop, tr("Esc"));
}

void MainWindow::createViewMenu()
{
    QMenu *menu = menuBar()->addMenu(tr("&View"));
    for (View *view : m_views->views())
        menu->addAction(m_views->toggleAction(view));
    menu->addSeparator();
    for (const QDockWidget *dock : findChildren<QDockWidget *>(QString{}, Qt::FindDirectChildrenOnly))
        menu->addAction(dock->toggleViewAction());
    menu->addSeparator();
    QMenu *arrange = menu->addMenu(tr("&Arrange Views"));
    arrange->addAction(tr("On &Pages"), this, [this] { m_views->arrange(Arrangement::Pages); })
        ->setObjectName(QStringLiteral("arrangePages"));
    arrange->addAction(tr("&Stacked"), this, [this] { m_views->arrange(Arrangement::Stacked); })
        ->setObjectName(QStringLiteral("arrangeStacked"));
    arrange->addAction(tr("Side by S&ide"), this, [this] { m_views->arrange(Arrangement::SideBySide); })
        ->setObjectName(QStringLiteral("arrangeSideBySide"));
    arrange->addAction(tr("As &Tabs"), this, [this] { m_views->arrange(Arrangement::Tabs); })->setObjectName(QStringLiteral("arrangeTabs"));
    QAction *fit = menu->addAction(tr("&Fit"), this, [this] {
        if (View *view = m_views->activeView())
            view->fit();
    });
    fit->setObjectName(QStringLiteral("fit"));
    setKeyHint(*fit, QStringLiteral("F"));
    for (const View *view : m_views->views())
        if (!view->actions().isEmpty())
            menu->addMenu(view->windowTitle())->addActions(view->actions());
    menu->addSeparator();

    const auto addChoices = [this, menu](const QString &title, const std::vector<std::pair<QString, int>> &choices, int chosen,
                                const std::function<void(int)> &choose) {
        QMenu *sub = menu->addMenu(title);
        auto *group = new QActionGroup{sub};
        for (const auto &[text, value] : choices) {
            QAction *action = sub->addAction(text);
            action->setCheckable(true);
            action->setChecked(value == chosen);
            group->addAction(action);
            connect(action, &QAction::triggered, this, [choose, choice = value] { choose(choice); });
        }
    };
    addChoices(tr("T&heme"), {{tr("&System"), int(Theme::System)}, {tr("&Light"), int(Theme::Light)}, {tr("&Dark"), int(Theme::Dark)}},
        int(m_settings.theme()), [this](int theme) { setLook(static_cast<Theme>(theme), m_settings.scalePercent()); });
    std::vector<std::pair<QString, int>> scales;
    for (const int percent : {80, 90, 100, 110, 125, 150, 175, 200})
        scales.emplace_back(QStringLiteral("%1 %").arg(percent), percent);
    addChoices(tr("S&cale"), scales, m_settings.scalePercent(), [this](int percent) { setLook(m_settings.theme(), percent); });
}

void MainWindow::createGoMenu()
{
    QMenu *menu = menuBar()->addMenu(tr("&Go"));
    QAction *back = menu->addAction(tr("&Back"), QKeySequence{QStringLiteral("Alt+Left")}, m_history, &SelectionHistory::goBack);
    QAction *forward = menu->addAction(tr("&Forward"), QKeySequence{QStringLiteral("Alt+Right")}, m_history, &SelectionHistory::goForward);
    const auto refresh = [this, back, forward] {
        back->setEnabled(m_history->canGoBack());
        forward->setEnabled(m_history->canGoForward());
    };
    connect(m_history, &SelectionHistory::changed, this, refresh);
    refresh();
    menu->addSeparator();
    QAction *place = menu->addAction(tr("Token, &Layer, Expert..."), QKeySequence{QStringLiteral("Ctrl+G")}, this, &MainWindow::showGoTo);
    place->setObjectName(QStringLiteral("goTo"));
    m_needTrace.emplace_back(place);
    menu->addAction(tr("&Sequence..."), QKeySequence{QStringLiteral("Ctrl+P")}, this, &MainWindow::showSequenceFinder)
        ->setObjectName(QStringLiteral("findSequence"));
    menu->addAction(tr("Find in &Text..."), QKeySequence::Find, this,
            [this] {
                View *view = m_views->activeView();
                if (view && view->find())
                    return;
                for (View *other : m_views->views())
                    if (other->isVisible() && other->find())
                        return;
            })
        ->setObjectName(QStringLiteral("find"));
    menu->addSeparator();
    menu->addAction(tr("&Command Palette..."), QKeySequence{QStringLiteral("Ctrl+Shift+P")}, this, &MainWindow::showPalette)
        ->setObjectName(QStringLiteral("palette"));
    menu->addAction(tr("C&orpus Filter"), QKeySequence{QStringLiteral("Ctrl+Shift+F")}, this, [this] { m_corpus->focusSearch(); });
    menu->addAction(tr("&Prompt"), QKeySequence{QStringLiteral("Ctrl+L")}, this, [this] { m_prompt->focusPrompt(); });
}

void MainWindow::createHelpMenu()
{
    QMenu *menu = menuBar()->addMenu(tr("&Help"));
    QAction *keys = menu->addAction(tr("&Keys and Gestures"), this, [this] { showKeys(this); });
    keys->setObjectName(QStringLiteral("keys"));
    setKeyHint(*keys, QStringLiteral("?"));
    menu->addAction(tr("&Where the Demo Comes From"), this, [this] { showDataSources(this, findDemo()); });
    menu->addAction(tr("&About Expertscope"), this, [this] { showAbout(this); });
}

void MainWindow::fillRecentMenu()
{
    m_recentMenu->clear();
    const std::pair<RecentKind, QString> kinds[] = {
        {RecentKind::Model, tr("Models")}, {RecentKind::Corpus, tr("Corpora")}, {RecentKind::Trace, tr("Traces")}};
    for (const auto &[kind, title] : kinds) {
        const QStringList paths = m_settings.recent(kind);
        if (!paths.isEmpty())
            m_recentMenu->addSection(title);
        for (const QString &path : paths)
            m_recentMenu->addAction(QDir::toNativeSeparators(path), this, [this, path] { m_workbench.open(path); });
    }
    m_recentMenu->addSeparator();
    m_recentMenu->addAction(tr("Clear This List"), this, [this] { m_settings.clearRecent(); })
        ->setEnabled(m_recentMenu->actions().size() > 1);
}

void MainWindow::fillCacheMenu()
{
    const auto fill = [this](const QString &only) {
        m_cacheMenu->clear();
        m_cacheMenu->addAction(only)->setEnabled(false);
    };
    fill(tr("Looking..."));
    m_workbench.jobs().run(
        m_cacheMenu, QStringLiteral("cache"), [](const Progress &) -> std::any { return huggingFaceCache(); },
        [this, fill](const std::any &found) {
            const auto models = std::any_cast<std::vector<CachedModel>>(found);
            if (models.empty()) {
                fill(tr("No models in the cache"));
                return;
            }
            m_cacheMenu->clear();
            for (const CachedModel &model : models) {
                const QString name = QString::fromStdString(model.name);
                const QString family =
                    model.family.empty() ? QString{} : QStringLiteral("   (%1)").arg(QString::fromStdString(model.family));
                m_cacheMenu->addAction(name + family, this, [this, name] { m_workbench.openModel(name); });
            }
        });
}

void MainWindow::refreshActions()
{
    const bool hasTrace = m_workbench.document().current();
    for (const QPointer<QAction> &action : m_needTrace)
        action->setEnabled(hasTrace);
    m_traceSteered->setEnabled(m_workbench.canTraceSteered());
    for (const QPointer<QAction> &action : m_needModel)
        action->setEnabled(m_workbench.canTrace());
}

void MainWindow::openFolderDialog()
{
    if (const QString folder = m_dialogs.openFolder(this, tr("Open Model Folder")); !folder.isEmpty())
        m_workbench.openModel(folder);
}

void MainWindow::openTraceDialog()
{
    for (const QString &file : m_dialogs.openFiles(
             this, tr("Open Trace"), tr("Routing traces (*.h5 *.hdf5);;Traces of other tools (*.json *.npz *.npy *.pt);;All files (*)")))
        m_workbench.openTrace(file);
}

void MainWindow::openCorpusDialog()
{
    const QStringList files = m_dialogs.openFiles(this, tr("Open Corpus"), tr("Corpora (*.jsonl *.json *.csv *.tsv *.txt);;All files (*)"));
    if (!files.isEmpty())
        m_workbench.openCorpus(files);
}

void MainWindow::saveTraceDialog()
{
    const QString file = m_dialogs.saveFile(this, tr("Save Trace"), QStringLiteral("trace.h5"), tr("Routing traces (*.h5)"));
    if (!file.isEmpty())
        m_workbench.saveTrace(file);
}

void MainWindow::writeReportDialog()
{
    const QString folder = m_dialogs.saveFile(this, tr("Write Report Into a New Folder"), QStringLiteral("report"), tr("Folders (*)"));
    if (!folder.isEmpty())
        m_workbench.writeReport(folder);
}

void MainWindow::openRecipeDialog()
{
    const QStringList files = m_dialogs.openFiles(this, tr("Open Recipe"), tr("Recipes (*.json);;All files (*)"));
    if (!files.isEmpty())
        m_workbench.openRecipe(files.first());
}

void MainWindow::saveRecipeDialog()
{
    const QString file = m_dialogs.saveFile(this, tr("Save Recipe"), QStringLiteral("recipe.json"), tr("Recipes (*.json)"));
    saveTo(file, [this, file] { writeRecipe(m_workbench.steering().recipeToSave(), file.toStdString(), true); }); // the dialog has asked
}

void MainWindow::saveTo(const QString &file, const std::function<void()> &work)
{
    if (file.isEmpty())
        return;
    try {
        work();
        m_banner->showNote(tr("Saved %1").arg(QFileInfo{file}.fileName()));
    } catch (...) {
        m_banner->showError(currentError());
    }
}

void MainWindow::connectExperiments()
{
    ExperimentDesk &desk = m_workbench.experiments();
    connect(&desk.model(), &ExperimentModel::filesWished, this, [this](const QString &title, const QString &filter, const TakeFiles &take) {
        if (const QStringList files = m_dialogs.openFiles(this, title, filter); !files.isEmpty())
            take(files);
    });
    connect(&desk.model(), &ExperimentModel::folderWished, this, [this, &desk](ExperimentKind kind) {
        if (const QString folder = m_dialogs.openFolder(this, tr("Keep Scores and Result In")); !folder.isEmpty())
            desk.setFolder(kind, folder);
    });
    connect(&desk.model(), &ExperimentModel::openPlanWished, this, [this] {
        const QStringList files = m_dialogs.openFiles(this, tr("Open Plan"), tr("Plans (*.json);;All files (*)"));
        if (!files.isEmpty())
            openPlan(files.first());
    });
    connect(&desk.model(), &ExperimentModel::demoPlanWished, this, [this] { openPlan(findDemo().plan); });
    connect(&desk.model(), &ExperimentModel::savePlanWished, this, [this, &desk] {
        const QString file = m_dialogs.saveFile(this, tr("Save Plan"), QStringLiteral("plan.json"), tr("Plans (*.json)"));
        saveTo(file, [&desk, file] { desk.savePlan(file); });
    });
    connect(&desk.model(), &ExperimentModel::saveRecipeWished, this, [this, &desk] {
        const QString file = m_dialogs.saveFile(this, tr("Save Recipe"), QStringLiteral("recipe.json"), tr("Recipes (*.json)"));
        saveTo(file, [&desk, file] { desk.saveRecipe(file); });
    });
}

void MainWindow::openPlan(const QString &file)
{
    try {
        m_workbench.experiments().openPlan(file);
    } catch (...) {
        m_banner->showError(currentError());
    }
}

void MainWindow::exportPictureOf(View *view)
{
    if (!view)
        return;
    const QString file = m_dialogs.saveFile(this, tr("Export %1 as Picture").arg(view->windowTitle()),
        view->objectName() + QStringLiteral(".png"), tr("PNG picture (*.png);;SVG drawing (*.svg);;PDF document (*.pdf)"));
    saveTo(file, [view, &file] { exportPicture(*view, file); });
}

void MainWindow::exportNumbersOf(View *view)
{
    if (!view)
        return;
    const QString file = m_dialogs.saveFile(this, tr("Export Numbers of %1").arg(view->windowTitle()),
        view->objectName() + QStringLiteral(".csv"), tr("Comma-separated values (*.csv)"));
    if (file.isEmpty())
        return;
    m_workbench.saveNumbers(view->csvWork(), file);
}

void MainWindow::showPalette()
{
    m_picker->open(tr("Type what you want to do"), [this](const QString &text) {
        std::vector<Picker::Offer> offers;
        for (const NamedAction &named : menuActions(*menuBar()))
            if (named.action->isEnabled() && Picker::fits(named.path, text))
                offers.push_back({named.path, named.keys, [action = QPointer{named.action}] {
                                      if (action)
                                          action->trigger();
                                  }});
        // What has a word that begins so comes before what merely contains it.
        const QString wish = text.trimmed();
        std::stable_partition(offers.begin(), offers.end(), [&](const Picker::Offer &offer) {
            return offer.title.startsWith(wish, Qt::CaseInsensitive) || offer.title.contains(QLatin1Char{' '} + wish, Qt::CaseInsensitive);
        });
        if (offers.empty())
            offers.push_back({tr("Nothing like that in the menus"), {}, {}});
        return offers;
    });
}

void MainWindow::showSequenceFinder()
{
    m_picker->open(tr("Find a sequence by text, id, language or domain"), [this](const QString &text) {
        constexpr std::size_t enough = 100;
        std::vector<Picker::Offer> offers;
        const SequenceItemModel &sequences = m_corpus->sequences();
        for (int i = 0; i < sequences.rowCount() && offers.size() < enough; ++i) {
            const SequenceRow &row = sequences.row(i);
            const QString labels = QStringList{row.id, row.language, row.domain}.join(QLatin1Char{' '});
            if (row.sequence >= 0 && Picker::fits(row.text + QLatin1Char{' '} + labels, text))
                offers.push_back({row.text.isEmpty() ? row.id : row.text, labels.simplified(),
                    [this, sequence = row.sequence] { m_corpus->selectSequence(sequence); }});
        }
        if (offers.empty())
            offers.push_back({tr("No traced sequence fits"), {}, {}});
        return offers;
    });
}

void MainWindow::showGoTo()
{
    if (!m_workbench.document().current())
        return;
    m_picker->open(tr("Go to: token 812, L12 E40, seq 7"), [this](const QString &text) -> std::vector<Picker::Offer> {
        Document &document = m_workbench.document();
        if (!document.current())
            return {};
        const GoTo place = readGoTo(text, document.current()->trace->meta(), document.selection().value());
        if (!place.valid)
            return {{place.description, {}, {}}};
        return {{place.description, tr("Enter"), [&document, selection = place.selection] { document.selection().set(selection); }}};
    });
}

void MainWindow::setLook(Theme theme, int scalePercent)
{
    m_settings.setTheme(theme);
    m_settings.setScalePercent(scalePercent);
    applyTheme(theme, scalePercent);
}

} // namespace expertscope
