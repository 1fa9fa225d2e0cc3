// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/definition.h"

#include "views/common/axis.h"

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

QString escaped(std::string_view view)
{
    return QString::fromUtf8(view.data(), static_cast<qsizetype>(view.size())).toHtmlEscaped();
}

QString paragraph(const char *head, const QString &body)
{
    return body.isEmpty() ? QString() : QStringLiteral("<p><b>%1</b><br>%2</p>").arg(QLatin1String(head), body);
}

QString notesHtml(const Result &result)
{
    QString list;
    for (const std::string &note : result.notes)
        list += QStringLiteral("<li>%1</li>").arg(escaped(note));
    return list.isEmpty() ? QString() : QStringLiteral("<p><b>Notes</b></p><ul style=\"margin-left:-20px\">%1</ul>").arg(list);
}

} // namespace

QString definitionHtml(const AnalysisKind &kind, const Result *result)
{
    QString html = QStringLiteral("<h3>%1</h3><p>%2</p>").arg(escaped(kind.title), escaped(kind.help));
    html += paragraph("What is counted", escaped(kind.definition));
    html += paragraph("Source", escaped(kind.source));
    if (!result)
        return html;
    QString settings;
    for (const auto &[id, value] : result->settings) {
        const auto param = std::find_if(kind.params.begin(), kind.params.end(), [&](const ParamKind &p) { return p.id == id; });
        if (param == kind.params.end())
            continue;
        const QString line = escaped(param->title) + QStringLiteral(": ") + (value.empty() ? QStringLiteral("–") : escaped(value));
        settings += (value == param->standard ? line : QStringLiteral("<b>%1</b>").arg(line)) + QStringLiteral("<br>");
    }
    html += paragraph("Settings of this run", settings);
    html += paragraph("Run again", QStringLiteral("<code>expertscope analyse %1 TRACE%2</code>").arg(escaped(kind.id), [&] {
        QString given;
        for (const auto &[id, value] : result->settings) {
            const auto param = std::find_if(kind.params.begin(), kind.params.end(), [&](const ParamKind &p) { return p.id == id; });
            if (param != kind.params.end() && value != param->standard)
                given += QStringLiteral(" --set %1=%2").arg(escaped(id), escaped(value));
        }
        return given;
    }()));
    return html + notesHtml(*result);
}

QString summaryHtml(const Result &result)
{
    QString rows;
    for (const Number &number : result.numbers) {
        QString value = numberText(number.value);
        if (!number.unit.empty() && number.unit != "1")
            value += u' ' + escaped(number.unit);
        QString note;
        if (!std::isnan(number.low) && !std::isnan(number.high))
            note += QStringLiteral("95 % interval %1 to %2").arg(numberText(number.low), numberText(number.high));
        if (!std::isnan(number.chance))
            note += (note.isEmpty() ? QString() : QStringLiteral("; ")) + QStringLiteral("chance %1").arg(numberText(number.chance));
        if (number.n > 0)
            note += (note.isEmpty() ? QString() : QStringLiteral("; "))
                + QStringLiteral("n = %1 %2").arg(countText(number.n), escaped(number.of));
        rows += QStringLiteral("<tr><td>%1</td><td style=\"padding-left:16px\"><b>%2</b></td><td style=\"padding-left:16px\">%3</td></tr>")
                    .arg(escaped(number.title), value, note);
    }
    QString html = QStringLiteral("<h3>%1</h3>").arg(escaped(result.title));
    if (!rows.isEmpty())
        html += QStringLiteral("<table cellpadding=\"3\">%1</table>").arg(rows);
    return html + notesHtml(result);
}

} // namespace expertscope
