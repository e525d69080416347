"""The command line: what it prints where, how it ends, and that it stays polite when its surroundings do not."""

import hashlib
import json
import os
import pickle
import pty
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from pathlib import Path

import boto3
import pytest

from cli import ROOT, Cli, Transcript, find_podgit

SQS = "api_states/000000000000/sqs/us-east-1/backend.state"
S3 = "api_states/000000000000/s3/global/backend.state"
BODY = b"b" * 5000
BLOB = f"assets/s3/blobs/{hashlib.sha256(BODY).hexdigest()[:2]}/{hashlib.sha256(BODY).hexdigest()}"
LARGE = "assets/s3/large.bin"


@pytest.fixture
def cli(tmp_path):
    binary = find_podgit()
    if not binary:
        pytest.skip("podgit is not built: neither $PODGIT nor build/*/tools/podgit/podgit")
    return Cli(binary, tmp_path / "home")


def write_state(folder, files):
    for path, content in files.items():
        target = Path(folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


@pytest.fixture
def state(cli):
    return write_state(cli.work / "state", {SQS: b"q" * 100, S3: b"s" * 3000})


@pytest.fixture
def shop(cli, state):
    """A pod with three versions."""
    cli.ok("commit", "shop", "-m", "first", "--from", "state")
    write_state(state, {SQS: b"Q" * 150, BLOB: BODY})
    cli.ok("commit", "shop", "-m", "second: a larger queue\n\nand a blob", "--from", "state")
    (state / S3).unlink()
    cli.ok("commit", "shop", "-m", "third", "--from", "state")
    return cli


def parts(done):
    """The four parts of a failure, by name."""
    out = {}
    for line in done.err.splitlines():
        if match := re.match(r"error\[(\w+)\]: (.*)", line):
            out["code"], out["message"] = match.groups()
        elif match := re.match(r"  (why|unchanged|hint): (.*)", line):
            out.setdefault(match[1], match[2])
    return out


# The main path


def story(transcript, cli, state):
    run = transcript.run
    run("list")
    run("commit", "shop", "-m", "first", "--from", "state")
    run("commit", "shop", "--from", "state")
    write_state(state, {SQS: b"Q" * 150, BLOB: BODY})
    (state / S3).unlink()
    run("commit", "shop", "--from", "state", "--dry-run")
    run("commit", "shop", "-m", "second: a larger queue\n\nand a blob", "--from", "state")
    run("list")
    run("versions", "shop")
    run("log", "shop")
    run("log", "shop", "--oneline")
    run("log", "shop", "--stat", "-n", "1")
    run("show", "shop")
    run("show", "shop:1", "--files")
    run("diff", "shop")
    run("diff", "shop:1", "shop:2", "--stat")
    run("diff", "shop:2", "shop:1", "--exit-code")
    run("diff", "shop", "--files")
    run("diff", "shop:1", "shop:2", "--files", "--stat")
    run("diff", "shop:1", "./state")
    run("inspect", "shop", "--format", "tree")
    run("inspect", "shop", "--format", "table")
    run("verify", "shop")
    run("copy", "shop:1", "experiment", "--dry-run")
    run("copy", "shop:1", "experiment")
    run("copy", "shop:2", "experiment")
    run("checkout", "shop:1", "out", "--dry-run")
    run("checkout", "shop:1", "out")
    run("checkout", "shop", "out")
    run("export", "shop:1", "shop-1.zip")
    run("import", "shop-1.zip", "other")
    run("delete", "other", "--dry-run")
    run("delete", "other", "--yes")
    run("undo", "--dry-run")
    run("undo")
    run("undo")
    run("config", "set", "inject.strategy", "overwrite")
    if not transcript.terminal:  # there the name of the folder is cut
        run("config", "list")
    run("config", "get", "inject.strategy")
    run("config", "unset", "inject.strategy")


@pytest.mark.parametrize("form, options", [("pipe", ()), ("json", ("--json",))])
def test_the_main_path_reads_as_recorded(cli, state, form, options):
    transcript = Transcript(cli, options=options)
    story(transcript, cli, state)
    transcript.check(f"story-{form}.txt")


def test_the_main_path_in_a_terminal_reads_as_recorded(cli, state):
    transcript = Transcript(cli, terminal=True, options=("--progress=never", "--no-pager"))
    story(transcript, cli, state)
    transcript.check("story-terminal.txt")


def test_every_answer_as_json_is_one_line_of_ascii_with_the_envelope(cli, state):
    cli.ok("commit", "shop", "-m", "größer \u202e", "--from", "state")
    for arguments in (["list"], ["log", "shop"], ["log", "nowhere"], ["nonsense"], ["commit"], ["show", "shop", "--bogus"]):
        done = cli.run(*arguments, "--json")
        assert done.out.isascii() and done.out.count("\n") == 1 and done.err == "", arguments
        answer = done.json()
        assert list(answer) == ["schemaVersion", "command", "status", "data", "warnings", "error"]
        assert (answer["status"] == "ok") == (done.code == 0) == (answer["error"] is None)
    assert cli.ok("log", "shop", "--json").json()["data"]["versions"][0]["message"] == "größer \u202e"


def test_the_fields_of_the_readme_are_the_fields_of_the_answers(shop):
    text = (ROOT / "tools" / "podgit" / "README.md").read_text()
    rows = dict(re.findall(r"^\| (`[a-z ]+`(?:, `[a-z ]+`)*) \| (.*) \|$", text, re.M))
    documented = {name: set(re.findall(r"`([a-zA-Z]+)`", fields)) for names, fields in rows.items()
                  for name in re.findall(r"`([a-z ]+)`", names)}
    for arguments in (["list"], ["versions", "shop"], ["log", "shop"], ["log", "shop", "--stat"], ["show", "shop"], ["diff", "shop"], ["version"],
                      ["inspect", "shop"], ["verify", "shop"],
                      ["copy", "shop", "b", "--dry-run"], ["delete", "shop", "--dry-run"], ["undo", "--dry-run"],
                      ["checkout", "shop", "out", "--dry-run"], ["config", "list"], ["doctor"], ["help"],
                      ["export", "shop", "x.zip"], ["init", "--dry-run"], ["completion", "bash"],
                      ["commit", "shop", "--from", "state", "--dry-run"], ["config", "set", "user.name", "x", "--dry-run"]):
        name = " ".join(arguments[:2]) if arguments[0] == "config" else arguments[0]
        data = shop.run(*arguments, "--json").json()["data"]
        assert set(data) <= documented[name], name


def test_quiet_prints_the_version_and_nothing_else(cli, state):
    done = cli.ok("commit", "-q", "shop", "--from", "state")
    assert (done.out, done.err) == ("shop:1\n", "")
    assert cli.ok("-q", "commit", "shop", "--from", "state").out == "shop:1\n"


def test_global_options_stand_before_the_command_or_after_it(shop):
    assert shop.ok("--json", "list").out == shop.ok("list", "--json").out
    assert shop.ok("-C", "..", "list").out == shop.ok("list", "-C", "..").out
    store = str(shop.home / ".local/share/podgit")
    assert shop.ok("--store", store, "list").out == shop.ok("list", f"--store={store}").out


def test_a_pod_may_have_the_name_of_a_command(cli, state):
    cli.ok("commit", "list", "--from", "state")
    cli.ok("commit", "state", "--from", "state")
    assert cli.ok("log", "list", "--oneline").out.startswith("list:1")
    assert cli.ok("log", "--oneline", "state").out.startswith("state:1")


# Help


def commands_of(cli):
    return re.findall(r"^  ((?:state |config |remote )?[a-z]+)  ", cli.ok("-h").out, re.M)


def test_help_fits_80_columns_and_names_every_command(cli):
    pages = [cli.ok("--help").out, cli.ok("-h").out]
    commands = commands_of(cli)
    assert len(commands) == 40
    for command in commands:
        words = command.split()
        whole, short = cli.ok(*words, "--help").out, cli.ok(*words, "-h").out
        assert whole == cli.ok("help", *words).out
        assert whole.index("Examples:") < whole.index("Usage:")
        assert short.startswith(f"Usage: podgit {command}")
        pages += [whole, short]
    for topic in ("environment", "exit-codes", "refs"):
        pages.append(cli.ok("help", topic).out)
    for page in pages:
        assert max(len(line) for line in page.splitlines()) <= 80, page
        assert "\x1b" not in page


def test_help_reads_as_recorded(cli):
    transcript = Transcript(cli)
    for arguments in (["-h"], ["--help"], ["commit", "-h"], ["commit", "--help"], ["help", "state"], ["help", "refs"],
                      ["help", "exit-codes"], ["help", "environment"], ["inspect", "--help"], ["diff", "--help"], ["verify", "--help"]):
        transcript.run(*arguments)
    transcript.check("help.txt")


def test_every_exit_code_of_the_help_is_one_that_libpod_or_podgit_has(cli):
    listed = {int(code) for code in re.findall(r"^ +(\d+)  ", cli.ok("help", "exit-codes").out, re.M)}
    assert listed == {*range(14), 130}


def test_help_comes_although_an_argument_is_missing_or_wrong(cli):
    assert cli.ok("commit", "-h").out.startswith("Usage: podgit commit")
    assert cli.ok("--help", "commit", "a", "b", "--bogus").out == cli.ok("help", "commit").out
    assert cli.run("help", "comit").code == 2


# Usage errors


@pytest.mark.parametrize("arguments, said, hint", [
    (["comit", "shop"], 'there is no command "comit"', "did you mean podgit commit?"),
    (["snapshot", "shop"], 'there is no command "snapshot"', "here that is podgit commit"),
    (["com", "shop"], 'there is no command "com"', "did you mean podgit commit?"),  # no abbreviations
    (["xyzzy"], 'there is no command "xyzzy"', "podgit help lists the commands"),
    (["state"], "podgit state needs one of export, import, reset", "podgit help state"),
    (["state", "exprot"], 'there is no command "state exprot"', "did you mean podgit state export?"),
    (["commit"], "there is no POD", "podgit help commit"),
    (["commit", "a", "b"], '"b" is one argument too many', "podgit help commit"),
    (["commit", "a", "--mesage", "x"], 'there is no option "--mesage"', "did you mean --message?"),
    (["commit", "a", "--message"], "the option --message needs a value", "podgit help commit"),
    (["log", "a", "-n", "0"], 'the option --number does not take "0"', None),
    (["log", "a", "-n", "x"], 'the option --number does not take "x"', None),
    (["list", "--color", "blue"], 'the option --color does not take "blue"', None),
    (["list", "--timeout", "-1"], 'the option --timeout does not take "-1"', None),
    (["inject", "a", "--token=hunter2"], 'there is no option "--token": secrets are not taken from the command line', None),
    (["inject", "a", "--strategy", "sideways"], None, None),
    (["commit", "a", "--services", "s3,,sqs"], '--services has "", which is no name of a service', None),
    (["config", "set", "user.nmae", "x"], 'there is no setting "user.nmae"', "did you mean user.name?"),
    (["delete", "shop:3"], '"shop:3" is not the name of a pod; only whole pods are deleted', None),
    ([], "there is no command", "podgit --help"),
])
def test_a_usage_error_is_one_clear_line_and_a_hint(cli, arguments, said, hint):
    done = cli.run(*arguments)
    found = parts(done)
    assert done.code == 2 and done.out == "", done.err
    assert said is None or found["message"] == said
    assert hint is None or found["hint"] == hint
    assert len(done.err.splitlines()) <= 4
    assert "hunter2" not in done.err


@pytest.mark.parametrize("name", ["", "x" * 129, "a:b", "a/b/c", "-a", "..", "a..b", ".a", "a.lock", "HEAD", "a b", "ä",
                                  "a\nb", "a\x1b[31mb"])
def test_a_bad_name_is_refused_with_the_rule(cli, state, name):
    done = cli.run("commit", "--from", "state", "--", name)
    found = parts(done)
    assert done.code == 2 and found["message"], (done.code, done.err)
    assert "\x1b" not in done.err
    assert not (cli.home / ".local/share/podgit").exists()


@pytest.mark.parametrize("ref", ["shop:4", "shop:0", "shop~3", "shop:99999999999999999999", "nowhere", "rev:refs/heads/nowhere"])
@pytest.mark.parametrize("command", [["show"], ["log"], ["diff"], ["inspect"], ["verify"], ["inject"], ["export"], ["checkout"]])
def test_a_version_that_does_not_exist_is_said_and_nothing_is_made(shop, command, ref):
    more = {"export": ["out.zip"], "checkout": ["out"]}.get(command[0], [])
    done = shop.run(*command, ref, *more)
    assert done.code in (2, 5) and done.out == "", (done.code, done.out, done.err)
    assert done.code == 5 or ref in ("shop:0", "shop:99999999999999999999")
    assert parts(done)["code"] in ("NOT_FOUND", "INVALID_ARGUMENT")
    assert not (shop.work / "out").exists() and not (shop.work / "out.zip").exists()


def test_failures_read_as_recorded(shop):
    transcript = Transcript(shop)
    for arguments in (["show", "shop:7"], ["show", "shopp"], ["commit", "no:name"], ["commit", "shop"], ["checkout", "shop", "state"],
                      ["copy", "shop:1", "Shop"], ["inject", "shop", "--strategy", "deep"], ["state", "reset"],
                      ["inject", "shop", "--no-undo"], ["import", "state", "shop"], ["import", "missing.zip", "shop"],
                      ["--store", "nowhere", "list"], ["config", "get", "user.email", "--global"], ["completion", "fish"]):
        transcript.run(*arguments)
    transcript.check("failures.txt")


# Stores


def test_without_a_store_a_reader_says_how_to_begin(cli):
    done = cli.ok("list")
    assert done.out == "" and "no pods yet" in done.err and "podgit commit" in done.err
    assert cli.ok("list", "--json").json()["data"]["pods"] == []
    for arguments in (["log", "shop"], ["versions", "shop"], ["delete", "shop"], ["undo"]):
        done = cli.run(*arguments)
        assert done.code == 5 and parts(done)["hint"] == "podgit commit POD", (arguments, done.err)
    assert not (cli.home / ".local").exists()


def test_a_dry_run_makes_no_store(cli, state):
    done = cli.ok("commit", "shop", "--from", "state", "--dry-run")
    assert "would be made" in done.out and not (cli.home / ".local").exists()
    cli.ok("init", "--dry-run")
    assert not (cli.work / ".podgit").exists()


def test_the_nearest_store_upwards_is_used(cli, state):
    cli.ok("init")
    cli.ok("commit", "shop", "--from", "state")
    assert (cli.work / ".podgit" / "HEAD").exists() and not (cli.home / ".local").exists()
    assert "shop" in cli.ok("list", "-C", "state").out
    assert cli.run("init").code == 6
    assert "found above" in cli.ok("doctor").out


def test_the_order_of_stores_is_flag_variable_upwards_default(cli, state):
    cli.ok("init")
    for name in ("flag", "variable"):
        cli.ok("init", "--store", name)
    assert cli.ok("list", "--store", "flag", "--json", env={"PODGIT_DIR": "variable"}).json()["data"]["store"].endswith("/flag")
    assert cli.ok("list", "--json", env={"PODGIT_DIR": "variable"}).json()["data"]["store"].endswith("/variable")
    assert cli.ok("list", "--json").json()["data"]["store"].endswith("/.podgit")
    assert cli.ok("list", "--json", "-C", "/").json()["data"]["store"].endswith("/.local/share/podgit")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a folder of another user")
def test_a_store_of_another_user_on_the_way_up_is_refused(cli):
    cli.ok("init")
    os.chown(cli.work / ".podgit", 12345, 12345)
    done = cli.run("list")
    assert done.code == 4 and "belongs to another user" in done.err


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to run as another user")
def test_without_rights_a_command_says_so_and_exits_4(shop, tmp_path):
    for folder in [shop.home, *shop.home.parents]:
        if folder == Path("/"):
            break
        folder.chmod(folder.stat().st_mode | 0o055)
    shop.binary = shutil.copy(shop.binary, tmp_path / "podgit")
    library = next((ROOT / "build").glob(f"{Path(find_podgit()).relative_to(ROOT / 'build').parts[0]}/libpod")
                   if Path(find_podgit()).is_relative_to(ROOT / "build") else iter(()), None)
    if library:
        shutil.copy(library / "libpod.so.0", tmp_path / "libpod.so.0")
        shop.environment["LD_LIBRARY_PATH"] = str(tmp_path)
    nobody = {"user": 65534, "group": 65534, "extra_groups": []}
    done = shop.run("list", **nobody)
    assert done.code == 4 and done.out == "" and parts(done)["code"] == "DENIED", (done.code, done.err)
    done = shop.run("commit", "shop", "--from", "state", **nobody)
    assert done.code == 4 and parts(done)["unchanged"]


# Settings


def test_settings_come_from_the_environment_then_the_store_then_the_user(shop):
    def author():
        return {row["key"]: row["value"] for row in shop.ok("config", "list", "--json", env={"PODGIT_AUTHOR_NAME": name})
                .json()["data"]["settings"]}.get("user.name")

    name = None
    assert author() is None
    shop.ok("config", "set", "--global", "user.name", 'Grace "Amazing" \\ Hopper; #1')
    assert author() == 'Grace "Amazing" \\ Hopper; #1'
    shop.ok("config", "set", "user.name", "Store")
    assert author() == "Store"
    name = "Environment"
    assert author() == "Environment"
    name = None
    shop.ok("config", "unset", "user.name")
    shop.ok("config", "unset", "--global", "user.name")
    assert author() is None
    assert shop.run("config", "unset", "--global", "user.name").code == 5


def test_a_change_of_the_users_file_keeps_what_people_wrote(cli):
    path = cli.home / ".config/podgit/config"
    path.parent.mkdir(parents=True)
    path.write_text("# mine\n[user]\n\tname = A\n[other \"x\"]\n  k = v ; comment\n")
    path.chmod(0o600)
    cli.ok("config", "set", "--global", "user.email", "a@b.c")
    cli.ok("config", "set", "--global", "user.name", "B")
    assert path.read_text() == '# mine\n[user]\n\tname = "B"\n\temail = "a@b.c"\n[other "x"]\n  k = v ; comment\n'
    assert subprocess.check_output(["git", "config", "-f", path, "user.name"], text=True) == "B\n"


@pytest.mark.parametrize("text", ["user.name = x\n", "[user\nname = x\n", '[user]\nname = "x\n', "[user]\n= x\n", "[us er]\nname = x\n"])
def test_a_broken_file_of_the_user_is_named_with_the_line(cli, text):
    path = cli.home / ".config/podgit/config"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    done = cli.run("config", "list")
    assert done.code == 7 and "line " in done.err and str(path) in done.err


def test_a_token_is_never_taken_from_the_command_line_nor_shown(cli):
    done = cli.run("config", "set", "--global", "instance.token", "hunter2")
    assert done.code == 2 and "hunter2" not in done.err + done.out
    cli.ok("config", "set", "--global", "instance.token", stdin="hunter2\n")
    path = cli.home / ".config/podgit/config"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and "hunter2" in path.read_text()
    for arguments in (["config", "get", "instance.token"], ["config", "list"], ["doctor"], ["config", "list", "--json"]):
        done = cli.run(*arguments)
        assert "hunter2" not in done.out + done.err, arguments
    typed = cli.terminal("config", "set", "--global", "instance.token", keys="s3cret\n")
    assert typed.code == 0 and "s3cret" not in typed.out and "s3cret" in path.read_text()


def test_a_token_that_others_can_read_is_refused(shop):
    shop.ok("config", "set", "--global", "instance.token", stdin="hunter2\n")
    path = shop.home / ".config/podgit/config"
    path.chmod(0o644)
    done = shop.run("inject", "shop")
    assert done.code == 4 and "chmod 600" in parts(done)["hint"], done.err
    shop.ok("list")
    moved = path.with_name("elsewhere")
    path.rename(moved)
    moved.chmod(0o600)
    path.symlink_to(moved)
    assert shop.run("inject", "shop").code == 4


def test_a_stores_own_file_cannot_point_to_another_machine_or_hold_a_token(shop):
    for arguments in (["instance.url", "http://evil.example:4566"], ["instance.url", "http://localhost@evil.example/"]):
        assert shop.run("config", "set", *arguments).code in (2, 8), arguments
    shop.ok("config", "set", "instance.url", "http://localhost:9")
    config = shop.home / ".local/share/podgit/config"
    with open(config, "a") as out:
        out.write("[instance]\n\turl = http://evil.example:4566\n\ttoken = x\n[core]\n\tpager = touch evil\n")
    done = shop.run("inject", "shop", env={"PODGIT_INSTANCE": None})
    assert "evil" not in done.err and "is ignored" in done.err and done.code == 9, done.err
    shop.terminal("log", "shop")
    assert not (shop.work / "evil").exists()


# Streams and surroundings


def test_text_of_strangers_cannot_speak_to_the_terminal(cli, state):
    write_state(state, {"assets/s3/\x1b[2Jname": b"x"})
    cli.ok("commit", "shop", "-m", "\x1b[31mred\x07 \u202ereversed", "--from", "state")
    for arguments in (["log", "shop"], ["versions", "shop"], ["list"], ["show", "shop", "--files"], ["diff", "shop"],
                      ["log", "shop", "--oneline"]):
        done = cli.ok(*arguments)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", done.out), arguments


def test_a_reader_that_goes_away_ends_the_command_in_silence(shop):
    command = f"{shop.binary} log shop --stat | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=shop.env(), cwd=shop.work, capture_output=True, text=True)
    assert done.stderr == "" and done.stdout.startswith("version shop:3")
    read, write = os.pipe()
    os.close(read)
    done = shop.run("log", "shop", stdout=write)
    os.close(write)
    assert done.code == -signal.SIGPIPE and done.err == ""


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["version"], ["--help"], ["completion", "bash"]])
def test_an_answer_that_cannot_be_written_is_a_failure(shop, arguments):
    with open("/dev/full", "w") as full:
        done = shop.run(*arguments, stdout=full)
    assert done.code == 1 and "standard output could not be written" in done.err
    closed = subprocess.run(["bash", "-c", f"{shop.binary} {' '.join(arguments)} >&-"], env=shop.env(), cwd=shop.work,
                            capture_output=True, text=True)
    assert closed.returncode == 1 and "standard output could not be written" in closed.stderr


