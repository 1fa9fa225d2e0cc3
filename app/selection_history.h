// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// SelectionHistory: where the person has been, in every trace, so that Alt+Left and Alt+Right go back and forth.
#pragma once

#include "app/document.h"

#include <QObject>

#include <vector>

namespace expertscope {

class SelectionHistory : public QObject {
    Q_OBJECT
public:
    explicit SelectionHistory(Document &document, QObject *parent = nullptr);

    bool canGoBack() const { return m_at > 0; }
    bool canGoForward() const { return m_at + 1 < m_places.size(); }
    void goBack();
    void goForward();

signals:
    void changed();

private:
    struct Place {
        QString trace;
        Selection selection;
        bool operator==(const Place &) const = default;
    };
    void record();
    void go(std::size_t to);

    Document &m_document;
    std::vector<Place> m_places; ///< oldest first; bounded
    std::size_t m_at = 0; ///< the place where we are
    bool m_going = false;
};

} // namespace expertscope
