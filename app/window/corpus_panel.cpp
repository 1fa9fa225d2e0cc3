// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/corpus_panel.h"

#include "app/words.h"

#include <QComboBox>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QMenu>
#include <QScopedValueRollback>
#include <QTableView>
#include <QVBoxLayout>

namespace expertscope {

namespace {

/// Refills a combo box whose first entry means "any", keeping the choice where it still exists.
void setChoices(QComboBox &box, const QString &any, const QStringList &choices)
{
    const QString chosen = box.currentData().toString();
    const QSignalBlocker quiet{box};
    box.clear();
    box.addItem(any, QString{});
    for (const QString &choice : choices)
        box.addItem(choice, choice);
    box.setCurrentIndex(std::max(0, box.findData(chosen)));
    box.setEnabled(!choices.isEmpty());
}

} // namespace

CorpusPanel::CorpusPanel(Document &document, JobRunner &jobs, QWidget *parent)
    : QWidget{parent}
    , m_document{document}
    , m_jobs{jobs}
    , m_sequences{new SequenceItemModel{this}}
    , m_filter{new SequenceFilter{this}}
    , m_search{new QLineEdit{this}}
    , m_language{new QComboBox{this}}
    , m_domain{new QComboBox{this}}
    , m_table{new QTableView{this}}
    , m_count{new QLabel{this}}
{
    m_search->setObjectName(QStringLiteral("corpusSearch"));
    m_search->setPlaceholderText(tr("Filter by text or id"));
    m_search->setAccessibleName(m_search->placeholderText());
    m_search->setClearButtonEnabled(true);
    m_language->setObjectName(QStringLiteral("corpusLanguage"));
    m_language->setAccessibleName(tr("Language"));
    m_language->setToolTip(tr("Show one language; the routing map then counts its tokens"));
    m_domain->setObjectName(QStringLiteral("corpusDomain"));
    m_domain->setAccessibleName(tr("Domain"));
    m_domain->setToolTip(tr("Show one domain; the routing map then counts its tokens"));
    for (QComboBox *box : {m_language, m_domain}) {
        box->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
        box->setMinimumContentsLength(8);
    }
    m_filter->setSourceModel(m_sequences);
    m_table->setObjectName(QStringLiteral("corpusTable"));
    m_table->setAccessibleName(tr("Sequences"));
    m_table->setModel(m_filter);
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_table->setShowGrid(false);
    m_table->setWordWrap(false);
    m_table->setAlternatingRowColors(true);
    m_table->setTabKeyNavigation(false);
    m_table->setContextMenuPolicy(Qt::CustomContextMenu);
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 6);
    m_table->horizontalHeader()->setHighlightSections(false);
    m_table->horizontalHeader()->setMinimumSectionSize(30);
    m_table->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    m_table->horizontalHeader()->setSectionResizeMode(SequenceItemModel::Text, QHeaderView::Stretch);
    const int digit = fontMetrics().horizontalAdvance(QLatin1Char{'0'});
    for (const auto &[column, digits] :
        {std::pair{SequenceItemModel::Language, 6}, {SequenceItemModel::Domain, 8}, {SequenceItemModel::Tokens, 7}}) {
        m_table->horizontalHeader()->setSectionResizeMode(column, QHeaderView::Interactive);
        m_table->setColumnWidth(column, digit * digits);
    }
    m_count->setObjectName(QStringLiteral("corpusCount"));
    m_count->setForegroundRole(QPalette::PlaceholderText);

    auto *combos = new QHBoxLayout;
    combos->addWidget(m_language);
    combos->addWidget(m_domain);
    auto *layout = new QVBoxLayout{this};
    layout->setContentsMargins(6, 6, 6, 4);
    layout->setSpacing(4);
    layout->addWidget(m_search);
    layout->addLayout(combos);
    layout->addWidget(m_table, 1);
    layout->addWidget(m_count);

    connect(m_search, &QLineEdit::textChanged, this, &CorpusPanel::applyFilter);
    connect(m_language, &QComboBox::currentIndexChanged, this, [this] {
        applyFilter();
        chooseGroup(QStringLiteral("language"), m_language->currentData().toString());
    });
    connect(m_domain, &QComboBox::currentIndexChanged, this, [this] {
        applyFilter();
        chooseGroup(QStringLiteral("domain"), m_domain->currentData().toString());
    });
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex &index) {
        if (!m_following && index.isValid())
            selectSequence(m_sequences->row(m_filter->mapToSource(index).row()).sequence);
    });
    connect(m_table, &QTableView::clicked, this,
        [this](const QModelIndex &index) { selectSequence(m_sequences->row(m_filter->mapToSource(index).row()).sequence); });
    connect(m_table, &QWidget::customContextMenuRequested, this, &CorpusPanel::showRowMenu);
    connect(&m_document, &Document::subjectChanged, this, &CorpusPanel::refresh);
    connect(&m_document, &Document::corpusChanged, this, &CorpusPanel::refresh);
    connect(&m_document.selection(), &SelectionModel::changed, this, &CorpusPanel::showSelection);
    refresh();
}

void CorpusPanel::focusSearch()
{
    m_search->setFocus();
    m_search->selectAll();
}

