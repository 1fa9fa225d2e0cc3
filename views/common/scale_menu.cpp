// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/scale_menu.h"

#include <QActionGroup>
#include <QDoubleValidator>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QPushButton>
#include <QWidgetAction>

namespace expertscope {

ColourScale ScaleSettings::scale(ColourMap natural, std::pair<double, double> range) const
{
    const bool sequentialData = natural != ColourMap::Diverging && natural != ColourMap::Categorical;
    if (mode == RangeMode::Locked)
        range = {low, high};
    return {sequentialData ? sequential : natural, range.first, range.second};
}

QVariantMap ScaleSettings::save() const
{
    return {{QStringLiteral("map"), static_cast<int>(sequential)}, {QStringLiteral("mode"), static_cast<int>(mode)},
        {QStringLiteral("low"), low}, {QStringLiteral("high"), high}};
}

ScaleSettings ScaleSettings::restore(const QVariantMap &state)
{
    ScaleSettings settings;
    if (state.value(QStringLiteral("map")).toInt() == static_cast<int>(ColourMap::Cividis))
        settings.sequential = ColourMap::Cividis;
    const int mode = state.value(QStringLiteral("mode")).toInt();
    const double low = state.value(QStringLiteral("low")).toDouble();
    const double high = state.value(QStringLiteral("high")).toDouble();
    if (mode == static_cast<int>(RangeMode::Robust))
        settings.mode = RangeMode::Robust;
    if (mode == static_cast<int>(RangeMode::Locked) && high > low) {
        settings.mode = RangeMode::Locked;
        settings.low = low;
        settings.high = high;
    }
    return settings;
}

ScaleSettings toggledLock(const ScaleSettings &settings, const ColourScale &shown)
{
    ScaleSettings next = settings;
    next.mode = settings.mode == RangeMode::Locked ? RangeMode::Full : RangeMode::Locked;
    next.low = shown.low;
    next.high = shown.high;
    return next;
}

namespace {

/// Two fields and a button inside the menu: no dialog, nothing to close.
QWidgetAction *rangeFields(
    QMenu &menu, const ScaleSettings &settings, const ColourScale &shown, const std::function<void(const ScaleSettings &)> &apply)
{
    auto *box = new QWidget(&menu);
    auto *row = new QHBoxLayout(box);
    row->setContentsMargins(24, 2, 8, 2);
    const auto field = [&](double value, const char *name) {
        auto *edit = new QLineEdit(QString::number(value, 'g', 4), box);
        auto *validator = new QDoubleValidator(edit);
        validator->setLocale(QLocale::c());
        edit->setValidator(validator);
        edit->setMaximumWidth(80);
        edit->setAccessibleName(QLatin1String(name));
        row->addWidget(edit);
        return edit;
    };
    row->addWidget(new QLabel(QStringLiteral("From"), box));
    QLineEdit *low = field(shown.low, "lowest value of the colour range");
    row->addWidget(new QLabel(QStringLiteral("to"), box));
    QLineEdit *high = field(shown.high, "highest value of the colour range");
    auto *set = new QPushButton(QStringLiteral("Set"), box);
    row->addWidget(set);
    const auto accept = [&menu, low, high, settings, apply] {
        ScaleSettings next = settings;
        next.mode = RangeMode::Locked;
        next.low = low->text().toDouble();
        next.high = high->text().toDouble();
        if (next.high > next.low) {
            menu.close();
            apply(next);
        }
    };
    QObject::connect(set, &QPushButton::clicked, box, accept);
    QObject::connect(high, &QLineEdit::returnPressed, box, accept);
    auto *action = new QWidgetAction(&menu);
    action->setDefaultWidget(box);
    return action;
}

} // namespace

void addScaleActions(
    QMenu &menu, const ScaleSettings &settings, const ColourScale &shown, const std::function<void(const ScaleSettings &)> &apply)
{
    if (shown.categorical())
        return;
    const auto add = [&](QActionGroup *group, const QString &text, bool checked, const ScaleSettings &next) {
        QAction *action = menu.addAction(text);
        action->setCheckable(true);
        action->setChecked(checked);
        group->addAction(action);
        QObject::connect(action, &QAction::triggered, &menu, [apply, next] { apply(next); });
    };
    menu.addSection(QStringLiteral("Colour range"));
    auto *ranges = new QActionGroup(&menu);
    const auto withMode = [&](RangeMode mode) {
        ScaleSettings next = settings;
        next.mode = mode;
        next.low = shown.low;
        next.high = shown.high;
        return next;
    };
    add(ranges, QStringLiteral("Automatic: smallest to largest"), settings.mode == RangeMode::Full, withMode(RangeMode::Full));
    add(ranges, QStringLiteral("Automatic: 1st to 99th percentile"), settings.mode == RangeMode::Robust, withMode(RangeMode::Robust));
    add(ranges, QStringLiteral("Locked at the range shown"), settings.mode == RangeMode::Locked, withMode(RangeMode::Locked));
    menu.addAction(rangeFields(menu, settings, shown, apply));
    if (shown.map != ColourMap::Diverging) {
        menu.addSection(QStringLiteral("Colours"));
        auto *maps = new QActionGroup(&menu);
        for (const ColourMap map : {ColourMap::Viridis, ColourMap::Cividis}) {
            ScaleSettings next = settings;
            next.sequential = map;
            add(maps, title(map), settings.sequential == map, next);
        }
    }
}

} // namespace expertscope
