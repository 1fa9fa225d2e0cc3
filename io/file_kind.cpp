// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/file_kind.h"

#include <array>
#include <fstream>

namespace expertscope {

namespace {

using namespace std::string_view_literals;

struct Magic {
    std::string_view bytes;
    FileKind kind;
};

constexpr std::string_view import = "If another tool recorded routing in it, turn it into a trace: expertscope import FILE -o TRACE.h5";
constexpr std::string_view modelFolder = "Give the model's Hugging Face folder: config.json, *.safetensors and tokenizer.json";

constexpr std::array magics{
    Magic{"\x89HDF\r\n\x1a\n"sv, {hdf5Kind, "If it is a trace, expertscope info, analyse and report --trace open it"}},
    Magic{"PK\x03\x04"sv, {"a zip archive, as NumPy (.npz) and PyTorch (.pt) write it", import}},
    Magic{"\x93NUMPY"sv, {"a NumPy array", import}},
    Magic{"\x80\x02"sv, {"a Python pickle", import}},
    Magic{"\x80\x04"sv, {"a Python pickle", import}},
    Magic{"GGUF"sv, {"a GGUF model", modelFolder}},
    Magic{"\x1f\x8b"sv, {"a gzip archive", "Unpack it first"}},
    Magic{"\x89PNG\r\n\x1a\n"sv, {"a picture (PNG)", "Give the data it was drawn from"}},
    Magic{"\xff\xd8\xff"sv, {"a picture (JPEG)", "Give the data it was drawn from"}},
    Magic{"%PDF-"sv, {"a PDF", "Give its text as a file of its own"}},
};

/// Eight bytes of length, then the header's JSON.
bool isSafetensors(std::string_view bytes)
{
    return bytes.size() > 9 && bytes.substr(5, 3) == "\0\0\0"sv && bytes[8] == '{' && (bytes[9] == '"' || bytes[9] == ' ');
}

} // namespace

FileKind fileKind(std::string_view firstBytes)
{
    for (const Magic &magic : magics)
        if (firstBytes.starts_with(magic.bytes))
            return magic.kind;
    return isSafetensors(firstBytes) ? FileKind{"a safetensors file: the weights of a model", modelFolder} : FileKind{};
}

FileKind fileKind(const std::filesystem::path &file)
{
    std::error_code code;
    if (!std::filesystem::is_regular_file(file, code))
        return {};
    std::array<char, fileKindBytes> bytes{};
    std::ifstream stream{file, std::ios::binary};
    stream.read(bytes.data(), std::ssize(bytes));
    return fileKind(std::string_view{bytes.data(), static_cast<std::size_t>(stream.gcount())});
}

} // namespace expertscope
