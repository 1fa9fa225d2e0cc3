// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/inspector/expert_page.h"

#include "views/common/axis.h"
#include "views/common/colour_map.h"
#include "views/common/token_text.h"
#include "views/inspector/bar_table.h"
#include "views/inspector/rich_text.h"

#include <QLabel>
#include <QVBoxLayout>

#include <cmath>

namespace expertscope {

namespace {

constexpr std::size_t shownTokens = 12;
constexpr std::size_t shownContexts = 8;

QString percent(double share)
{
    return numberText(std::round(share * 1000) / 10) + QStringLiteral(" %");
}

QString interval(const Share &share)
{
    return QStringLiteral("%1 of %2 = %3, 95 % interval %4 to %5")
        .arg(countText(share.count), countText(share.of), percent(share.value), percent(share.low), percent(share.high));
}

QString times(const Lift &lift)
{
    return std::isnan(lift.value) ? QStringLiteral("–") : QStringLiteral("%1×").arg(lift.value, 0, 'f', lift.value < 10 ? 2 : 1);
}

BarRow rowOf(const QString &label, const Share &share, const QString &note)
{
    BarRow row;
    row.label = label;
    row.value = share.value;
    row.low = share.low;
    row.high = share.high;
    row.note = note;
    row.help = interval(share);
    return row;
}

} // namespace

ExpertPage::ExpertPage(SelectionModel *selection, QWidget *parent)
    : QWidget{parent}
    , m_selection{selection}
    , m_title{richLabel(this)}
    , m_summary{richLabel(this)}
    , m_load{new BarTable(this)}
    , m_languages{new BarTable(this)}
    , m_domains{new BarTable(this)}
    , m_partners{new BarTable(this)}
    , m_tokens{new BarTable(this)}
    , m_contexts{richLabel(this)}
    , m_note{richLabel(this)}
{
    setObjectName(QStringLiteral("expertPage"));
    m_summary->setObjectName(QStringLiteral("expertSummary"));
    m_partners->setObjectName(QStringLiteral("partners"));
    m_tokens->setObjectName(QStringLiteral("topTokens"));
    m_languages->setObjectName(QStringLiteral("languages"));
    m_contexts->setObjectName(QStringLiteral("contexts"));
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(10, 8, 10, 8);
    column->setSpacing(10);
    for (QWidget *part :
        std::initializer_list<QWidget *>{m_title, m_load, m_summary, m_languages, m_domains, m_tokens, m_contexts, m_partners, m_note})
        column->addWidget(part);
    column->addStretch(1);
    QFont large = m_title->font();
    large.setPointSizeF(large.pointSizeF() * 1.3);
    m_title->setFont(large);

    connect(m_partners, &BarTable::activated, this, [this](const QVariant &expert) {
        Selection next = m_selection->value();
        next.experts = {expert.toInt()};
        m_selection->set(next);
    });
    connect(m_partners, &BarTable::hovered, this, [this](const QVariant &expert) {
        m_selection->setHover(expert.isValid() ? Hover{-1, m_selection->value().layer, expert.toInt()} : Hover{});
    });
    const auto pickGroup = [this](const char *grouping) {
        return [this, grouping](const QVariant &group) {
            Selection next = m_selection->value();
            next.sequence = -1;
            next.token = -1;
            next.brush = {};
            next.group = group.toString();
            next.grouping = QLatin1String(grouping);
            m_selection->set(next);
        };
    };
    connect(m_languages, &BarTable::activated, this, pickGroup("language"));
    connect(m_domains, &BarTable::activated, this, pickGroup("domain"));
    connect(m_tokens, &BarTable::activated, this, [this](const QVariant &token) { showToken(token.toLongLong()); });
    connect(m_contexts, &QLabel::linkActivated, this,
        [this](const QString &link) { showToken(link.mid(link.indexOf(u':') + 1).toLongLong()); });
}

void ExpertPage::showToken(std::int64_t token)
{
    Selection next = m_selection->value();
    next.token = token;
    next.brush = {};
    next.group.clear();
    next.grouping.clear();
    next.sequence = m_trace ? m_trace->meta().sequenceOf(token) : -1;
    m_selection->set(next);
}

void ExpertPage::showGroups(BarTable *table, const QString &kind, const std::vector<GroupOfExpert> &groups, double load)
{
    std::vector<BarRow> rows;
    for (const GroupOfExpert &group : groups) {
        BarRow row = rowOf(QString::fromStdString(group.name), group.choosing,
            QStringLiteral("%1  %2  n %3").arg(percent(group.choosing.value), times(group.lift), countText(group.choosing.of)));
        row.help += QStringLiteral("\n%1 the expert's load over the whole trace; %2. Click to show this group in the routing map.")
                        .arg(times(group.lift), countText(group.sequences, "sequence"));
        row.data = QString::fromStdString(group.name);
        rows.push_back(std::move(row));
    }
    table->setRows(QStringLiteral("Share of tokens by %1 that choose it, × its load").arg(kind), std::move(rows), load,
        QStringLiteral("all tokens ") + percent(load));
}

void ExpertPage::setCard(const ExpertCard &card, TracePtr trace)
{
    m_trace = std::move(trace);
    const TraceMeta &meta = m_trace->meta();
    m_title->setText(QStringLiteral("<span style=\"background-color:%1\">&nbsp;&nbsp;&nbsp;</span> Layer %2, expert %3")
                         .arg(QColor(expertColour(card.expert)).name())
                         .arg(meta.layers[static_cast<std::size_t>(card.layer)])
                         .arg(card.expert));
    const double ratio = card.chance > 0 ? card.load.value / card.chance : std::nan("");
    BarRow load = rowOf(QStringLiteral("Load"), card.load,
        QStringLiteral("%1  %2× chance").arg(percent(card.load.value), numberText(std::round(ratio * 100) / 100)));
    m_load->setRows(
        QStringLiteral("Share of all tokens that choose it"), {load}, card.chance, QStringLiteral("chance ") + percent(card.chance));
    FactTable facts;
    facts.add(QStringLiteral("Chosen by"), QStringLiteral("%1 of %2").arg(countText(card.load.count), countText(card.load.of, "token")));
    facts.add(QStringLiteral("95 % interval"), QStringLiteral("%1 to %2").arg(percent(card.load.low), percent(card.load.high)));
    facts.add(QStringLiteral("Chance level"), percent(card.chance));
    if (!std::isnan(card.meanGateWeight))
        facts.add(QStringLiteral("Mean gate weight"), numberText(card.meanGateWeight));
    m_summary->setText(facts.html());

    showGroups(m_languages, QStringLiteral("language"), card.languages, card.load.value);
    showGroups(m_domains, QStringLiteral("domain"), card.domains, card.load.value);

    std::vector<BarRow> tokens;
    QString contexts;
    std::size_t contextCount = 0;
    for (const TokenOfExpert &token : card.tokens) {
        if (tokens.size() == shownTokens)
            break;
        BarRow row = rowOf(isolated(readableToken(token.text, token.tokenId)), token.choosing,
            QStringLiteral("%1  %2  n %3").arg(percent(token.choosing.value), times(token.lift), countText(token.choosing.of)));
        row.help += QStringLiteral("\n%1 the expert's load (at least %2 with 95 % confidence). Click to go to an occurrence.")
                        .arg(times(token.lift))
                        .arg(token.lift.low, 0, 'f', 2);
        if (!token.contexts.empty())
            row.data = QVariant::fromValue<qlonglong>(token.contexts.front().token);
        tokens.push_back(std::move(row));
        if (!token.contexts.empty() && contextCount < shownContexts) {
            const TokenContext &context = token.contexts.front();
            contexts += QStringLiteral("<p style=\"margin:3px 0\"><a href=\"token:%1\" style=\"text-decoration:none\">\u2192</a> %2</p>")
                            .arg(context.token)
                            .arg(contextHtml(context, palette()));
            ++contextCount;
        }
    }
    m_tokens->setRows(QStringLiteral("Top tokens: share of their occurrences that choose it"), std::move(tokens), card.load.value,
        QStringLiteral("all tokens ") + percent(card.load.value));
    m_contexts->setText(contexts);
    m_contexts->setVisible(!contexts.isEmpty());

    std::vector<BarRow> partners;
    for (const PartnerOfExpert &partner : card.partners) {
        BarRow row = rowOf(QStringLiteral("expert %1").arg(partner.expert), partner.together,
            QStringLiteral("%1  %2").arg(percent(partner.together.value), times(partner.lift)));
        row.help += QStringLiteral("\n%1 what its own load of %2 lets one expect. Click to inspect it.")
                        .arg(times(partner.lift), percent(partner.expected));
        row.colour = QColor(expertColour(partner.expert));
        row.data = partner.expert;
        partners.push_back(std::move(row));
    }
    m_partners->setRows(QStringLiteral("Partners: chosen together with it, × their own load"), std::move(partners), card.partnerChance,
        QStringLiteral("chance ") + percent(card.partnerChance));
    m_tokens->setVisible(meta.fields.tokenId);
    const QString ranking = meta.fields.tokenId
        ? QStringLiteral(
            "Top tokens are those with at least %1 occurrences (%2 different ones), ranked by the lower end of the interval of "
            "their lift.")
              .arg(ExpertCard::leastOccurrences)
              .arg(countText(card.rankedTokens))
        : QStringLiteral("The trace holds no token ids, so it cannot be said which tokens go with the expert.");
    m_note->setText(
        QStringLiteral("<small>%1 Intervals are Wilson's at 95 % and take tokens as independent; tokens of one text are not, so "
                       "the true ones are wider.</small>")
            .arg(ranking));
}

} // namespace expertscope
