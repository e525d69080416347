#!/usr/bin/env python3
"""Each architecture test is silent on a good tree and names what is wrong with a bad one."""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

import claims
import documents
import format
import layers
import public_headers
import rooms
import symbols
import words

LAYERS = """# room | may use | home of
base   |        |
json   | base   | nlohmann/
git    | base   | git2.h git2/
store  | git json base |
"""


class Tree(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="arch-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.write("libpod/layers.txt", LAYERS)
        for room in ("base", "json", "git", "store"):
            self.write(f"libpod/{room}/README.md", f"# {room}\n")
            self.write(f"libpod/{room}/meson.build", "")
        self.write("libpod/include/libpod/error.hpp", "#pragma once\n#include <string>\n")
        self.write("README.md", "# A tree\n")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def include(self, path, *headers):
        self.write(path, "".join(f"#include {header}\n" for header in headers))


class Layers(Tree):
    def test_a_tree_that_keeps_its_rows(self):
        self.include("libpod/store/a.cpp", '"store/a.hpp"', '"git/b.hpp"', "<libpod/error.hpp>", "<vector>", "<unistd.h>",
                     "<sys/stat.h>", "<fmt/format.h>")
        self.include("libpod/git/b.hpp", "<git2.h>", "<git2/sys/odb_backend.h>")
        self.include("libpod/json/c.hpp", "<nlohmann/json.hpp>")
        self.include("tools/podgit/main.cpp", "<libpod/libpod.hpp>", '"commands/list.hpp"')
        self.assertEqual(layers.check(self.root), [])

    def finds(self, path, header, message):
        self.include(path, "<string>", header)
        found = layers.check(self.root)
        self.assertEqual(len(found), 1, found)
        self.assertEqual(found[0], f"{path}:2: {message}")

    def test_a_room_above(self):
        self.finds("libpod/base/a.cpp", '"git/b.hpp"', 'room base may not use room git ("git/b.hpp")')

    def test_a_room_that_is_not_in_the_row(self):
        self.finds("libpod/git/a.cpp", '"json/b.hpp"', 'room git may not use room json ("json/b.hpp")')

    def test_a_header_without_its_room(self):
        self.finds("libpod/git/a.cpp", '"b.hpp"', '"b.hpp" is not written "room/header.hpp"')
        self.finds("libpod/git/a.cpp", '"libpod/error.hpp"', '"libpod/error.hpp" is not written "room/header.hpp"')

    def test_a_third_party_header_outside_its_home(self):
        self.finds("libpod/store/a.cpp", "<git2.h>", "<git2.h> outside its home git")
        self.finds("libpod/store/a.cpp", "<git2/sys/refs.h>", "<git2/sys/refs.h> outside its home git")

    def test_a_third_party_header_without_a_home(self):
        self.finds("libpod/store/a.cpp", "<boost/asio.hpp>", "<boost/asio.hpp> has no home in layers.txt")
        self.finds("libpod/store/a.cpp", "<lzma.h>", "<lzma.h> has no home in layers.txt")

    def test_fmt_in_a_header(self):
        self.finds("libpod/store/a.hpp", "<fmt/format.h>", "<fmt/format.h> in a header: fmt is for .cpp files")

    def test_a_third_party_header_in_a_public_header(self):
        self.finds("libpod/include/libpod/error.hpp", "<git2.h>", "a public header includes git2.h")

    def test_a_room_in_a_public_header(self):
        self.finds("libpod/include/libpod/error.hpp", '"base/files.hpp"', "a public header includes base/files.hpp")

    def test_a_tool_in_a_room(self):
        self.finds("tools/podgit/main.cpp", '"store/engine.hpp"', "podgit reaches into a room of libpod (store/engine.hpp)")

    def test_a_table_with_an_arrow_upwards(self):
        self.write("libpod/layers.txt", "base | json |\njson | |\n")
        with self.assertRaises(SystemExit):
            layers.check(self.root)


class PublicHeaders(Tree):
    COMPILER = sys.argv[1:] or ["c++"]

    def test_headers_that_compile_alone(self):
        self.assertEqual(public_headers.check(self.root, self.COMPILER), [])

    def test_a_header_that_leans_on_another(self):
        self.write("libpod/include/libpod/names.hpp", "#pragma once\ninline std::string name() { return {}; }\n")
        found = public_headers.check(self.root, self.COMPILER)
        self.assertEqual(len(found), 1)
        self.assertIn("libpod/include/libpod/names.hpp: does not compile alone", found[0])

    def test_a_header_without_a_guard(self):
        self.write("libpod/include/libpod/names.hpp", "struct Name {};\n")
        self.assertEqual(len(public_headers.check(self.root, self.COMPILER)), 1)

    def test_too_many_headers(self):
        for number in range(10):
            self.write(f"libpod/include/libpod/h{number}.hpp", "#pragma once\n")
        found = public_headers.check(self.root, self.COMPILER)
        self.assertEqual(len(found), 1)
        self.assertIn("11 public headers", found[0])


class Rooms(Tree):
    def test_rooms_that_are_complete(self):
        self.assertEqual(rooms.check(self.root), [])

    def test_a_room_without_its_files(self):
        (self.root / "libpod/git/README.md").unlink()
        (self.root / "libpod/json/meson.build").unlink()
        self.assertEqual(rooms.check(self.root), ["libpod/json: no meson.build", "libpod/git: no README.md"])

    def test_a_long_readme(self):
        self.write("libpod/git/README.md", "line\n" * 20)
        self.assertEqual(rooms.check(self.root), ["libpod/git/README.md: 20 lines, where fewer than 20 are wanted"])

    def test_a_folder_that_is_no_room(self):
        self.write("libpod/extra/a.cpp", "")
        self.assertEqual(rooms.check(self.root), ["libpod/extra: not a room of layers.txt"])

    def test_a_name_that_says_nothing(self):
        self.write("libpod/git/utils.hpp", "")
        self.write("tools/podgit/helpers/a.cpp", "")
        self.assertEqual(len(rooms.check(self.root)), 2)


class Documents(Tree):
    def test_paths_that_exist(self):
        self.write("libpod/git/pack.cpp", "")
        self.write("README.md", "`libpod/git/pack.cpp` `libpod/{git,json}/` `libpod/*/README.md` `<libpod/error.hpp>` `pack.cpp` "
                   "`refs/heads/x` `a/b` `GET /x/y` `build/debug` [a](libpod/git) [b](https://example.com/x)\n")
        self.write("libpod/git/README.md", "`pack.cpp`\n")
        self.assertEqual(documents.check(self.root), [])

    def test_paths_that_do_not_exist(self):
        for token in ("libpod/git/gone.cpp", "libpod/{git,gone}/", "libpod/gone/*.cpp", "<libpod/gone.hpp>", "gone.cpp",
                      "libpod/gone --option"):
            self.write("README.md", f"first\nsee `{token}`\n")
            self.assertEqual(documents.check(self.root), [f"README.md:2: `{token}` does not exist"])

    def test_a_link_that_leads_nowhere(self):
        self.write("libpod/README.md", "[x](gone.md)\n")
        self.assertEqual(documents.check(self.root), ["libpod/README.md:1: the link to gone.md leads nowhere"])


class Claims(Tree):
    def test_a_claim_with_its_test(self):
        self.write("tests/unit/a_test.cpp", 'TEST_CASE("it holds") {}\n')
        self.write("libpod/SECURITY.md", 'It holds.\n- `tests/unit/a_test.cpp`: "it holds"\n')
        self.assertEqual(claims.check(self.root), [])

    def test_a_claim_without_its_test(self):
        self.write("tests/unit/a_test.cpp", 'TEST_CASE("it holds") {}\n')
        self.write("libpod/SECURITY.md", '- `tests/unit/a_test.cpp`: "it does"\n- `tests/unit/b_test.cpp`: "it holds"\n')
        self.assertEqual(len(claims.check(self.root)), 2)

    def test_a_page_without_claims(self):
        self.write("libpod/SECURITY.md", "Trust us.\n")
        self.assertEqual(claims.check(self.root), ["libpod/SECURITY.md: names no test"])


class Symbols(unittest.TestCase):
    def test_only_ours(self):
        self.assertEqual(symbols.check_names("0000000000012340 T pod::Store::open()\n0000000000012348 V typeinfo for pod::Error\n"
                                             "0000000000012350 V vtable for pod::Clock\n"), [])

    def test_others(self):
        found = symbols.check_names("0000000000012340 T pod::version()\n0000000000012348 T git_libgit2_init\n"
                                    "0000000000012350 W std::vector<pod::Oid>::~vector()\n0000000000012350 T podium()\n")
        self.assertEqual(found, ["exported: git_libgit2_init", "exported: std::vector<pod::Oid>::~vector()", "exported: podium()"])

    def test_nothing_at_all(self):
        self.assertEqual(symbols.check_names(""), ["nothing is exported"])


class Format(Tree):
    def test_a_file_as_it_should_stand(self):
        self.write("libpod/git/a.cpp", "int one() { return 1; }\n")
        self.assertEqual(format.check(self.root), [])

    def test_a_file_that_does_not(self):
        self.write("libpod/git/a.cpp", "int one(){return 1;}\nint two(){return 2;}\n")
        self.assertEqual(format.check(self.root), ["libpod/git/a.cpp: not as clang-format-14 -i writes it"])


class Words(Tree):
    def test_a_clean_tree(self):
        self.assertEqual(words.check(self.root), [])

    def test_a_place_of_a_machine(self):
        for word in words.FORBIDDEN:
            self.write("tools/dev/run", f"first\ncd {word}x\n")
            self.assertEqual(words.check(self.root), [f"tools/dev/run:2: {word!r}"])

    def test_a_folder_of_that_name_below_another(self):
        self.write("tools/dev/run", "cd $HOME" + words.FORBIDDEN[0] + "x <tmp>" + words.FORBIDDEN[0] + "x\n")
        self.assertEqual(words.check(self.root), [])

    def test_what_was_built_does_not_count(self):
        self.write("build/x", words.FORBIDDEN[0])
        self.assertEqual(words.check(self.root), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
