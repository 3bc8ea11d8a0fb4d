#!/usr/bin/env python3
"""Writes src/text/html_entities.inc: HTML 5's named characters, from the table in Python's standard library."""
import html.entities
import pathlib


def escaped(data: bytes) -> str:
    return "".join(chr(c) if 32 <= c <= 126 and chr(c) not in '"\\' else f"\\{c:03o}" for c in data)


lines, line = [], ""
for name, text in sorted(html.entities.html5.items()):
    entry = escaped(f"{name} {text}\0".encode())
    if len(line) + len(entry) > 122:
        lines.append(line)
        line = ""
    line += entry
lines.append(line)
head = """// The named characters of HTML 5 (WHATWG, named character references): name, space, UTF-8, zero byte. Made by
// scripts/make_html_entities.py.
// clang-format off
"""
target = pathlib.Path(__file__).parent.parent / "src" / "text" / "html_entities.inc"
target.write_text(head + "\n".join(f'"{line}"' for line in lines) + "\n// clang-format on\n")
