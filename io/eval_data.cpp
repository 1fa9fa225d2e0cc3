// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/eval_data.h"

#include "engine/core/error.h"
#include "io/corpus_rows.h"
#include "io/utf8.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace expertscope {

namespace {

constexpr std::size_t choiceLimit = 64;

using Fields = std::vector<CorpusField>;

[[noreturn]] void fail(const std::string &what, const std::string &where, const std::string &remedy)
{
    throw Error{ErrorKind::Input, what, where, remedy};
}

Fields::iterator find(Fields &fields, std::string_view name)
{
    return std::find_if(fields.begin(), fields.end(), [&](const CorpusField &field) { return field.name == name; });
}

bool has(Fields &fields, std::string_view name)
{
    return find(fields, name) != fields.end();
}

std::optional<CorpusField> taken(Fields &fields, std::string_view name)
{
    const auto at = find(fields, name);
    if (at == fields.end())
        return {};
    CorpusField field = std::move(*at);
    fields.erase(at);
    return field;
}

EvalKind kindOf(Fields &fields)
{
    const auto choices = find(fields, "choices");
    if (choices != fields.end() && choices->list)
        return EvalKind::Choice;
    const bool asks = (has(fields, "prompt") || has(fields, "question")) && has(fields, "answer");
    return asks && !has(fields, "text") && !has(fields, "continuation") ? EvalKind::Generation : EvalKind::Text;
}

const char *nameOf(EvalKind kind)
{
    return kind == EvalKind::Choice ? "multiple choice" : kind == EvalKind::Generation ? "generation" : "a text";
}

/// A number from 0, the text of a choice, or its letter.
std::size_t answerIndex(const CorpusField &answer, const std::vector<std::string> &choices, const std::string &where)
{
    const std::string &text = answer.value;
    if (!answer.list && !answer.isText) {
        std::size_t index = choices.size();
        const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), index);
        if (code == std::errc{} && end == text.data() + text.size() && index < choices.size())
            return index;
    }
    if (!answer.list && answer.isText) {
        if (std::count(choices.begin(), choices.end(), text) == 1)
            return static_cast<std::size_t>(std::find(choices.begin(), choices.end(), text) - choices.begin());
        if (text.size() == 1 && text[0] >= 'A' && static_cast<std::size_t>(text[0] - 'A') < choices.size())
            return static_cast<std::size_t>(text[0] - 'A');
    }
    fail("the answer " + (answer.list ? std::string{"(a list)"} : shown(text)) + " names none of the " + std::to_string(choices.size())
            + " choices",
        where, "Give its number from 0, its letter from A, or its text");
}

class TaskReader {
public:
    CorpusRows::Handler handler()
    {
        return [this](Fields &fields, const std::string &where) { take(fields, where); };
    }
    EvalData finish(Corpus corpus) { return {m_kind.value_or(EvalKind::Text), std::move(corpus), std::move(m_tasks)}; }

private:
    void take(Fields &fields, const std::string &where)
    {
        const EvalKind kind = kindOf(fields);
        if (!m_kind)
            m_kind = kind;
        if (kind != *m_kind && (kind == EvalKind::Choice || *m_kind != EvalKind::Text))
            fail(std::string{"the row is "} + nameOf(kind) + ", but the file began as " + nameOf(*m_kind), where,
                "Give each sort its own file, and every row its question and answer");
        if (*m_kind == EvalKind::Text)
            return;
        if (const auto question = find(fields, "question"); question != fields.end()) {
            if (has(fields, "prompt"))
                fail("the row has both a question and a prompt", where, "Keep one of them");
            question->name = "prompt";
        }
        EvalTask task;
        const std::optional<CorpusField> choices = taken(fields, "choices");
        const std::optional<CorpusField> answer = taken(fields, "answer");
        if (!answer)
            fail("the row has no answer", where, "Give every question an \"answer\"");
        if (*m_kind == EvalKind::Choice) {
            task.choices = *choices->list;
            checkTexts(task.choices, "choice", where);
            if (task.choices.size() < 2 || task.choices.size() > choiceLimit)
                fail("the row has " + std::to_string(task.choices.size()) + " choices", where,
                    "Give 2 to " + std::to_string(choiceLimit) + " of them");
            task.answer = answerIndex(*answer, task.choices, where);
        } else {
            task.answers = answer->list ? *answer->list : std::vector{answer->value};
            checkTexts(task.answers, "answer", where);
            if (task.answers.empty())
                fail("the row's list of answers is empty", where, "Give at least one answer");
        }
        m_tasks.push_back(std::move(task));
    }

    static void checkTexts(const std::vector<std::string> &texts, const std::string &what, const std::string &where)
    {
        if (std::any_of(texts.begin(), texts.end(), [](const std::string &text) { return text.empty(); }))
            fail("a" + std::string{what == "answer" ? "n " : " "} + what + " is empty", where, "Write it, or leave the row out");
    }

    std::optional<EvalKind> m_kind;
    std::vector<EvalTask> m_tasks;
};

} // namespace

EvalData readEvalData(const std::filesystem::path &file)
{
    TaskReader tasks;
    Corpus corpus = readCorpusRows(file, tasks.handler());
    return tasks.finish(std::move(corpus));
}

EvalData parseEvalData(std::string_view bytes, CorpusFormat format, const std::string &source)
{
    TaskReader tasks;
    Corpus corpus = parseCorpusRows(bytes, format, source, tasks.handler());
    return tasks.finish(std::move(corpus));
}

} // namespace expertscope
