// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/report/report_pdf.h"

#include "app/report/report_html.h"
#include "views/common/token_text.h"

#include <QAbstractTextDocumentLayout>
#include <QBuffer>
#include <QDateTime>
#include <QPainter>
#include <QPdfWriter>
#include <QRegularExpression>
#include <QTextDocument>
#include <QTextObjectInterface>
#include <QTextTable>

#include <algorithm>
#include <memory>

namespace expertscope {

namespace {

// The document is laid out in points: 1/72 inch, which is the resolution given to the writer.
constexpr int dpi = 72;
constexpr double margin = 45, footer = 20;
constexpr double textSize = 9, smallSize = 7.5, tableSize = 6.8, narrowTableSize = 5;
constexpr int figureObject = QTextFormat::UserObject + 1;
constexpr int figureIndex = QTextFormat::UserProperty + 1;
constexpr int figureCaption = QTextFormat::UserProperty + 2;
constexpr double captionGap = 2, captionMargin = 8; ///< points above a caption, and beside it
constexpr QColor faintColour{0x60, 0x60, 0x60};

/// Draws figures where the document has placed them, as vectors, each with its caption, which no page break can part from it.
class FigureObjects : public QObject, public QTextObjectInterface {
    Q_OBJECT
    Q_INTERFACES(QTextObjectInterface)
public:
    FigureObjects(const std::vector<PaintedFigure> &figures, double width, double mostHeight)
        : m_figures{figures}
        , m_width{width}
        , m_mostHeight{mostHeight}
    {
    }

    QSizeF intrinsicSize(QTextDocument *document, int, const QTextFormat &format) override
    {
        const QSizeF picture = shown(format);
        const QFontMetricsF metrics{captionFont(*document), document->documentLayout()->paintDevice()};
        const QRectF room{0, 0, picture.width() - captionMargin, m_mostHeight};
        const double caption = metrics.boundingRect(room, wrapped, format.property(figureCaption).toString()).height();
        return {picture.width(), picture.height() + captionGap + caption};
    }

    void drawObject(QPainter *painter, const QRectF &rect, QTextDocument *document, int, const QTextFormat &format) override
    {
        const PaintedFigure &painted = figure(format);
        const QSizeF picture = shown(format);
        // of another page: a picture sets clips of its own, and a row of figures is offered to the page before its own too
        if (rect.center().y() < m_page.top() || rect.center().y() >= m_page.bottom())
            return;
        painter->save();
        painter->setRenderHint(QPainter::LosslessImageRendering);
        painter->setFont(captionFont(*document));
        painter->setPen(faintColour);
        painter->drawText(
            rect.adjusted(0, picture.height() + captionGap, -captionMargin, 0), wrapped, format.property(figureCaption).toString());
        painter->translate(rect.topLeft());
        // a picture scales itself from its own resolution to the painter's
        const double own = static_cast<double>(painted.picture.logicalDpiX()) / painter->device()->logicalDpiX();
        painter->scale(own * picture.width() / painted.pictureSize.width(), own * picture.height() / painted.pictureSize.height());
        painter->drawPicture(0, 0, painted.picture);
        painter->restore();
    }

    void setPage(const QRectF &page) { m_page = page; } ///< the part of the document that is drawn next

private:
    static constexpr int wrapped = Qt::AlignLeft | Qt::TextWordWrap;

    const PaintedFigure &figure(const QTextFormat &format) const
    {
        return m_figures[static_cast<std::size_t>(format.property(figureIndex).toInt())];
    }
    /// The size of the picture in the document.
    QSizeF shown(const QTextFormat &format) const
    {
        const QSizeF size = figure(format).pictureSize;
        return size * std::min(m_width / pageWidth, m_mostHeight / size.height());
    }
    static QFont captionFont(const QTextDocument &document)
    {
        QFont font = document.defaultFont();
        font.setPointSizeF(smallSize);
        return font;
    }

    const std::vector<PaintedFigure> &m_figures;
    double m_width, m_mostHeight;
    QRectF m_page;
};

class PdfDocument {
public:
    PdfDocument(const ReportContent &content, const std::vector<PaintedFigure> &figures, QTextDocument &document, double width)
        : m_content{content}
        , m_figures{figures}
        , m_document{document}
        , m_width{width}
        , m_cursor{&document}
    {
    }

