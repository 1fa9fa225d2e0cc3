// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope steer k-sweep: the loss on given texts, and the answers to questions, with more or fewer experts a token.
#include "app/cli/record_corpus.h"
#include "app/cli/result_output.h"
#include "app/cli/steer.h"
#include "app/cli/verbs.h"
#include "app/experiments/score_files.h"
#include "engine/core/error.h"
#include "engine/experiments/k_sweep.h"
#include "engine/experiments/k_vote.h"
#include "io/corpus.h"
#include "io/eval_data.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace expertscope {

namespace {

struct Options {
    ModelOptions model;
    std::string corpus, questions;
    CorpusCut cut;
    ScoringSettings scoring;
    std::vector<std::string> settings;
    ResultOutput output;
};

/// The model that is open, lent at once.
class Lent final : public ModelAccess {
public:
    explicit Lent(const LoadedModel &open)
        : m_open{open}
    {
    }
    void use(const std::function<void(const LentModel &)> &work) override { work({*m_open.model, *m_open.backend, *m_open.tokenizer}); }

private:
    const LoadedModel &m_open;
};

Table answers(const EvalData &questions, const Options &options, const Params &params, const LoadedModel &open, Terminal &terminal)
{
    Lent model{open};
    const Experiment experiment = experimentOf(model, terminal);
    const std::vector<int> tried = triedK(open.model->config(), params);
    const std::int64_t items = std::ssize(questions.corpus.rows), total = items * (std::ssize(tried) + 1);
    std::int64_t done = 0;
    const auto with = [&](const Recipe *recipe) {
        std::vector<ItemScore> scores =
            scored(questions, options.scoring, recipe, {}, experiment, experiment.progress.part(std::exchange(done, done + items), total));
        return scores;
    };
    const std::vector<ItemScore> own = with(nullptr);
    std::vector<KAnswers> each;
    for (const int k : tried) {
        const Recipe recipe = withK(k, params);
        each.push_back({k, with(&recipe)});
    }
    return kAnswersTable(questions, own, each, params);
}

int run(const Options &options, Command &command)
{
    const Params params{kSweepKind().params, splitSettings(options.settings)};
    if (options.corpus.empty() && options.questions.empty())
        throw Error{ErrorKind::Usage, "there are neither texts nor questions", "k-sweep", "Give --corpus, --questions or both"};
    const std::optional<Corpus> corpus = options.corpus.empty() ? std::nullopt : std::optional{readCorpus(options.corpus)};
    std::optional<EvalData> questions;
    if (!options.questions.empty()) {
        questions = readEvalData(options.questions);
        if (questions->kind == EvalKind::Text)
            throw Error{ErrorKind::Usage, "these are texts, and texts have no answer to vote on", options.questions,
                "Give questions with choices or prompts with answers, and texts with --corpus"};
        if (options.cut.limit > 0 && options.cut.limit < std::ssize(questions->corpus.rows)) {
            questions->corpus.rows.resize(static_cast<std::size_t>(options.cut.limit));
            questions->tasks.resize(questions->corpus.rows.size());
        }
    }
    const LoadedModel open = loadModel(options.model, command.terminal);
    std::vector<KSweepPoint> points;
    if (corpus) {
        const Sequences sequences = tokenised(*corpus, open, options.cut, command.terminal);
        points = sweepK(*open.model, *open.backend, sequences.list, params, command.terminal.progress());
    }
    Result result = kSweepResult(points, params);
    if (questions)
        result.tables.push_back(answers(*questions, options, params, open, command.terminal));
    command.terminal.endProgress();
    handOver(kSweepKind(), result, options.output, command);
    return 0;
}

} // namespace

void declareSteerKSweep(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    declareModelOptions(app, options->model)->required();
    app.add_option("-c,--corpus", options->corpus, "Texts whose loss is measured: JSONL, CSV, TSV or plain text");
    app.add_option("-q,--questions", options->questions,
        "JSONL of \"question\", \"choices\", \"answer\" or of \"prompt\", \"answer\": answered with each k and by vote");
    app.add_option("--separator", options->scoring.separator, "Between a question and a choice")->capture_default_str();
    app.add_option("--max-new-tokens", options->scoring.maxNewTokens, "Of a generation")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    app.add_option("--limit", options->cut.limit, "Only the first rows of each file; 0 = all")->check(CLI::NonNegativeNumber);
    app.add_option("--max-tokens", options->cut.maxTokens, "Cut each sequence after this many tokens; 0 = the model's context")
        ->check(CLI::NonNegativeNumber);
    declareSettings(app, options->settings, kSweepKind());
    declareResultOutput(app, options->output, command);
    app.footer("Example:\n  expertscope steer k-sweep --model resources/demo/model --corpus resources/demo/corpus/domains.jsonl --limit 20 "
               "--set sum=rescale");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

} // namespace expertscope
