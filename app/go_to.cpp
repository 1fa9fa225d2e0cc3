// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/go_to.h"

#include <QCoreApplication>
#include <QRegularExpression>

#include <algorithm>

namespace expertscope {

namespace {

QString tr(const char *text)
{
    return QCoreApplication::translate("GoTo", text);
}

GoTo wrong(const QString &why)
{
    return {{}, why, false};
}

} // namespace

GoTo readGoTo(const QString &text, const TraceMeta &meta, const Selection &from)
{
    static const QRegularExpression word{QStringLiteral("\\s*(?:(token|tok|t|layer|l|expert|e|sequence|seq|s)\\s*)?(\\d+)\\s*[,;:]?"),
        QRegularExpression::CaseInsensitiveOption};
    const QString help = tr("Type a token (token 812), a layer and an expert (L12 E40), or a sequence (seq 7).");
    GoTo place{from, {}, false};
    QStringList said;
    qsizetype at = 0;
    const QString wish = text.trimmed();
    while (at < wish.size()) {
        const QRegularExpressionMatch match =
            word.match(wish, at, QRegularExpression::NormalMatch, QRegularExpression::AnchorAtOffsetMatchOption);
        bool isNumber = false;
        const qlonglong number = match.captured(2).toLongLong(&isNumber);
        if (!match.hasMatch() || !isNumber)
            return wrong(help);
        at = match.capturedEnd();
        const QChar kind = match.captured(1).isEmpty() ? QLatin1Char{'t'} : match.captured(1).at(0).toLower();
        if (kind == QLatin1Char{'t'}) {
            if (number >= meta.tokens)
                return wrong(tr("There is no token %1; the trace has tokens 0 to %2.").arg(number).arg(meta.tokens - 1));
            place.selection.token = number;
            place.selection.sequence = meta.sequenceOf(number);
            place.selection.brush = {};
            said << tr("token %1").arg(number);
        } else if (kind == QLatin1Char{'l'}) {
            const auto layer = std::find(meta.layers.begin(), meta.layers.end(), static_cast<int>(std::min<qlonglong>(number, 1 << 20)));
            if (layer == meta.layers.end())
                return wrong(meta.layers.empty() ? tr("The trace has no layers with experts.")
                                                 : tr("Layer %1 has no experts; layers %2 to %3 have.")
                                                       .arg(number)
                                                       .arg(meta.layers.front())
                                                       .arg(meta.layers.back()));
            const int index = static_cast<int>(layer - meta.layers.begin());
            if (index != place.selection.layer)
                place.selection.experts.clear();
            place.selection.layer = index;
            said << tr("layer %1").arg(number);
        } else if (kind == QLatin1Char{'e'}) {
            if (number >= meta.experts)
                return wrong(tr("There is no expert %1; experts are 0 to %2.").arg(number).arg(meta.experts - 1));
            place.selection.experts = {static_cast<int>(number)};
            said << tr("expert %1").arg(number);
        } else {
            if (number >= static_cast<qlonglong>(meta.sequences.size()))
                return wrong(tr("There is no sequence %1; the trace has sequences 0 to %2.").arg(number).arg(meta.sequences.size() - 1));
            place.selection.sequence = static_cast<int>(number);
            place.selection.token = -1;
            place.selection.brush = {};
            said << tr("sequence %1").arg(number);
        }
    }
    if (said.isEmpty())
        return wrong(help);
    place.description = tr("Go to %1").arg(said.join(QStringLiteral(", ")));
    place.valid = true;
    return place;
}

} // namespace expertscope
