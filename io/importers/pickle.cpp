// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/importers/pickle.h"

#include "engine/core/error.h"
#include "io/utf8.h"

#include <algorithm>
#include <bit>
#include <set>
#include <unordered_map>

namespace expertscope {

namespace {

constexpr int deepest = 100;
constexpr std::size_t mostDimensions = 8;
constexpr std::size_t mostRemembered = 1 << 20;

/// The names that a pickle may speak of. What they stand for is done here, not called.
enum class Global { OrderedDict, RebuildTensor, Storage };

struct GlobalName {
    Global kind;
    std::string storageType;
};
/// A storage that a tensor is going to be rebuilt from.
struct StorageRef {
    std::string type, key;
    std::int64_t count = 0;
};
struct Mark { };

using Item = std::variant<PickleValue, GlobalName, std::shared_ptr<const StorageRef>, Mark>;

/// What is known of a list or dictionary besides what it holds.
struct Container {
    int depth = 1; ///< itself and what it holds, one in the other
    bool closed = false; ///< it is part of another and takes nothing more, so that none can come to contain itself
};

class Unpickler {
public:
    Unpickler(std::string_view bytes, const std::string &where, std::size_t mostValues)
        : m_bytes{bytes}
        , m_where{where}
        , m_valuesLeft{mostValues}
    {
    }

    PickleValue run()
    {
        for (;;) {
            const auto code = static_cast<unsigned char>(take(1).front());
            switch (code) {
            case 0x80: // PROTO
                if (const auto version = number(1); version < 2 || version > 5)
                    fail("the pickle is of protocol " + std::to_string(version));
                break;
            case '.': // STOP
                return popValue();
            case '(': // MARK
                push(Mark{});
                break;
            case 'N':
                pushValue({});
                break;
            case 0x88: // NEWTRUE
                pushValue({true});
                break;
            case 0x89: // NEWFALSE
                pushValue({false});
                break;
            case 'J': // BININT
                pushValue({std::int64_t{static_cast<std::int32_t>(number(4))}});
                break;
            case 'K': // BININT1
                pushValue({static_cast<std::int64_t>(number(1))});
                break;
            case 'M': // BININT2
                pushValue({static_cast<std::int64_t>(number(2))});
                break;
            case 0x8a: // LONG1
                pushValue({longInteger(static_cast<unsigned>(number(1)))});
                break;
            case 'G': { // BINFLOAT, big-endian
                std::uint64_t bits = 0;
                for (const char c : take(8))
                    bits = bits << 8 | static_cast<unsigned char>(c);
                pushValue({std::bit_cast<double>(bits)});
                break;
            }
            case 'X': // BINUNICODE
                pushValue({text(number(4))});
                break;
            case 0x8c: // SHORT_BINUNICODE, protocol 4
                pushValue({text(number(1))});
                break;
            case '}': // EMPTY_DICT
                pushValue({std::make_shared<PickleDict>()});
                break;
            case ']': // EMPTY_LIST
            case ')': // EMPTY_TUPLE
                pushValue({std::make_shared<PickleList>()});
                break;
            case 't': // TUPLE
                pushTuple(popToMark());
                break;
            case 0x85: // TUPLE1
            case 0x86: // TUPLE2
            case 0x87: // TUPLE3
                pushTuple(popItems(code - 0x84u));
                break;
            case 'a': // APPEND
                append(popItems(1));
                break;
            case 'e': // APPENDS
                append(popToMark());
                break;
            case 's': // SETITEM
                setItems(popItems(2));
                break;
            case 'u': // SETITEMS
                setItems(popToMark());
                break;
            case 'q': // BINPUT
                memoise(number(1));
                break;
            case 'r': // LONG_BINPUT
                memoise(number(4));
                break;
            case 'h': // BINGET
                recall(number(1));
                break;
            case 'j': // LONG_BINGET
                recall(number(4));
                break;
            case 'c': // GLOBAL
                push(global());
                break;
            case 'R': // REDUCE
                reduce();
                break;
            case 'Q': // BINPERSID
                push(std::make_shared<const StorageRef>(storage()));
                break;
            default:
                fail("the pickle asks for operation " + std::to_string(code) + ", which data does not need");
            }
        }
    }

private:
    [[noreturn]] void fail(const std::string &what) const
    {
        throw Error{ErrorKind::Input, what, m_where,
            "Only numbers, text, lists, dictionaries and tensors as torch.save writes them are read, because a pickle can run code; "
            "save the data as .npz instead"};
    }
    std::string_view take(std::uint64_t bytes)
    {
        if (bytes > m_bytes.size() - m_at)
            fail("the pickle is cut short");
        const std::string_view part = m_bytes.substr(m_at, static_cast<std::size_t>(bytes));
        m_at += part.size();
        return part;
    }
    std::uint64_t number(unsigned bytes)
    {
        std::uint64_t value = 0;
        const std::string_view from = take(bytes);
        for (unsigned i = bytes; i-- > 0;)
            value = value << 8 | static_cast<unsigned char>(from[i]);
        return value;
    }
    std::int64_t longInteger(unsigned bytes)
    {
        if (bytes > 8)
            fail("the pickle holds a number of more than 64 bits");
        std::uint64_t value = number(bytes);
        if (bytes > 0 && bytes < 8 && value >> (8 * bytes - 1) & 1u)
            value |= ~std::uint64_t{0} << (8 * bytes);
        return static_cast<std::int64_t>(value);
    }
    std::string text(std::uint64_t bytes) { return std::string{take(bytes)}; }

