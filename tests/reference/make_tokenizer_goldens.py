#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Train one small tokenizer.json of each kind in use, and write what the Hugging Face library does with hard strings.

The vocabularies are small and trained here on the text of torture_text.py; what is real is the pipeline of each kind:
normaliser, pre-tokeniser, model options, added tokens, post-processor and decoder. README.md beside the output explains
the files.
"""

import argparse
import json
import random
import shutil
import unicodedata
from collections import Counter
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torture_text import (ASTRAL, CODE, COMBINING, CONTRACTIONS, CONTROLS, DIGITS, EMOJI, INVISIBLE, LINE_ENDS,
                          PUNCTUATION, SENTENCES, WHITESPACE)

QWEN_REGEX = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
              r"|\s+(?!\S)|\s+")
LLAMA3_REGEX = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
                r"|\s+(?!\S)|\s+")
UNDERLINE = "\u2581"  # SentencePiece's visible space
SPECIAL_STRINGS = 200  # strings that are also encoded with the post-processor's special tokens


# ---------------------------------------------------------------------------------------------------------------------
# Tokenizers


def all_sentences():
    return [s for group in SENTENCES.values() for s in group]


def training_text():
    pieces = CONTRACTIONS + DIGITS + PUNCTUATION + WHITESPACE
    return all_sentences() * 3 + SENTENCES["en"] * 6 + CODE * 2 + pieces * 2


def train(tokenizer, vocab_size, text, **options):
    """Train the BPE model of a tokenizer in place."""
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, show_progress=False, **options)
    tokenizer.train_from_iterator(text, trainer)
    return tokenizer


def byte_level(pre_tokenizer, vocab_size, normalizer=None, special_tokens=()):
    """A trained byte-level BPE tokenizer without post-processor, with boundary traps."""
    tokenizer = Tokenizer(models.BPE())
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    train(tokenizer, vocab_size, training_text(), special_tokens=list(special_tokens),
          initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    return add_boundary_traps(tokenizer)


def add_boundary_traps(tokenizer, count=450):
    """Append merges of the two tokens on either side of common pre-token boundaries.

    A trained vocabulary holds no merge across a boundary, so its ids hardly show a boundary that was missed. With these
    merges a missed boundary changes the ids.
    """
    pairs = Counter()
    texts = all_sentences() + CODE + CONTRACTIONS * 3 + DIGITS * 3 + PUNCTUATION + LINE_ENDS * 9
    texts += [f"{a} {b}{c}" for a in ("one", "I'LL", "7") for b in WHITESPACE + PUNCTUATION + CONTRACTIONS
              for c in ("two", "12")]
    for text in texts:
        if tokenizer.normalizer:
            text = tokenizer.normalizer.normalize_str(text)
        split = [tokenizer.model.tokenize(piece) for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]
        pairs.update((a[-1].value, b[0].value) for a, b in zip(split, split[1:]))
    data = json.loads(tokenizer.to_str())
    vocabulary, merges = data["model"]["vocab"], data["model"]["merges"]
    common = sorted(pairs, key=lambda pair: (-pairs[pair], pair))
    for pair in [p for p in common if p[0] + p[1] not in vocabulary][:count]:
        vocabulary.setdefault(pair[0] + pair[1], len(vocabulary))
        merges.append(list(pair))
    return Tokenizer.from_str(json.dumps(data))


def split_then_bytes(regex):
    """Split by a pattern, then map bytes: the pre-tokeniser of Qwen and Llama 3."""
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(regex), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)])


def make_gpt2():
    """GPT-2: the built-in pattern of ByteLevel, added tokens that strip or want word borders, merges as strings."""
    tokenizer = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True), 900)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens(["<|endoftext|>", AddedToken("<mask>", lstrip=True, normalized=False)])
    tokenizer.add_tokens([AddedToken("<|r|>", rstrip=True), AddedToken("<|lr|>", lstrip=True, rstrip=True),
                          AddedToken("bridge", single_word=True), AddedToken("brücke", single_word=True, lstrip=True)])
    return legacy_merges(tokenizer)


def make_neox():
    """GPT-NeoX and OLMo: NFC, runs of spaces as added tokens, end of text appended."""
    tokenizer = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True), 1000, normalizers.NFC(),
                           ["<|endoftext|>", "<|padding|>"])
    tokenizer.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    ordinary = ("|||EMAIL_ADDRESS|||", "|||IP_ADDRESS|||", "caf\u00e9")
    tokenizer.add_tokens([AddedToken(t, normalized=True) for t in ordinary])
    tokenizer.add_tokens([AddedToken("na\u00efve", normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", tokenizer.token_to_id("<|endoftext|>"))])
    return json.loads(tokenizer.to_str())


def make_qwen():
    """Qwen 2 and 3: NFC, one digit a piece, chat tokens at the end, ordinary added tokens for thoughts and tools."""
    tokenizer = byte_level(split_then_bytes(QWEN_REGEX), 1000, normalizers.NFC())
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    ordinary = ("<think>", "</think>", "<tool_call>", "</tool_call>")
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in special])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t in ordinary])
    return json.loads(tokenizer.to_str())


def make_llama3():
    """Llama 3: digits by three, words of the vocabulary taken whole (ignore_merges), begin of text added."""
    tokenizer = byte_level(split_then_bytes(LLAMA3_REGEX), 950)
    data = json.loads(tokenizer.to_str())
    mapper = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    vocabulary = data["model"]["vocab"]
    for word in (" repairs", " kilos", "Brücke", " Äpfel", " Straße", " рынке", " 人工智能", "人工智能", " don", "987",
                 "\r\n\r\n\r\n"):
        vocabulary.setdefault(mapper.pre_tokenize_str(word)[0][0], len(vocabulary))  # no merge leads to these
    data["model"]["ignore_merges"] = True
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"])
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(
            single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
            special_tokens=[("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))])])
    return json.loads(tokenizer.to_str())


def sentencepiece_model(vocab_size=650, alphabet=260):
    """Vocabulary and merges as a converted SentencePiece BPE model has them: specials, bytes, pieces, letters."""
    text = all_sentences() * 3 + SENTENCES["en"] * 6 + CODE * 2
    counts = Counter("".join(text))
    # the trainer's own limit on the alphabet breaks ties at random
    kept = set(sorted(counts, key=lambda c: (-counts[c], c))[:alphabet])
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(replacement=UNDERLINE, prepend_scheme="always", split=True)
    train(trained, vocab_size, ["".join(c for c in line if c in kept) for line in text])
    model = json.loads(trained.to_str())["model"]
    runs = [(UNDERLINE * n, UNDERLINE * n) for n in (1, 2, 4)]  # trained on words, so runs of spaces are put in by hand
    merges = runs[:1] + [tuple(pair) for pair in model["merges"]] + runs[1:]
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    pieces += [a + b for a, b in merges] + sorted(piece for piece in model["vocab"] if len(piece) == 1)
    vocabulary = {}
    for piece in pieces:
        vocabulary.setdefault(piece, len(vocabulary))
    return vocabulary, merges


def make_llama2():
    """Llama 2, early Mixtral: a normaliser writes the visible spaces, no pre-tokeniser, unknown characters as bytes."""
    vocabulary, merges = sentencepiece_model()
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True,
                                     byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(UNDERLINE), normalizers.Replace(" ", UNDERLINE)])
    tokenizer.decoder = sentencepiece_decoder()
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in ("<unk>", "<s>", "</s>")])
    tokenizer.add_tokens([AddedToken("river bank", normalized=True), AddedToken("[INST]", normalized=False),
                          AddedToken("[/INST]", normalized=False, lstrip=True, rstrip=True)])
    tokenizer.post_processor = begin_of_sequence()
    return legacy_merges(tokenizer)


def make_mistral():
    """Newer Mixtral files: Metaspace puts the visible space before the first piece only."""
    vocabulary, merges = sentencepiece_model()
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True,
                                     byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=UNDERLINE, prepend_scheme="first", split=False)
    tokenizer.decoder = sentencepiece_decoder()
    special = ("<unk>", "<s>", "</s>", "[INST]", "[/INST]")
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in special])
    tokenizer.post_processor = begin_of_sequence()
    return json.loads(tokenizer.to_str())


def make_metaspace():
    """Metaspace as pre-tokeniser and decoder, splitting at spaces; a run of unknown characters becomes one <unk>."""
    vocabulary, merges = sentencepiece_model()
    vocabulary = {piece: i for i, piece in enumerate(p for p in vocabulary if not p.startswith("<0x"))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=UNDERLINE, prepend_scheme="always", split=True)
    tokenizer.decoder = decoders.Metaspace(replacement=UNDERLINE, prepend_scheme="always", split=True)
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in ("<unk>", "<s>", "</s>")])
    tokenizer.post_processor = begin_of_sequence()
    return json.loads(tokenizer.to_str())


def make_nfkc_lower():
    """Rarer parts together: NFKC and Lowercase, single digits, a space put before the text."""
    pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                             pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True)])
    normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer = byte_level(pre_tokenizer, 800, normalizer)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.add_tokens([AddedToken("STRASSE", normalized=True), AddedToken("MoE", normalized=False)])
    return json.loads(tokenizer.to_str())


def sentencepiece_decoder():
    return decoders.Sequence([decoders.Replace(UNDERLINE, " "), decoders.ByteFallback(), decoders.Fuse(),
                              decoders.Strip(" ", 1, 0)])


def begin_of_sequence():
    return processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])


def legacy_merges(tokenizer):
    """The tokenizer as JSON with merges written "a b", as files made before 2024-09 have them."""
    data = json.loads(tokenizer.to_str())
    data["model"]["merges"] = [" ".join(pair) for pair in data["model"]["merges"]]
    return data


KINDS = {"gpt2": make_gpt2, "neox": make_neox, "qwen": make_qwen, "llama3": make_llama3, "llama2": make_llama2,
         "mistral": make_mistral, "metaspace": make_metaspace, "nfkc_lower": make_nfkc_lower}


# ---------------------------------------------------------------------------------------------------------------------
# Strings


def added_token_strings(contents):
    """Each added token alone, inside words, beside spaces and doubled, and neighbours of different tokens."""
    result = []
    for token in contents:
        decomposed = unicodedata.normalize("NFD", token)
        result += [token, f"a{token}b", f"one {token} two", f"x  {token}  y", f"{token}{token}", f"({token})!",
                   f" {token}\n{token} ", f"é{token}ß", token[:-1], token.upper(), f"日{token}本", f"\t{token}\u00a0z",
                   f"1{token}2", f"_{token}_", f"-{token}."]
        if decomposed != token:
            result += [decomposed, f"un {decomposed} noir", f"{decomposed}s"]
    result += [a + b for a, b in zip(contents, contents[1:])] + [f"{a} {b}" for a, b in zip(contents, contents[3:])]
    return result


def random_mixture(rng, pieces, words, count):
    """Random joins of one to five words and pieces."""
    result = []
    for _ in range(count):
        parts = [rng.choice(words) if rng.random() < 0.55 else rng.choice(pieces) for _ in range(rng.randint(2, 5))]
        result.append(rng.choice(["", "", " ", "  "]).join(parts))
    return result


def random_characters(rng, count):
    """Strings of characters long assigned (Unicode 3.2), so that the age of the Unicode tables does not matter."""
    known = unicodedata.ucd_3_2_0
    ranges = [(0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF),
              (0xE00, 0xFFF), (0x1000, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x27BF), (0x3000, 0x30FF), (0x4E00, 0x9FA5),
              (0xAC00, 0xD7A3), (0xF900, 0xFFEF), (0x10300, 0x1034A), (0x1D400, 0x1D7FF), (0x20000, 0x2A6D6)]
    result = []
    for _ in range(count):
        picked = rng.sample(ranges, rng.randint(1, 3))
        text = ""
        while len(text) < rng.randint(1, 9):
            character = chr(rng.randint(*rng.choice(picked)))
            if known.category(character) not in ("Cn", "Cs"):
                text += character
        result.append(text)
    return result


def torture_strings(added):
    """All strings without repetitions, a good mixture first."""
    rng = random.Random(20260101)
    sentences = all_sentences()
    words = [w for s in sentences for w in s.split(" ") if len(w) < 16]
    pieces = WHITESPACE + INVISIBLE + CONTROLS + EMOJI + COMBINING + ASTRAL + DIGITS + CONTRACTIONS + PUNCTUATION

    tokens = added_token_strings(added)
    strings = ["", " ", "\n", "a"] + sentences + rng.sample(tokens, 110) + WHITESPACE[:8] + CODE + tokens
    for form in ("NFD", "NFKC"):
        strings += [unicodedata.normalize(form, s)[:40] for s in sentences if not unicodedata.is_normalized(form, s)]
    for piece in pieces:
        strings += [piece, f"a{piece}b", f"one {piece} two"]
        if len(piece) < 4:
            strings += [f"{piece}{piece} x", f"x {piece}"]
    strings += [s.upper() for s in sentences if len(s) < 60] + [s.title() for s in CONTRACTIONS]
    strings += [" " * n + "x" for n in range(1, 34)] + ["y" + " " * n for n in (2, 3, 5, 25)]
    strings += ["\n" * n for n in range(2, 9)] + ["a" * n for n in (2, 3, 7, 31, 300)]
    strings += ["ab" * 90, "é" * 50, "漢" * 40, "😀" * 20, "'" * 9, "9" * 50, "=" * 70, "\t" * 17, "the" * 40,
                "\u0301" * 20, "\u200d" * 12, UNDERLINE * 9, "-_" * 20, "x" + "\u3000" * 5 + "y",
                "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk", "antidisestablishmentarianism" * 4,
                "กรุงเทพมหานคร" * 4]
    strings += LINE_ENDS
    strings += random_mixture(rng, pieces, words, 320) + random_characters(rng, 190)
    return list(dict.fromkeys(strings))


# ---------------------------------------------------------------------------------------------------------------------


def write_lines(path, lines):
    path.write_bytes("".join(line + "\n" for line in lines).encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "data" / "tokenizers")
    out = parser.parse_args().out
    kinds = {name: make() for name, make in KINDS.items()}
    added = dict.fromkeys(t["content"] for data in kinds.values() for t in data["added_tokens"] if t["content"].strip())
    strings = torture_strings(list(added))
    assert len(strings) >= 2000
    out.mkdir(parents=True, exist_ok=True)
    write_lines(out / "strings.jsonl", [json.dumps(s, ensure_ascii=False) for s in strings])
    print(f"tokenizers {tokenizers.__version__}: {len(strings)} strings, {sum(len(s.encode()) for s in strings)} bytes")

    for name, data in kinds.items():
        folder = out / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        (folder / "tokenizer.json").write_bytes(text.encode())
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        ids = [tokenizer.encode(s, add_special_tokens=False).ids for s in strings]
        decoded = [tokenizer.decode(i, skip_special_tokens=False) for i in ids]
        special = [tokenizer.encode(s).ids for s in strings[:SPECIAL_STRINGS]]
        write_lines(folder / "ids.txt", [" ".join(map(str, row)) for row in ids])
        write_lines(folder / "special_ids.txt", [" ".join(map(str, row)) for row in special])
        write_lines(folder / "decoded.jsonl",
                    ["true" if d == s else json.dumps(d, ensure_ascii=False) for d, s in zip(decoded, strings)])

        used = {i for row in ids for i in row}
        size = sum(p.stat().st_size for p in folder.iterdir())
        unchanged = sum(d == s for d, s in zip(decoded, strings))
        print(f"{name:10s} vocabulary {tokenizer.get_vocab_size():4d} ({len(used)} used), "
              f"merges {len(data['model']['merges'])}, {sum(map(len, ids))} ids, decoded unchanged {unchanged}, "
              f"{size / 1000:.0f} kB")
        unused = [t["content"] for t in data["added_tokens"] if t["id"] not in used]
        assert not unused, f"added tokens that no string produces: {unused}"


if __name__ == "__main__":
    main()
