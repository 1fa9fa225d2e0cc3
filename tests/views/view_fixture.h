// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What view tests look at: traces with real text in many scripts, and a context whose jobs run at once or when told to.
#pragma once

#include "engine/core/memory_trace.h"
#include "views/common/experiment_model.h"
#include "views/common/view.h"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace expertscope::test {

struct TextSequence {
    std::string id, language, domain;
    std::vector<std::string> tokens; ///< bytes
    std::string parallelId = {};
};

struct TraceOptions {
    int layers = 6; ///< numbered from 1: layer 0 is dense
    int experts = 16;
    int topK = 2;
    bool logits = true;
};

/// Cuts UTF-8 into tokens of one to six bytes that begin words where words begin; some cut characters apart on purpose.
std::vector<std::string> cutIntoTokens(const std::string &text, unsigned seed);

/// Sentences in English, German, Arabic, Hebrew, Hindi, Chinese, Japanese, Thai and code, several of each.
std::vector<TextSequence> manyLanguages(int rounds);

/// Routes by a hash of token, language and layer: experts prefer languages, so there is structure to see. The same every time.
TracePtr textTrace(const std::vector<TextSequence> &sequences, const TraceOptions &options = {});

/// A trace of the given size without text worth reading; for timing.
TracePtr largeTrace(std::int64_t tokens, int layers, int experts, int topK);

Subject subjectOf(const TracePtr &trace);

/// What a recipe that masks expert 3 of layer 2 might have done to the trace: its continuation differs in one token.
std::shared_ptr<const SteeringOutcome> steeringOutcome(const TracePtr &trace);

/// Runs jobs in the calling thread: at once, or held back until run().
class Jobs {
public:
    ViewContext context(SelectionModel &selection);
    bool hold = false;
    void run(); ///< everything that is held back; the newest of each tag
    int posted = 0;
    int stopped = 0;
    std::unique_ptr<SteeringModel> steering = std::make_unique<SteeringModel>();
    std::unique_ptr<ExperimentModel> experiments = std::make_unique<ExperimentModel>();
    std::unique_ptr<EffectsModel> effects = std::make_unique<EffectsModel>();
    std::unique_ptr<RoutesModel> routes = std::make_unique<RoutesModel>();

private:
    struct Job {
        QString tag;
        std::function<void()> call;
    };
    std::deque<Job> m_held;
};

} // namespace expertscope::test
