// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/sweep_plan.h"

#include "engine/analysis/statistics.h"
#include "engine/core/error.h"
#include "engine/core/json_depth.h"
#include "engine/experiments/item_groups.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>

namespace expertscope {

namespace {

using Json = nlohmann::ordered_json;

/// The fields of one object: each is asked for once, and what nobody asked for is an error.
class Fields {
public:
    Fields(const Json &json, std::string where)
        : m_json{json}
        , m_where{std::move(where)}
    {
        if (!json.is_object())
            fail("it is not a JSON object", {});
    }

    [[noreturn]] void fail(const std::string &what, const std::string &field) const
    {
        throw Error{ErrorKind::Input, (field.empty() ? "" : "\"" + field + "\": ") + what, m_where,
            "See docs/experiments.md for the fields of a plan"};
    }

    const Json *find(const std::string &field)
    {
        m_known.insert(field);
        const auto at = m_json.find(field);
        return at == m_json.end() ? nullptr : &*at;
    }
    Fields object(const std::string &field)
    {
        const Json *json = find(field);
        static const Json none = Json::object();
        if (json && !json->is_object())
            fail("it is not an object", field);
        return {json ? *json : none, m_where};
    }
    void take(const std::string &field, std::string &to)
    {
        if (const Json *json = find(field)) {
            if (!json->is_string())
                fail("it is not text", field);
            to = json->get<std::string>();
        }
    }
    void take(const std::string &field, bool &to)
    {
        if (const Json *json = find(field)) {
            if (!json->is_boolean())
                fail("it is not true or false", field);
            to = json->get<bool>();
        }
    }
    template<typename Integer>
    void take(const std::string &field, Integer &to, std::int64_t least, std::int64_t most)
    {
        if (const Json *json = find(field)) {
            if (!json->is_number_integer() || (json->is_number_unsigned() && json->get<std::uint64_t>() > static_cast<std::uint64_t>(most))
                || json->get<std::int64_t>() < least || json->get<std::int64_t>() > most)
                fail("it is not an integer from " + std::to_string(least) + " to " + std::to_string(most), field);
            to = static_cast<Integer>(json->get<std::int64_t>());
        }
    }
    void take(const std::string &field, std::vector<std::string> &to)
    {
        if (const Json *json = find(field)) {
            to.clear();
            for (const Json &one : list(*json, field)) {
                if (!one.is_string())
                    fail("it holds something else than texts", field);
                to.push_back(one.get<std::string>());
            }
        }
    }
    void take(const std::string &field, std::vector<double> &to)
    {
        if (const Json *json = find(field)) {
            to.clear();
            for (const Json &one : list(*json, field)) {
                if (!one.is_number() || !std::isfinite(one.get<double>()))
                    fail("it holds something else than numbers", field);
                to.push_back(one.get<double>());
            }
        }
    }
    void take(const std::string &field, double &to)
    {
        std::vector<double> values{to};
        if (const Json *json = find(field); json && !json->is_number())
            fail("it is not a number", field);
        else if (json)
            take(field, values);
        to = values.front();
    }
    /// {"data": "file", "language": "en", "domain": ["a", "b"]}
    void take(const std::string &field, RowChoice &to)
    {
        if (const Json *json = find(field))
            to = choice(*json, field);
    }
    void take(const std::string &field, std::vector<RowChoice> &to)
    {
        if (const Json *json = find(field))
            for (const Json &one : list(*json, field))
                to.push_back(choice(one, field));
    }
    void noOthers() const
    {
        for (const auto &[field, value] : m_json.items())
            if (!m_known.contains(field))
                fail("a plan has no such field", field);
    }

private:
    /// A single value stands for a list of one.
    std::vector<Json> list(const Json &json, const std::string &field) const
    {
        const std::vector<Json> values = json.is_array() ? std::vector<Json>(json.begin(), json.end()) : std::vector<Json>{json};
        if (values.size() > 1000)
            fail("it holds more than 1000 values", field);
        return values;
    }
    RowChoice choice(const Json &json, const std::string &field) const
    {
        if (!json.is_object() || !json.contains("data") || !json.at("data").is_string())
            fail("it is not an object that names its \"data\"", field);
        RowChoice result{.data = json.at("data").get<std::string>(), .where = {}};
        for (const auto &[column, values] : json.items()) {
            if (column == "data")
                continue;
            result.where.emplace_back(column, std::vector<std::string>{});
            for (const Json &value : list(values, field)) {
                if (!value.is_string())
                    fail("the values of " + column + " are not texts", field);
                result.where.back().second.push_back(value.get<std::string>());
            }
        }
        return result;
    }

