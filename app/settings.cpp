// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/settings.h"

namespace expertscope {

namespace {

constexpr int maxRecent = 10;

QString recentKey(RecentKind kind)
{
    switch (kind) {
    case RecentKind::Model:
        return QStringLiteral("recent/models");
    case RecentKind::Corpus:
        return QStringLiteral("recent/corpora");
    case RecentKind::Trace:
        break;
    }
    return QStringLiteral("recent/traces");
}

QVariantMap toMap(const Selection &selection)
{
    QVariantList experts;
    for (const int expert : selection.experts)
        experts << expert;
    return {{QStringLiteral("sequence"), selection.sequence}, {QStringLiteral("token"), QVariant::fromValue<qlonglong>(selection.token)},
        {QStringLiteral("brushBegin"), QVariant::fromValue<qlonglong>(selection.brush.begin)},
        {QStringLiteral("brushEnd"), QVariant::fromValue<qlonglong>(selection.brush.end)}, {QStringLiteral("layer"), selection.layer},
        {QStringLiteral("experts"), experts}, {QStringLiteral("grouping"), selection.grouping}, {QStringLiteral("group"), selection.group}};
}

Selection toSelection(const QVariantMap &map)
{
    Selection selection;
    const auto number = [&](const char *key, qlonglong otherwise) {
        bool isNumber = false;
        const qlonglong value = map.value(QLatin1String{key}).toLongLong(&isNumber);
        return isNumber ? value : otherwise;
    };
    selection.sequence = static_cast<int>(std::max<qlonglong>(number("sequence", -1), -1));
    selection.token = std::max<qlonglong>(number("token", -1), -1);
    selection.brush = {number("brushBegin", 0), number("brushEnd", 0)};
    if (selection.brush.begin < 0 || selection.brush.end < selection.brush.begin)
        selection.brush = {};
    selection.layer = static_cast<int>(std::max<qlonglong>(number("layer", 0), 0));
    for (const QVariant &expert : map.value(QStringLiteral("experts")).toList())
        if (expert.toInt() >= 0)
            selection.experts.push_back(expert.toInt());
    selection.grouping = map.value(QStringLiteral("grouping")).toString();
    selection.group = map.value(QStringLiteral("group")).toString();
    return selection;
}

} // namespace

Settings::Settings()
    : m_settings{std::make_unique<QSettings>(QStringLiteral("Expertscope"), QStringLiteral("Expertscope"))}
{
}

Settings::Settings(const QString &file)
    : m_settings{std::make_unique<QSettings>(file, QSettings::IniFormat)}
{
}

Session Settings::session() const
{
    return {value(QStringLiteral("session/model")).toString(), value(QStringLiteral("session/corpus")).toStringList(),
        value(QStringLiteral("session/traces")).toStringList(), value(QStringLiteral("session/current")).toString(),
        toSelection(value(QStringLiteral("session/selection")).toMap()), value(QStringLiteral("session/views")).toMap()};
}

void Settings::setSession(const Session &session)
{
    setValue(QStringLiteral("session/model"), session.model);
    setValue(QStringLiteral("session/corpus"), session.corpus);
    setValue(QStringLiteral("session/traces"), session.traces);
    setValue(QStringLiteral("session/current"), session.current);
    setValue(QStringLiteral("session/selection"), toMap(session.selection));
    setValue(QStringLiteral("session/views"), session.views);
}

QByteArray Settings::layout(const QString &name) const
{
    return value(QStringLiteral("layout/") + name).toByteArray();
}

void Settings::setLayout(const QString &name, const QByteArray &state)
{
    setValue(QStringLiteral("layout/") + name, state);
}

Theme Settings::theme() const
{
    const QString name = value(QStringLiteral("theme")).toString();
    return name == QStringLiteral("light") ? Theme::Light : name == QStringLiteral("dark") ? Theme::Dark : Theme::System;
}

void Settings::setTheme(Theme theme)
{
    setValue(QStringLiteral("theme"),
        theme == Theme::Light      ? QStringLiteral("light")
            : theme == Theme::Dark ? QStringLiteral("dark")
                                   : QStringLiteral("system"));
}

int Settings::scalePercent() const
{
    const int percent = value(QStringLiteral("scale")).toInt();
    return percent ? std::clamp(percent, 60, 300) : 100;
}

void Settings::setScalePercent(int percent)
{
    setValue(QStringLiteral("scale"), percent);
}

QStringList Settings::recent(RecentKind kind) const
{
    return value(recentKey(kind)).toStringList();
}

void Settings::addRecent(RecentKind kind, const QString &path)
{
    QStringList paths = recent(kind);
    paths.removeAll(path);
    paths.prepend(path);
    setValue(recentKey(kind), paths.mid(0, maxRecent));
}

void Settings::clearRecent()
{
    for (const RecentKind kind : {RecentKind::Model, RecentKind::Corpus, RecentKind::Trace})
        m_settings->remove(recentKey(kind));
}

} // namespace expertscope
