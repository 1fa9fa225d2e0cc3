// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Reads one or several corpus files as one corpus, and puts the bundled demo in the order in which it is best looked at.
#pragma once

#include "engine/core/corpus.h"

#include <QStringList>

namespace expertscope {

/// All rows of all files. Where an id occurs in two files, the later row's id gets its file's name in front. Throws as readCorpus does.
Corpus readCorpora(const QStringList &files);

/// Translations of one text stand together, and rows without translations are spread evenly between them: the first sequences
/// traced then show every language and soon every domain.
void interleaveParallelRows(Corpus &corpus);

} // namespace expertscope