    void push(Item item)
    {
        if (m_valuesLeft == 0)
            fail("the pickle holds more values than a recording of this size needs");
        --m_valuesLeft;
        m_stack.push_back(std::move(item));
    }
    void pushValue(PickleValue value) { push(std::move(value)); }
    Item popItem()
    {
        if (m_stack.empty())
            fail("the pickle takes a value that was never put");
        Item item = std::move(m_stack.back());
        m_stack.pop_back();
        return item;
    }
    PickleValue popValue()
    {
        Item item = popItem();
        return std::move(valueOf(item));
    }
    PickleValue &valueOf(Item &item) const
    {
        if (PickleValue *value = std::get_if<PickleValue>(&item))
            return *value;
        fail("the pickle uses a name or a mark as a value");
    }
    std::vector<Item> popItems(std::size_t count)
    {
        if (m_stack.size() < count)
            fail("the pickle takes a value that was never put");
        const auto first = m_stack.end() - static_cast<std::ptrdiff_t>(count);
        std::vector<Item> items(std::make_move_iterator(first), std::make_move_iterator(m_stack.end()));
        m_stack.erase(first, m_stack.end());
        return items;
    }
    std::vector<Item> popToMark()
    {
        std::size_t first = m_stack.size();
        while (first > 0 && !std::holds_alternative<Mark>(m_stack[first - 1]))
            --first;
        if (first == 0)
            fail("the pickle lacks a mark");
        std::vector<Item> items = popItems(m_stack.size() - first);
        m_stack.pop_back();
        return items;
    }

