// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/report/report_html.h"

#include "views/common/token_text.h"

namespace expertscope {

namespace {

QString hex(const QColor &colour)
{
    return colour.name();
}

QString styleSheet()
{
    const FigureLook look = reportLook();
    const QString exchange = QStringLiteral("svg [fill='%1']{fill:%2}svg [stroke='%1']{stroke:%2}");
    QString dark;
    const std::pair<QString, QString> colours[] = {{hex(look.paper), QStringLiteral("var(--paper)")},
        {hex(look.ink), QStringLiteral("var(--ink)")}, {hex(look.faint), QStringLiteral("var(--faint)")},
        {hex(look.missing), QStringLiteral("var(--faint)")}};
    for (const auto &[printed, shown] : colours)
        dark += exchange.arg(printed, shown);
    return QStringLiteral(
        ":root{color-scheme:light dark;--paper:#fdfdfd;--ink:#161616;--faint:#666;--line:#d4d4d4;--soft:#f1f1ef;--link:#1a5fb4}"
        "@media (prefers-color-scheme:dark){:root{--paper:#17191d;--ink:#e6e6e6;--faint:#a0a4aa;--line:#3a3e45;--soft:#22252b;"
        "--link:#8ab8ff}%1}"
        "*{box-sizing:border-box}"
        "body{margin:0 auto;padding:1.5rem;max-width:62rem;background:var(--paper);color:var(--ink);"
        "font:15px/1.5 'Noto Sans','DejaVu Sans',system-ui,sans-serif,'Noto Sans Arabic','Noto Sans Devanagari','Noto Sans CJK SC'}"
        "h1{font-size:1.7rem;line-height:1.25}h2{font-size:1.3rem;margin:2.6rem 0 .6rem;border-bottom:1px solid var(--line)}"
        "h3{font-size:1rem;margin:1.6rem 0 .4rem}"
        "a{color:var(--link)}p,li,dd{overflow-wrap:anywhere}"
        ".question{font-style:italic}.small,figcaption{color:var(--faint);font-size:.87rem}"
        "nav{background:var(--soft);padding:.6rem 1rem}nav ol{columns:2;margin:.3rem 0;padding-left:1.6rem}"
        "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.4rem 0}dt{color:var(--faint)}dd{margin:0}"
        "figure{margin:1.2rem 0}figure svg{display:block;width:100%;height:auto;background:var(--paper)}"
        "svg text{font-family:'Noto Sans','DejaVu Sans',system-ui,sans-serif}"
        ".table{overflow-x:auto;margin:.8rem 0}"
        "table{border-collapse:collapse;font-size:.84rem;font-variant-numeric:tabular-nums}"
        "caption{text-align:left;font-weight:600;padding:.3rem 0}"
        "th,td{padding:.15rem .55rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}"
        "th{background:var(--soft);font-weight:600}th span{font-weight:400;color:var(--faint)}"
        ".number{text-align:right;white-space:nowrap}"
        "pre{background:var(--soft);padding:.7rem;white-space:pre-wrap;overflow-wrap:anywhere}"
        "@page{size:A4;margin:16mm}"
        "@media print{:root{color-scheme:light}body{max-width:none;padding:0;font-size:10pt}a{color:inherit;text-decoration:none}"
        "h2,h3,caption{break-after:avoid}figure,tr{break-inside:avoid}.table{overflow:visible}thead{display:table-header-group}}")
        .arg(dark);
}

class HtmlWriter {
public:
    HtmlWriter(const ReportContent &content, const std::vector<PaintedFigure> &figures)
        : m_content{content}
        , m_figures{figures}
    {
    }

    QByteArray write()
    {
        const QString title = escaped(m_content.title);
        add(QStringLiteral("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src "
                           "data:; base-uri 'none'; form-action 'none'\"/>\n"
                           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                           "<meta name=\"generator\" content=\"Expertscope " EXPERTSCOPE_VERSION "\"/>\n<title>"));
        add(title + QStringLiteral("</title>\n<style>") + styleSheet() + QStringLiteral("</style>\n</head>\n<body>\n<main>\n<h1><bdi>")
            + title + QStringLiteral("</bdi></h1>\n"));
        bool contents = false;
        for (const Block &block : m_content.blocks) {
            if (!contents && std::holds_alternative<Heading>(block)) {
                addContents();
                contents = true;
            }
            std::visit([this](const auto &part) { addBlock(part); }, block);
        }
        add(QStringLiteral("</main>\n</body>\n</html>\n"));
        return m_html;
    }

private:
    static QString escaped(std::string_view text) { return shownText(text).toHtmlEscaped(); }
    static QString isolatedText(std::string_view text) { return QStringLiteral("<bdi>") + escaped(text) + QStringLiteral("</bdi>"); }
    void add(const QString &text) { m_html += text.toUtf8(); }
    void line(const QString &text) { m_html += text.toUtf8() + '\n'; }

    void addContents()
    {
        line(QStringLiteral("<nav aria-label=\"Contents\"><strong>Contents</strong><ol>"));
        for (const Block &block : m_content.blocks)
            if (const auto *heading = std::get_if<Heading>(&block); heading && heading->level == 2)
                line(QStringLiteral("<li><a href=\"#%1\">%2</a></li>").arg(escaped(heading->anchor), escaped(heading->text)));
        line(QStringLiteral("</ol></nav>"));
    }

