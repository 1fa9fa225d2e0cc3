// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the tests of importers share: an import into memory with its report, and where the shared real data is.
#pragma once

#include "engine/core/memory_trace.h"
#include "io/importers/import.h"
#include "tests/io/error_check.h"

#include <QDir>
#include <QTemporaryDir>
#include <QtTest>

namespace expertscope::test {

struct Import {
    MemoryTrace trace;
    ImportReport report;
    std::string error; ///< of the Error it threw; empty if it threw none
    int kind = 0; ///< of that Error
    QByteArray status(const char *check) const
    {
        for (const TraceCheck &row : report.checks)
            if (row.name == check)
                return QByteArray::fromStdString(row.status);
        return "absent";
    }
    double value(const char *check) const
    {
        for (const TraceCheck &row : report.checks)
            if (row.name == check)
                return row.value;
        return -1;
    }
};

inline Import importFiles(const std::vector<std::filesystem::path> &files, const ImportOptions &options = {})
{
    Import result;
    try {
        importTrace(files, options, result.trace, result.report, Progress{});
    } catch (const Error &error) {
        result.error = error.what();
        result.kind = static_cast<int>(error.kind);
    }
    return result;
}

/// A folder of the shared real data; empty where it is absent, which makes the test skip.
inline QString realTraces(const char *name)
{
    const QString shared = qEnvironmentVariable("EXPERTSCOPE_SHARED", QStringLiteral(SOURCE_DIR "/../shared"));
    const QString path = shared + "/data/real-traces/" + name;
    return QFileInfo::exists(path) ? path : QString{};
}

} // namespace expertscope::test
