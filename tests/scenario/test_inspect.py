"""podgit inspect: the browser on a real terminal, and what it prints where there is none."""

import json
import os
import signal
import time

import pytest

import tmux
from cli import ROOT, Cli, compare, find_podgit, settled

REAL_POD = ROOT / "tests" / "data" / "pods" / "happy-new-year.zip"

pytestmark = pytest.mark.skipif(not tmux.available(), reason="tmux is not installed")


@pytest.fixture
def cli(tmp_path):
    binary = find_podgit()
    if not binary:
        pytest.skip("podgit is not built: neither $PODGIT nor build/*/tools/podgit/podgit")
    made = Cli(binary, tmp_path / "home")
    made.ok("import", REAL_POD, "demo", "-m", "größer")
    (made.work / "podgit").symlink_to(binary)
    return made


def open_browser(cli, *arguments, **more):
    terminal = tmux.Terminal(cli, **more)
    terminal.run(" ".join(["./podgit", "inspect", "demo", *arguments]))
    terminal.wait("? keys")
    return terminal


def golden(cli, name, screens):
    text = "".join(f"== {title}\n{screen}\n" for title, screen in screens)
    compare(f"inspect-{name}.txt", settled(text, cli.home))


def test_screens_of_three_sizes_read_as_recorded(cli):
    for width, height in ((80, 24), (120, 40), (40, 10)):
        screens = []
        with open_browser(cli, width=width, height=height) as terminal:
            screens.append(("services", terminal.settled()))
            terminal.keys("Down", "Enter")
            screens.append(("resources", terminal.settled()))
            terminal.keys("Enter")
            screens.append(("details", terminal.wait("region")))
            terminal.keys("?")
            screens.append(("keys", terminal.wait("any key goes back")))
            terminal.keys("q", "q")
            terminal.wait("? keys", gone=True)
        golden(cli, f"{width}x{height}", screens)


def test_filter_sort_versions_and_difference(cli):
    cli.ok("copy", "demo", "other")
    with open_browser(cli) as terminal:
        terminal.keys("Enter")
        terminal.type("/WEB")
        seen = terminal.wait("/WEB_")
        assert "website" in seen and "bucket " not in seen
        terminal.keys("Escape")
        terminal.wait("bucket ")
        terminal.type("ss")
        terminal.wait("by count")
        terminal.type("v")
        assert "demo:1" in terminal.wait("Show which version?")
        terminal.keys("Escape")
        terminal.type("d")
        terminal.wait("since which version?")
        terminal.keys("Enter")
        terminal.wait("no resource differs")
        terminal.keys("Escape")
        terminal.wait("bucket ")


def test_export_writes_json_and_never_over_a_file(cli):
    with open_browser(cli) as terminal:
        terminal.keys("Enter")
        terminal.type("e")
        terminal.wait("write to: demo-1-s3-bucket-localwishes.json")
        terminal.keys("Enter")
        terminal.wait("wrote 1 resource")
        terminal.type("e")
        terminal.keys("Enter")
        terminal.wait("File exists")
    written = json.loads((cli.work / "demo-1-s3-bucket-localwishes.json").read_text())
    assert written["resource"]["counts"]["objects"] == 7
    assert set(written["content"]) >= {"@name"}


def test_the_window_may_change_its_size(cli):
    with open_browser(cli, width=120, height=30) as terminal:
        assert "Details" in terminal.settled()
        for width, height in ((80, 24), (40, 10), (20, 5), (10, 3), (130, 40)):
            terminal.resize(width, height)
            time.sleep(0.3)
            lines = terminal.settled().splitlines()
            assert len(lines) <= height and max(map(len, lines), default=0) <= width
        assert "Details" in terminal.wait("Services")


def check_terminal(terminal, code):
    """The shell echoes and edits lines again, and the program ended with `code`."""
    terminal.run("off=$(stty -a | grep -c -e '-echo ' -e '-icanon'); echo left\"\"-off=$off code=$code.")
    assert f"left-off=0 code={code}." in terminal.wait("left-off")


@pytest.mark.parametrize("end, code", [("q", 0), ("C-c", 130)])
def test_the_terminal_is_left_as_it_was(cli, end, code):
    with tmux.Terminal(cli) as terminal:
        terminal.run("echo before")
        terminal.run("./podgit inspect demo; code=$?; echo done")
        terminal.wait("? keys")
        terminal.keys(end)
        seen = terminal.wait("done")
        assert "before" in seen and "Services" not in seen, "the screen before is back"
        check_terminal(terminal, code)


