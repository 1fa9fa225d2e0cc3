// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Settings: what comes back at the next start: layout, theme, recent files, the session. The seam over QSettings; tests give
// it a file of their own.
#pragma once

#include "views/common/selection.h"

#include <QSettings>
#include <QString>
#include <QStringList>
#include <QVariantMap>

#include <memory>

namespace expertscope {

/// What was open, by name; nothing of its content.
struct Session {
    /// Stands for the bundled demo's model or corpus, wherever it lies at the next start.
    static inline const QString demo = QStringLiteral(":demo");

    QString model; ///< folder or org/name; empty = none
    QStringList corpus; ///< files
    QStringList traces; ///< files
    QString current; ///< key of the trace that was shown
    Selection selection; ///< in that trace
    QVariantMap views; ///< View::saveState() by view id
};

enum class Theme { System, Light, Dark };
enum class RecentKind { Model, Corpus, Trace };

class Settings {
public:
    /// The user's own settings.
    Settings();
    /// Settings in a file (INI).
    explicit Settings(const QString &file);

    Session session() const;
    void setSession(const Session &session);

    QByteArray layout(const QString &name) const;
    void setLayout(const QString &name, const QByteArray &state);
    Theme theme() const;
    void setTheme(Theme theme);
    int scalePercent() const;
    void setScalePercent(int percent);
    QVariant value(const QString &key) const { return m_settings->value(key); }
    void setValue(const QString &key, const QVariant &value) { m_settings->setValue(key, value); }

    /// Newest first, at most ten.
    QStringList recent(RecentKind kind) const;
    void addRecent(RecentKind kind, const QString &path);
    void clearRecent();

private:
    std::unique_ptr<QSettings> m_settings;
};

} // namespace expertscope
