// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Picker: a line to type in above a list of what fits, at the top of the window: the command palette, the sequence finder and
// "go to" are all this, with different offers.
#pragma once

#include <QFrame>
#include <QPointer>
#include <QString>

#include <functional>
#include <vector>

class QLineEdit;
class QTreeWidget;

namespace expertscope {

class Picker : public QFrame {
    Q_OBJECT
public:
    struct Offer {
        QString title;
        QString detail; ///< shown at the right: a shortcut, a language
        std::function<void()> run; ///< null: only says something, cannot be chosen
    };
    /// What fits a text, best first.
    using Provider = std::function<std::vector<Offer>(const QString &text)>;

    explicit Picker(QWidget *parent);
    void open(const QString &placeholder, Provider provider);
    /// True if all words of the text occur in the title.
    static bool fits(const QString &title, const QString &text);

protected:
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    void refresh();
    void choose();
    void place();
    void close();

    QLineEdit *m_text;
    QTreeWidget *m_list;
    QPointer<QWidget> m_focusBefore;
    Provider m_provider;
    std::vector<Offer> m_offers;
};

} // namespace expertscope
