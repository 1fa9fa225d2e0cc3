// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What an experiment needs of whoever runs it, the command line or the window: the model for a while, and an ear.
#pragma once

#include "engine/core/backend.h"
#include "engine/core/progress.h"
#include "engine/forward/model.h"
#include "engine/text/tokenizer.h"

#include <functional>
#include <string>

namespace expertscope {

struct LentModel {
    const Model &model;
    Backend &backend;
    const Tokenizer &tokenizer;
};

/// The model, lent for pieces of work of a second or so, so that others get their turn in between.
class ModelAccess {
public:
    virtual ~ModelAccess() = default;
    /// Calls the work where the model may be used, and returns when it has ended. Throws what the work throws; Cancelled.
    virtual void use(const std::function<void(const LentModel &)> &work) = 0;
};

struct Experiment {
    ModelAccess &model;
    Progress progress; ///< items scored, of all that are known to come
    std::function<void(const std::string &)> stage; ///< what begins now, in sentences
    std::function<void(const std::string &)> note; ///< a remark on what is done with the files
};

} // namespace expertscope