void CorpusPanel::refresh()
{
    const OpenTrace *open = m_document.current();
    const bool ofCorpus = !open || open->key == Document::corpusKey;
    const std::shared_ptr<const Corpus> corpus = ofCorpus && m_document.corpus() ? m_document.corpus()->corpus : nullptr;
    const TracePtr trace = open ? open->trace : nullptr;
    m_jobs.run(
        this, QStringLiteral("rows"),
        [trace, corpus](const Progress &progress) -> std::any {
            std::vector<SequenceRow> rows = sequenceRows(trace.get(), corpus.get());
            if (trace && !corpus)
                readTexts(*trace, rows, progress);
            return rows;
        },
        [this](std::any rows) { setRows(std::any_cast<std::vector<SequenceRow>>(std::move(rows))); });
}

void CorpusPanel::setRows(std::vector<SequenceRow> rows)
{
    {
        const QScopedValueRollback following{m_following, true};
        m_sequences->setRows(std::move(rows));
    }
    setChoices(*m_language, tr("All languages"), m_sequences->languages());
    setChoices(*m_domain, tr("All domains"), m_sequences->domains());
    m_table->setColumnHidden(SequenceItemModel::Language, m_sequences->languages().isEmpty());
    m_table->setColumnHidden(SequenceItemModel::Domain, m_sequences->domains().isEmpty());
    applyFilter();
    showSelection(m_document.selection().value());
}

void CorpusPanel::applyFilter()
{
    const QScopedValueRollback following{m_following, true};
    m_filter->setWanted(m_search->text(), m_language->currentData().toString(), m_domain->currentData().toString());
    const int all = m_sequences->rowCount(), shown = m_filter->rowCount();
    const QLocale locale;
    const OpenTrace *open = m_document.current();
    const bool countsOnly = open && open->trace && open->trace->importedCounts();
    m_count->setText(all == 0 && countsOnly ? tr("No sequences: only their sums were imported")
            : all == 0                      ? tr("No sequences: open a corpus or a trace")
            : shown == all                  ? countOf(all, tr("sequence"), tr("sequences"))
                                            : tr("%1 of %2").arg(locale.toString(shown), countOf(all, tr("sequence"), tr("sequences"))));
}

void CorpusPanel::chooseGroup(const QString &grouping, const QString &group)
{
    Selection selection = m_document.selection().value();
    if (group.isEmpty() && selection.grouping != grouping)
        return;
    selection.grouping = group.isEmpty() ? QString{} : grouping;
    selection.group = group;
    selection.sequence = -1;
    selection.token = -1;
    selection.brush = {};
    m_document.selection().set(selection);
}

void CorpusPanel::selectSequence(int sequence)
{
    Selection selection = m_document.selection().value();
    if (sequence < 0 || sequence == selection.sequence)
        return;
    selection.sequence = sequence;
    selection.token = -1;
    selection.brush = {};
    m_document.selection().set(selection);
}

void CorpusPanel::showSelection(const Selection &selection)
{
    const QScopedValueRollback following{m_following, true};
    int sequence = selection.sequence;
    if (sequence < 0 && selection.token >= 0 && m_document.current())
        sequence = m_document.current()->trace->meta().sequenceOf(selection.token);
    const int row = m_sequences->rowOf(sequence);
    const QModelIndex shown = row < 0 ? QModelIndex{} : m_filter->mapFromSource(m_sequences->index(row, 0));
    if (!shown.isValid())
        m_table->selectionModel()->clear();
    else if (m_table->currentIndex().row() != shown.row() || !m_table->selectionModel()->isRowSelected(shown.row(), {})) {
        m_table->selectionModel()->setCurrentIndex(shown, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
        m_table->scrollTo(shown);
    }
    // A group that was cleared elsewhere is no longer a filter here either.
    for (QComboBox *box : {m_language, m_domain}) {
        const QString grouping = box == m_language ? QStringLiteral("language") : QStringLiteral("domain");
        const QString group = selection.grouping == grouping ? selection.group : QString{};
        const int index = std::max(0, box->findData(group));
        if (index == box->currentIndex() || (group.isEmpty() && !selection.grouping.isEmpty()))
            continue;
        const QSignalBlocker quiet{box};
        box->setCurrentIndex(index);
        applyFilter();
    }
}

void CorpusPanel::showRowMenu(const QPoint &at)
{
    const QModelIndex index = m_table->indexAt(at);
    if (!index.isValid())
        return;
    const SequenceRow row = m_sequences->row(m_filter->mapToSource(index).row());
    auto *menu = new QMenu{this};
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(tr("Find its translations"), this, [this, row] { m_search->setText(row.parallelId); })
        ->setEnabled(!row.parallelId.isEmpty());
    menu->addAction(tr("Only language %1").arg(row.language), this,
            [this, row] { m_language->setCurrentIndex(m_language->findData(row.language)); })
        ->setEnabled(!row.language.isEmpty());
    menu->addAction(tr("Only domain %1").arg(row.domain), this, [this, row] { m_domain->setCurrentIndex(m_domain->findData(row.domain)); })
        ->setEnabled(!row.domain.isEmpty());
    menu->popup(m_table->viewport()->mapToGlobal(at));
}

} // namespace expertscope
