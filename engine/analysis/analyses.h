// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What each analysis' file gives to the list in analyses.cpp. Definitions and sources stand in the kinds themselves.
#pragma once

#include "engine/analysis/analysis.h"

namespace expertscope {

AnalysisKind abilityCorrelation();
AnalysisKind chunkSparsity();
AnalysisKind coActivation();
AnalysisKind committee();
AnalysisKind esft();
AnalysisKind expertContrast();
AnalysisKind languageEntropy();
AnalysisKind languageExperts();
AnalysisKind loadBalance();
AnalysisKind neighbourReuse();
AnalysisKind position();
AnalysisKind riskDifference();
AnalysisKind routingDivergence();
AnalysisKind specialisation();
AnalysisKind srp();
AnalysisKind tokenConsistency();
AnalysisKind tokenIdentity();
AnalysisKind tokenPmi();
AnalysisKind traceAgreement();
AnalysisKind transitions();
AnalysisKind vocabulary();

} // namespace expertscope
