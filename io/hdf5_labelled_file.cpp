// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/hdf5_labelled_file.h"

#include "io/hdf5_output_driver.h"

#include <hdf5_hl.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <numeric>

namespace expertscope::h5 {

namespace {

constexpr hsize_t largestChunkBytes = 16 << 20;

} // namespace

LabelledFile::LabelledFile(Context context, const std::filesystem::path &path)
    : m_context{std::move(context)}
{
    Lane lane;
    const Id access{check(makeOutputAccess(m_context.writeError.get()), m_context, "create the file")};
    check(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110), m_context, "create the file");
    check(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), m_context, "create the file");
    const Id create = creationList(m_context, H5P_FILE_CREATE);
    // netCDF lists variables in this order
    check(H5Pset_link_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED), m_context, "create the file");
    m_file = Id{check(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, create, access), m_context, "create the file")};
}

Id LabelledFile::group(const char *name)
{
    Lane lane;
    const Id create = creationList(m_context, H5P_GROUP_CREATE, name);
    check(H5Pset_link_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED), m_context, "create the group", name);
    return Id{check(H5Gcreate2(m_file, name, H5P_DEFAULT, create, H5P_DEFAULT), m_context, "create the group", name)};
}

void LabelledFile::describe(hid_t object, const Doc &doc)
{
    writeAttribute(m_context, object, "long_name", std::string{doc.longName});
    if (doc.units)
        writeAttribute(m_context, object, "units", std::string{doc.units});
    if (doc.kind)
        writeAttribute(m_context, object, "kind", std::string{doc.kind});
    if (doc.stage)
        writeAttribute(m_context, object, "stage", std::string{doc.stage});
}

void LabelledFile::makeScale(const std::string &name, Id dataset)
{
    Lane lane;
    check(H5DSset_scale(dataset, name.c_str()), m_context, "make a dimension scale of", name);
    m_scales[name] = std::move(dataset);
}

void LabelledFile::nameDimension(const std::string &name, std::int64_t size)
{
    Lane lane;
    const auto count = static_cast<hsize_t>(size);
    const Id space{check(H5Screate_simple(1, &count, nullptr), m_context, "describe", name)};
    const Id create = creationList(m_context, H5P_DATASET_CREATE, name);
    Id dataset{check(H5Dcreate2(m_file, name.c_str(), H5T_IEEE_F32BE, space, H5P_DEFAULT, create, H5P_DEFAULT), m_context, "create", name)};
    // the exact words by which netCDF knows a dimension that is no variable
    char words[80];
    std::snprintf(words, sizeof words, "This is a netCDF dimension but not a netCDF variable.%10lld", static_cast<long long>(size));
    check(H5DSset_scale(dataset, words), m_context, "make a dimension scale of", name);
    m_scales[name] = std::move(dataset);
}

void LabelledFile::attach(hid_t dataset, Scales scales)
{
    Lane lane;
    unsigned axis = 0;
    for (const char *name : scales)
        check(H5DSattach_scale(dataset, m_scales.at(name), axis++), m_context, "attach the dimension scale", name);
}

Id LabelledFile::strings(hid_t parent, const std::string &name, const std::vector<std::string> &values, Scales scales, const Doc &doc)
{
    const CStrings texts{values};
    const Id type = stringType();
    return write(parent, name, type, texts.pointers(), values.size(), scales, doc);
}

void LabelledFile::hardLink(const char *from, hid_t parent, const char *name)
{
    Lane lane;
    check(H5Lcreate_hard(m_file, from, parent, name, H5P_DEFAULT, H5P_DEFAULT), m_context, "link", from);
}

void LabelledFile::close()
{
    Lane lane;
    check(H5Fflush(m_file, H5F_SCOPE_LOCAL), m_context, "write the last data");
    check(H5Fclose(m_file), m_context, "close the file");
    check(0, m_context, "close the file"); // the last bytes are written while closing
}

Id LabelledFile::write(hid_t parent, const std::string &name, hid_t type, const void *values, hsize_t count, Scales scales, const Doc &doc)
{
    Lane lane;
    std::vector<hsize_t> sizes{count};
    if (scales.size() > 0) {
        sizes.clear();
        for (const char *scale : scales)
            sizes.push_back(dimensions(m_context, Id{check(H5Dget_space(m_scales.at(scale)), m_context, "describe", name)}).at(0));
    }
    const Id space{check(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr), m_context, "describe", name)};
    // compressed for the checksum that comes with it, in one chunk unless that would be larger than readers like
    const Id create = creationList(m_context, H5P_DATASET_CREATE, name);
    if (count > 0) {
        std::vector<hsize_t> chunk = sizes;
        const hsize_t rowBytes = std::accumulate(sizes.begin() + 1, sizes.end(), hsize_t{H5Tget_size(type)}, std::multiplies{});
        chunk[0] = std::clamp<hsize_t>(largestChunkBytes / rowBytes, 1, sizes[0]);
        check(H5Pset_chunk(create, static_cast<int>(chunk.size()), chunk.data()), m_context, "describe", name);
        check(H5Pset_deflate(create, 1), m_context, "describe", name);
    }
    Id dataset{check(H5Dcreate2(parent, name.c_str(), type, space, H5P_DEFAULT, create, H5P_DEFAULT), m_context, "create", name)};
    if (count > 0)
        check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), m_context, "write", name);
    describe(dataset, doc);
    attach(dataset, scales);
    return dataset;
}

} // namespace expertscope::h5