    void build(const Progress &progress)
    {
        m_cursor.beginEditBlock();
        paragraph(shownText(m_content.title), format(15, true), 0, 8);
        bool contents = false;
        for (auto block = m_content.blocks.begin(); block != m_content.blocks.end(); ++block) {
            progress.check();
            if (!contents && std::holds_alternative<Heading>(*block)) {
                addContents();
                contents = true;
            }
            const auto *figure = std::get_if<Figure>(&*block);
            const auto *next = block + 1 == m_content.blocks.end() ? nullptr : std::get_if<Figure>(&block[1]);
            if (figure && next && isColumn(m_figure) && isColumn(m_figure + 1)) {
                addPair(*figure, *next);
                ++block;
            } else {
                std::visit([this](const auto &part) { addBlock(part); }, *block);
            }
        }
        m_cursor.endEditBlock();
    }

    /// Headings and titles of tables go to the page of what they are above.
    void keepTogether(double pageHeight)
    {
        layOutAgain();
        for (const QTextCursor &place : m_aboveOthers) {
            const QTextBlock block = place.block();
            QTextBlock next = block.next();
            while (next.isValid() && next.text().isEmpty())
                next = next.next(); // the line in front of a table
            if (!next.isValid() || page(firstLine(next), pageHeight) == page(firstLine(block), pageHeight))
                continue;
            QTextBlockFormat format = block.blockFormat();
            format.setPageBreakPolicy(QTextFormat::PageBreak_AlwaysBefore);
            QTextCursor{block}.setBlockFormat(format);
            layOutAgain();
        }
    }

    /// Fills in the page numbers of the contents, once all is laid out.
    void numberPages(double pageHeight)
    {
        for (std::size_t i = 0; i < m_parts.size(); ++i)
            m_contents->cellAt(static_cast<int>(i), 1)
                .firstCursorPosition()
                .insertText(QString::number(page(firstLine(m_parts[i].block()), pageHeight) + 1), format(textSize));
        layOutAgain();
    }

private:
    static QTextCharFormat format(double points, bool bold = false, const QColor &colour = {0x16, 0x16, 0x16})
    {
        QTextCharFormat format;
        format.setFontPointSize(points);
        format.setFontWeight(bold ? QFont::Bold : QFont::Normal);
        format.setForeground(colour);
        return format;
    }
    static QTextCharFormat faint(double points) { return format(points, false, faintColour); }

    /// As a whole: what the layout does for a change alone loses what stands between tables.
    void layOutAgain() { m_document.markContentsDirty(0, m_document.characterCount()); }
    /// Top of the first line, which may be on the page after the one where its paragraph begins.
    double firstLine(const QTextBlock &block) const
    {
        const QRectF all = m_document.documentLayout()->blockBoundingRect(block);
        const QTextLayout &layout = *block.layout();
        return all.top() + (layout.lineCount() > 0 ? layout.lineAt(0).y() - layout.boundingRect().top() : 0);
    }
    static int page(double y, double pageHeight) { return static_cast<int>(y / pageHeight); }
    static QTextCursor staying(QTextCursor place)
    {
        place.setKeepPositionOnInsert(true);
        return place;
    }

    /// Every paragraph goes in front of the document's last, empty block, so that what follows a table begins outside of it.
    QTextCursor newBlock(double above, double below)
    {
        QTextBlockFormat block;
        block.setTopMargin(above);
        block.setBottomMargin(below);
        block.setLayoutDirection(Qt::LeftToRight);
        m_cursor.movePosition(QTextCursor::End);
        if (m_started)
            m_cursor.insertBlock(block);
        else
            m_cursor.setBlockFormat(block);
        m_started = true;
        return m_cursor;
    }

    void paragraph(const QString &text, const QTextCharFormat &chars, double above, double below)
    {
        newBlock(above, below).insertText(text, chars);
    }

    void addContents()
    {
        std::vector<const Heading *> headings;
        for (const Block &block : m_content.blocks)
            if (const auto *heading = std::get_if<Heading>(&block); heading && heading->level == 2)
                headings.push_back(heading);
        paragraph(QStringLiteral("Contents"), format(11, true), 10, 2);
        QTextTableFormat table;
        table.setBorder(0);
        table.setCellPadding(0.5);
        table.setCellSpacing(0);
        table.setWidth(QTextLength{QTextLength::PercentageLength, 100});
        table.setColumnWidthConstraints({QTextLength{QTextLength::PercentageLength, 92}, QTextLength{QTextLength::PercentageLength, 8}});
        newBlock(0, 0);
        m_contents = m_cursor.insertTable(static_cast<int>(headings.size()), 2, table);
        for (std::size_t i = 0; i < headings.size(); ++i) {
            const auto row = static_cast<int>(i);
            m_contents->cellAt(row, 0).firstCursorPosition().insertText(shownText(headings[i]->text), format(textSize));
            QTextBlockFormat right;
            right.setAlignment(Qt::AlignRight);
            m_contents->cellAt(row, 1).firstCursorPosition().setBlockFormat(right);
        }
    }

