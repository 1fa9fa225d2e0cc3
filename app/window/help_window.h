// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The windows of the Help menu: keys and gestures, what the program is, and where the demo's model and texts come from.
#pragma once

class QWidget;

namespace expertscope {

struct DemoFiles;

void showKeys(QWidget *parent); ///< everything in the parent's menus that has a key, and the gestures of the views
void showAbout(QWidget *parent);
void showDataSources(QWidget *parent, const DemoFiles &demo); ///< the model card and the source lists that lie beside the demo

} // namespace expertscope
