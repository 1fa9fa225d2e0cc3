// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Whether token ids have experts of their own: by the id that goes in, the id that comes next, and the id the model predicts.
#include "engine/analysis/analyses.h"
#include "engine/analysis/key_information.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/share.h"
#include "engine/analysis/statistics.h"
#include "engine/analysis/token_counts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"min-count", "Least count", "Token ids with fewer occurrences are left out: an id seen once scores 1", ParamKind::Type::Integer, "10",
        1, 1e9},
    {"choices", "Choices", "Whether the tables of experts and tokens count a token's first choice or all it chose", ParamKind::Type::Choice,
        "first", 0, 0, "first|all"},
    {"tokens-by", "Token ids", "Whose top tokens are listed: the input, the next or the predicted id", ParamKind::Type::Choice, "input", 0,
        0, "input|next|predicted"},
    {"top", "Top tokens", "Rows per expert in the list of top tokens", ParamKind::Type::Integer, "10", 1, 1000},
    {"null", "Shuffles", "Times the ids are shuffled over the tokens for the chance level; 0 leaves it out", ParamKind::Type::Integer, "3",
        0, 100},
    {"seed", "Seed", "Of the shuffles", ParamKind::Type::Integer, "42", 0, 9e15},
};

/// What the ids of a layer show for one way of counting.
struct Specialised {
    std::vector<std::size_t> expert; ///< [V] the expert most of the id's tokens chose, the lower one of equals
    std::vector<double> value; ///< [V] share of them
    double mean = noNumber, low = noNumber, high = noNumber;
};

Specialised specialise(const std::vector<std::uint32_t> &counts, const FrequentKeys &keys, std::size_t experts)
{
    Specialised result;
    for (std::size_t v = 0; v < keys.keys.size(); ++v) {
        const auto row = std::span{counts}.subspan(v * experts, experts);
        const auto most = static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
        result.expert.push_back(most);
        result.value.push_back(static_cast<double>(row[most]) / static_cast<double>(keys.occurrences[v]));
    }
    result.mean = mean(result.value);
    const Interval interval = meanInterval(result.value);
    result.low = interval.low;
    result.high = interval.high;
    return result;
}

struct LayerLine {
    Specialised byWay[2]; ///< first choice, all choices
    double chance[2] = {noNumber, noNumber};
};

/// One row per expert, and its tokens: of the ids and the way of counting that the settings name.
struct ExpertLists {
    std::vector<std::int64_t> layer, expert, n;
    std::vector<double> value, load;
    std::vector<std::int64_t> tokenLayer, tokenExpert, tokenId, count, occurrences, sequences;
    std::vector<std::string> text;
    std::vector<double> share, low, high, chance, lift, p;
};

void appendLists(ExpertLists &to, const Specialised &ids, const std::vector<std::uint32_t> &counts, const FrequentKeys &keys,
    std::int64_t layer, std::size_t experts, std::size_t top)
{
    std::vector<double> load(experts);
    for (std::size_t i = 0; i < counts.size(); ++i)
        load[i % experts] += static_cast<double>(counts[i]);
    for (std::size_t e = 0; e < experts; ++e) {
        load[e] /= static_cast<double>(std::max<std::int64_t>(1, keys.counted));
        std::vector<std::pair<Share, std::size_t>> tokens;
        double sum = 0;
        for (std::size_t v = 0; v < keys.keys.size(); ++v)
            if (ids.expert[v] == e) {
                sum += ids.value[v];
                tokens.emplace_back(share(counts[v * experts + e], keys.occurrences[v]), v);
            }
        to.layer.push_back(layer);
        to.expert.push_back(static_cast<std::int64_t>(e));
        to.n.push_back(std::ssize(tokens));
        to.value.push_back(tokens.empty() ? noNumber : sum / static_cast<double>(tokens.size()));
        to.load.push_back(load[e]);
        std::stable_sort(tokens.begin(), tokens.end(), [](const auto &a, const auto &b) { return a.first.low > b.first.low; });
        tokens.resize(std::min(top, tokens.size()));
        for (const auto &[choosing, v] : tokens) {
            const double deviation = std::sqrt(load[e] * (1 - load[e]) / static_cast<double>(choosing.of));
            to.tokenLayer.push_back(layer);
            to.tokenExpert.push_back(static_cast<std::int64_t>(e));
            to.tokenId.push_back(keys.keys[v]);
            to.text.push_back(keys.texts[v]);
            to.share.push_back(choosing.value);
            to.low.push_back(choosing.low);
            to.high.push_back(choosing.high);
            to.chance.push_back(load[e]);
            to.lift.push_back(load[e] > 0 ? choosing.value / load[e] : noNumber);
            to.count.push_back(choosing.count);
            to.occurrences.push_back(choosing.of);
            to.sequences.push_back(keys.sequences[v]);
            to.p.push_back(deviation > 0 ? normalP((choosing.value - load[e]) / deviation) : noNumber);
        }
    }
}

