// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/steering/steering_view.h"

#include "engine/analysis/result_text.h"
#include "views/common/axis.h"
#include "views/common/heatmap_view.h"
#include "views/common/result_figure.h"
#include "views/common/series_chart.h"
#include "views/common/steering_actions.h"
#include "views/steering/effects_page.h"
#include "views/steering/recipe_panel.h"
#include "views/steering/routes_page.h"
#include "views/steering/steering_text.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QSpinBox>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabWidget>
#include <QTextBrowser>
#include <QUrl>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

namespace expertscope {

namespace {

constexpr int mostNewTokens = 200;

/// Whether an edit that is on names this expert.
bool touches(const Recipe &recipe, int layer, int expert)
{
    return std::any_of(recipe.edits.begin(), recipe.edits.end(), [&](const Edit &edit) {
        if (!edit.enabled)
            return false;
        if (edit.vectors.contains(layer))
            return true;
        return std::any_of(edit.experts.begin(), edit.experts.end(), [&](const LayerExperts &one) {
            return (one.layer == everyLayer || one.layer == layer)
                && (one.all || std::find(one.experts.begin(), one.experts.end(), expert) != one.experts.end());
        });
    });
}

} // namespace

SteeringView::SteeringView(ViewContext context, QWidget *parent)
    : View{std::move(context), parent}
    , m_panel{new RecipePanel(*this->context().steering, this)}
    , m_where{new QLabel(this)}
    , m_numbers{new QLabel(this)}
    , m_newTokens{new QSpinBox(this)}
    , m_pages{new QStackedWidget(this)}
    , m_obstacle{new QLabel(this)}
    , m_map{new HeatmapView(this)}
    , m_text{new QTextBrowser(this)}
    , m_tokens{new SeriesChart(this)}
    , m_layers{new SeriesChart(this)}
    , m_routes{new RoutesPage(this->context(), this)}
    , m_effects{new EffectsPage(this->context(), this)}
    , m_tabs{new QTabWidget(this)}
{
    setObjectName(QStringLiteral("steering"));
    m_where->setObjectName(QStringLiteral("steeredText"));
    m_numbers->setObjectName(QStringLiteral("steeringNumbers"));
    m_numbers->setWordWrap(true);
    m_numbers->setMinimumHeight(1); // inside of splitters a label asks for the height of its narrowest shape
    m_numbers->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_newTokens->setObjectName(QStringLiteral("newTokens"));
    m_newTokens->setRange(0, mostNewTokens);
    m_newTokens->setSingleStep(16);
    m_newTokens->setSuffix(QStringLiteral(" tokens"));
    m_newTokens->setSpecialValueText(QStringLiteral("nothing"));
    m_newTokens->setKeyboardTracking(false);
    m_newTokens->setToolTip(QStringLiteral("How far both runs write on after the text, greedily"));
    m_obstacle->setObjectName(QStringLiteral("steeringObstacle"));
    m_obstacle->setWordWrap(true);
    m_obstacle->setMinimumHeight(1);
    m_obstacle->setAlignment(Qt::AlignCenter);
    m_obstacle->setMargin(24);
    m_text->setObjectName(QStringLiteral("steeringText"));
    m_text->setOpenLinks(false);
    m_text->setFrameShape(QFrame::NoFrame);
    m_tokens->setObjectName(QStringLiteral("tokenChart"));
    m_layers->setObjectName(QStringLiteral("layerChart"));
    m_tabs->setObjectName(QStringLiteral("steeringTabs"));
    m_tabs->setDocumentMode(true);
    m_tabs->addTab(buildText(), QStringLiteral("One text"));
    m_tabs->addTab(m_routes, QStringLiteral("Other routes of a token"));
    m_tabs->addTab(m_effects, QStringLiteral("Effects of experts"));
    auto *split = new QSplitter(Qt::Horizontal, this);
    split->setChildrenCollapsible(false);
    split->addWidget(m_panel);
    split->addWidget(m_tabs);
    split->setStretchFactor(1, 1);
    split->setSizes({330, 1000});
    auto *whole = new QVBoxLayout(this);
    whole->setContentsMargins(0, 0, 0, 0);
    whole->addWidget(split);
    connectParts();
    connectPages();
    showState();
}

/// The page that runs one text.
QWidget *SteeringView::buildText()
{
    auto *bar = new QHBoxLayout;
    bar->setContentsMargins(6, 6, 6, 0);
    bar->addWidget(m_where, 1);
    auto *label = new QLabel(QStringLiteral("&Write on:"), this);
    label->setBuddy(m_newTokens);
    bar->addWidget(label);
    bar->addWidget(m_newTokens);
    auto *top = new QSplitter(Qt::Horizontal, this);
    top->addWidget(m_map);
    top->addWidget(m_text);
    top->setSizes({1000, 1000});
    auto *bottom = new QSplitter(Qt::Horizontal, this);
    bottom->addWidget(m_tokens);
    bottom->addWidget(m_layers);
    bottom->setSizes({1400, 1000});
    auto *figures = new QSplitter(Qt::Vertical, this);
    figures->addWidget(top);
    figures->addWidget(bottom);
    figures->setSizes({1200, 1000});
    auto *outcome = new QWidget(this);
    auto *column = new QVBoxLayout(outcome);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_numbers);
    m_numbers->setContentsMargins(6, 4, 6, 4);
    column->addWidget(figures, 1);
    m_pages->addWidget(m_obstacle);
    m_pages->addWidget(outcome);
    auto *right = new QWidget(this);
    auto *rightColumn = new QVBoxLayout(right);
    rightColumn->setContentsMargins(0, 0, 0, 0);
    rightColumn->addLayout(bar);
    rightColumn->addWidget(m_pages, 1);
    for (QSplitter *one : {top, bottom, figures})
        one->setChildrenCollapsible(false);
    return right;
}