    const Json &m_json;
    std::string m_where;
    std::set<std::string> m_known;
};

void check(const SweepPlan &plan, const Fields &fields)
{
    if (plan.method != "task" && plan.method != "language")
        fields.fail("the experts of a sweep are found by \"task\" or \"language\"", "method");
    if (plan.method == "task" && (plan.target.data.empty() || plan.baseline.data.empty()))
        fields.fail("task experts need a \"target\" and a \"baseline\"", "experts");
    if (plan.parallel.data.empty())
        fields.fail("it is missing", "parallel");
    if (plan.evaluate.empty())
        fields.fail("it is missing", "evaluate");
    if (plan.tau.empty() || plan.windows.empty() || plan.ops.empty() || plan.strengths.empty())
        fields.fail("tau, windows, ops and strengths need a value each", "sweep");
    if (!(plan.heldOut > 0 && plan.heldOut < 1))
        fields.fail("it is not between 0 and 1", "held_out");
}

const std::string &valueOf(const CorpusRow &row, const Corpus &corpus, const std::string &column)
{
    if (column == "language")
        return row.language;
    if (column == "domain")
        return row.domain;
    const auto at = std::find(corpus.labelColumns.begin(), corpus.labelColumns.end(), column);
    if (at == corpus.labelColumns.end())
        throw Error{ErrorKind::Usage, "the data has no column \"" + column + '"', corpus.source, "Name language, domain or a label column"};
    return row.labels[static_cast<std::size_t>(at - corpus.labelColumns.begin())];
}

std::uint64_t hashOf(const std::string &text)
{
    std::uint64_t hash = 0xcbf29ce484222325u; // FNV-1a
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

} // namespace

SweepPlan parsePlan(std::string_view json, const std::string &where)
{
    const Json parsed = isNestedTooDeeply(json) ? Json(Json::value_t::discarded) : Json::parse(json, nullptr, false);
    if (parsed.is_discarded())
        throw Error{ErrorKind::Input, "this is not JSON", where, "Check the brackets and commas"};
    SweepPlan plan;
    Fields fields{parsed, where};
    int version = 0;
    fields.take("expertscope_plan", version, 0, 1'000'000);
    if (version != 1)
        fields.fail("it is not 1, the version of plans that this program reads", "expertscope_plan");
    fields.take("name", plan.name);
    fields.take("notes", plan.notes);
    fields.take("pivot", plan.pivot);
    fields.take("seed", plan.seed, 0, std::int64_t{1} << 53);
    fields.take("held_out", plan.heldOut);
    Fields experts = fields.object("experts");
    experts.take("method", plan.method);
    experts.take("target", plan.target);
    experts.take("baseline", plan.baseline);
    experts.noOthers();
    fields.take("parallel", plan.parallel);
    fields.take("evaluate", plan.evaluate);
    Fields sweep = fields.object("sweep");
    sweep.take("tau", plan.tau);
    sweep.take("windows", plan.windows);
    sweep.take("ops", plan.ops);
    sweep.take("strengths", plan.strengths);
    sweep.noOthers();
    fields.take("dose", plan.dose);
    Fields controls = fields.object("controls");
    controls.take("random", plan.randomSets, 0, 1000);
    controls.take("same_load", plan.sameLoad);
    controls.take("language", plan.languageExperts);
    controls.take("deactivate", plan.deactivate);
    controls.take("windows", plan.otherWindows);
    controls.noOthers();
    fields.take("separator", plan.scoring.separator);
    fields.take("max_new_tokens", plan.scoring.maxNewTokens, 1, 1'000'000);
    fields.take("bootstrap", plan.bootstrap, 0, 100'000);
    fields.take("permutations", plan.permutations, 0, 1'000'000);
    fields.noOthers();
    check(plan, fields);
    if (plan.dose.empty())
        plan.dose = plan.strengths;
    return plan;
}

bool isHeldOut(const CorpusRow &row, const SweepPlan &plan)
{
    return Random{plan.seed, hashOf(row.parallelId.empty() ? row.id : row.parallelId)}.uniform() < plan.heldOut;
}

EvalData chosenRows(const EvalData &data, const RowChoice &choice, const SweepPlan &plan, bool heldOut)
{
    const Corpus &corpus = data.corpus;
    EvalData chosen;
    chosen.kind = data.kind;
    chosen.corpus.source = corpus.source;
    chosen.corpus.labelColumns = corpus.labelColumns;
    chosen.corpus.sha256 = corpus.sha256;
    chosen.corpus.sha256 += '/' + std::to_string(plan.seed) + '/' + Json(plan.heldOut).dump() + (heldOut ? "/held-out" : "/open");
    for (const auto &[column, values] : choice.where)
        for (const std::string &value : values)
            chosen.corpus.sha256 += '/' + column + '=' + value;
    for (std::size_t i = 0; i < corpus.rows.size(); ++i) {
        const CorpusRow &row = corpus.rows[i];
        const bool fits = std::all_of(choice.where.begin(), choice.where.end(), [&](const auto &condition) {
            const std::string &value = valueOf(row, corpus, condition.first);
            return std::find(condition.second.begin(), condition.second.end(), value) != condition.second.end();
        });
        if (!fits || isHeldOut(row, plan) != heldOut)
            continue;
        chosen.corpus.rows.push_back(row);
        if (!data.tasks.empty())
            chosen.tasks.push_back(data.tasks[i]);
    }
    return chosen;
}

} // namespace expertscope