def test_closed_streams_do_not_become_files(shop):
    write_state(shop.work / "state", {SQS: b"new"})
    done = subprocess.run(["bash", "-c", f"{shop.binary} commit shop --from state <&- >&- 2>&-"], env=shop.env(), cwd=shop.work)
    assert done.returncode == 1
    assert shop.ok("show", "shop", "--json").json()["data"]["version"]["number"] == 4
    subprocess.run(["git", "-C", shop.home / ".local/share/podgit", "fsck", "--strict"], check=True, capture_output=True)


def test_colour_only_where_it_is_wanted(shop):
    plain, coloured = "log", re.compile(r"\x1b\[33mversion shop:3\x1b\[0m")
    assert "\x1b" not in shop.ok(plain, "shop").out
    assert coloured.search(shop.ok(plain, "shop", "--color=always").out)
    assert coloured.search(shop.ok(plain, "shop", env={"CLICOLOR_FORCE": "1"}).out)
    assert "\x1b" not in shop.ok(plain, "shop", env={"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}).out
    assert coloured.search(shop.terminal("log", "shop", "--no-pager").out)
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": None}):
        assert "\x1b" not in shop.terminal("log", "shop", "--no-pager", env=env).out, env
    assert "\x1b" not in shop.terminal("log", "shop", "--no-pager", "--color=never").out


def test_the_pager_is_for_terminals_and_comes_from_the_environment(shop):
    mark = {"PODGIT_PAGER": "sed 's/^/paged /'"}
    assert shop.terminal("log", "shop", env=mark).out.startswith("paged ")
    assert shop.terminal("diff", "shop", env={"PAGER": "sed 's/^/paged /'"}).out.startswith("paged ")
    assert "paged" not in shop.terminal("list", env=mark).out
    assert "paged" not in shop.ok("log", "shop", env=mark).out
    assert "paged" not in shop.terminal("log", "shop", "--no-pager", env=mark).out
    left = shop.terminal("log", "shop", env={"PODGIT_PAGER": "head -1"})
    assert left.code == 0 and left.out.count("\n") == 1
    missing = shop.terminal("log", "shop", env={"PODGIT_PAGER": "no-such-pager-here"})
    assert missing.code != 0 and "--no-pager" in missing.out


def test_tables_are_cut_in_a_terminal_and_nowhere_else(cli, state):
    message = "long " * 40 + "end"
    cli.ok("commit", "shop", "-m", message, "--from", "state")
    assert message in cli.ok("list").out and message in cli.ok("versions", "shop").out
    for width in (80, 40, 1):
        lines = cli.terminal("versions", "shop", env={"NO_COLOR": "1"}, width=width).out.splitlines()
        assert lines and max(len(line) for line in lines) <= width


def test_delete_asks_in_a_terminal_and_no_is_the_default(shop):
    for keys in ("\n", "n\n", "\x04"):
        done = shop.terminal("delete", "shop", keys=keys)
        assert done.code == 3 and "[y/N]" in done.out, done.out
        assert "shop" in shop.ok("list").out
    assert shop.terminal("delete", "shop", "--no-input").code == 0
    shop.ok("undo")
    assert shop.terminal("delete", "shop", "--yes").code == 0
    shop.ok("undo")
    assert shop.terminal("delete", "shop", keys="y\n").code == 0
    assert shop.ok("list").out == ""


def test_ctrl_c_at_a_question_changes_nothing_and_exits_130(shop):
    done = shop.terminal("delete", "shop", keys="\x03")
    assert done.code == 130 and "CANCELLED" in done.out
    assert "shop" in shop.ok("list").out


@pytest.mark.parametrize("arguments", [["state", "reset"], ["state", "import", "s.zip", "--strategy", "overwrite"],
                                       ["inject", "shop", "--no-undo"]])
def test_what_cannot_be_undone_needs_yes_without_a_terminal(shop, state, arguments):
    (state / SQS).write_bytes(pickle.dumps("a queue"))
    shop.ok("commit", "shop", "--from", "state")
    shop.ok("export", "shop", "s.zip")
    done = shop.run(*arguments, "--json")
    assert done.code == 3 and done.json()["error"]["code"] == "CONFIRMATION_REQUIRED"
    assert shop.run(*arguments, "--yes").code == 9  # goes on, and finds no instance


# A running instance


def test_the_path_through_an_instance_reads_as_recorded(cli, start):
    agent = start()
    cli.environment["PODGIT_INSTANCE"] = agent.endpoint
    cloud = {"endpoint_url": agent.endpoint, "region_name": "us-east-1", "aws_access_key_id": "t", "aws_secret_access_key": "t"}
    queues = boto3.client("sqs", **cloud)
    queues.create_queue(QueueName="first")
    boto3.client("s3", **cloud).create_bucket(Bucket="bucket1")
    transcript = Transcript(cli)
    run = transcript.run
    run("commit", "shop", "-m", "two services")
    run("commit", "shop")
    queues.create_queue(QueueName="second")
    run("commit", "shop", "--services", "sqs", "--dry-run")
    run("commit", "shop", "-m", "a second queue")
    run("versions", "shop")
    run("show", "shop")
    run("inject", "shop:1", "--dry-run")
    run("inject", "shop:1")
    assert len(queues.list_queues()["QueueUrls"]) == 1
    run("undo")
    assert len(queues.list_queues()["QueueUrls"]) == 2
    run("inject", "shop:1", "--strategy", "overwrite", "-q")
    run("state", "export")
    run("state", "export")
    run("state", "reset", "--services", "sqs", "--dry-run")
    run("state", "reset", "--services", "sqs", "--yes")
    assert "QueueUrls" not in queues.list_queues()
    run("state", "import", "ls-state-export", "--dry-run")
    run("state", "import", "ls-state-export")
    assert len(queues.list_queues()["QueueUrls"]) == 1
    run("commit", "shop", "--services", "nonsense")
    transcript.check("instance.txt", sizes=False)


# Slow and broken instances


@pytest.fixture
def silent_instance():
    """Accepts connections and never says a word."""
    server = socket.create_server(("127.0.0.1", 0))
    held = []
    stop = threading.Event()

    def accept():
        server.settimeout(0.1)
        while not stop.is_set():
            try:
                held.append(server.accept()[0])
            except TimeoutError:
                pass

    thread = threading.Thread(target=accept)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}"
    stop.set()
    thread.join()
    for connection in held:
        connection.close()
    server.close()


def test_the_time_out_of_a_silent_instance_is_the_users(shop, silent_instance):
    start = time.monotonic()
    done = shop.run("commit", "shop", "--from", silent_instance, "--timeout", "1")
    assert done.code == 9 and parts(done)["unchanged"] and time.monotonic() - start < 30, done.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_in_order(shop, silent_instance, number):
    process = subprocess.Popen([shop.binary, "commit", "shop", "--from", silent_instance], env=shop.env(), cwd=shop.work,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130 and "error[CANCELLED]" in err and out == ""
    assert shop.ok("list", "--json").json()["data"]["pods"][0]["latest"]["number"] == 3
    assert shop.ok("doctor", "--json").json()["status"] == "ok"


def test_progress_is_one_line_on_a_terminal_and_nothing_in_a_pipe(shop, silent_instance):
    arguments = ("commit", "shop", "--from", silent_instance, "--timeout", "2")
    seen = shop.terminal(*arguments, width=30).out
    paints = re.findall(r"\r([^\r\x1b\n]*)\x1b\[K", seen)
    assert any(paints) and max(map(len, paints)) < 30
    assert seen.rindex("\r\x1b[K") < seen.index("error[")  # cleared before the error
    assert "\r" not in shop.run(*arguments).err
    assert "\x1b[K" not in shop.terminal(*arguments, env={"TERM": "dumb"}).out
    assert "\x1b[K" not in shop.terminal(*arguments, "--progress=never").out


def test_an_instance_that_is_down_is_said_with_a_hint(shop):
    done = shop.run("commit", "shop")
    found = parts(done)
    assert done.code == 9 and found["code"] == "UNREACHABLE" and found["hint"] and "127.0.0.1:9" in done.err
    assert done.code == shop.run("commit", "shop", "--json").code
    assert shop.run("commit", "shop", "--json").json()["error"]["retryable"] is True


def test_a_checkout_says_how_many_files_were_there_already(shop):
    first = shop.ok("checkout", "shop:1", "out", "--json").json()["data"]
    again = shop.ok("checkout", "shop:1", "out", "--force", "--json").json()["data"]
    assert first["filesKept"] == 0 and again["filesKept"] == again["files"] == first["files"] > 0


# A full disk


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_loses_nothing(cli, state, small_disk):
    store = small_disk / "store"
    cli.ok("commit", "shop", "--store", store, "--from", "state")
    write_state(state, {LARGE: os.urandom(4 << 20)})
    done = cli.run("commit", "shop", "--store", store, "--from", "state")
    found = parts(done)
    assert done.code == 1 and found["code"] == "IO" and found["unchanged"] and found["hint"], done.err
    assert cli.ok("list", "--store", store, "--json").json()["data"]["pods"][0]["latest"]["number"] == 1
    done = cli.run("export", "shop", small_disk / "x.zip", "--store", store)
    (state / LARGE).unlink()
    write_state(state, {SQS: b"after"})
    cli.ok("commit", "shop", "--store", store, "--from", "state")
    subprocess.run(["git", "-C", store, "fsck", "--strict"], check=True, capture_output=True)


# Doctor, completion, start-up


def test_doctor_says_what_is_wrong_and_what_to_do(shop):
    done = shop.ok("doctor")
    assert re.search(r"^warn  instance: ", done.out, re.M) and re.search(r"^ok    store: ", done.out, re.M)
    head = shop.home / ".local/share/podgit/pod/format"
    head.write_text("{}")
    done = shop.run("doctor")
    assert done.code == 1 and re.search(r"^fail  ", done.out, re.M)
    checks = shop.run("doctor", "--json").json()["data"]["checks"]
    assert any(check["level"] == "fail" for check in checks)


def complete(cli, line, more=""):
    """What real bash offers at the end of `line`."""
    script = f"""
source {ROOT}/tools/podgit/podgit.bash
podgit() {{ {cli.binary} "$@"; }}
COMP_LINE={json.dumps(line)}; COMP_POINT=${{#COMP_LINE}}; {more}
compopt() {{ echo "compopt $*"; }}
_podgit podgit
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "--norc", "-c", script], env=cli.env(), cwd=cli.work, capture_output=True, text=True)
    assert done.stderr == "", done.stderr
    return [word for word in done.stdout.split("\n") if word]


def test_bash_completes_commands_options_pods_and_versions(shop):
    shop.ok("copy", "shop", "other")
    assert complete(shop, "podgit comm") == ["commit"]
    assert complete(shop, "podgit --json inj") == ["inject"]
    assert complete(shop, "podgit state ") == ["export", "import", "reset"]
    assert complete(shop, "podgit log ") == ["other", "shop"]
    assert complete(shop, "podgit log sh") == ["shop"]
    assert complete(shop, "podgit log shop:") == ["1", "2", "3"]
    assert complete(shop, "podgit inject shop --strategy ov") == ["overwrite"]
    assert complete(shop, "podgit inject shop --strategy=") == ["account-region-merge", "overwrite"]
    assert complete(shop, "podgit commit --me") == ["--message"]
    assert complete(shop, "podgit config get user") == ["user.email", "user.name"]
    assert complete(shop, "podgit diff sh") == ["shop"]
    assert complete(shop, "podgit diff shop ./") == ["compopt -o default"]
    assert complete(shop, "podgit inspect shop --format t") == ["table", "tree"]
    assert complete(shop, "podgit import ") == ["compopt -o default"]
    assert complete(shop, "podgit checkout shop ") == ["compopt -o dirnames"]
    assert complete(shop, "PODGIT_DIR=x podgit ver") == ["verify", "version", "versions"]
    assert complete(shop, "podgit -C / --store nowhere log ") == []
    assert complete(shop, "podgit nonsense x") == []


def test_the_completion_that_is_printed_is_the_one_that_is_installed(cli):
    assert cli.ok("completion", "bash").out == (ROOT / "tools/podgit/podgit.bash").read_text()
    done = subprocess.run(["bash", "--norc", "-c", f"source <({cli.binary} completion bash); complete -p podgit"], env=cli.env(),
                          capture_output=True, text=True)
    assert done.stdout.strip() == "complete -F _podgit podgit" and done.stderr == ""


def test_completion_in_an_interactive_bash(shop):
    rc = shop.home / "rc"
    rc.write_text(f"PATH={Path(shop.binary).parent}:$PATH\nPS1='ready> '\nsource <(podgit completion bash)\n")
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(shop.work)
        os.execvpe("bash", ["bash", "--noprofile", "--rcfile", str(rc), "-i"], shop.env({"TERM": "dumb"}))
    seen = b""

    def wait_for(text):
        nonlocal seen
        end = time.monotonic() + 20
        while text not in seen:
            assert time.monotonic() < end, seen
            if select.select([master], [], [], 0.2)[0]:
                seen += os.read(master, 4096)
        seen = seen[seen.index(text) + len(text):]

    try:
        wait_for(b"ready> ")
        os.write(master, b"podgit log sh\t--oneline\n")
        wait_for(b"shop --oneline")
        wait_for(b"shop:1  ")
        wait_for(b"ready> ")
        os.write(master, b"podgit show shop:2\t --no-pager | head -1\n")
        wait_for(b"version shop:2")
        os.write(master, b"exit\n")
    finally:
        os.close(master)
        os.waitpid(pid, 0)


def test_start_up_is_quick(cli):
    best = min(timed(cli, "version") for _ in range(10))
    assert best < 0.25, f"podgit version took {best * 1000:.0f} ms"


def timed(cli, *arguments):
    start = time.monotonic()
    cli.ok(*arguments)
    return time.monotonic() - start


# Installation


def test_the_installed_tool_and_library_work_together(tmp_path, cli):
    binary = Path(find_podgit()).resolve()
    build = binary.parents[2]
    if not (build / "build.ninja").exists():
        pytest.skip("podgit is not in a build folder")
    done = subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", tmp_path / "root"],
                          capture_output=True, text=True)
    if done.returncode != 0 and "Could not find" in done.stderr + done.stdout:
        pytest.skip("not everything is built")
    assert done.returncode == 0, done.stdout + done.stderr
    root = tmp_path / "root"
    installed = next(root.rglob("bin/podgit"))
    assert (next(root.rglob("bash-completion/completions/podgit")).read_text()
            == (ROOT / "tools/podgit/podgit.bash").read_text())
    environment = {**cli.env(), "LD_LIBRARY_PATH": ""}
    done = subprocess.run([installed, "version"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("podgit ")

    # a program of somebody else, by pkg-config
    pkgconfig = next(root.rglob("libpod.pc")).parent
    environment |= {"PKG_CONFIG_PATH": str(pkgconfig), "PKG_CONFIG_SYSROOT_DIR": str(root),
                    "LD_LIBRARY_PATH": str(next(root.rglob("libpod.so")).parent)}
    for name in ("commit_directory", "reach_pods"):
        example = tmp_path / name
        shutil.copytree(ROOT / "examples" / name, example)
        subprocess.run(["make", "-C", example], env=environment, check=True, capture_output=True)
        subprocess.run([example / "check.sh", example / name], env=environment, check=True, capture_output=True)

    # stock git finds what it needs beside podgit
    done = subprocess.run(["git", "ls-remote", f"pod::file://{tmp_path}/nowhere"], capture_output=True, text=True,
                          env={**environment, "LD_LIBRARY_PATH": "", "PATH": f"{installed.parent}:{environment['PATH']}"})
    assert "error[NOT_FOUND]" in done.stderr