    void addBlock(const Heading &heading)
    {
        const bool part = heading.level == 2;
        newBlock(part ? 16 : 8, part ? 4 : 2).insertText(shownText(heading.text), format(part ? 12.5 : 9.5, true));
        m_aboveOthers.push_back(staying(m_cursor));
        if (part)
            m_parts.push_back(staying(m_cursor));
    }
    void addBlock(const Paragraph &text)
    {
        QTextCharFormat chars = text.role == Paragraph::Role::Small ? faint(smallSize) : format(textSize);
        chars.setFontItalic(text.role == Paragraph::Role::Question);
        paragraph(shownText(text.text), chars, 2, 4);
    }
    void addBlock(const Bullets &bullets)
    {
        for (const std::string &item : bullets.items) {
            newBlock(0, 2);
            QTextBlockFormat block = m_cursor.blockFormat();
            block.setLeftMargin(10);
            block.setTextIndent(-8);
            m_cursor.setBlockFormat(block);
            m_cursor.insertText(QStringLiteral("\u2022 ") + shownText(item), format(textSize));
        }
    }
    void addBlock(const CodeLine &code)
    {
        QTextCharFormat chars = format(smallSize);
        chars.setFontFamilies({QStringLiteral("DejaVu Sans Mono"), QStringLiteral("Noto Sans")});
        chars.setBackground(QColor{0xf1, 0xf1, 0xef});
        paragraph(shownText(code.text), chars, 4, 4);
    }
    void addBlock(const FactList &list)
    {
        for (const Fact &fact : list.facts) {
            newBlock(0, 2).insertText(shownText(fact.label) + QStringLiteral(": "), faint(textSize));
            m_cursor.insertText(isolated(shownText(fact.value)), format(textSize));
        }
    }
    void addBlock(const Grid &grid)
    {
        if (!grid.title.empty()) {
            paragraph(shownText(grid.title), format(smallSize + 0.5, true), 6, 2);
            m_aboveOthers.push_back(staying(m_cursor));
        }
        const double points = columnsOf(grid, tableSize).numbers > mostNumbers * m_width ? narrowTableSize : tableSize;
        QTextTableFormat tableFormat;
        tableFormat.setBorder(0.4);
        tableFormat.setBorderCollapse(true);
        tableFormat.setBorderBrush(QColor{0xc8, 0xc8, 0xc8});
        tableFormat.setCellPadding(2.4);
        tableFormat.setCellSpacing(0);
        tableFormat.setHeaderRowCount(1);
        if (const QList<QTextLength> widths = widthsOf(grid, points); !widths.isEmpty()) {
            tableFormat.setWidth(QTextLength{QTextLength::PercentageLength, 100});
            tableFormat.setColumnWidthConstraints(widths);
        }
        newBlock(0, 0);
        QTextTable *table =
            m_cursor.insertTable(static_cast<int>(grid.rows.size()) + 1, static_cast<int>(grid.columns.size()), tableFormat);
        for (int column = 0; column < table->columns(); ++column) {
            const Grid::Head &head = grid.columns[static_cast<std::size_t>(column)];
            const QString unit = head.unit.empty() ? QString{} : QStringLiteral(" [") + shownText(head.unit) + QLatin1Char{']'};
            fill(*table, 0, column, breakable(shownText(head.name) + unit), points, true, head.numeric);
            for (std::size_t row = 0; row < grid.rows.size(); ++row)
                fill(*table, static_cast<int>(row) + 1, column, isolated(shownText(grid.rows[row][static_cast<std::size_t>(column)])),
                    points, false, head.numeric);
        }
        std::string foot = grid.more;
        if (!grid.file.empty())
            foot += (foot.empty() ? "" : " All of them: ") + grid.file;
        if (!foot.empty())
            paragraph(shownText(foot), faint(smallSize), 1, 6);
    }
    bool isColumn(int figure) const { return m_figures[static_cast<std::size_t>(figure)].pictureSize.width() <= pageColumn; }
    QTextCharFormat next(const Figure &figure)
    {
        QTextCharFormat object;
        object.setObjectType(figureObject);
        object.setProperty(figureIndex, m_figure++);
        object.setProperty(figureCaption, shownText(figure.caption));
        return object;
    }
    void addBlock(const Figure &figure) { newBlock(6, 6).insertText(QString{QChar::ObjectReplacementCharacter}, next(figure)); }
    void addPair(const Figure &left, const Figure &right)
    {
        QTextTableFormat format;
        format.setBorder(0);
        format.setCellPadding(0);
        format.setCellSpacing(0);
        const double column = 100.0 * pageColumn / pageWidth;
        format.setWidth(QTextLength{QTextLength::PercentageLength, 100});
        format.setColumnWidthConstraints(
            {QTextLength{QTextLength::PercentageLength, 100 - column}, QTextLength{QTextLength::PercentageLength, column}});
        newBlock(4, 0);
        QTextTable *table = m_cursor.insertTable(1, 2, format);
        for (const int side : {0, 1}) {
            QTextCursor cell = table->cellAt(0, side).firstCursorPosition();
            QTextBlockFormat block;
            block.setBottomMargin(6);
            cell.setBlockFormat(block);
            cell.insertText(QString{QChar::ObjectReplacementCharacter}, next(side == 0 ? left : right));
        }
    }

