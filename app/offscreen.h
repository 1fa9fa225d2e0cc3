// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Offscreen: what painting without a screen needs of Qt, for as long as it lives.
#pragma once

#include <QApplication>
#include <QTemporaryDir>

namespace expertscope {

class Offscreen {
public:
    Offscreen();

private:
    static int &prepared(const QTemporaryDir &runtime);

    QTemporaryDir m_runtime; ///< Qt asks for one and remarks on standard error where there is none
    QApplication m_app;
};

} // namespace expertscope
