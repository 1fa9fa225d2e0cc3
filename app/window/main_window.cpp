// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/main_window.h"

#include "app/selection_history.h"
#include "app/window/banner.h"
#include "app/window/context_bar.h"
#include "app/window/corpus_panel.h"
#include "app/window/file_drop.h"
#include "app/window/help_window.h"
#include "app/window/picker.h"
#include "app/window/prompt_panel.h"
#include "app/window/work_line.h"
#include "views/compare/compare_view.h"
#include "views/experiments/evaluate_page.h"
#include "views/inspector/inspector.h"

#include <QCloseEvent>
#include <QDockWidget>
#include <QGuiApplication>
#include <QLabel>
#include <QScreen>
#include <QStatusBar>
#include <QVBoxLayout>

#include <algorithm>

namespace expertscope {

namespace {

constexpr int layoutVersion = 3; // a layout of other views is of no use
const QString windowLayout = QStringLiteral("window");
const QString geometryLayout = QStringLiteral("geometry");
const QString viewsLayout = QStringLiteral("views");
const QString promptState = QStringLiteral("prompt");

} // namespace

MainWindow::MainWindow(Workbench &workbench, Settings &settings, Dialogs dialogs)
    : m_workbench{workbench}
    , m_settings{settings}
    , m_dialogs{std::move(dialogs)}
    , m_history{new SelectionHistory{workbench.document(), this}}
{
    setObjectName(QStringLiteral("mainWindow"));
    setAcceptDrops(true);
    auto *drop = new FileDrop{this, [this](const QPoint &at) { return isOverEvaluation(at) ? tr("evaluate on") : QString(); }};
    connect(drop, &FileDrop::dropped, this, &MainWindow::openDropped);
    createPanels();
    createMenus();
    connectWorkbench();
    connectExperiments();
    restoreLayout();
    refreshTitle();
    refreshActions();
}

MainWindow::~MainWindow() = default;

void MainWindow::createPanels()
{
    Document &document = m_workbench.document();
    auto *centre = new QWidget{this};
    m_banner = new Banner{centre};
    m_views = new ViewArea{m_workbench.viewContext(), centre};
    auto *layout = new QVBoxLayout{centre};
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(new ContextBar{document, *m_history, centre});
    layout->addWidget(m_views, 1);
    layout->addWidget(m_banner); // below, so that the tabs stay where they are when it comes and goes
    setCentralWidget(centre);

    const auto addDock = [this](Qt::DockWidgetArea area, const QString &title, const QString &name, QWidget *content) {
        auto *dock = new QDockWidget{title, this};
        dock->setObjectName(name);
        dock->setWidget(content);
        addDockWidget(area, dock);
        return dock;
    };
    m_corpus = new CorpusPanel{document, m_workbench.jobs()};
    m_prompt = new PromptPanel{m_workbench};
    m_inspector = new InspectorPanel{m_workbench.viewContext()};
    QDockWidget *corpus = addDock(Qt::LeftDockWidgetArea, tr("Corpus"), QStringLiteral("dock.corpus"), m_corpus);
    QDockWidget *prompt = addDock(Qt::LeftDockWidgetArea, tr("Prompt"), QStringLiteral("dock.prompt"), m_prompt);
    QDockWidget *inspector = addDock(Qt::RightDockWidgetArea, tr("Inspector"), QStringLiteral("dock.inspector"), m_inspector);
    setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
    setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
    resizeDocks({corpus, prompt}, {1000, 1000}, Qt::Vertical);
    const int em = fontMetrics().horizontalAdvance(QLatin1Char{'m'});
    resizeDocks({corpus, inspector}, {em * 24, em * 26}, Qt::Horizontal);

    auto *hover = new QLabel{this};
    hover->setObjectName(QStringLiteral("hoverText"));
    hover->setTextFormat(Qt::PlainText);
    hover->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    statusBar()->addWidget(hover, 1);
    statusBar()->addPermanentWidget(new WorkLine{m_workbench, this});
    connect(m_views, &ViewArea::status, hover, &QLabel::setText);
    m_picker = new Picker{this};
}

void MainWindow::connectWorkbench()
{
    Document &document = m_workbench.document();
    const auto showSubject = [this, &document] {
        const Subject subject = document.subject();
        m_views->setSubject(subject);
        m_inspector->setSubject(subject);
    };
    connect(&document, &Document::subjectChanged, this, showSubject);
    connect(&document, &Document::subjectChanged, this, &MainWindow::refreshActions);
    connect(&document, &Document::subjectChanged, this, &MainWindow::applySelectionOfLastSession, Qt::QueuedConnection);
    for (const auto signal : {&Document::modelChanged, &Document::corpusChanged, &Document::currentChanged}) {
        connect(&document, signal, this, &MainWindow::refreshTitle);
        connect(&document, signal, this, &MainWindow::refreshActions);
    }
    connect(&m_workbench, &Workbench::workChanged, this, &MainWindow::refreshActions);
    connect(&m_workbench, &Workbench::failed, m_banner, &Banner::showError);
    connect(&m_workbench, &Workbench::noted, m_banner, &Banner::showNote);
    connect(&m_workbench.steering(), &SteeringDesk::noted, m_banner, &Banner::showNote);
    connect(&m_workbench.steering().model(), &SteeringModel::openWished, this, &MainWindow::openRecipeDialog);
    connect(&m_workbench.steering().model(), &SteeringModel::saveWished, this, &MainWindow::saveRecipeDialog);
    connect(&m_workbench.effects(), &EffectsDesk::noted, m_banner, &Banner::showNote);
    const auto bringUp = [this](const QString &name) {
        for (View *view : m_views->views())
            if (view->objectName() == name)
                m_views->activate(view);
    };
    const auto bringUpSteering = [bringUp] { bringUp(QStringLiteral("steering")); };
    connect(&m_workbench.steering(), &SteeringDesk::viewWished, this, bringUpSteering);
    connect(&m_workbench.effects(), &EffectsDesk::viewWished, this, bringUpSteering);
    connect(&m_workbench, &Workbench::compareWished, this, [this, bringUp] {
        bringUp(QStringLiteral("compare"));
        if (auto *compare = qobject_cast<CompareView *>(m_views->activeView()))
            compare->setMode(CompareView::Traces);
    });
    connect(&m_workbench, &Workbench::steeredCorpusTraced, this, [this] {
        // Who went on to something else is told, and not taken away from it.
        const QString at = m_views->activeView() ? m_views->activeView()->objectName() : QString();
        if (at != QLatin1String("steering") && at != QLatin1String("compare")) {
            m_banner->showNote(
                tr("The corpus is traced with the recipe: choose it above to see it, and in Compare against the model's own routing."));
            return;
        }
        m_workbench.compareSteeredCorpus();
    });
    connect(&m_workbench.steering().model(), &SteeringModel::changed, this, &MainWindow::refreshActions);
    connect(&m_workbench, &Workbench::modelOpened, this, [this](const QString &where) {
        if (where != findDemo().model)
            m_settings.addRecent(RecentKind::Model, where);
    });
    connect(&m_workbench, &Workbench::corpusOpened, this, [this](const QStringList &files) {
        for (const QString &file : files)
            if (!findDemo().corpus.contains(file))
                m_settings.addRecent(RecentKind::Corpus, file);
    });
    connect(&m_workbench, &Workbench::traceOpened, this, [this](const QString &file) { m_settings.addRecent(RecentKind::Trace, file); });
    connect(m_views, &ViewArea::pictureWished, this, &MainWindow::exportPictureOf);
    connect(m_views, &ViewArea::numbersWished, this, &MainWindow::exportNumbersOf);
    connect(m_views, &ViewArea::baselineWished, &document, &Document::setBaseline);
    showSubject();
}

void MainWindow::start(const QStringList &paths)
{
    const DemoFiles demo = findDemo();
    Session session = m_settings.session();
    m_workbench.experiments().setBundled(demo.evaluation, !demo.plan.isEmpty());
    if (!demo.plan.isEmpty())
        openPlan(demo.plan);
    m_views->restoreViews(session.views);
    m_prompt->restoreState(m_settings.value(promptState).toMap());

    if (const QString backend = m_settings.value(backendSetting).toString(); !backend.isEmpty())
        m_workbench.useBackend(backend);

    bool needsModel = !session.model.isEmpty(), needsCorpus = !session.corpus.isEmpty();
    if (!paths.isEmpty()) {
        // A trace needs nothing beside it; a corpus needs a model, a model needs a text, and a recipe needs both.
        const auto isGiven = [&](PathKind kind) {
            return std::any_of(paths.begin(), paths.end(), [kind](const QString &path) { return pathKind(path) == kind; });
        };
        needsModel = (isGiven(PathKind::Corpus) || isGiven(PathKind::Recipe)) && !isGiven(PathKind::Model);
        needsCorpus = (isGiven(PathKind::Model) || isGiven(PathKind::Recipe)) && !isGiven(PathKind::Corpus);
        for (const QString &path : paths)
            m_workbench.open(path);
    } else if (!needsModel && !needsCorpus && session.traces.isEmpty()) {
        needsModel = needsCorpus = true;
    }
    DemoFiles wanted;
    if (needsModel && (session.model.isEmpty() || session.model == Session::demo))
        wanted.model = demo.model;
    else if (needsModel)
        m_workbench.openModel(session.model);
    if (needsCorpus && (session.corpus.isEmpty() || session.corpus.contains(Session::demo)))
        wanted.corpus = demo.corpus;
    else if (needsCorpus)
        m_workbench.openCorpus(session.corpus);
    m_workbench.openDemo(wanted);
    if (!demo.complete() && paths.isEmpty() && !m_workbench.busy())
        m_banner->showError({ErrorKind::Input, "the bundled demo was not found", "",
            "Open a model folder and a corpus, or set EXPERTSCOPE_DATA_DIR to the folder that holds the demo's model and corpus"});
    if (paths.isEmpty()) {
        for (const QString &file : session.traces)
            m_workbench.openTrace(file);
        m_lastTrace = session.current;
        m_lastSelection = session.selection;
    }
    m_views->setFocus();
}

void MainWindow::openDemo()
{
    m_workbench.openDemo(findDemo());
}

/// Once the trace of the last session has the rows that were selected, they are selected again, unless the person was faster.
void MainWindow::applySelectionOfLastSession()
{
    const Document &document = m_workbench.document();
    if (m_lastTrace.isEmpty())
        return;
    if (document.selection().value() != Selection{} && document.current() && document.current()->key == m_lastTrace) {
        m_lastTrace.clear();
        return;
    }
    const OpenTrace *open = document.trace(m_lastTrace);
    if (!open || fitted(m_lastSelection, open->trace->meta()) != m_lastSelection)
        return;
    m_workbench.document().show(std::exchange(m_lastTrace, {}), m_lastSelection);
}

void MainWindow::refreshTitle()
{
    const Document &document = m_workbench.document();
    QStringList parts;
    if (const OpenTrace *open = document.current(); open && open->key != Document::corpusKey)
        parts << open->title;
    if (document.model())
        parts << document.model()->title;
    parts << QStringLiteral("Expertscope");
    setWindowTitle(parts.join(QStringLiteral(" – ")));
}

void MainWindow::restoreLayout()
{
    if (!restoreGeometry(m_settings.layout(geometryLayout))) {
        const QSize room = QGuiApplication::primaryScreen()->availableSize();
        resize(QSize{1500, 940}.boundedTo(room));
    }
    restoreState(m_settings.layout(windowLayout), layoutVersion);
    if (!m_views->restoreState(m_settings.layout(viewsLayout), layoutVersion)) // equal shares need the final size
        QMetaObject::invokeMethod(
            this, [this] { m_views->arrange(Arrangement::Pages); }, Qt::QueuedConnection);
}

void MainWindow::saveSession() const
{
    m_settings.setLayout(geometryLayout, saveGeometry());
    m_settings.setLayout(windowLayout, saveState(layoutVersion));
    m_settings.setLayout(viewsLayout, m_views->saveState(layoutVersion));
    m_settings.setValue(promptState, m_prompt->saveState());
    const Document &document = m_workbench.document();
    const DemoFiles demo = findDemo();
    Session session;
    if (document.model())
        session.model = document.model()->where == demo.model ? Session::demo : document.model()->where;
    if (document.corpus())
        session.corpus = document.corpus()->files == demo.corpus ? QStringList{Session::demo} : document.corpus()->files;
    for (const OpenTrace &open : document.traces())
        if (Document::isFile(open.key))
            session.traces << open.key;
    // Of what was recorded here only the corpus is recorded again, so what was selected in the rest cannot come back.
    if (const OpenTrace *open = document.current(); open && (open->key == Document::corpusKey || Document::isFile(open->key))) {
        session.current = open->key;
        session.selection = document.selection().value();
    }
    session.views = m_views->saveViews();
    m_settings.setSession(session);
}

void MainWindow::clearSelectionOrStop()
{
    if (m_workbench.busy())
        m_workbench.stop();
    else
        m_workbench.document().selection().set(nothingSelected(m_workbench.document().selection().value()));
}

void MainWindow::keyPressEvent(QKeyEvent *event)
{
    // Keys that no widget wanted. Not shortcuts, which would take them from text fields and find bars.
    if (event->key() == Qt::Key_Escape)
        clearSelectionOrStop();
    else if (event->text() == QStringLiteral("?"))
        showKeys(this);
    else
        QMainWindow::keyPressEvent(event);
}

bool MainWindow::isOverEvaluation(const QPoint &at) const
{
    const auto *page = findChild<EvaluatePage *>();
    return page->isVisible() && page->rect().contains(page->mapFrom(this, at));
}

void MainWindow::openDropped(const QStringList &paths, const QPoint &at)
{
    if (isOverEvaluation(at)) {
        m_workbench.experiments().addToEvaluation(paths);
        return;
    }
    QStringList corpora;
    for (const QString &path : paths) {
        if (pathKind(path) == PathKind::Corpus)
            corpora << path;
        else
            m_workbench.open(path);
    }
    if (!corpora.isEmpty())
        m_workbench.openCorpus(corpora);
}

void MainWindow::closeEvent(QCloseEvent *event)
{
    saveSession();
    event->accept();
}

} // namespace expertscope