/// Tables "experts" and "top-tokens".
void addLists(Result &result, const ExpertLists &lists, const std::string &by, const std::string &choices)
{
    Table experts{.id = "experts",
        .title = "How far the ids that are an expert's own choose it (" + by + " id, " + choices + " choice)",
        .columns = {}};
    experts.columns = {{"layer", "", "The model's own number of the layer", lists.layer},
        {"expert", "", "Expert of that layer", lists.expert},
        {"value", "1", "Mean over the ids of which it is the most chosen expert: share of the id's tokens that chose it", lists.value},
        {"chance", "1", "Its load: share of all counted tokens that chose it", lists.load},
        {"n", "ids", "Ids of which it is the most chosen expert", lists.n}};
    Table tokens{.id = "top-tokens", .title = "Tokens of each expert (" + by + " id, " + choices + " choice)", .columns = {}};
    tokens.columns = {{"layer", "", "The model's own number of the layer", lists.tokenLayer},
        {"expert", "", "Expert of that layer", lists.tokenExpert}, {"token_id", "", "Id in the model's vocabulary", lists.tokenId},
        {"text", "", "The token's text, where it is known", lists.text},
        {"value", "1", "Share of the id's tokens that chose the expert", lists.share},
        {"low", "1", "Lower end of Wilson's 95 % interval, which takes tokens as independent", lists.low},
        {"high", "1", "Upper end of that interval", lists.high}, {"chance", "1", "The expert's load over all counted tokens", lists.chance},
        {"lift", "1", "value over chance", lists.lift}, {"count", "tokens", "Tokens of the id that chose the expert", lists.count},
        {"n", "tokens", "Tokens of the id", lists.occurrences},
        {"sequences", "sequences", "Sequences the id occurs in: few make the interval and p too hopeful", lists.sequences},
        {"p", "1", "Score test of value against chance, two-sided, tokens as independent", lists.p},
        {"significant", "", "1 where the false discovery rate over this table is at most 5 %", significant(lists.p)}};
    result.tables.push_back(std::move(experts));
    result.tables.push_back(std::move(tokens));
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    const auto experts = static_cast<std::size_t>(meta.experts), layers = meta.layers.size();
    const auto shuffles = static_cast<std::size_t>(given.integer("null"));
    const std::string ways[] = {"first", "all"};
    const std::size_t listed = given.text("choices") == "first" ? 0 : 1;

    Result result;
    std::vector<std::int64_t> layer, n;
    std::vector<std::string> by, choices;
    std::vector<double> value, low, high, chance;
    Series lines = layerSeries(
        "vocabulary-by-layer", "Vocabulary specialisation by layer (first choice)", "Share of an id's tokens", "1", meta.layers);
    std::vector<TokenKey> kinds{TokenKey::Input, TokenKey::Next};
    if (meta.fields.predictedId)
        kinds.push_back(TokenKey::Predicted);
    else
        result.notes.push_back("The trace does not hold the ids that the model predicted, so they are left out.");
    if (given.text("tokens-by") == "predicted" && !meta.fields.predictedId)
        throw Error{ErrorKind::Check, "the trace does not hold the ids that the model predicted", meta.title,
            "List the tokens by input or next id (setting tokens-by)"};
    ExpertLists lists;
    std::vector<ExpertLists> listsOfLayer(layers);
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
        const Progress part = progress.part(static_cast<std::int64_t>(kind) * meta.tokens, std::ssize(kinds) * meta.tokens);
        const FrequentKeys keys = frequentKeys(trace, kinds[kind], given.integer("min-count"), input.textOfToken, part);
        const std::string nameOfKind{name(kinds[kind])};
        std::vector<std::vector<std::uint32_t>> shuffled;
        for (std::size_t s = 0; s < shuffles; ++s)
            shuffled.push_back(shuffledRows(keys, static_cast<std::uint64_t>(given.integer("seed")), s));
        std::vector<std::span<const std::uint32_t>> labellings{keys.rows};
        labellings.insert(labellings.end(), shuffled.begin(), shuffled.end());
        std::vector<LayerLine> found(layers);
        forEachLayerKeyCounts(trace, keys.keys.size(), labellings, true, part, [&](int at, std::span<const KeyCounts> counts) {
            LayerLine &line = found[static_cast<std::size_t>(at)];
            for (std::size_t way = 0; way < 2; ++way) {
                const auto of = [&](const KeyCounts &tables) -> const std::vector<std::uint32_t> & {
                    return way == 0 ? tables.first : tables.chosen;
                };
                line.byWay[way] = specialise(of(counts[0]), keys, experts);
                std::vector<double> null;
                for (std::size_t s = 0; s < shuffles; ++s)
                    null.push_back(specialise(of(counts[s + 1]), keys, experts).mean);
                line.chance[way] = mean(null);
                if (way == listed && nameOfKind == given.text("tokens-by"))
                    appendLists(listsOfLayer[static_cast<std::size_t>(at)], line.byWay[way], of(counts[0]), keys,
                        meta.layers[static_cast<std::size_t>(at)], experts, static_cast<std::size_t>(given.integer("top")));
            }
        });
        Curve curve{Curve::Role::Data, nameOfKind + " id", {}, {}, {}}, null{Curve::Role::Chance, nameOfKind + " id shuffled", {}, {}, {}};
        for (std::size_t way = 0; way < 2; ++way) {
            std::vector<double> means, chances, ofId(keys.keys.size());
            for (std::size_t m = 0; m < layers; ++m) {
                const Specialised &ids = found[m].byWay[way];
                layer.push_back(meta.layers[m]);
                by.push_back(nameOfKind);
                choices.push_back(ways[way]);
                value.push_back(ids.mean);
                low.push_back(ids.low);
                high.push_back(ids.high);
                chance.push_back(found[m].chance[way]);
                n.push_back(std::ssize(keys.keys));
                means.push_back(ids.mean);
                for (std::size_t v = 0; v < ofId.size(); ++v)
                    ofId[v] += ids.value[v] / static_cast<double>(layers);
                chances.push_back(found[m].chance[way]);
                if (way == 0) {
                    curve.y.push_back(ids.mean);
                    curve.low.push_back(ids.low);
                    curve.high.push_back(ids.high);
                    null.y.push_back(found[m].chance[way]);
                }
            }
            const Interval interval = meanInterval(ofId);
            result.numbers.push_back({.id = nameOfKind + "_" + ways[way],
                .title = "Mean over layers by " + nameOfKind + " id, " + ways[way] + " choice",
                .unit = "1",
                .value = mean(means),
                .low = interval.low,
                .high = interval.high,
                .chance = mean(chances),
                .n = std::ssize(keys.keys),
                .of = "token ids"});
        }
        lines.curves.push_back(std::move(curve));
        if (shuffles > 0)
            lines.curves.push_back(std::move(null));
        result.notes.push_back("By " + nameOfKind + " id: " + std::to_string(keys.keys.size()) + " ids with " + std::to_string(keys.counted)
            + " tokens are counted; " + std::to_string(keys.rare) + " tokens have rarer ids and are left out.");
    }
    Table table{.id = "vocabulary", .title = "Vocabulary specialisation", .columns = {}};
    table.columns = {{"layer", "", "The model's own number of the layer", layer},
        {"by", "", "Whose id: the token's own (input), the next token's, or the one the model predicts", by},
        {"choices", "", "first: the token's first choice; all: all experts it chose", choices},
        {"value", "1", "Mean over ids of the share of the id's tokens that chose its most chosen expert", value},
        {"low", "1", "Lower end of the 95 % interval of that mean, ids as the sample", low},
        {"high", "1", "Upper end of that interval", high}, {"chance", "1", "The same with the ids shuffled over the tokens", chance},
        {"n", "ids", "Ids with enough occurrences", n}};
    result.tables.push_back(std::move(table));
    for (const ExpertLists &ofLayer : listsOfLayer) {
        const auto join = [&](auto member) {
            (lists.*member).insert((lists.*member).end(), (ofLayer.*member).begin(), (ofLayer.*member).end());
        };
        for (const auto member : {&ExpertLists::layer, &ExpertLists::expert, &ExpertLists::n, &ExpertLists::tokenLayer,
                 &ExpertLists::tokenExpert, &ExpertLists::tokenId, &ExpertLists::count, &ExpertLists::occurrences, &ExpertLists::sequences})
            join(member);
        for (const auto member : {&ExpertLists::value, &ExpertLists::load, &ExpertLists::share, &ExpertLists::low, &ExpertLists::high,
                 &ExpertLists::chance, &ExpertLists::lift, &ExpertLists::p})
            join(member);
        join(&ExpertLists::text);
    }
    addLists(result, lists, given.text("tokens-by"), given.text("choices"));
    result.series.push_back(std::move(lines));
    return result;
}

} // namespace

AnalysisKind vocabulary()
{
    return {.id = "vocabulary",
        .title = "Vocabulary specialisation",
        .help = "Do token ids have experts of their own, by what goes in or by what comes out?",
        .definition =
            "For a token id v and an expert e: share of the tokens with that id that chose e (its first choice, or all k choices). An id "
            "belongs to its most chosen expert, and its value is that share. value = mean over the ids with enough occurrences, each "
            "counting once; its interval takes the ids as the sample. The id is the token's own (input), the next token's, or the one "
            "the model predicts. chance = the same with the ids shuffled over the counted tokens, which keeps how often each id occurs "
            "and the load of each expert. n is ids.",
        .source = "Muennighoff et al. 2024, OLMoE, arXiv 2409.02060, section 5 (eq. 8)",
        .params = params,
        .numbers = "input_first|input_all|next_first|next_all|predicted_first|predicted_all",
        .traces = 1,
        .needs = {.tokenIds = true},
        .run = run};
}

} // namespace expertscope
