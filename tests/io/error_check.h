// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Checks of what the readers throw: the kind of error, its words, and that it says where and what to do.
#pragma once

#include "engine/core/error.h"

#include <QByteArray>
#include <QFile>
#include <QtTest>

#include <string>
#include <string_view>

namespace expertscope {

/// Runs `action`, which has to throw an Error (Input) whose message and place contain these words.
template<typename Action>
void expectInputError(Action &&action, std::string_view words, std::string_view place)
{
    try {
        action();
    } catch (const Error &error) {
        QVERIFY2(error.message.find(words) != std::string::npos, error.what());
        QVERIFY2(error.where.find(place) != std::string::npos, error.what());
        QVERIFY2(error.kind == ErrorKind::Input, error.what());
        QVERIFY2(!error.remedy.empty() && !error.remedy.ends_with('.') && !error.message.ends_with('.'), error.what());
        return;
    }
    QFAIL(("nothing was thrown, expected: " + std::string{words}).c_str());
}

inline void writeFile(const std::string &path, std::string_view bytes)
{
    QFile file{QString::fromStdString(path)};
    QVERIFY2(file.open(QIODevice::WriteOnly), path.c_str());
    QCOMPARE(file.write(bytes.data(), static_cast<qint64>(bytes.size())), static_cast<qint64>(bytes.size()));
}

} // namespace expertscope
