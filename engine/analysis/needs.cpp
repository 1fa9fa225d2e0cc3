// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/needs.h"

#include "engine/analysis/parallel_texts.h"
#include "engine/analysis/sequence_counts.h"
#include "engine/core/error.h"
#include "engine/core/summary.h"

#include <algorithm>

namespace expertscope {

namespace {

constexpr const char *idsRemedy = "Import it again with token ids (docs/importing.md says where they go), or record the texts here";

std::string lackingGroups(int least, const RoutingTrace &trace, const std::string &grouping)
{
    const auto counts = trace.importedCounts();
    // counts by another column are refused where they are summed up
    const std::size_t groups = counts ? counts->groups.size() : groupSequences(trace.meta(), grouping).names.size();
    if (groups >= static_cast<std::size_t>(least))
        return {};
    const std::string column = counts ? counts->grouping : resolveGrouping(trace.meta(), grouping);
    if (groups == 0)
        return "No sequence has a " + column + ": give the corpus that column, or group by one that is filled in (setting grouping)";
    return "All of the trace is one group by " + column + ", and it compares groups: "
        + (counts ? "import counts of two or more"
                  : "give the corpus a language, a domain or a label of two values, or group by sequence (setting grouping)");
}

std::string lackingLanguages(const RoutingTrace &trace)
{
    if (const auto counts = trace.importedCounts())
        return counts->grouping == "language" ? "" : "The imported counts are by " + counts->grouping + "; import counts by language";
    const auto &sequences = trace.meta().sequences;
    const bool named = std::any_of(
        sequences.begin(), sequences.end(), [](const SequenceInfo &info) { return !info.language.empty() && info.range().count() > 0; });
    return named ? "" : "No sequence names its language: give the corpus a language column";
}

std::string lackingTranslations(const RoutingTrace &trace)
{
    if (const auto counts = trace.importedCounts())
        return counts->grouping == "language" && counts->groups.size() < 2 ? "The imported counts are of one language; import at least two"
                                                                           : lackingLanguages(trace);
    return hasParallelTexts(trace.meta())
        ? ""
        : "No two languages of the trace share a text: give the corpus a parallel_id that is the same in all translations of a text";
}

} // namespace

std::string lacking(const TraceNeeds &needs, const RoutingTrace &trace, const std::string &grouping)
{
    const TraceMeta &meta = trace.meta();
    const bool counts = trace.importedCounts() != nullptr;
    if (meta.tokens == 0 && !counts)
        return "The trace holds no tokens: record some, or import a trace that does";
    if (counts && (needs.tokens || needs.tokenIds))
        return "It needs the choices of single tokens, and imported counts hold only their sums: record or import a trace of tokens";
    if (needs.tokenIds && !meta.fields.tokenId)
        return std::string{"It looks at what the tokens are, and the trace holds no token ids. "} + idsRemedy;
    if (needs.languages)
        if (std::string lacks = lackingLanguages(trace); !lacks.empty())
            return lacks;
    if (needs.translations)
        if (std::string lacks = lackingTranslations(trace); !lacks.empty())
            return lacks;
    if (needs.pairs
        && std::none_of(meta.sequences.begin(), meta.sequences.end(), [](const SequenceInfo &info) { return !info.parallelId.empty(); }))
        return "It compares paired texts: give both texts of a pair the same parallel id, and a label column that says the side";
    if (needs.groups > 0)
        if (std::string lacks = lackingGroups(needs.groups, trace, grouping); !lacks.empty())
            return lacks;
    if (meta.slotCount < needs.chosenExperts)
        return "It needs tokens that choose " + std::to_string(needs.chosenExperts) + " experts or more; this model's choose "
            + std::to_string(meta.slotCount);
    if (meta.moeLayers() < needs.layers)
        return "It needs " + std::to_string(needs.layers) + " MoE layers or more; this trace has " + std::to_string(meta.moeLayers());
    return {};
}

void requireTokenIds(const TraceMeta &meta, std::string_view setting)
{
    if (!meta.fields.tokenId)
        throw Error{
            ErrorKind::Check, "the trace holds no token ids, which the setting " + std::string{setting} + " needs", meta.title, idsRemedy};
}

} // namespace expertscope