    void pushTuple(std::vector<Item> items)
    {
        auto list = std::make_shared<PickleList>();
        const bool plain =
            std::all_of(items.begin(), items.end(), [](const Item &item) { return std::holds_alternative<PickleValue>(item); });
        for (Item &item : items)
            if (PickleValue *value = std::get_if<PickleValue>(&item))
                put(*value, list.get());
        if (plain)
            for (Item &item : items)
                list->push_back(std::move(std::get<PickleValue>(item)));
        else // what rebuilds a tensor: it waits until it is used
            m_tuples[list.get()] = {list, std::move(items)};
        pushValue({std::move(list)});
    }
    /// Notes that the value becomes part of the container.
    void put(const PickleValue &value, const void *container)
    {
        Container &outer = m_containers[container];
        if (outer.closed)
            fail("the pickle changes a list that is part of another, which could make it contain itself");
        const void *part = value.list() ? static_cast<const void *>(value.list()) : value.dict();
        if (!part)
            return;
        if (part == container)
            fail("the pickle puts a list into itself");
        const int below = m_containers[part].depth;
        m_containers[part].closed = true;
        int &depth = m_containers[container].depth;
        depth = std::max(depth, below + 1);
        if (depth > deepest)
            fail("the pickle is nested deeper than " + std::to_string(deepest) + " levels");
    }
    void append(std::vector<Item> items)
    {
        const auto *value = m_stack.empty() ? nullptr : std::get_if<PickleValue>(&m_stack.back());
        const auto *list = value ? value->as<std::shared_ptr<PickleList>>() : nullptr;
        if (!list)
            fail("the pickle appends to what is no list");
        for (Item &item : items) {
            put(valueOf(item), list->get());
            (*list)->push_back(std::move(valueOf(item)));
        }
    }
    void setItems(std::vector<Item> items)
    {
        const auto *value = m_stack.empty() ? nullptr : std::get_if<PickleValue>(&m_stack.back());
        const auto *dict = value ? value->as<std::shared_ptr<PickleDict>>() : nullptr;
        if (!dict || items.size() % 2 != 0)
            fail("the pickle sets items of what is no dictionary");
        for (std::size_t i = 0; i < items.size(); i += 2) {
            put(valueOf(items[i]), dict->get());
            put(valueOf(items[i + 1]), dict->get());
            (*dict)->emplace_back(std::move(valueOf(items[i])), std::move(valueOf(items[i + 1])));
        }
    }

    void memoise(std::uint64_t index)
    {
        if (m_stack.empty() || std::holds_alternative<Mark>(m_stack.back()) || m_memo.size() > mostRemembered)
            fail("the pickle remembers what is no value, or too much");
        m_memo[index] = m_stack.back();
    }
    void recall(std::uint64_t index)
    {
        const auto at = m_memo.find(index);
        if (at == m_memo.end())
            fail("the pickle recalls a value that it never remembered");
        push(at->second);
    }

    GlobalName global()
    {
        const auto line = [&] {
            const std::size_t end = m_bytes.find('\n', m_at);
            if (end == std::string_view::npos)
                fail("the pickle is cut short");
            const std::string_view found = take(end - m_at);
            take(1);
            return found;
        };
        const std::string_view module = line(), name = line();
        if (module == "collections" && name == "OrderedDict")
            return {Global::OrderedDict, {}};
        if (module == "torch._utils" && name == "_rebuild_tensor_v2")
            return {Global::RebuildTensor, {}};
        static const std::set<std::string_view> storages{"ByteStorage", "CharStorage", "ShortStorage", "IntStorage", "LongStorage",
            "HalfStorage", "BFloat16Storage", "FloatStorage", "DoubleStorage"};
        if (module == "torch" && storages.contains(name))
            return {Global::Storage, std::string{name}};
        fail("the pickle wants to use " + shown(std::string{module} + '.' + std::string{name}) + ", which is not data");
    }

    /// The parts of a tuple that is about to be used up, whatever they are.
    std::vector<Item> parts()
    {
        const PickleValue tuple = popValue();
        const PickleList *list = tuple.list();
        if (!list)
            fail("the pickle uses something other than a tuple as arguments");
        if (const auto held = m_tuples.find(list); held != m_tuples.end())
            return held->second.second;
        return {list->begin(), list->end()};
    }

