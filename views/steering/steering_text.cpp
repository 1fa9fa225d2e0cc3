// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/steering/steering_text.h"

#include "views/common/axis.h"
#include "views/common/colour_map.h"
#include "views/common/token_text.h"
#include "views/steering/text_difference.h"

#include <QColor>

#include <algorithm>
#include <cmath>
#include <functional>

namespace expertscope {

namespace {

/// The characters of tokens, each run of one token styled by style(first token, last token) as the inside of an <a> or <span>.
QString styledTokens(std::span<const std::string_view> bytes, std::span<const std::int32_t> ids,
    const std::function<QString(int, int, const QString &)> &style)
{
    const TokenText text = tokenText(bytes, ids);
    QString html;
    for (std::size_t i = 0; i < text.clusters.size();) {
        const TextCluster &first = text.clusters[i];
        int end = first.end;
        for (++i;
             i < text.clusters.size() && text.clusters[i].firstToken == first.firstToken && text.clusters[i].lastToken == first.lastToken;
             ++i)
            end = text.clusters[i].end;
        QString characters = text.text.mid(first.begin, end - first.begin).toHtmlEscaped();
        characters.replace(QLatin1Char{'\n'}, QStringLiteral("<br/>"));
        html += style(first.firstToken, first.lastToken, characters);
    }
    return html;
}

struct TokenBytes {
    std::vector<std::string> bytes;
    std::vector<std::int32_t> ids;
    QString html(const std::function<QString(int, int, const QString &)> &style) const
    {
        return styledTokens(std::vector<std::string_view>(bytes.begin(), bytes.end()), ids, style);
    }
};

QString promptHtml(const SteeringOutcome &outcome, const QPalette &palette)
{
    const RoutingTrace &trace = *outcome.comparison.baseline;
    TokenColumns columns = trace.tokens({0, trace.meta().tokens});
    TokenBytes tokens{std::move(columns.bytes), std::move(columns.tokenId)};
    tokens.bytes.resize(tokens.ids.size());
    const std::vector<double> &change = outcome.result.table("tokens").reals("value");
    double most = 0;
    for (double value : change)
        if (std::isfinite(value))
            most = std::max(most, std::abs(value));
    const ColourScale scale{ColourMap::Diverging, -most, most};
    const QString text = tokens.html([&](int first, int, const QString &characters) {
        const double value = change[static_cast<std::size_t>(first)];
        if (!(most > 0) || !std::isfinite(value))
            return QStringLiteral("<a href=\"%1%2\" style=\"text-decoration:none; color:%3\">%4</a>")
                .arg(QLatin1String(tokenLink))
                .arg(first)
                .arg(palette.color(QPalette::Text).name(), characters);
        const QRgb colour = scale.colour(static_cast<float>(value));
        return QStringLiteral("<a href=\"%1%2\" style=\"text-decoration:none; background-color:%3; color:%4\">%5</a>")
            .arg(QLatin1String(tokenLink))
            .arg(first)
            .arg(QColor(colour).name(), QColor(inkOn(colour)).name(), characters);
    });
    const QString legend = most > 0
        ? QStringLiteral(
            "Colour: loss, steered minus baseline, from <span style=\"background-color:%1; color:%2\">&nbsp;−%3&nbsp;</span> (better) to "
            "<span style=\"background-color:%4; color:%5\">&nbsp;+%3&nbsp;</span> (worse) nats.")
              .arg(QColor(scale.colour(static_cast<float>(-most))).name(), QColor(inkOn(scale.colour(static_cast<float>(-most)))).name(),
                  numberText(most), QColor(scale.colour(static_cast<float>(most))).name(),
                  QColor(inkOn(scale.colour(static_cast<float>(most)))).name())
        : QStringLiteral("No token's loss is changed.");
    return QStringLiteral("<p>%1</p><p><small>%2</small></p>").arg(text, legend);
}

QString continuationHtml(const std::vector<ContinuationToken> &tokens, const std::vector<bool> &differs, const QString &mark)
{
    TokenBytes all;
    for (const ContinuationToken &token : tokens) {
        all.bytes.push_back(token.bytes);
        all.ids.push_back(token.id);
    }
    const QString text = all.html([&](int first, int last, const QString &characters) {
        const bool marked = std::find(differs.begin() + first, differs.begin() + last + 1, true) != differs.begin() + last + 1;
        return marked ? QStringLiteral("<span style=\"%1\">%2</span>").arg(mark, characters) : characters;
    });
    return text.isEmpty() ? QStringLiteral("<i>the model ends the text here</i>") : text;
}

QString continuationsHtml(const Comparison &comparison, const QPalette &palette)
{
    const auto idsOf = [](const std::vector<ContinuationToken> &tokens) {
        std::vector<std::int32_t> ids;
        for (const ContinuationToken &token : tokens)
            ids.push_back(token.id);
        return ids;
    };
    const TextDifference difference = textDifference(idsOf(comparison.baselineContinuation), idsOf(comparison.steeredContinuation));
    const bool dark = palette.color(QPalette::Base).lightness() < 128;
    const QString before = dark ? QStringLiteral("background-color:#20486b") : QStringLiteral("background-color:#cfe4f7");
    const QString after = dark ? QStringLiteral("background-color:#6b3f16; text-decoration:underline")
                               : QStringLiteral("background-color:#fbdcbc; text-decoration:underline");
    return QStringLiteral("<table width=\"100%\" cellpadding=\"4\"><tr><th align=\"left\" width=\"50%\">Baseline goes on</th><th "
                          "align=\"left\" width=\"50%\">Steered "
                          "goes on</th></tr><tr><td valign=\"top\">%1</td><td valign=\"top\">%2</td></tr></table>%3")
        .arg(continuationHtml(comparison.baselineContinuation, difference.first, before),
            continuationHtml(comparison.steeredContinuation, difference.second, after),
            idsOf(comparison.baselineContinuation) == idsOf(comparison.steeredContinuation)
                ? QStringLiteral("<p><small>Both are the same.</small></p>")
                : QStringLiteral("<p><small>Marked: tokens that are not in both. Greedy decoding from the prompt, with the recipe in force "
                                 "from its first token.</small></p>"));
}

} // namespace

QString steeringHtml(const SteeringOutcome &outcome, const QPalette &palette)
{
    const Comparison &comparison = outcome.comparison;
    QString html = promptHtml(outcome, palette);
    if (!comparison.baselineContinuation.empty() || !comparison.steeredContinuation.empty())
        html += continuationsHtml(comparison, palette);
    return html;
}

} // namespace expertscope
