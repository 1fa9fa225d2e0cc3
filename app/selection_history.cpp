// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/selection_history.h"

namespace expertscope {

namespace {

constexpr std::size_t maxPlaces = 200;

/// A drag makes one place, not one for every pixel: only the brush, or only the chosen experts of one layer, went on changing.
bool isSameGesture(const Selection &a, const Selection &b)
{
    Selection left = a, right = b;
    if (a.brush.count() > 0 && b.brush.count() > 0) {
        left.brush = right.brush = {};
        left.token = right.token = -1;
    } else if (a.experts.size() > 1 && b.experts.size() > 1) {
        left.experts.clear();
        right.experts.clear();
    }
    return left == right;
}

} // namespace

SelectionHistory::SelectionHistory(Document &document, QObject *parent)
    : QObject{parent}
    , m_document{document}
    , m_places{{}}
{
    connect(&document.selection(), &SelectionModel::changed, this, &SelectionHistory::record);
    connect(&document, &Document::currentChanged, this, &SelectionHistory::record);
}

void SelectionHistory::record()
{
    const OpenTrace *open = m_document.current();
    if (m_going || !open || m_document.isSwitching())
        return;
    const Place place{open->key, m_document.selection().value()};
    Place &here = m_places[m_at];
    if (place == here)
        return;
    const bool sameGesture = here.trace.isEmpty() || (here.trace == place.trace && isSameGesture(here.selection, place.selection));
    if (sameGesture) {
        here = place;
    } else {
        m_places.resize(m_at + 1);
        m_places.push_back(place);
        if (m_places.size() > maxPlaces)
            m_places.erase(m_places.begin());
        m_at = m_places.size() - 1;
    }
    emit changed();
}

void SelectionHistory::goBack()
{
    if (canGoBack())
        go(m_at - 1);
}

void SelectionHistory::goForward()
{
    if (canGoForward())
        go(m_at + 1);
}

void SelectionHistory::go(std::size_t to)
{
    m_at = to;
    m_going = true;
    const Place place = m_places[to];
    m_document.show(place.trace, place.selection);
    m_going = false;
    emit changed();
}

} // namespace expertscope