    StorageRef storage()
    {
        // ("storage", type, key, location, count)
        const std::vector<Item> items = parts();
        const auto *type = items.size() == 5 ? std::get_if<GlobalName>(&items[1]) : nullptr;
        const auto textAt = [&](std::size_t i) { return std::get_if<PickleValue>(&items[i]); };
        if (!type || type->kind != Global::Storage || !textAt(0) || !textAt(2) || !textAt(4))
            fail("the pickle holds a reference that is no storage of a tensor");
        const auto *word = textAt(0)->as<std::string>(), *key = textAt(2)->as<std::string>();
        const auto *count = textAt(4)->as<std::int64_t>();
        if (!word || *word != "storage" || !key || !count || *count < 0)
            fail("the pickle holds a reference that is no storage of a tensor");
        return {type->storageType, *key, *count};
    }

    void reduce()
    {
        const std::vector<Item> arguments = parts();
        const Item function = popItem();
        const auto *name = std::get_if<GlobalName>(&function);
        if (name && name->kind == Global::OrderedDict && arguments.empty())
            pushValue({std::make_shared<PickleDict>()});
        else if (name && name->kind == Global::RebuildTensor)
            pushValue({std::make_shared<PickledTensor>(tensor(arguments))});
        else
            fail("the pickle calls something that makes no tensor");
    }

    PickledTensor tensor(const std::vector<Item> &arguments) const
    {
        // (storage, offset, shape, stride, requires_grad, hooks[, metadata])
        const auto *from = arguments.size() >= 6 ? std::get_if<std::shared_ptr<const StorageRef>>(&arguments[0]) : nullptr;
        const auto value = [&](std::size_t i) { return std::get_if<PickleValue>(&arguments[i]); };
        const auto *offset = from && value(1) ? value(1)->as<std::int64_t>() : nullptr;
        if (!offset || *offset < 0 || !value(2) || !value(3))
            fail("the pickle holds a tensor that cannot be rebuilt");
        PickledTensor made{(*from)->type, (*from)->key, (*from)->count, *offset, sizes(*value(2)), sizes(*value(3))};
        if (made.shape.size() != made.stride.size() || made.shape.size() > mostDimensions)
            fail("the pickle holds a tensor of no sensible shape");
        return made;
    }
    std::vector<std::int64_t> sizes(const PickleValue &tuple) const
    {
        std::vector<std::int64_t> numbers;
        const PickleList *list = tuple.list();
        if (!list || list->size() > mostDimensions)
            fail("the pickle holds a tensor of no sensible shape");
        for (const PickleValue &one : *list) {
            const auto *size = one.as<std::int64_t>();
            if (!size || *size < 0)
                fail("the pickle holds a tensor of no sensible shape");
            numbers.push_back(*size);
        }
        return numbers;
    }

    std::string_view m_bytes;
    const std::string &m_where;
    std::size_t m_valuesLeft;
    std::size_t m_at = 0;
    std::vector<Item> m_stack;
    std::unordered_map<std::uint64_t, Item> m_memo;
    std::unordered_map<const void *, Container> m_containers;
    std::unordered_map<const PickleList *, std::pair<std::shared_ptr<PickleList>, std::vector<Item>>>
        m_tuples; ///< those with names in them
};

template<typename T>
const T *shared(const PickleValue &value)
{
    const auto *pointer = value.as<std::shared_ptr<T>>();
    return pointer ? pointer->get() : nullptr;
}

} // namespace

const PickleList *PickleValue::list() const
{
    return shared<PickleList>(*this);
}

const PickleDict *PickleValue::dict() const
{
    return shared<PickleDict>(*this);
}

const PickledTensor *PickleValue::tensor() const
{
    return shared<PickledTensor>(*this);
}

const PickleValue *PickleValue::at(std::string_view key) const
{
    if (const PickleDict *entries = dict())
        for (const auto &[name, value] : *entries)
            if (const auto *text = name.as<std::string>(); text && *text == key)
                return &value;
    return nullptr;
}

PickleValue parsePickle(std::string_view bytes, const std::string &where, std::size_t mostValues)
{
    return Unpickler{bytes, where, mostValues}.run();
}

} // namespace expertscope