void SteeringView::connectPages()
{
    connect(m_tabs, &QTabWidget::currentChanged, this, [this] {
        m_panel->setVisible(page() != Effects); // single experts are ablated there, without the recipe
        watch(isVisible());
    });
    connect(m_routes, &RoutesPage::tried, this, [this] { showPage(Text); });
    connect(context().effects, &EffectsModel::rankingWished, this, [this] { showPage(Effects); });
    connect(context().steering, &SteeringModel::wished, this, [this](const SteeringWish &wish) {
        if (wish.kind == SteeringWish::Kind::WhatIf)
            showPage(Text);
    });
    const auto pass = [this](const auto *part) {
        using Part = std::remove_cvref_t<decltype(*part)>;
        connect(part, &Part::status, this, &View::status);
        connect(part, &Part::pictureWished, this, &View::pictureWished);
        connect(part, &Part::numbersWished, this, &View::numbersWished);
    };
    pass(m_routes);
    pass(m_effects);
    pass(m_tokens);
    pass(m_layers);
    pass(m_map);
}

void SteeringView::showPage(Page page)
{
    m_tabs->setCurrentIndex(page);
}

SteeringView::Page SteeringView::page() const
{
    return static_cast<Page>(m_tabs->currentIndex());
}

/// What nobody looks at is not run.
void SteeringView::watch(bool visible)
{
    const bool text = visible && page() == Text, routes = visible && page() == Routes;
    if (std::exchange(m_watched, text) != text)
        emit context().steering->watchedChanged(text);
    if (std::exchange(m_routesWatched, routes) != routes)
        emit context().routes->watchedChanged(routes);
}

