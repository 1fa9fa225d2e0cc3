// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ReportContent: the report as a sequence of headings, paragraphs, tables and figures, before it is HTML or PDF.
// All texts are UTF-8 as they came from models, corpora and traces: the writers make them harmless. Qt-free.
#pragma once

#include "app/report/report.h"

#include <string>
#include <variant>
#include <vector>

namespace expertscope {

struct Heading {
    int level = 2; ///< 2: a part of the report, listed in the contents; 3: below it
    std::string anchor, text;
};

struct Paragraph {
    enum class Role { Plain, Question, Small } role = Role::Plain;
    std::string text;
};

struct Bullets {
    std::vector<std::string> items;
};

struct CodeLine {
    std::string text;
};

struct FactList {
    std::vector<Fact> facts;
};

struct Grid {
    struct Head {
        std::string name, unit, help;
        bool numeric = false;
    };
    std::string anchor, title;
    std::vector<Head> columns;
    std::vector<std::vector<std::string>> rows; ///< [shown rows][columns]
    std::vector<std::string> links; ///< [rows] anchors that the first cell leads to; empty = none
    std::string more; ///< "The first 20 of 768 rows."; empty if all are here
    std::string file; ///< where all rows are, relative to the report; empty = nowhere else
};

/// One of series and matrix; they belong to the report.
struct Figure {
    const Series *series = nullptr;
    const Matrix *matrix = nullptr;
    std::string anchor, caption;
    std::string numbers; ///< anchor of the table that holds them; may be empty
};

using Block = std::variant<Heading, Paragraph, Bullets, CodeLine, FactList, Grid, Figure>;

struct ReportContent {
    std::string title;
    std::vector<Block> blocks; ///< its figures point into the report
};

/// traceNote: where the trace is, in a sentence.
ReportContent reportContent(const Report &report, const std::string &traceNote);

/// "0.412 bits [0.398, 0.427] (95 % interval), chance 0.031: above chance; n = 240 parallel sentences".
std::string numberWords(const Number &number);
/// "tables/load-balance-balance.csv".
std::string tableFile(const AnalysisKind &kind, const Table &table);

} // namespace expertscope