    /// Widths at which nothing of a table breaks, in points.
    struct Columns {
        std::vector<double> natural;
        double numbers = 0, texts = 0; ///< sums of those
    };
    static constexpr double mostNumbers = 0.8; ///< share of the page: with more, texts would have no room

    Columns columnsOf(const Grid &grid, double points) const
    {
        constexpr double padding = 8;
        Columns columns;
        QFont font = m_document.defaultFont();
        font.setPointSizeF(points);
        const QFontMetricsF metrics{font, m_document.documentLayout()->paintDevice()};
        font.setBold(true);
        const QFontMetricsF bold{font, m_document.documentLayout()->paintDevice()};
        for (std::size_t column = 0; column < grid.columns.size(); ++column) {
            double widest = 0;
            for (const QString &word :
                breakable(shownText(grid.columns[column].name)).split(QRegularExpression{QStringLiteral("[ \u200b]")}))
                widest = std::max(widest, bold.horizontalAdvance(word));
            for (const auto &row : grid.rows)
                widest = std::max(widest, metrics.horizontalAdvance(shownText(row[column])));
            columns.natural.push_back(widest + padding);
            (grid.columns[column].numeric ? columns.numbers : columns.texts) += columns.natural.back();
        }
        return columns;
    }

    /// What a table too wide for the page gives to each column: numbers stay on one line, texts share the rest by their length. None for
    /// one that fits.
    QList<QTextLength> widthsOf(const Grid &grid, double points) const
    {
        const auto [natural, numbers, texts] = columnsOf(grid, points);
        if (numbers + texts <= m_width || texts == 0 || numbers > mostNumbers * m_width)
            return {};
        QList<QTextLength> widths;
        for (std::size_t column = 0; column < natural.size(); ++column)
            widths << QTextLength{QTextLength::PercentageLength,
                100 / m_width * (grid.columns[column].numeric ? natural[column] : natural[column] / texts * (m_width - numbers))};
        return widths;
    }

    /// Names of columns may break behind their underscores: a table of many columns is as wide as the page.
    static QString breakable(QString name) { return name.replace(QLatin1Char{'_'}, QStringLiteral("_\u200b")); }