void SteeringView::connectParts()
{
    SteeringModel *steering = context().steering;
    SelectionModel *selection = context().selection;
    connect(steering, &SteeringModel::changed, this, &SteeringView::showState);
    connect(m_newTokens, &QSpinBox::valueChanged, steering, &SteeringModel::newTokensWished);
    connect(m_map, &HeatmapView::picked, this, [this, selection](int row, qint64 column) {
        Selection next = selection->value();
        next.layer = row;
        next.experts = {static_cast<int>(column)};
        selection->set(next);
    });
    connect(m_map, &HeatmapView::hovered, this, [selection](int row, qint64 column) {
        selection->setHover(row < 0 ? Hover{} : Hover{-1, row, static_cast<int>(column)});
    });
    m_map->setDescribe([this](int row, std::int64_t column) {
        const double value = m_map->content().data->at(row, column);
        QStringList lines{QStringLiteral("layer %1, expert %2").arg(m_map->content().rowLabel(row)).arg(column),
            QStringLiteral("share of tokens, steered minus baseline: %1%2")
                .arg(value > 0 ? QStringLiteral("+") : QString(), numberText(value))};
        if (m_map->content().dotted(row, column))
            lines << QStringLiteral("edited by the recipe");
        return lines;
    });
    offerSteering(*m_map, context(), [this](int row, std::int64_t column) -> std::optional<ExpertSet> {
        if (row < 0)
            return std::nullopt;
        return ExpertSet{m_map->content().rowLabel(row).toInt(), {static_cast<int>(column)}};
    });
    const auto selectToken = [this, selection](int index) {
        if (!m_shown || m_shown->firstToken < 0 || !m_subject.trace || m_subject.trace->meta().tokens <= m_shown->firstToken + index)
            return;
        Selection next = selection->value();
        next.token = m_shown->firstToken + index;
        next.sequence = m_subject.trace->meta().sequenceOf(next.token);
        selection->set(next);
    };
    connect(m_text, &QTextBrowser::anchorClicked, this,
        [selectToken](const QUrl &link) { selectToken(link.toString().section(u':', 1).toInt()); });
    connect(m_tokens, &SeriesChart::picked, this, [selectToken](int x, int) { selectToken(x); });
    connect(m_layers, &SeriesChart::picked, this, [selection](int x, int) {
        Selection next = selection->value();
        next.layer = x;
        next.experts.clear();
        selection->set(next);
    });
    connect(selection, &SelectionModel::changed, this, &SteeringView::showMarks);
}

void SteeringView::setSubject(const Subject &subject)
{
    m_subject = subject;
    m_effects->setTrace(subject.trace);
}

void SteeringView::showEvent(QShowEvent *event)
{
    View::showEvent(event);
    watch(true);
}

void SteeringView::hideEvent(QHideEvent *event)
{
    View::hideEvent(event);
    watch(false);
}

void SteeringView::changeEvent(QEvent *event)
{
    View::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_shown)
        showText();
}

void SteeringView::showState()
{
    const SteeringState &state = context().steering->state();
    {
        const QSignalBlocker quiet(m_newTokens);
        m_newTokens->setValue(state.newTokens);
    }
    m_where->setText(state.outcome ? state.outcome->text + (state.running ? QStringLiteral(" – running…") : QString()) : QString());
    m_obstacle->setText(!state.obstacle.isEmpty() ? state.obstacle : state.running ? QStringLiteral("Running the text…") : state.problem);
    // What an earlier recipe did is no answer to one that cannot be run.
    const bool hasOutcome = state.outcome && state.obstacle.isEmpty() && state.problem.isEmpty();
    m_pages->setCurrentIndex(hasOutcome ? 1 : 0);
    if (m_shown != state.outcome) {
        m_shown = state.outcome;
        if (m_shown)
            showOutcome();
    }
}

void SteeringView::showOutcome()
{
    m_map->setContent(mapContent());
    m_tokens->setSeries(m_shown->result.serie("change"));
    m_layers->setSeries(m_shown->result.serie("layers"));
    showNumbers();
    showText();
    showMarks();
}

HeatmapContent SteeringView::mapContent() const
{
    HeatmapContent content = matrixContent(m_shown->result.matrix("difference"));
    const std::vector<int> layers = m_shown->comparison.baseline->meta().layers;
    content.dotted = [recipe = m_shown->recipe, layers](std::int64_t row, std::int64_t column) {
        return touches(recipe, layers[static_cast<std::size_t>(row)], static_cast<int>(column));
    };
    content.caption = m_shown->text + QStringLiteral("; %1; dot = edited by the recipe").arg(sampleText(m_shown->result));
    return content;
}

