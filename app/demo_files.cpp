// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/demo_files.h"

#include <QCoreApplication>
#include <QDir>

namespace expertscope {

namespace {

QStringList candidateFolders()
{
    // Who names a folder means that one, and no other that happens to be there.
    if (const QString given = qEnvironmentVariable("EXPERTSCOPE_DATA_DIR"); !given.isEmpty())
        return {given};
    QStringList folders;
    QDir folder{QCoreApplication::applicationDirPath()};
    folders << folder.filePath("demo") << folder.filePath("../share/expertscope/demo");
    // A build folder lies somewhere inside the source tree.
    do
        folders << folder.filePath("resources/demo");
    while (folder.cdUp());
    return folders;
}

} // namespace

DemoFiles findDemo()
{
    for (const QString &path : candidateFolders()) {
        const QDir folder{path};
        DemoFiles demo;
        if (folder.exists("model/config.json"))
            demo.model = QDir::cleanPath(folder.absoluteFilePath("model"));
        for (const QString &name : {QStringLiteral("corpus/parallel.jsonl"), QStringLiteral("corpus/domains.jsonl")})
            if (folder.exists(name))
                demo.corpus << QDir::cleanPath(folder.absoluteFilePath(name));
        for (const QString &name : {QStringLiteral("corpus/parallel.jsonl"), QStringLiteral("corpus/cloze.jsonl")})
            if (folder.exists(name))
                demo.evaluation << QDir::cleanPath(folder.absoluteFilePath(name));
        if (folder.exists("experiment.json"))
            demo.plan = QDir::cleanPath(folder.absoluteFilePath("experiment.json"));
        if (demo.complete())
            return demo;
    }
    return {};
}

} // namespace expertscope
