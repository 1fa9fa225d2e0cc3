// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/experiments/plan_text.h"

#include <QLocale>
#include <QStringList>

#include <cmath>

namespace expertscope {

namespace {

QStringList parts(const QString &text, QChar between)
{
    QStringList list;
    for (const QString &part : text.split(between, Qt::SkipEmptyParts))
        if (const QString trimmed = part.trimmed(); !trimmed.isEmpty())
            list << trimmed;
    return list;
}

} // namespace

QString listText(const std::vector<double> &values)
{
    QStringList list;
    for (const double value : values)
        list << QString::number(value, 'g', QLocale::FloatingPointShortest);
    return list.join(QStringLiteral(", "));
}

QString listText(const std::vector<std::string> &values)
{
    QStringList list;
    for (const std::string &value : values)
        list << QString::fromStdString(value);
    return list.join(QStringLiteral(", "));
}

QString whereText(const RowChoice &rows)
{
    QStringList list;
    for (const auto &[column, values] : rows.where)
        list << QString::fromStdString(column) + QStringLiteral(" = ") + listText(values);
    return list.join(QStringLiteral("; "));
}

QString readList(const QString &text, std::vector<double> &to)
{
    std::vector<double> values;
    for (const QString &part : parts(text, u',')) {
        bool isNumber = false;
        const double value = part.toDouble(&isNumber);
        if (!isNumber || !std::isfinite(value))
            return QStringLiteral("\"%1\" is not a number: write for example 0.1, 0.5").arg(part);
        values.push_back(value);
    }
    to = std::move(values);
    return {};
}

QString readList(const QString &text, std::vector<std::string> &to)
{
    std::vector<std::string> values;
    for (const QString &part : parts(text, u','))
        values.push_back(part.toStdString());
    to = std::move(values);
    return {};
}

QString readWhere(const QString &text, RowChoice &to)
{
    RowChoice rows{.data = to.data, .where = {}};
    for (const QString &part : parts(text, u';')) {
        const qsizetype equals = part.indexOf(u'=');
        const QString column = part.left(std::max<qsizetype>(equals, 0)).trimmed();
        std::vector<std::string> values;
        readList(part.mid(equals + 1), values);
        if (column.isEmpty() || values.empty())
            return QStringLiteral("\"%1\" names no column and value: write for example language = en; domain = prose, code").arg(part);
        rows.where.emplace_back(column.toStdString(), std::move(values));
    }
    to = std::move(rows);
    return {};
}

} // namespace expertscope
