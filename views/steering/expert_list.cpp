// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/steering/expert_list.h"

#include <QRegularExpression>
#include <QStringList>

#include <algorithm>

namespace expertscope {

namespace {

constexpr int mostNumber = 65535; ///< of a layer or expert: beyond what any model has, so a typing error

/// "1, 5 8-10" appended to numbers; false if a part is no number or range.
bool readNumbers(const QString &text, std::vector<int> &numbers, QString &problem)
{
    static const QRegularExpression separator{QStringLiteral("[\\s,]+")};
    static const QRegularExpression range{QStringLiteral("^[Ee]?(\\d{1,5})(?:-(\\d{1,5}))?$")};
    for (const QString &part : text.split(separator, Qt::SkipEmptyParts)) {
        const QRegularExpressionMatch match = range.match(part);
        const int first = match.captured(1).toInt(), last = match.captured(2).isEmpty() ? first : match.captured(2).toInt();
        if (!match.hasMatch() || last < first || last > mostNumber) {
            problem = QStringLiteral("\"%1\" is no number and no range like 0-2").arg(part);
            return false;
        }
        for (int number = first; number <= last; ++number)
            if (std::find(numbers.begin(), numbers.end(), number) == numbers.end())
                numbers.push_back(number);
    }
    return true;
}

/// "1, 5, 8-10": runs of three or more become a range; the order stays.
QString numbersText(const std::vector<int> &numbers)
{
    QStringList parts;
    for (std::size_t i = 0; i < numbers.size();) {
        std::size_t end = i + 1;
        while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1)
            ++end;
        if (end - i >= 3)
            parts << QStringLiteral("%1-%2").arg(numbers[i]).arg(numbers[end - 1]);
        else
            for (std::size_t one = i; one < end; ++one)
                parts << QString::number(numbers[one]);
        i = end;
    }
    return parts.join(QStringLiteral(", "));
}

} // namespace

ExpertListText readExpertList(const QString &text)
{
    static const QRegularExpression entry{QStringLiteral("^[Ll]\\s*(\\d{1,5}|\\*)\\s*:?\\s*(.*)$")};
    ExpertListText read;
    for (const QString &part : text.split(QRegularExpression{QStringLiteral("[;\\n]")}, Qt::SkipEmptyParts)) {
        if (part.trimmed().isEmpty())
            continue;
        const QRegularExpressionMatch match = entry.match(part.trimmed());
        LayerExperts one;
        one.layer = match.captured(1) == QLatin1String("*") ? everyLayer : match.captured(1).toInt();
        const QString experts = match.captured(2).trimmed();
        one.all = experts == QLatin1String("*") || experts == QLatin1String("E*");
        if (!match.hasMatch())
            read.problem = QStringLiteral("\"%1\" names no layer: write it as L3: 1, 5").arg(part.trimmed());
        else if (!one.all && readNumbers(experts, one.experts, read.problem) && one.experts.empty())
            read.problem = QStringLiteral("layer %1 has no experts: name them, or * for all").arg(match.captured(1));
        if (!read.problem.isEmpty())
            return read;
        read.experts.push_back(one);
    }
    if (read.experts.empty())
        read.problem = QStringLiteral("no experts are named: write them as L3: 1, 5");
    return read;
}

QString expertListText(const std::vector<LayerExperts> &experts)
{
    QStringList parts;
    for (const LayerExperts &one : experts)
        parts << QStringLiteral("L%1: %2").arg(one.layer == everyLayer ? QStringLiteral("*") : QString::number(one.layer),
            one.all ? QStringLiteral("*") : numbersText(one.experts));
    return parts.join(QStringLiteral("; "));
}

LayerListText readLayerList(const QString &text)
{
    LayerListText read;
    if (text.trimmed() == QLatin1String("*") || text.trimmed().isEmpty()) {
        read.layers = {everyLayer};
        return read;
    }
    readNumbers(QString{text}.remove(QLatin1Char{'L'}, Qt::CaseInsensitive), read.layers, read.problem);
    return read;
}

QString layerListText(const std::vector<int> &layers)
{
    return std::find(layers.begin(), layers.end(), everyLayer) != layers.end() ? QStringLiteral("*") : numbersText(layers);
}

} // namespace expertscope
