// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/hdf5_lib.h"

#include "engine/core/error.h"

#include <cerrno>
#include <cstring>

namespace expertscope::h5 {

namespace {

std::recursive_mutex &mutex()
{
    static std::recursive_mutex one;
    return one;
}

herr_t innermost(unsigned position, const H5E_error2_t *entry, void *to)
{
    if (position == 0 && entry->desc)
        *static_cast<std::string *>(to) = entry->desc;
    return 0;
}

} // namespace

Lane::Lane()
    : m_lock{mutex()}
{
    // every file is closed by its owner; the library's clean-up at exit would only retry what already failed
    [[maybe_unused]] static const herr_t once = H5dont_atexit();
    // the switch belongs to the calling thread's own error stack
    [[maybe_unused]] thread_local const herr_t silent = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

void Id::close() noexcept
{
    if (m_id < 0)
        return;
    Lane lane;
    if (H5Iis_valid(m_id) > 0)
        H5Idec_ref(m_id);
    H5Eclear2(H5E_DEFAULT);
    m_id = -1;
}

void fail(const Context &context, const char *doing, const std::string &name)
{
    std::string reason;
    {
        Lane lane;
        H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, &reason);
        H5Eclear2(H5E_DEFAULT);
    }
    std::string remedy = "The file is damaged, incomplete or not a routing trace: record it again or copy it again from where it came";
    if (context.writeError) {
        const int code = *context.writeError;
        if (code != 0)
            reason = std::strerror(code);
        remedy = code == ENOSPC || code == EDQUOT ? "The disk is full: free some space or choose another folder"
            : code == EFBIG ? "The file has reached the largest size allowed here: raise the limit or choose another folder"
                            : "Check that the disk is healthy and that you may write there, or choose another folder";
    }
    throw Error{ErrorKind::Input, std::string{"cannot "} + doing + (name.empty() ? "" : " " + name) + (reason.empty() ? "" : ": " + reason),
        context.path, remedy};
}

Id creationList(const Context &context, hid_t propertyClass, const std::string &name)
{
    Lane lane;
    Id list{check(H5Pcreate(propertyClass), context, "describe", name)};
    check(H5Pset_obj_track_times(list, false), context, "describe", name);
    return list;
}

Id halfType()
{
    Lane lane;
    Id type{H5Tcopy(H5T_IEEE_F32LE)};
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
}

Id stringType()
{
    Lane lane;
    Id type{H5Tcopy(H5T_C_S1)};
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

CStrings::CStrings(std::span<const std::string> texts)
    : m_texts{texts.begin(), texts.end()}
{
    for (std::string &text : m_texts) {
        for (std::size_t at = text.find('\0'); at != std::string::npos; at = text.find('\0', at))
            text.replace(at, 1, "\xef\xbf\xbd");
        m_pointers.push_back(text.c_str());
    }
}

void writeAttribute(const Context &context, hid_t object, const char *name, const std::string &value)
{
    Lane lane;
    const Id type = stringType();
    const Id space{check(H5Screate(H5S_SCALAR), context, "describe", name)};
    const Id attribute{check(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), context, "write the attribute", name)};
    check(H5Awrite(attribute, type, CStrings{{&value, 1}}.pointers()), context, "write the attribute", name);
}

void writeAttribute(const Context &context, hid_t object, const char *name, const std::vector<std::string> &values)
{
    Lane lane;
    const Id type = stringType();
    const hsize_t count = values.size();
    const Id space{check(H5Screate_simple(1, &count, nullptr), context, "describe", name)};
    const Id attribute{check(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), context, "write the attribute", name)};
    check(H5Awrite(attribute, type, CStrings{values}.pointers()), context, "write the attribute", name);
}

void writeNumbers(const Context &context, hid_t object, const char *name, hid_t memoryType, const void *values, int count, bool scalar)
{
    Lane lane;
    const auto size = static_cast<hsize_t>(count);
    const Id space{check(scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &size, nullptr), context, "describe", name)};
    const Id attribute{check(H5Acreate2(object, name, memoryType, space, H5P_DEFAULT, H5P_DEFAULT), context, "write the attribute", name)};
    check(H5Awrite(attribute, memoryType, values), context, "write the attribute", name);
}

std::vector<hsize_t> dimensions(const Context &context, hid_t space)
{
    Lane lane;
    const int rank = check(H5Sget_simple_extent_ndims(space), context, "read the shape of a dataset");
    std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
    check(H5Sget_simple_extent_dims(space, sizes.data(), nullptr), context, "read the shape of a dataset");
    return sizes;
}

} // namespace expertscope::h5
