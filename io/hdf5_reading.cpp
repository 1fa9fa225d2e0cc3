// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/hdf5_reading.h"

#include "engine/core/error.h"
#include "io/hdf5_input_driver.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace expertscope::h5 {

namespace {

constexpr std::size_t largestFixedText = 1 << 20;
constexpr hssize_t mostAttributeValues = 1 << 16;

[[noreturn]] void notAsExpected(const Context &context, const std::string &what)
{
    throw Error{ErrorKind::Input, what, context.path,
        "The file was not written as a routing trace: record it again or copy it again from where it came"};
}

herr_t collectName(hid_t, const char *name, const H5L_info_t *, void *to)
{
    static_cast<std::vector<std::string> *>(to)->emplace_back(name);
    return 0;
}

bool holds(hid_t group, const char *name, H5O_type_t type)
{
    Lane lane;
    H5L_info_t link{};
    H5O_info_t object{};
    const bool found = H5Lexists(group, name, H5P_DEFAULT) > 0 && H5Lget_info(group, name, &link, H5P_DEFAULT) >= 0
        && link.type == H5L_TYPE_HARD && H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) >= 0
        && object.type == type;
    H5Eclear2(H5E_DEFAULT);
    return found;
}

/// Texts of variable or fixed length, from read(memory type, buffer).
template<typename Read>
std::vector<std::string> texts(
    const Context &context, hid_t type, hid_t space, std::size_t count, const std::string &name, const Read &read)
{
    std::vector<std::string> out;
    if (count == 0)
        return out;
    const std::size_t size = H5Tget_size(type);
    if (H5Tget_class(type) != H5T_STRING || (H5Tis_variable_str(type) <= 0 && size > largestFixedText / count + 1024))
        notAsExpected(context, name + " does not hold text");
    if (H5Tis_variable_str(type) > 0) {
        Id memory{H5Tcopy(H5T_C_S1)};
        H5Tset_size(memory, H5T_VARIABLE);
        H5Tset_cset(memory, H5Tget_cset(type));
        std::vector<char *> pointers(count, nullptr);
        check(read(memory, pointers.data()), context, "read", name);
        for (const char *text : pointers)
            out.emplace_back(text ? text : "");
        H5Dvlen_reclaim(memory, space, H5P_DEFAULT, pointers.data());
    } else {
        std::vector<char> bytes(size * count);
        check(read(type, bytes.data()), context, "read", name);
        for (std::size_t i = 0; i < count; ++i)
            out.emplace_back(bytes.data() + i * size, strnlen(bytes.data() + i * size, size));
    }
    return out;
}

/// The attribute, opened, and how many values it has; an invalid id if it is absent.
std::pair<Id, std::size_t> openAttribute(const Context &context, hid_t object, const char *name)
{
    if (!hasAttribute(object, name))
        return {};
    Id attribute{check(H5Aopen(object, name, H5P_DEFAULT), context, "open the attribute", name)};
    const Id space{check(H5Aget_space(attribute), context, "read the attribute", name)};
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count < 0 || count > mostAttributeValues)
        notAsExpected(context, std::string{"the attribute "} + name + " is too large");
    return {std::move(attribute), static_cast<std::size_t>(count)};
}

template<typename T>
std::vector<T> readNumbers(const Context &context, hid_t object, const char *name)
{
    Lane lane;
    const auto [attribute, count] = openAttribute(context, object, name);
    std::vector<T> values(count);
    if (count == 0)
        return values;
    const Id type{check(H5Aget_type(attribute), context, "read the attribute", name)};
    if (H5Tget_class(type) != H5T_INTEGER && H5Tget_class(type) != H5T_FLOAT)
        notAsExpected(context, std::string{"the attribute "} + name + " is not a number");
    check(H5Aread(attribute, nativeType<T>(), values.data()), context, "read the attribute", name);
    return values;
}

} // namespace

