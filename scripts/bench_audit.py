"""The part of scripts/bench about the audit log: what an entry costs, and what checking them all does.

1. One durable append against one bare write and fdatasync of as many bytes, in one process, in turn.
2. `relhook audit verify` of 100,000 entries against Go's own code for such logs
   (golang.org/x/mod/sumdb) on the same files, and the most memory that each takes.
3. The same for 1,000,000 entries, relhook alone.
4. A push, and a release that finds nothing to do, in a repository with 100,000 entries and in one
   with ten.

The entries are verdicts with people and reports, releases, refused attempts and heartbeats
(examples/audit_load.rs). The files that are checked are in the page cache for all.
`scripts/bench --only audit` runs this part alone.
"""
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOPATH = pathlib.Path("/usr/share/gocode")
SMALL, LARGE, HUGE = 10, 100_000, 1_000_000
APPENDS = 600


def audit(world, relhook, rounds):
    """Everything."""
    if not os.environ.get("RELHOOK_BENCH_BUILT"):
        subprocess.run(["cargo", "build", "--release", "--quiet", "--example", "audit_load"], cwd=ROOT, check=True)
    load = relhook.parent / "examples" / "audit_load"
    appending(world, load)
    log = Log(world, relhook, load, "large", LARGE)
    checking(world, log)
    pushing(world, relhook, load, rounds)
    log.remove()
    log = Log(world, relhook, load, "huge", HUGE)
    took, memory = log.verify()
    print(f"verify {HUGE:,} entries:  {took:6.2f} s, most memory {memory:.0f} MB (goal 500)", flush=True)
    log.remove()


class Log:
    """A bare repository whose log has so many entries, and nothing else."""

    def __init__(self, world, relhook, load, name, entries):
        self.world, self.relhook = world, relhook
        self.bare = world.scratch / f"{name}.git"
        world.git("init", "-q", "--bare", self.bare, cwd=world.scratch)
        self.folder = self.bare / "relhook"
        self.folder.mkdir(mode=0o700)
        fill(world, load, self.folder, entries)

    def verify(self):
        """Seconds, and megabytes of memory."""
        return measured([self.relhook, "--git-dir", self.bare, "audit", "verify"], self.world.env)

    def remove(self):
        shutil.rmtree(self.bare)


def fill(world, load, folder, entries):
    world.run(load, "fill", folder, entries)


def measured(command, env):
    """Seconds, and the most memory in megabytes, of a program that has to succeed."""
    start = time.perf_counter()
    child = subprocess.Popen([str(part) for part in command], env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command}: exit {child.returncode}")
    return time.perf_counter() - start, used.ru_maxrss / 1024


def appending(world, load):
    folder = world.scratch / "appends"
    folder.mkdir(mode=0o700)
    fill(world, load, folder, 300)
    append, sync, turn = map(float, world.run(load, "append", folder, APPENDS).split())
    print(f"append an entry:         {append * 1e3:6.2f} ms, a bare write and fdatasync {sync * 1e3:.2f} ms, "
          f"ratio {append / sync:.2f} (goal 10); one that closes a tile {turn * 1e3:.1f} ms", flush=True)


def checking(world, log):
    ours, theirs = [], []
    verifier = go_verifier(world)
    for _ in range(5):
        ours.append(log.verify())
        if verifier:
            key = world.run(log.relhook, "--git-dir", log.bare, "audit", "key").strip()
            world.run(log.relhook, "--git-dir", log.bare, "audit", "checkpoint")
            theirs.append(measured([verifier, "log", log.folder / "audit", key], world.env))
    took, memory = min(ours)
    said = "golang-go and golang-golang-x-mod-dev are not installed"
    if theirs:
        go, go_memory = min(theirs)
        said = f"Go's sumdb {go:.2f} s in {go_memory:.0f} MB, ratio {took / go:.2f} (goal 1)"
    print(f"verify {LARGE:,} entries:  {took:8.2f} s in {memory:.0f} MB, {said}", flush=True)


def go_verifier(world):
    if not shutil.which("go") or not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        return None
    program = world.scratch / "verifier"
    env = {"GO111MODULE": "off", "GOPATH": str(GOPATH), "GOCACHE": str(world.scratch / "go-cache"), "GOFLAGS": ""}
    world.run("go", "build", "-o", program, ROOT / "tests/e2e/audit/verifier.go", env=env)
    return program


def pushing(world, relhook, load, rounds):
    """The same pushes to two repositories that differ in the length of their logs alone."""
    site = world.scratch / "pushed-site"
    policy = world.policy(release="site", targets=f"kind: dir\n    path: {site}\n")
    policy = policy.replace("    release: [site]\n", "")
    bare = {entries: world.server(f"log-{entries}", policy) for entries in (SMALL, LARGE)}
    for entries, repository in bare.items():
        fill(world, load, repository / "relhook", entries)
    world.git("commit", "-q", "--allow-empty", "-m", "first")
    pushes, status = ({entries: [] for entries in bare} for _ in range(2))
    for number in range(rounds):
        world.git("commit", "-q", "--allow-empty", "-m", f"push {number}")
        for entries, repository in sorted(bare.items(), reverse=number % 2 == 1):
            start = time.perf_counter()
            world.git("push", "-q", repository, f"HEAD:refs/heads/work{number}")
            pushes[entries].append(time.perf_counter() - start)
            command = [relhook, "--git-dir", repository, "release"]
            start = time.perf_counter()
            subprocess.run([str(part) for part in command], env=world.env, capture_output=True)
            status[entries].append(time.perf_counter() - start)
    for what, times in (("push", pushes), ("release, nothing to do", status)):
        few, many = (statistics.median(times[entries]) * 1e3 for entries in (SMALL, LARGE))
        print(f"{what + ',':<24} {LARGE:,} entries in the log {many:.1f} ms, {SMALL} entries {few:.1f} ms, "
              f"ratio {many / few:.2f} (goal 1)", flush=True)
