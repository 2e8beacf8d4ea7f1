#!/usr/bin/env python3
"""Builds Murder in its kinds and runs every test; ./check starts it.

    ./check                  all stages
    ./check --quick          one compiler, no fuzzing
    ./check unit tidy        these stages
    ./check --list           what stages there are

Each kind of build has its folder build-check/KIND, and each command its log in
build-check/log. The last line is "N passed, N failed, N skipped" over all that
ran; the exit status is 1 if something failed or nothing ran.

What counts as a test: each build, each criterion test, each rule of test/tidy,
each fuzz target, each scenario. A program may report its own tests in TAP
("ok NAME", "not ok NAME", "ok NAME # SKIP reason"); if it prints none, its exit
status is one test (0 passed, 77 skipped with the last line as the reason).

Every command gets a process group of its own, no input and a temporary
directory (TMPDIR) that goes when ./check ends. What it leaves running is
killed, and is a failure.
"""

import argparse
import concurrent.futures
import ctypes
import fcntl
import fnmatch
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILDS = os.path.join(ROOT, "build-check")
LOGS = os.path.join(BUILDS, "log")

TOTAL_S = 38 * 60  # CI ends after 40 minutes; this says why before it does
BUILD_S = 15 * 60
PROGRAM_S = 5 * 60  # a unit test program, a runner that reports in TAP
SCENARIO_S = 2 * 60
FUZZ_S = 10  # a target
JOBS = len(os.sched_getaffinity(0))

THREADED = ("io", "server")  # folders whose code runs in several threads

PR_SET_CHILD_SUBREAPER = 36

# Only this compiler's -fanalyzer is free of false alarms on this code.
ANALYZER_GCC = "12"


class Results:
    """What passed, failed or was skipped; safe from any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.passed = 0
        self.failures = []
        self.skipped = 0
        self.skips = read_skips()

    def ok(self, count=1):
        with self.lock:
            self.passed += count

    def fail(self, name, why):
        with self.lock:
            self.failures.append((name, why))
            print("  FAILED %s: %s" % (name, why), flush=True)

    def skip(self, name, why):
        for pattern, condition, reason in self.skips:
            if fnmatch.fnmatchcase(name, pattern) and holds(condition):
                with self.lock:
                    self.skipped += 1
                    print("  skipped %s: %s" % (name, reason), flush=True)
                return
        self.fail(name, "skipped (%s), which test/skips does not allow" % why)

    def numbers(self):
        return self.passed, len(self.failures), self.skipped


def read_skips():
    skips = []
    with open(os.path.join(ROOT, "test/skips"), encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if line and not line.startswith("#"):
                fields = [field.strip().replace("\\|", "|")
                          for field in re.split(r"(?<!\\)\|", line)]
                if len(fields) != 3 or not all(fields):
                    sys.exit("test/skips: not name | condition | reason: "
                             + line)
                skips.append(fields)
    return skips


def holds(condition):
    return subprocess.run(["sh", "-c", condition], cwd=ROOT, check=False,
                          stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


class Runner:
    """Runs commands in groups of their own, and ends what they leave."""

    def __init__(self, temp):
        self.env = dict(os.environ, TMPDIR=temp, LC_ALL="C.UTF-8")
        self.temp = temp
        self.deadline = time.monotonic() + TOTAL_S
        self.lock = threading.RLock()
        self.groups = set()
        self.stopping = False
        self.left = {}  # pid -> name of what a command left running
        # Processes that outlive their parents become our children.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def run(self, name, command, timeout, env=None, cwd=ROOT):
        """
        The exit status and the path of the log; -1 for one that ran too long.
        """
        log = os.path.join(LOGS, re.sub(r"\W+", "-", name) + ".log")
        timeout = max(1, min(timeout, self.deadline - time.monotonic()))
        with open(log, "wb") as out:
            with self.lock:
                if self.stopping:
                    return -1, log
                child = subprocess.Popen(
                    command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out,
                    stderr=subprocess.STDOUT, start_new_session=True,
                    env=dict(self.env, **(env or {})),
                )
                self.groups.add(child.pid)
            try:
                status = child.wait(timeout)
                self.left.update(lingering(child.pid))
            except subprocess.TimeoutExpired:
                status = -1
                out.write(b"\ncheck: stopped after %d s\n" % timeout)
            finally:
                kill_group(child.pid)
                child.wait()
                with self.lock:
                    self.groups.discard(child.pid)
        return status, log

    def strays(self):
        """Ends what the commands so far have left; returns pid -> name."""
        while True:
            found = [(pid, name) for pid, name, parent, _ in processes()
                     if parent == os.getpid()]
            for pid, name in found:
                self.left[pid] = name
                kill_group(pid)
            while reap():
                pass
            if not found:
                left, self.left = self.left, {}
                return left
            time.sleep(0.01)

    def stop(self):
        """From a signal or at the end: nothing is started any more."""
        with self.lock:
            self.stopping = True
            for group in self.groups:
                kill_group(group)


def lingering(group):
    """What still runs in a group whose leader has ended, after a grace."""
    for _ in range(20):
        found = {pid: name for pid, name, _, its_group in processes()
                 if its_group == group}
        if not found:
            break
        time.sleep(0.05)
    return found


def kill_group(pid):
    """Kills the group that `pid` leads or is in, but never our own."""
    try:
        group = os.getpgid(pid)
    except ProcessLookupError:
        group = pid
    try:
        if group != os.getpgrp():
            os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def reap():
    """Whether there was a dead child."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def processes():
    """(pid, name, parent, group) of what lives, zombies apart."""
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except (FileNotFoundError, ProcessLookupError):
            continue
        pid, name, rest = re.fullmatch(r"(\d+) \((.*)\) (.*)", text,
                                       re.S).groups()
        state, parent, group = rest.split()[:3]
        if state not in "ZX":
            yield int(pid), name, int(parent), int(group)


