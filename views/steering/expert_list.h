// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Experts of layers as a person types them: "L3: 1, 5; L4: 0-2; L*: 7", read and written.
#pragma once

#include "engine/core/recipe.h"

#include <QString>

#include <vector>

namespace expertscope {

struct ExpertListText {
    std::vector<LayerExperts> experts;
    QString problem; ///< what cannot be read, in words; empty = all was
};

/// Layers are separated by ";", "L*" is every layer, "*" every expert, "0-2" a range. "L3 E1 E5" is read too.
ExpertListText readExpertList(const QString &text);
QString expertListText(const std::vector<LayerExperts> &experts);

/// Layers of a policy: "0-3, 7" or "*".
struct LayerListText {
    std::vector<int> layers;
    QString problem;
};
LayerListText readLayerList(const QString &text);
QString layerListText(const std::vector<int> &layers);

} // namespace expertscope