def test_ctrl_z_gives_the_terminal_back_and_fg_the_browser(cli):
    with open_browser(cli) as terminal:
        terminal.keys("C-z")
        terminal.wait("Services", gone=True)
        terminal.run("echo still here")
        terminal.wait("still here")
        terminal.run("fg")
        assert "Services" in terminal.wait("? keys")
        terminal.keys("Down")
        terminal.wait(">s3")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT])
def test_a_signal_ends_it_with_the_terminal_restored(cli, number):
    with tmux.Terminal(cli) as terminal:
        terminal.run("./podgit inspect demo; code=$?; echo done")
        terminal.wait("? keys")
        processes = [int(name) for name in os.listdir("/proc") if name.isdigit()
                     and os.path.exists(f"/proc/{name}/cwd")
                     and os.path.realpath(f"/proc/{name}/cwd") == str(cli.work)
                     and open(f"/proc/{name}/comm").read().strip() == "podgit"]
        assert len(processes) == 1
        os.kill(processes[0], number)
        seen = terminal.wait("done")
        assert "Services" not in seen
        check_terminal(terminal, 130 if number == signal.SIGTERM else 128 + number)


def test_in_the_c_locale_everything_is_ascii(cli):
    with open_browser(cli, env={"LANG": "C", "LC_ALL": "C"}) as terminal:
        seen = terminal.settled()
        assert seen.isascii() and "gr??er" in seen or "gr?er" in seen, seen
        assert "|" in seen


def test_no_color_means_no_colour(cli):
    def colours(env):
        with open_browser(cli, env=env) as terminal:
            return [number for number in range(31, 37) if f"\x1b[{number}m" in terminal.raw() or f";{number}m" in terminal.raw()]

    assert colours({}) and not colours({"NO_COLOR": "1"})


@pytest.mark.parametrize("term", ["dumb", "no-such-terminal"])
def test_a_terminal_that_cannot_do_it_gets_the_tree(cli, term):
    done = cli.terminal("inspect", "demo", "--no-pager", env={"TERM": term})
    assert done.code == 0 and "bucket localwishes" in done.out and "\x1b[?1049h" not in done.out


def test_a_pipe_gets_the_tree_and_may_close(cli):
    assert "bucket localwishes" in cli.ok("inspect", "demo").out
    assert cli.ok("inspect", "demo", "--format", "table").out.splitlines()[0].startswith("SERVICE")
    assert json.loads(cli.ok("inspect", "demo", "--format", "json").out)["files"]
    with tmux.Terminal(cli) as terminal:
        terminal.run("./podgit inspect demo | head -n 1; echo done")
        assert "s3  2 resources" in terminal.wait("done")
        terminal.run("echo | ./podgit inspect demo --no-pager; echo again")
        assert "bucket localwishes" in terminal.wait("again")


def test_fields_of_a_resource_are_shown_masked_and_in_json(cli):
    shown = cli.ok("inspect", "demo", "--at", "s3/bucket/localwishes", "--depth", "1").out
    assert "@name" in shown and "\n  " not in shown
    data = cli.ok("inspect", "demo", "--at", "s3/bucket/localwishes", "--json").json()["data"]
    assert data["file"].startswith("api_states/") and "@name" in data["content"]
    assert cli.run("inspect", "demo", "--at", "s3/bucket/nowhere").code == 5
    assert cli.run("inspect", "demo", "--reveal").code == 2


def test_names_with_escapes_are_harmless(cli, tmp_path):
    import pickle
    folder = tmp_path / "state" / "api_states" / "000000000000" / "sqs" / "us-east-1"
    folder.mkdir(parents=True)
    (folder / "backend.state").write_bytes(pickle.dumps({"\x1b]0;evil\x07": 1, "\u202eabc": 2, "x" * (1 << 20): 3}))
    for arguments in (["inspect", tmp_path / "state"], ["inspect", tmp_path / "state", "--format", "table"],
                      ["inspect", tmp_path / "state", "--at", "api_states/000000000000/sqs/us-east-1/backend.state"],
                      ["verify", tmp_path / "state", "-v"], ["diff", "demo", tmp_path / "state"]):
        done = cli.run(*arguments)
        assert done.code in (0, 8), (arguments, done.err)
        assert "\x1b" not in done.out and "\u202e" not in done.out and "\x07" not in done.out
