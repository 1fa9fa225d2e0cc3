// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/shard_index.h"

#include "io/json_events.h"
#include "io/utf8.h"

namespace expertscope {
namespace {

/// {"metadata": anything, "weight_map": {tensor: file}}
class IndexReader final : public JsonEvents {
public:
    explicit IndexReader(const std::string &where)
        : JsonEvents{where, "Download the index file again", 16}
    {
    }

    std::map<std::string, std::string, std::less<>> read(std::string_view json)
    {
        parse(json);
        if (m_shardOf.empty())
            fail("the index has no weight_map, or an empty one");
        return std::move(m_shardOf);
    }

private:
    void opened(Container kind) override
    {
        if (depth() == 1 && kind != Container::Object)
            fail("the index is not a JSON object");
        if (depth() == 2 && key(1) == "weight_map" && kind != Container::Object)
            fail("the weight_map is not a JSON object");
        if (depth() > 2 && key(1) == "weight_map")
            failOnShard();
    }
    void closing(Container) override { }
    void scalar(JsonScalar value) override
    {
        if (depth() != 2 || key(1) != "weight_map")
            return;
        std::string *shard = std::get_if<std::string>(&value);
        if (!shard || !shard->ends_with(".safetensors") || shard->find_first_of(std::string_view{"/\\\0", 3}) != std::string::npos)
            failOnShard();
        m_shardOf.emplace(key(2), std::move(*shard));
    }
    [[noreturn]] void failOnShard() const
    {
        fail("tensor " + shown(key(2)) + " is not said to be in a .safetensors file of the same folder");
    }

    std::map<std::string, std::string, std::less<>> m_shardOf;
};

} // namespace

std::map<std::string, std::string, std::less<>> parseShardIndex(std::string_view json, const std::string &where)
{
    return IndexReader{where}.read(json);
}

} // namespace expertscope
