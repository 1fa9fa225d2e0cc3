// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The real program in its own process, and the demo it is run on.
#pragma once

#include <QProcess>
#include <QTest>

struct Outcome {
    int exitCode = -1;
    QByteArray out, err;
};

inline Outcome run(const QStringList &arguments, const QByteArray &input = {})
{
    QProcess process;
    process.start(EXPERTSCOPE_PROGRAM, arguments);
    process.write(input);
    process.closeWriteChannel();
    if (!process.waitForFinished(120000))
        return {};
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -2, process.readAllStandardOutput(),
        process.readAllStandardError()};
}

inline QString demoModel()
{
    return QStringLiteral(SOURCE_DIR "/resources/demo/model");
}

inline QString demoCorpus()
{
    return QStringLiteral(SOURCE_DIR "/resources/demo/corpus/parallel.jsonl");
}
