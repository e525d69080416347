#!/usr/bin/env python3
"""Class manifests as a C++ source. Usage: embed.py OUTPUT MANIFEST..."""

import json
import sys

PIECE = 8000  # compilers have limits for one literal


def literal(text: str) -> str:
    pieces = [text[start:start + PIECE] for start in range(0, len(text), PIECE)]
    return "\n".join(f'R"manifest({piece})manifest"' for piece in pieces)


def main() -> None:
    output, *manifests = sys.argv[1:]
    texts = []
    for manifest in manifests:
        with open(manifest, encoding="ascii") as source:
            texts.append(source.read())
        json.loads(texts[-1])
    with open(output, "w", encoding="ascii") as out:
        out.write('#include "policy/manifest.hpp"\n\nnamespace pod::policy {\nnamespace {\n\n')
        for number, text in enumerate(texts):
            out.write(f"constexpr char text_{number}[] =\n{literal(text)};\n\n")
        out.write("constexpr std::string_view texts[] = {" + ", ".join(f"{{text_{n}, sizeof text_{n} - 1}}" for n in range(len(texts))) + "};\n\n")
        out.write("}  // namespace\n\nstd::span<const std::string_view> committed_manifests() noexcept { return texts; }\n\n")
        out.write("}  // namespace pod::policy\n")


main()