def tail(log, count=25, interesting=None):
    """The end of a log, or the lines that say what is wrong."""
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    if interesting:
        chosen = [line for line in lines if re.search(interesting, line)]
        lines = chosen or lines
    for line in lines[-count:]:
        print("    " + line)
    print("    (%s)" % os.path.relpath(log, ROOT), flush=True)


class Check:
    """The stages; each reads what it needs and reports to `results`."""

    def __init__(self, runner, results):
        self.runner = runner
        self.results = results
        self.built = {}

    # Builds

    KINDS = {
        "gcc": ["CC=gcc", "CFLAGS=-g -O2", "--enable-werror"],
        "clang": ["CC=clang", "CFLAGS=-g -O1", "--enable-werror"],
        "asan": ["CC=gcc", "CFLAGS=-g -O1", "--enable-werror",
                 "--enable-asan", "--enable-faults"],
        "tsan": ["CC=gcc", "CFLAGS=-g -O1", "--enable-werror",
                 "--enable-tsan", "--enable-faults"],
        "fuzz": ["CC=clang", "CFLAGS=-g -O1", "--enable-werror",
                 "--enable-fuzz"],
    }

    def build(self, kind, targets):
        """Makes `targets` once; the folder, or None if it failed."""
        key = (kind,) + tuple(targets)
        if key not in self.built:
            self.built[key] = self.build_now(kind, targets)
        return self.built[key]

    def build_now(self, kind, targets):
        folder = os.path.join(BUILDS, kind)
        if not self.configure(kind, folder):
            return None
        name = "build/" + kind
        # automake's "all" is a make of its own: beside other targets the two
        # would make the same libraries at the same time.
        for part in (["all"], [t for t in targets if t != "all"]):
            if not part or (part == ["all"] and "all" not in targets):
                continue
            status, log = self.runner.run(
                name, ["make", "-k", "-j%d" % JOBS] + part, BUILD_S,
                cwd=folder)
            if status != 0:
                self.results.fail(name, "make failed")
                tail(log, 40,
                     r"(error|warning|undefined reference|\*\*\*)[: ]")
                return None
        self.results.ok()
        return folder

    def configure(self, kind, folder):
        os.makedirs(folder, exist_ok=True)
        name = "configure/" + kind
        # Makefile.in is the last that autogen.sh makes.
        if not os.path.exists(os.path.join(ROOT, "Makefile.in")):
            status, log = self.runner.run("autogen", ["./autogen.sh"], BUILD_S)
            if status != 0:
                self.results.fail("autogen", "autogen.sh failed")
                tail(log)
                return False
        options = self.options(kind)
        seal = os.path.join(folder, "configured-as")
        if read(seal) == "\n".join(options):
            return True
        status, log = self.runner.run(
            name, ["../../configure", "--quiet"] + options, BUILD_S,
            cwd=folder)
        if status != 0:
            self.results.fail(name, "configure failed")
            tail(log)
            return False
        with open(seal, "w", encoding="utf-8") as file:
            file.write("\n".join(options))
        return True

    def options(self, kind):
        options = list(self.KINDS[kind])
        if kind == "gcc" and self.gcc_version() == ANALYZER_GCC:
            options.append("--enable-analyzer")
        if shutil.which("ccache"):
            options[0] = options[0].replace("CC=", "CC=ccache ")
        return options

    @staticmethod
    def gcc_version():
        return subprocess.run(["gcc", "-dumpversion"], check=False,
                              stdout=subprocess.PIPE,
                              text=True).stdout.strip().split(".")[0]

    def programs(self, kind, target):
        """What the makefile lists: unit test programs or fuzz targets."""
        folder = os.path.join(BUILDS, kind)
        if not self.configure(kind, folder):
            return []
        status, log = self.runner.run("list " + target,
                                      ["make", "-s", target], BUILD_S,
                                      cwd=folder)
        if status != 0:
            self.results.fail(target, "make %s failed" % target)
            tail(log)
            return []
        return [word for word in read(log).split()
                if word.startswith("test/")]

    def stage_gcc(self):
        """build: all warnings, and the analyzer over all but the tests"""
        self.build("gcc", ["all"])

    def stage_clang(self):
        """build: all warnings, tests included"""
        self.build("clang", ["all", "unit-programs"])

    def stage_tidy(self):
        """what a compiler does not see, and whether that check can see"""
        self.script("tidy", ["test/tidy", "--tap"])
        self.script("tidy_selftest", ["test/tidy_selftest"])
        self.script("sample", ["share/sample/document", "--check"])

    # Tests in C

    def stage_unit(self):
        """unit tests under ASan and UBSan, with fault injection"""
        self.build("asan", ["all", "unit-programs"])
        for program in self.programs("asan", "list-unit"):
            if self.is_made("asan", program):
                self.unit("asan", program, "unit/")

    def stage_tsan(self):
        """unit tests of the folders with threads, under TSan"""
        programs = [name for name in self.programs("tsan", "list-unit")
                    if name.split("/")[2] in THREADED]
        if programs:
            self.build("tsan", programs)
        # It needs a plain address space.
        plain = ["setarch", "-R"] if holds("setarch -R true") else []
        for program in programs:
            if self.is_made("tsan", program):
                self.unit("tsan", program, "tsan/", plain)

    def is_made(self, kind, program):
        """Whether this one can be run, though another may not build."""
        name = "make " + kind + " " + program
        return self.runner.run(name, ["make", "-j%d" % JOBS, program], BUILD_S,
                               cwd=os.path.join(BUILDS, kind))[0] == 0

    def unit(self, kind, program, prefix, wrapper=()):
        name = prefix + program.split("/")[2]
        options = [] if prefix == "tsan/" else ["--verbose", "--color=never",
                                                "--timeout", "60"]
        with Sanitizers(self, name) as env:
            status, log = self.runner.run(
                name, [*wrapper, "./" + program, *options], PROGRAM_S, env,
                os.path.join(BUILDS, kind))
        text = read(log)
        found = re.findall(r"Synthesis: Tested: \d+ \| Passing: (\d+) "
                           r"\| Failing: (\d+) \| Crashing: (\d+)", text)
        for skip in re.findall(r"^\[SKIP\] (\S+): (.*)$", text, re.M):
            self.results.skip(name + "/" + skip[0], skip[1])
        if not found or status == -1:
            self.results.fail(name, "did not reach its end")
            tail(log)
            return
        passing, failing, crashing = [int(number) for number in found[-1]]
        self.results.ok(passing)
        failed = list(dict.fromkeys(
            re.findall(r"^\[FAIL\] (\S+?)(?:: .*)?$", text, re.M)))
        failed += ["?"] * (failing + crashing - len(failed))
        for test in failed[:failing + crashing]:
            self.results.fail(name + "/" + test, "see the log")
        if status != 0 and not failing + crashing:
            self.results.fail(name, "exit status %d" % status)
        if status != 0:
            tail(log, 60, r"^(?!\[(RUN|PASS)\s*\])")

    def stage_fuzz(self):
        """each fuzz target for some seconds, from its corpus"""
        programs = self.programs("fuzz", "list-fuzz")
        if programs:
            self.build("fuzz", programs)
        made = [name for name in programs if self.is_made("fuzz", name)]
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(self.fuzz, made))

    def fuzz(self, program):
        target = os.path.basename(program)[len("fuzz_"):]
        name = "fuzz/" + target
        seeds = os.path.join(ROOT, "test/fuzz/corpus", target)
        words = os.path.join(ROOT, "test/fuzz", target + ".dict")
        found = tempfile.mkdtemp(dir=self.runner.temp)
        crashes = os.path.join(LOGS, "fuzz-%s-" % target)
        command = ["./" + program, found, seeds,
                   "-max_total_time=%d" % FUZZ_S, "-timeout=10",
                   "-rss_limit_mb=2048", "-print_final_stats=1",
                   "-artifact_prefix=" + crashes]
        if os.path.exists(words):
            command.append("-dict=" + words)
        status, log = self.runner.run(name, command, FUZZ_S + 60,
                                      cwd=os.path.join(BUILDS, "fuzz"))
        shutil.rmtree(found, ignore_errors=True)
        if status == 0:
            self.results.ok()
        else:
            self.results.fail(name, "exit status %d" % status)
            tail(log, 40)

    # Tests in other languages

    def stage_scenario(self):
        """talks with real daemons"""
        scenarios = []
        for path in sorted(glob.glob(os.path.join(ROOT, "test/scenario/*"))):
            name = "scenario/" + os.path.basename(path)
            if path.endswith(".py") and os.access(path, os.X_OK):
                scenarios.append((name, [path]))
            elif path.endswith(".scn"):
                run = os.path.join(ROOT, "test/scenario/run")
                scenarios.append((name, [run, path]))
        if scenarios and self.build("asan", ["all", "unit-programs"]):
            with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
                list(pool.map(lambda scenario: self.script(
                    *scenario, timeout=SCENARIO_S), scenarios))

    def stage_shim(self):
        """the disk that loses power: each outcome, and no other"""
        self.hook("shim", "test/shim/run")

    def stage_corpus(self):
        """mail/ against GMime over real mail"""
        self.hook("corpus", "test/corpus/run")

    def stage_interop(self):
        """clients and servers of other makes"""
        self.hook("interop", "test/interop/run")

    def stage_model(self):
        """the models of the protocols, and whether they can fall"""
        self.script("model", ["test/model/run"])

    def stage_sim(self):
        """the whole cluster in one process, with faults"""
        self.hook("sim", "test/sim/run")

    def stage_jepsen(self):
        """real daemons, real faults, histories judged"""
        self.hook("jepsen", "jepsen/run")

    def hook(self, name, path):
        if os.access(os.path.join(ROOT, path), os.X_OK):
            if self.build("asan", ["all", "unit-programs"]):
                self.script(name, [path])

    def script(self, name, command, timeout=PROGRAM_S):
        with Sanitizers(self, name) as env:
            status, log = self.runner.run(
                name, command, timeout,
                dict(env, MURDER_BUILD=os.path.join(BUILDS, "asan")))
        text = read(log)
        lines = re.findall(r"^(not ok|ok) ([^\n#]*?)\s*(?:# *SKIP *(.*))?$",
                           text, re.M)
        failed = False
        for verdict, test, reason in lines:
            if not test.startswith(name.split("/")[0]):
                test = name + "/" + test
            if verdict == "not ok":
                failed = True
                self.results.fail(test, "see the log")
            elif reason:
                self.results.skip(test, reason)
            else:
                self.results.ok()
        if status == 77 and not lines:
            self.results.skip(name, (text.strip() or "?").splitlines()[-1])
        elif status != 0 and not failed:
            failed = True
            self.results.fail(name, "ran too long" if status == -1
                              else "exit status %d" % status)
        elif not lines:
            self.results.ok()
        if failed:
            tail(log, 60, r"^(?!ok )")


