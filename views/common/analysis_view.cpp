// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/analysis_view.h"

#include "engine/analysis/result_text.h"
#include "views/common/definition.h"
#include "views/common/figure.h"
#include "views/common/heatmap_view.h"
#include "views/common/result_figure.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QScrollArea>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabWidget>
#include <QTextBrowser>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace expertscope {

namespace {

QString text(std::string_view view)
{
    return QString::fromUtf8(view.data(), static_cast<qsizetype>(view.size()));
}

/// With a capital and a full stop.
QString sentence(const std::string &words)
{
    QString one = text(words);
    if (!one.isEmpty())
        one[0] = one[0].toUpper();
    return one.endsWith(u'.') ? one : one + u'.';
}

/// Text that ends in an ellipsis where there is no room. "n = ..." stands there whole or not at all: half a number is a wrong one.
class ElidedLabel : public QLabel {
public:
    using QLabel::QLabel;

protected:
    void paintEvent(QPaintEvent *) override
    {
        if (text().startsWith(QStringLiteral("n =")) && fontMetrics().horizontalAdvance(text()) > width())
            return;
        QPainter painter(this);
        painter.setPen(palette().color(QPalette::WindowText));
        painter.drawText(rect(), Qt::AlignRight | Qt::AlignVCenter, fontMetrics().elidedText(text(), Qt::ElideRight, width()));
    }
};

/// A headline and what to do, in the middle.
class EmptyState : public QWidget {
public:
    using QWidget::QWidget;
    void say(const QString &headline, const QString &advice)
    {
        m_headline = headline;
        m_advice = advice;
        setAccessibleName(headline);
        setAccessibleDescription(advice);
        update();
    }

protected:
    void paintEvent(QPaintEvent *) override
    {
        QPainter painter(this);
        paintEmptyState(painter, rect(), FigureLook::of(*this), m_headline, m_advice);
    }

private:
    QString m_headline, m_advice;
};

} // namespace

AnalysisView::AnalysisView(ViewContext context, std::span<const AnalysisKind *const> kinds, QWidget *parent)
    : View{context, parent}
{
    for (const AnalysisKind *kind : kinds) {
        auto *run = new AnalysisRun(context, *kind, this);
        m_runs.push_back(run);
        connect(run, &AnalysisRun::changed, this, [this, run] {
            if (run == m_current)
                showState();
        });
        connect(run, &AnalysisRun::progressed, this, [this, run] {
            if (run == m_current)
                showProgress();
        });
    }
    m_current = m_runs.front();
    auto *bar = new QWidget(this);
    m_toolbar = new QHBoxLayout(bar);
    m_toolbar->setContentsMargins(8, 4, 8, 4);
    m_toolbar->addStretch(1);
    m_split = new QSplitter(Qt::Horizontal, this);
    m_split->setChildrenCollapsible(false);
    m_pages = new QStackedWidget(m_split);
    m_empty = new EmptyState(m_pages);
    m_empty->setObjectName(QStringLiteral("emptyState"));
    m_pages->addWidget(m_empty);
    m_split->addWidget(m_pages);
    buildSide();
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(bar);
    column->addWidget(m_split, 1);
    showState();
}

void AnalysisView::buildSide()
{
    m_stateText = new ElidedLabel(this);
    m_stateText->setObjectName(QStringLiteral("analysisState"));
    m_stateText->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    m_toolbar->addWidget(m_stateText, 4);
    const auto button = [this](const QString &title, const QString &name, const QString &help) {
        auto *one = new QToolButton(this);
        one->setText(title);
        one->setObjectName(name);
        one->setToolTip(help);
        one->setAutoRaise(true);
        m_toolbar->addWidget(one);
        return one;
    };
    m_stop = button(QStringLiteral("Stop"), QStringLiteral("analysisStop"), QStringLiteral("Stop this analysis, or run it again"));
    m_settings = button(QStringLiteral("Settings"), QStringLiteral("analysisSettings"), QStringLiteral("Settings of this analysis"));
    m_definition = button(QStringLiteral("Definition"), QStringLiteral("analysisDefinition"),
        QStringLiteral("What is counted, over what, n, chance level, source, notes"));
    m_settings->setCheckable(true);
    m_definition->setCheckable(true);
    connect(m_stop, &QToolButton::clicked, this, [this] {
        if (m_current->running())
            m_current->stop();
        else
            m_current->start();
    });
    connect(m_settings, &QToolButton::clicked, this, [this](bool on) { setSideShown(on ? 0 : -1); });
    connect(m_definition, &QToolButton::clicked, this, [this](bool on) { setSideShown(on ? 1 : -1); });

    m_side = new QStackedWidget(m_split);
    m_forms = new QStackedWidget;
    for (AnalysisRun *run : m_runs) {
        auto *page = new QWidget;
        auto *column = new QVBoxLayout(page);
        auto *form = new ParamForm(run->kind().params, page);
        if (run->kind().params.empty())
            column->addWidget(new QLabel(QStringLiteral("This analysis has no settings."), page));
        column->addWidget(form);
        column->addStretch(1);
        m_forms->addWidget(page);
        m_formOf.insert(run, form);
        connect(form, &ParamForm::changed, this, &AnalysisView::applyForm);
    }
    auto *scroll = new QScrollArea(m_side);
    scroll->setWidget(m_forms);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_text = new QTextBrowser(m_side);
    m_text->setObjectName(QStringLiteral("definition"));
    m_text->setFrameShape(QFrame::NoFrame);
    m_side->addWidget(scroll);
    m_side->addWidget(m_text);
    m_side->setMinimumWidth(fontMetrics().averageCharWidth() * 30);
    m_split->addWidget(m_side);
    m_split->setStretchFactor(0, 1);
    m_split->setStretchFactor(1, 0);
    m_side->hide();
}