    void addBlock(const Heading &heading)
    {
        line(QStringLiteral("<h%1 id=\"%2\">%3</h%1>").arg(QString::number(heading.level), escaped(heading.anchor), escaped(heading.text)));
    }
    void addBlock(const Paragraph &paragraph)
    {
        const QString kind = paragraph.role == Paragraph::Role::Question ? QStringLiteral(" class=\"question\"")
            : paragraph.role == Paragraph::Role::Small                   ? QStringLiteral(" class=\"small\"")
                                                                         : QString{};
        line(QStringLiteral("<p%1>%2</p>").arg(kind, escaped(paragraph.text)));
    }
    void addBlock(const Bullets &bullets)
    {
        line(QStringLiteral("<ul>"));
        for (const std::string &item : bullets.items)
            line(QStringLiteral("<li>") + isolatedText(item) + QStringLiteral("</li>"));
        line(QStringLiteral("</ul>"));
    }
    void addBlock(const CodeLine &code) { line(QStringLiteral("<pre>") + isolatedText(code.text) + QStringLiteral("</pre>")); }
    void addBlock(const FactList &list)
    {
        line(QStringLiteral("<dl>"));
        for (const Fact &fact : list.facts)
            line(QStringLiteral("<dt>%1</dt><dd>%2</dd>").arg(escaped(fact.label), isolatedText(fact.value)));
        line(QStringLiteral("</dl>"));
    }
    void addBlock(const Grid &grid)
    {
        line(QStringLiteral("<div class=\"table\" id=\"%1\"><table>").arg(escaped(grid.anchor)));
        if (!grid.title.empty())
            line(QStringLiteral("<caption>") + isolatedText(grid.title) + QStringLiteral("</caption>"));
        add(QStringLiteral("<thead><tr>"));
        for (const Grid::Head &head : grid.columns) {
            const QString unit = head.unit.empty() ? QString{} : QStringLiteral(" <span>[%1]</span>").arg(escaped(head.unit));
            add(QStringLiteral("<th scope=\"col\"%1%2>%3%4</th>")
                    .arg(head.numeric ? QStringLiteral(" class=\"number\"") : QString{},
                        head.help.empty() ? QString{} : QStringLiteral(" title=\"%1\"").arg(escaped(head.help)), escaped(head.name), unit));
        }
        line(QStringLiteral("</tr></thead><tbody>"));
        for (std::size_t row = 0; row < grid.rows.size(); ++row)
            addRow(grid, row);
        line(QStringLiteral("</tbody></table>"));
        QString foot = escaped(grid.more);
        if (!grid.file.empty())
            foot += QStringLiteral("%1<a href=\"%2\">%2</a>")
                        .arg(foot.isEmpty() ? QString{} : QStringLiteral(" All of them: "), escaped(grid.file));
        if (!foot.isEmpty())
            line(QStringLiteral("<p class=\"small\">") + foot + QStringLiteral("</p>"));
        line(QStringLiteral("</div>"));
    }
    void addRow(const Grid &grid, std::size_t row)
    {
        add(QStringLiteral("<tr>"));
        for (std::size_t column = 0; column < grid.columns.size(); ++column) {
            QString cell = isolatedText(grid.rows[row][column]);
            if (column == 0 && row < grid.links.size() && !grid.links[row].empty())
                cell = QStringLiteral("<a href=\"#%1\">%2</a>").arg(escaped(grid.links[row]), cell);
            add(QStringLiteral("<td%1>%2</td>").arg(grid.columns[column].numeric ? QStringLiteral(" class=\"number\"") : QString{}, cell));
        }
        line(QStringLiteral("</tr>"));
    }
    void addBlock(const Figure &figure)
    {
        const PaintedFigure &painted = m_figures[m_figure++];
        line(QStringLiteral("<figure id=\"%1\" style=\"max-width:%2px\">")
                 .arg(escaped(figure.anchor), QString::number(painted.size.width())));
        m_html += painted.svg;
        const QString link =
            figure.numbers.empty() ? QString{} : QStringLiteral(" <a href=\"#%1\">Numbers</a>").arg(escaped(figure.numbers));
        line(QStringLiteral("\n<figcaption>%1%2</figcaption>\n</figure>").arg(isolatedText(figure.caption), link));
    }

    const ReportContent &m_content;
    const std::vector<PaintedFigure> &m_figures;
    std::size_t m_figure = 0;
    QByteArray m_html;
};

} // namespace

QString shownText(std::string_view bytes)
{
    if (bytes.empty())
        return {};
    QString text = plainToken(bytes, 0);
    for (const char16_t unit : {u'\ufffe', u'\uffff'})
        text.replace(QChar{unit}, QStringLiteral("<U+%1>").arg(QString::number(unit, 16).toUpper()));
    return text;
}

QByteArray reportHtml(const ReportContent &content, const std::vector<PaintedFigure> &figures)
{
    return HtmlWriter{content, figures}.write();
}

} // namespace expertscope