class Sanitizers:
    """An environment in which sanitizers report to files, and the verdict."""

    def __init__(self, check, name):
        self.check = check
        self.name = name
        self.prefix = os.path.join(LOGS, re.sub(r"\W+", "-", name) + ".report")

    def __enter__(self):
        for path in glob.glob(glob.escape(self.prefix) + ".*"):
            os.unlink(path)
        log = "log_path=" + self.prefix
        suppress = os.path.join(ROOT, "test/%s.supp")
        env = {"ASAN_OPTIONS": log + ":detect_leaks=1",
               "UBSAN_OPTIONS": log + ":print_stacktrace=1",
               "TSAN_OPTIONS": log + ":second_deadlock_stack=1"}
        for tool, variable in (("lsan", "LSAN_OPTIONS"),
                               ("tsan", "TSAN_OPTIONS")):
            if os.path.exists(suppress % tool):
                env[variable] = (env.get(variable, "print_suppressions=0")
                                 + ":suppressions=" + suppress % tool)
        return env

    def __exit__(self, *exception):
        # criterion forks: a leak in a child changes no exit status.
        for path in sorted(glob.glob(glob.escape(self.prefix) + ".*")):
            self.check.results.fail(self.name, "a sanitizer reports")
            tail(path, 40)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


STAGES = [name[len("stage_"):] for name in vars(Check)
          if name.startswith("stage_")]
