// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// An HDF5 file being written in which every dimension is a named dimension scale and every dataset says what it is, so that
// h5py, netCDF, xarray and HDFView show the same names without knowing the program.
#pragma once

#include "io/hdf5_lib.h"

#include <filesystem>
#include <initializer_list>
#include <map>

namespace expertscope::h5 {

/// Attributes that a dataset carries; null ones are left out.
struct Doc {
    const char *longName;
    const char *units = nullptr;
    const char *kind = nullptr;
    const char *stage = nullptr;
};

class LabelledFile {
public:
    using Scales = std::initializer_list<const char *>; ///< names of scales, one per dimension

    /// Makes an empty HDF5 file at path (readable by HDF5 1.10 and later; all of its metadata carries checksums).
    /// `context` names it as messages should.
    LabelledFile(Context context, const std::filesystem::path &path);

    const Context &context() const { return m_context; }
    hid_t root() const { return m_file; }
    Id group(const char *name);
    void describe(hid_t object, const Doc &doc);

    /// Makes a dataset the scale of that name.
    void makeScale(const std::string &name, Id dataset);
    /// A scale that only names a dimension, without coordinates of its own; takes no room in the file.
    void nameDimension(const std::string &name, std::int64_t size);
    void attach(hid_t dataset, Scales scales);

    /// A small dataset written at once.
    template<typename T>
    Id array(hid_t parent, const std::string &name, std::span<const T> values, Scales scales, const Doc &doc)
    {
        return write(parent, name, nativeType<T>(), values.data(), static_cast<hsize_t>(values.size()), scales, doc);
    }
    Id strings(hid_t parent, const std::string &name, const std::vector<std::string> &values, Scales scales, const Doc &doc);
    /// A scale 0, 1, 2 ... or of the given numbers, written at once.
    template<typename T>
    void scale(hid_t parent, const std::string &name, std::span<const T> values, const Doc &doc)
    {
        makeScale(name, write(parent, name, nativeType<T>(), values.data(), static_cast<hsize_t>(values.size()), {}, doc));
    }

    /// A second name of an object.
    void hardLink(const char *from, hid_t parent, const char *name);
    /// Writes everything out and closes the file. Throws Error if that fails.
    void close();

private:
    Id write(hid_t parent, const std::string &name, hid_t type, const void *values, hsize_t count, Scales scales, const Doc &doc);

    Context m_context;
    Id m_file;
    std::map<std::string, Id, std::less<>> m_scales;
};

} // namespace expertscope::h5