    static void fill(QTextTable &table, int row, int column, const QString &text, double points, bool head, bool right)
    {
        QTextTableCell cell = table.cellAt(row, column);
        QTextCursor cursor = cell.firstCursorPosition();
        QTextBlockFormat block;
        block.setAlignment((right ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignAbsolute);
        block.setLayoutDirection(Qt::LeftToRight);
        cursor.setBlockFormat(block);
        cursor.insertText(text, format(points, head));
        if (head) {
            QTextCharFormat shade = cell.format();
            shade.setBackground(QColor{0xf1, 0xf1, 0xef});
            cell.setFormat(shade);
        }
    }

    const ReportContent &m_content;
    const std::vector<PaintedFigure> &m_figures;
    QTextDocument &m_document;
    double m_width; ///< of the text
    QTextCursor m_cursor;
    QTextTable *m_contents = nullptr;
    std::vector<QTextCursor> m_parts; ///< those of the contents
    std::vector<QTextCursor> m_aboveOthers; ///< what must not end a page
    bool m_started = false;
    int m_figure = 0;
};

void paintPage(
    QPainter &painter, QTextDocument &document, int page, int pages, const QString &title, const QSizeF &paper, const QSizeF &text)
{
    painter.save();
    painter.translate(margin, margin - page * text.height());
    QAbstractTextDocumentLayout::PaintContext context;
    context.clip = QRectF{0, page * text.height(), text.width(), text.height()};
    context.palette.setColor(QPalette::Text, QColor{0x16, 0x16, 0x16});
    painter.setClipRect(context.clip);
    document.documentLayout()->draw(&painter, context);
    painter.restore();

    QFont font = document.defaultFont();
    font.setPointSizeF(smallSize);
    painter.setFont(font);
    painter.setPen(QColor{0x60, 0x60, 0x60});
    const QRectF foot{margin, paper.height() - margin, text.width(), footer};
    const QString number = QStringLiteral("%1 / %2").arg(page + 1).arg(pages);
    const double numberWidth = QFontMetricsF{font, painter.device()}.horizontalAdvance(number) + 12;
    painter.drawText(foot, Qt::AlignRight | Qt::AlignBottom, number);
    painter.drawText(foot.adjusted(0, 0, -numberWidth, 0), Qt::AlignLeft | Qt::AlignBottom,
        QFontMetricsF{font, painter.device()}.elidedText(title, Qt::ElideRight, foot.width() - numberWidth));
}

/// QPdfWriter writes the time of day; another of the same length takes its place, so that no offset in the file changes.
void fixDates(QByteArray &pdf)
{
    const qint64 seconds = qEnvironmentVariable("SOURCE_DATE_EPOCH").toLongLong();
    const QDateTime date = QDateTime::fromSecsSinceEpoch(seconds, Qt::UTC);
    static const QRegularExpression written{QStringLiteral("/(?:CreationDate|ModDate) \\(D:(\\d{14}[^)]*)\\)")};
    QString text = QString::fromLatin1(pdf);
    for (auto match = written.globalMatch(text); match.hasNext();) {
        const auto found = match.next();
        const bool utc = found.capturedLength(1) == 15; // else the zone follows
        QByteArray fixed = date.toString(QStringLiteral("yyyyMMddHHmmss")).toLatin1() + (utc ? "Z" : "+00'00'");
        fixed = fixed.leftJustified(found.capturedLength(1), ' ', true);
        pdf.replace(found.capturedStart(1), found.capturedLength(1), fixed);
    }
}

} // namespace

QByteArray reportPdf(const ReportContent &content, const std::vector<PaintedFigure> &figures, const Progress &progress)
{
    QBuffer buffer;
    buffer.open(QIODevice::WriteOnly);
    QPdfWriter writer{&buffer};
    writer.setResolution(dpi);
    writer.setPageSize(QPageSize{QPageSize::A4});
    writer.setPageMargins({});
    writer.setTitle(shownText(content.title));
    writer.setCreator(QStringLiteral("Expertscope " EXPERTSCOPE_VERSION));
    const QSizeF paper = writer.pageLayout().fullRectPoints().size();
    const QSizeF text{paper.width() - 2 * margin, paper.height() - 2 * margin - footer};

    QTextDocument document;
    document.setUndoRedoEnabled(false);
    document.documentLayout()->setPaintDevice(&writer);
    QFont font{QStringLiteral("Noto Sans")};
    font.setPointSizeF(textSize);
    document.setDefaultFont(font);
    document.setDocumentMargin(0);
    FigureObjects objects{figures, text.width(), text.height() * 0.8};
    document.documentLayout()->registerHandler(figureObject, &objects);
    PdfDocument pages{content, figures, document, text.width()};
    pages.build(progress);
    document.setPageSize(text);
    pages.keepTogether(text.height());
    pages.numberPages(text.height());

    QPainter painter{&writer};
    const int count = document.pageCount();
    for (int page = 0; page < count; ++page) {
        progress.check();
        progress.report(page, count, "pages");
        if (page > 0)
            writer.newPage();
        objects.setPage({0, page * text.height(), text.width(), text.height()});
        paintPage(painter, document, page, count, shownText(content.title), paper, text);
    }
    painter.end();
    QByteArray pdf = buffer.data();
    fixDates(pdf);
    return pdf;
}

} // namespace expertscope

#include "report_pdf.moc"