void AnalysisView::setBody(QWidget *body)
{
    m_pages->addWidget(body);
    showState();
}

QComboBox *AnalysisView::addBox(const QString &label, const QString &name)
{
    auto *title = new QLabel(label, this);
    auto *box = new QComboBox(this);
    box->setObjectName(name);
    box->setAccessibleName(QString(label).remove(u'&'));
    box->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    title->setBuddy(box);
    const int at = m_toolbar->indexOf(m_stateText) - 1; // before the stretch
    if (label.isEmpty())
        title->hide();
    m_toolbar->insertWidget(at, title);
    m_toolbar->insertWidget(at + 1, box);
    m_toolbar->insertSpacing(at + 2, 8);
    return box;
}

QWidget *AnalysisView::labelOf(const QWidget *box) const
{
    for (QLabel *label : findChildren<QLabel *>())
        if (label->buddy() == box)
            return label;
    return nullptr;
}

AnalysisRun *AnalysisView::run(std::string_view id) const
{
    const auto at = std::find_if(m_runs.begin(), m_runs.end(), [&](const AnalysisRun *one) { return one->kind().id == id; });
    if (at == m_runs.end())
        throw std::out_of_range{"the view has no analysis " + std::string{id}};
    return *at;
}

AnalysisInput AnalysisView::input(const AnalysisKind &kind) const
{
    AnalysisInput input;
    input.textOfToken = m_subject.textOfToken;
    if (m_subject.trace)
        input.traces.push_back(m_subject.trace);
    if (kind.traces == 2 && m_subject.baseline)
        input.traces.push_back(m_subject.baseline);
    return input;
}

void AnalysisView::setSubject(const Subject &subject)
{
    m_subject = subject;
    subjectChanged();
    for (AnalysisRun *run : m_runs)
        setInputOf(run);
    showState();
}

void AnalysisView::setInputOf(AnalysisRun *run)
{
    const AnalysisInput given = input(run->kind());
    run->setInput(static_cast<int>(given.traces.size()) == run->kind().traces ? given : AnalysisInput{});
}

void AnalysisView::setCurrent(AnalysisRun *run)
{
    if (run == m_current)
        return;
    m_current->setSeen(false);
    m_current = run;
    m_forms->setCurrentIndex(static_cast<int>(std::find(m_runs.begin(), m_runs.end(), run) - m_runs.begin()));
    if (m_seen)
        run->setSeen(true);
    showState();
}

void AnalysisView::applyForm()
{
    m_current->setValues(m_formOf.value(m_current)->values());
}

void AnalysisView::paintEvent(QPaintEvent *event)
{
    View::paintEvent(event);
    if (std::exchange(m_seen, true))
        return;
    // Painting must not change what is being painted.
    QMetaObject::invokeMethod(
        this, [this] { m_current->setSeen(m_seen); }, Qt::QueuedConnection);
}

void AnalysisView::hideEvent(QHideEvent *event)
{
    View::hideEvent(event);
    m_seen = false;
    for (AnalysisRun *run : m_runs)
        run->setSeen(false);
}

void AnalysisView::changeEvent(QEvent *event)
{
    View::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_text)
        showSide();
}

void AnalysisView::showState()
{
    const std::shared_ptr<const Result> result = m_current->result();
    m_stop->setText(m_current->running() ? QStringLiteral("Stop") : QStringLiteral("Run again"));
    m_stop->setEnabled(m_subject.trace != nullptr);
    showProgress();
    sayWhy();
    const bool hasBody = result && m_pages->count() > 1;
    m_pages->setCurrentIndex(hasBody ? 1 : 0);
    if (result == m_shown)
        return;
    m_shown = result;
    if (hasBody)
        showResult();
    showSide();
}