void SteeringView::showNumbers()
{
    const auto value = [this](const char *id) { return m_shown->result.number(id).value; };
    const auto with = [](double number) { return (number > 0 ? QStringLiteral("+") : QString()) + numberText(number); };
    const double change = value("loss_change");
    QStringList parts{QStringLiteral("loss <b>%1</b> nats per token (%2 → %3)")
                          .arg(with(change), numberText(value("loss_baseline")), numberText(value("loss_steered"))),
        QStringLiteral("KL of the next token <b>%1</b> nats").arg(numberText(value("divergence"))),
        QStringLiteral("same prediction <b>%1 %</b>").arg(numberText(100 * value("same_prediction"))),
        QStringLiteral("same experts <b>%1 %</b> (chance %2 %)")
            .arg(numberText(100 * value("agreement")), numberText(100 * m_shown->result.number("agreement").chance)),
        QStringLiteral("experts per token <b>%1</b> (%2)")
            .arg(numberText(value("experts_steered")), numberText(value("experts_baseline")))};
    m_numbers->setText(parts.join(QStringLiteral(" · "))
        + QStringLiteral("<br/><small>n = %1; one text, so no interval; %2</small>")
              .arg(countText(m_shown->comparison.baseline->meta().tokens, "token"))
              .arg(m_shown->comparison.firstLayer >= m_shown->comparison.baseline->meta().model.nLayers
                      ? QStringLiteral("no layer is changed")
                      : QStringLiteral("layers from %1 on run again in %2 ms")
                            .arg(m_shown->comparison.firstLayer)
                            .arg(std::lround(1000 * m_shown->comparison.seconds))));
}

void SteeringView::showText()
{
    m_text->setHtml(steeringHtml(*m_shown, palette()));
}

void SteeringView::showMarks()
{
    if (!m_shown)
        return;
    const Selection &selection = context().selection->value();
    std::vector<HeatmapMark> marks{{HeatmapMark::Style::Selected, selection.layer, -1}};
    for (const int expert : selection.experts)
        marks.push_back({HeatmapMark::Style::Selected, selection.layer, expert});
    m_map->setMarks(std::move(marks));
    const std::int64_t index = m_shown->firstToken < 0 ? -1 : selection.token - m_shown->firstToken;
    const std::vector<double> &positions = m_tokens->series().x;
    m_tokens->setMarks({index >= 0 && index < std::ssize(positions) ? positions[static_cast<std::size_t>(index)] : noNumber, {}});
    const std::vector<double> &layers = m_layers->series().x;
    m_layers->setMarks({selection.layer < std::ssize(layers) ? layers[static_cast<std::size_t>(selection.layer)] : noNumber, {}});
}

void SteeringView::paintFigure(QPainter &painter, const QRectF &target)
{
    if (page() == Routes)
        return m_routes->paintFigure(painter, target);
    if (page() == Effects)
        return m_effects->paintFigure(painter, target);
    const FigureLook look = FigureLook::print(font());
    if (!m_shown) {
        paintEmptyState(painter, target, look, QStringLiteral("Nothing was steered yet"), m_obstacle->text());
        return;
    }
    HeatmapContent content = mapContent();
    const QRectF inner = paintFigureFrame(painter, target, look, content.title, content.caption);
    content.title.clear();
    const double half = inner.height() * 0.55;
    paintMatrix(painter, QRectF(inner.topLeft(), QSizeF(inner.width(), half)), content, look, {});
    paintSeries(
        painter, QRectF(inner.left(), inner.top() + half, inner.width(), inner.height() - half), m_shown->result.serie("change"), look, {});
}

std::string SteeringView::csv() const
{
    if (page() != Text)
        return page() == Routes ? m_routes->csv() : m_effects->csv();
    return m_shown ? expertscope::csv(m_shown->result.table("tokens")) : std::string();
}

QVariantMap SteeringView::saveState() const
{
    return {{QStringLiteral("write on"), m_newTokens->value()}, {QStringLiteral("page"), m_tabs->currentIndex()}};
}

void SteeringView::restoreState(const QVariantMap &state)
{
    m_newTokens->setValue(state.value(QStringLiteral("write on")).toInt());
    m_tabs->setCurrentIndex(std::clamp(state.value(QStringLiteral("page")).toInt(), 0, m_tabs->count() - 1));
}

void SteeringView::fit()
{
    m_map->fit();
    m_tokens->fit();
    m_layers->fit();
    m_routes->chart()->fit();
    m_effects->chart()->fit();
}

} // namespace expertscope