Id openFile(const Context &context)
{
    std::error_code code;
    const auto status = std::filesystem::status(context.path, code);
    if (!std::filesystem::exists(status))
        throw Error{ErrorKind::Input, "there is no such file", context.path, "Check the name"};
    if (!std::filesystem::is_regular_file(status))
        throw Error{ErrorKind::Input, "this is not a file", context.path, "Choose a trace file (.h5)"};
    if (access(context.path.c_str(), R_OK) != 0)
        throw Error{
            ErrorKind::Input, std::string{"the file cannot be read: "} + std::strerror(errno), context.path, "Check its permissions"};
    Lane lane;
    if (H5Fis_hdf5(context.path.c_str()) <= 0) {
        H5Eclear2(H5E_DEFAULT);
        throw Error{ErrorKind::Input, "this is not an HDF5 file", context.path, "Choose a file written by \"expertscope trace\""};
    }
    const Id access{check(makeInputAccess(), context, "open the file")};
    return Id{check(H5Fopen(context.path.c_str(), H5F_ACC_RDONLY, access), context, "open the file")};
}

std::vector<std::string> linkNames(const Context &context, hid_t group)
{
    Lane lane;
    std::vector<std::string> names;
    check(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, collectName, &names), context, "list the file's contents");
    return names;
}

bool holdsDataset(hid_t group, const char *name)
{
    return holds(group, name, H5O_TYPE_DATASET);
}

bool holdsGroup(hid_t group, const char *name)
{
    return holds(group, name, H5O_TYPE_GROUP);
}

Id openGroup(const Context &context, hid_t parent, const char *name)
{
    Lane lane;
    if (!holdsGroup(parent, name))
        notAsExpected(context, std::string{"the file has no group "} + name);
    return Id{check(H5Gopen2(parent, name, H5P_DEFAULT), context, "open the group", name)};
}

Id openDataset(const Context &context, hid_t parent, const char *name)
{
    Lane lane;
    if (!holdsDataset(parent, name))
        notAsExpected(context, std::string{"the file has no dataset "} + name);
    return Id{check(H5Dopen2(parent, name, H5P_DEFAULT), context, "open", name)};
}

bool hasAttribute(hid_t object, const char *name)
{
    Lane lane;
    const bool found = H5Aexists(object, name) > 0;
    H5Eclear2(H5E_DEFAULT);
    return found;
}

std::string readText(const Context &context, hid_t object, const char *name)
{
    Lane lane;
    const auto [attribute, count] = openAttribute(context, object, name);
    if (count == 0)
        return {};
    const Id type{check(H5Aget_type(attribute), context, "read the attribute", name)};
    const Id space{check(H5Aget_space(attribute), context, "read the attribute", name)};
    return texts(context, type, space, count, std::string{"the attribute "} + name, [&from = attribute](hid_t memory, void *to) {
        return H5Aread(from, memory, to);
    }).front();
}

std::vector<std::int64_t> readIntegers(const Context &context, hid_t object, const char *name)
{
    return readNumbers<std::int64_t>(context, object, name);
}

std::vector<std::uint64_t> readUnsigned(const Context &context, hid_t object, const char *name)
{
    return readNumbers<std::uint64_t>(context, object, name);
}

std::vector<double> readReals(const Context &context, hid_t object, const char *name)
{
    return readNumbers<double>(context, object, name);
}

std::vector<std::string> readStrings(const Context &context, hid_t parent, const char *name, std::int64_t count)
{
    Lane lane;
    const Id dataset = openDataset(context, parent, name);
    const Id space{check(H5Dget_space(dataset), context, "read", name)};
    const std::vector<hsize_t> size = dimensions(context, space);
    if (size.size() != 1 || size[0] != static_cast<hsize_t>(count))
        notAsExpected(context, std::string{name} + " does not have " + std::to_string(count) + " rows");
    const Id type{check(H5Dget_type(dataset), context, "read", name)};
    return texts(context, type, space, static_cast<std::size_t>(count), name,
        [&](hid_t memory, void *to) { return H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, to); });
}

} // namespace expertscope::h5
