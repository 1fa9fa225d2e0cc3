// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Reads the small things of a foreign HDF5 file: names of objects, attributes, columns of text.
// Links that lead out of the file are treated as if they were not there.
#pragma once

#include "io/hdf5_lib.h"

namespace expertscope::h5 {

/// Opens a file for reading. Throws Error (Input) if it is missing, unreadable, not HDF5, or cut short.
Id openFile(const Context &context);

/// Names of all links of a group, in the file's order.
std::vector<std::string> linkNames(const Context &context, hid_t group);
/// True if the group itself holds an object of that name and kind.
bool holdsDataset(hid_t group, const char *name);
bool holdsGroup(hid_t group, const char *name);
/// Throw Error (Input) if there is none.
Id openGroup(const Context &context, hid_t parent, const char *name);
Id openDataset(const Context &context, hid_t parent, const char *name);

bool hasAttribute(hid_t object, const char *name);
/// A text attribute; empty if it is absent. Throws Error (Input) if it is something else.
std::string readText(const Context &context, hid_t object, const char *name);
/// Numbers of an attribute, however stored; empty if it is absent.
std::vector<std::int64_t> readIntegers(const Context &context, hid_t object, const char *name);
std::vector<std::uint64_t> readUnsigned(const Context &context, hid_t object, const char *name);
std::vector<double> readReals(const Context &context, hid_t object, const char *name);

/// A dataset of `count` texts. Throws Error (Input) if it is another size or no text.
std::vector<std::string> readStrings(const Context &context, hid_t parent, const char *name, std::int64_t count);

} // namespace expertscope::h5