void AnalysisView::sayWhy()
{
    auto *empty = static_cast<EmptyState *>(m_empty);
    const AnalysisKind &kind = m_current->kind();
    const std::optional<Error> &error = m_current->error();
    if (!m_subject.trace)
        empty->say(nothingOpenHeadline(), nothingOpenAdvice());
    else if (static_cast<int>(input(kind).traces.size()) < kind.traces)
        empty->say(QStringLiteral("There is nothing to compare with yet"),
            m_subject.others.empty() ? QStringLiteral("Open a second trace of the same text: File > Open Trace.")
                                     : QStringLiteral("Choose one of the other open traces above."));
    else if (error && error->kind == ErrorKind::Check) {
        // What was missing from the start is said by the remedy alone; what came up on the way has a reason of its own.
        const bool lacks = !missing(kind, input(kind), Params{kind.params, m_current->values()}).empty();
        empty->say(QStringLiteral("%1 cannot run here").arg(text(kind.title)),
            lacks ? text(error->remedy) : sentence(error->message) + u' ' + sentence(error->remedy));
    } else if (error)
        empty->say(QString::fromStdString(error->message), QString::fromStdString(error->remedy));
    else if (m_current->stopped())
        empty->say(QStringLiteral("Stopped"), QStringLiteral("Run it again with the button above."));
    else
        empty->say(QStringLiteral("Computing…"), text(kind.help));
}

void AnalysisView::showProgress()
{
    QString state;
    if (m_current->running())
        state = m_current->progress() < 0 ? QStringLiteral("Computing…")
                                          : QStringLiteral("Computing… %1 %").arg(std::floor(100 * m_current->progress()));
    else if (m_current->stopped())
        state = QStringLiteral("Stopped");
    else if (result())
        state = sampleText(*result());
    m_stateText->setText(state);
    m_stateText->setToolTip(state);
}

void AnalysisView::setSideShown(int page)
{
    m_settings->setChecked(page == 0);
    m_definition->setChecked(page == 1);
    m_side->setVisible(page >= 0);
    if (page >= 0)
        m_side->setCurrentIndex(page);
    showSide();
}

void AnalysisView::showSide()
{
    if (!m_side->isVisibleTo(this))
        return;
    m_formOf.value(m_current)->setValues(m_current->values());
    m_text->setHtml(definitionHtml(m_current->kind(), m_current->result().get()));
}

std::string AnalysisView::csv() const
{
    const auto shown = m_current->result();
    return shown && !shown->tables.empty() ? expertscope::csv(withEffects(shown->tables.front(), context().effects)) : std::string();
}

QRectF AnalysisView::paintFrame(QPainter &painter, const QRectF &target, const QString &title) const
{
    const FigureLook look = FigureLook::print(font());
    const auto shown = m_current->result();
    if (!shown) {
        paintEmptyState(painter, target, look, QStringLiteral("Nothing was computed yet"), QStringLiteral("Show the view first."));
        return {};
    }
    return paintFigureFrame(painter, target, look, title,
        resultCaption(*shown, m_current->kind(), resultTrace() ? resultTrace()->meta().model.name : std::string()));
}

QVariantMap AnalysisView::saveState() const
{
    QVariantMap state;
    for (const AnalysisRun *run : m_runs) {
        QVariantMap values;
        for (const auto &[id, value] : run->values())
            values.insert(QString::fromStdString(id), QString::fromStdString(value));
        state.insert(text(run->kind().id), values);
    }
    for (const Kept &kept : m_kept)
        state.insert(kept.key, kept.value());
    return state;
}

void AnalysisView::restoreState(const QVariantMap &state)
{
    for (AnalysisRun *run : m_runs) {
        const QVariantMap saved = state.value(text(run->kind().id)).toMap();
        ParamValues values;
        for (auto at = saved.begin(); at != saved.end(); ++at)
            values.emplace_back(at.key().toStdString(), at.value().toString().toStdString());
        // By way of the form, which knows what fits.
        m_formOf.value(run)->setValues(values);
        run->setValues(m_formOf.value(run)->values());
    }
    for (const Kept &kept : m_kept)
        if (state.contains(kept.key))
            kept.restore(state.value(kept.key));
}

void AnalysisView::keep(const QString &key, QComboBox *box)
{
    const auto value = [box] { return box->currentData().isValid() ? box->currentData() : QVariant(box->currentIndex()); };
    const auto restore = [box](const QVariant &saved) {
        const int at = box->currentData().isValid() ? box->findData(saved) : saved.toInt();
        if (at >= 0 && at < box->count())
            box->setCurrentIndex(at);
    };
    m_kept.push_back({key, value, restore});
}

void AnalysisView::keep(const QString &key, QTabWidget *tabs)
{
    m_kept.push_back({key, [tabs] { return QVariant(tabs->currentIndex()); },
        [tabs](const QVariant &saved) { tabs->setCurrentIndex(std::clamp(saved.toInt(), 0, tabs->count() - 1)); }});
}

void AnalysisView::fit()
{
    for (const auto &fitPart : m_fits)
        fitPart();
}

} // namespace expertscope