NOT_QUICK = {"clang", "tsan", "fuzz", "jepsen"}


def run_stages(names, check):
    for name in names:
        stage = getattr(check, "stage_" + name)
        start, before = time.monotonic(), check.results.numbers()
        print("== %s: %s" % (name, stage.__doc__), flush=True)
        stage()
        for pid, stray in check.runner.strays().items():
            check.results.fail(name, "left a process behind: %s (%d)"
                               % (stray, pid))
        counts = [now - then for now, then
                  in zip(check.results.numbers(), before)]
        print("   %s: %d passed, %d failed, %d skipped (%.1f s)"
              % (name, *counts, time.monotonic() - start), flush=True)
        if time.monotonic() > check.runner.deadline:
            check.results.fail(name, "no time is left for what follows")
            break


def parse_options():
    parser = argparse.ArgumentParser(
        prog="./check", description="Builds Murder and runs every test.")
    parser.add_argument("--quick", action="store_true",
                        help="leave out " + ", ".join(sorted(NOT_QUICK)))
    parser.add_argument("--list", action="store_true", help="name the stages")
    parser.add_argument("stages", nargs="*", metavar="STAGE")
    options = parser.parse_args()
    for name in options.stages:
        if name not in STAGES:
            parser.error("there is no stage %s" % name)
    return options


def catch_signals(runner):
    def end(*_):
        runner.stop()
        sys.exit(130)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def main():
    options = parse_options()
    if options.list:
        for name in STAGES:
            print("%-10s %s" % (name, getattr(Check, "stage_" + name).__doc__))
        return 0
    names = options.stages or [name for name in STAGES
                               if not (options.quick and name in NOT_QUICK)]
    os.makedirs(LOGS, exist_ok=True)
    lock = open(os.path.join(BUILDS, "lock"), "w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit("another ./check runs in this tree")
    results = Results()
    with tempfile.TemporaryDirectory(prefix="murder-check-",
                                     ignore_cleanup_errors=True) as temp:
        runner = Runner(temp)
        catch_signals(runner)
        try:
            run_stages(names, Check(runner, results))
        finally:
            runner.stop()
            runner.strays()
    for name, why in results.failures:
        print("FAILED %s: %s" % (name, why))
    print("%d passed, %d failed, %d skipped" % results.numbers())
    return 1 if results.failures or not results.passed else 0


if __name__ == "__main__":
    sys.exit(main())
