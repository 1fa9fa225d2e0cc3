// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Selection: the one thing being looked at, shared by every view. SelectionModel: holds it, plus what the mouse hovers.
#pragma once

#include "engine/core/trace.h"

#include <QObject>
#include <QString>

#include <vector>

namespace expertscope {

struct Selection {
    int sequence = -1; ///< index into TraceMeta::sequences; -1 = whole trace
    std::int64_t token = -1; ///< row of the trace; -1 = none
    TokenRange brush; ///< brushed token rows; empty = none
    int layer = 0; ///< index into TraceMeta::layers
    std::vector<int> experts; ///< of that layer, ascending; empty = none
    QString group; ///< one group of `grouping` ("de"); empty = none
    QString grouping; ///< what the group is of: "language" or "domain"; empty without a group
    bool operator==(const Selection &) const = default;
};

/// What is under the mouse; same meaning as in Selection, -1 = nothing.
struct Hover {
    std::int64_t token = -1;
    int layer = -1;
    int expert = -1;
    bool operator==(const Hover &) const = default;
};

class SelectionModel : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;
    const Selection &value() const { return m_value; }
    const Hover &hover() const { return m_hover; }
    /// Emits changed() if it is another value.
    void set(const Selection &value);
    void setHover(const Hover &hover);

signals:
    void changed(const expertscope::Selection &value);
    void hoverChanged(const expertscope::Hover &hover);

private:
    Selection m_value;
    Hover m_hover;
};

} // namespace expertscope
