"""The upload part of scripts/bench: releases against git-ftp, lftp, rclone and rsync, in the same run.

2,000 small files (3.9 KiB mean, 100 folders) and three of 10 MiB, sent whole and then with 20 files
changed, to a real vsftpd and a real sshd: on the loopback, and with a round trip of 20 ms between two
network namespaces (a delay line of its own, since many kernels lack netem). After each run the site is
compared with the tree byte for byte; what a peer left wrong is said. Then a change of 20 files on a
site of 20,000: the server's log shows what was touched, and the time is set against the bare commands
that these 20 need.

Needs root, for the namespaces. `scripts/bench --only uploads [--delay MS]` runs this part alone.
"""
import collections
import fcntl
import os
import pathlib
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

SMALL, FOLDERS, MEAN = 2_000, 100, 3_993
BIG, BIG_SIZE = 3, 10 * 1024 * 1024
CHANGED = 20
MANY = 20_000
USER, PASSWORD = "anonymous", "correct-horse-battery"


def uploads(world, relhook, delay):
    """Everything, on the loopback and with `delay` ms of round trip."""
    if os.geteuid() != 0:
        print("uploads: skipped, network namespaces need root")
        return
    world.relhook = relhook
    tree = Tree(world.scratch / "tree")
    large = Tree(world.scratch / "many", files=MANY, big=0)
    for milliseconds in (0, delay):
        with Line(milliseconds) as line:
            many(world, line, large, f"round trip of {milliseconds} ms" if milliseconds else "loopback")
    for milliseconds in (0, delay):
        with Line(milliseconds) as line:
            where = f"round trip of {milliseconds} ms" if milliseconds else "loopback"
            print(f"\nuploads, {where}: {SMALL} small files and {BIG} of 10 MiB, then {CHANGED} changed")
            print(f"  {'':<28} {'all':>8} {'ratio':>6}   {'delta':>8} {'ratio':>6}")
            compare(world, line, tree, "FTP", [RelhookFtp, LftpMirror, RcloneFtp, GitFtp])
            compare(world, line, tree, "SSH", [RelhookSftp, RcloneSftp, RelhookRsync, Rsync])


class Tree:
    """The released files, in two versions that differ in 20 files."""

    def __init__(self, folder, files=SMALL, big=BIG):
        chance = random.Random(7)
        self.one, self.two = folder / "one", folder / "two"
        names = []
        for number in range(files):
            name = f"d{number % FOLDERS:02}/f{number:05}.{('css', 'html', 'png', 'js')[number % 4]}"
            names.append(name)
            path = self.one / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(chance.randbytes(chance.randint(1, 2 * MEAN)))
        for number in range(big):
            (self.one / f"big{number}.bin").write_bytes(chance.randbytes(BIG_SIZE))
        shutil.copytree(self.one, self.two)
        self.changed = chance.sample(names, CHANGED)
        for name in self.changed:
            # Of the same size: a peer that looks at sizes and times alone may miss it.
            size = (self.two / name).stat().st_size
            (self.two / name).write_bytes(chance.randbytes(size))


def compare(world, line, tree, protocol, peers):
    results = []
    for peer in peers:
        if peer.lacks(world):
            print(f"  {peer.name:<28} {peer.lacks(world)}")
            continue
        results.append((peer.name, *measure(world, line, tree, peer)))
    theirs = [result for result in results if not result[0].startswith("relhook")]
    best = [min(result[at] for result in theirs) if theirs else None for at in (1, 2)]
    for name, full, delta, wrong in results:
        ratios = [f"{took / fastest:6.2f}" if fastest else "     -" for took, fastest in zip((full, delta), best)]
        print(f"  {name:<28} {full:7.2f}s {ratios[0]}   {delta:7.2f}s {ratios[1]}  {wrong}", flush=True)


def measure(world, line, tree, peer):
    scratch = pathlib.Path(world.run("mktemp", "-d", world.scratch / "peer-XXXXXX").strip())
    site = scratch / "site"
    site.mkdir()
    with peer.server(scratch, site, line) as server:
        client = peer(world, line, server, scratch, site)
        client.prepare(tree.one)
        full = client.timed()
        wrong = differences(tree.one, site)
        client.prepare(tree.two)
        delta = client.timed()
        missed = differences(tree.two, site)
    shutil.rmtree(scratch)
    said = [f"{count} files wrong after {what}" for count, what in ((wrong, "all"), (missed, "delta")) if count]
    return full, delta, "; ".join(said)


def differences(wanted, site):
    """How many files of the tree are not on the site as they should be."""
    count = 0
    for path in wanted.rglob("*"):
        if path.is_file():
            found = site / path.relative_to(wanted)
            if not found.is_file() or found.read_bytes() != path.read_bytes():
                count += 1
    return count


# ---- the network


class Line:
    """Two namespaces with a delay line between them, or this machine's loopback where there is no delay."""

    SERVER, CLIENT = "10.77.0.1", "10.77.0.2"

    def __init__(self, milliseconds):
        self.delay = milliseconds / 2 / 1000
        self.names = [f"rhb{os.getpid()}{end}" for end in "sc"]

    def __enter__(self):
        if not self.delay:
            self.address = "127.0.0.1"
            return self
        self.address = self.SERVER
        self.ends = [self.end(name, address) for name, address in zip(self.names, (self.SERVER, self.CLIENT))]
        self.pid = os.fork()
        if self.pid == 0:
            try:
                carry(self.ends, self.delay)
            finally:
                os._exit(0)
        return self

    def end(self, name, address):
        """A tunnel device in a namespace of its own."""
        for command in (["netns", "add", name], ["-n", name, "link", "set", "lo", "up"]):
            subprocess.run(["ip", *command], check=True)
        file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        device = f"t{name[-12:]}"
        fcntl.ioctl(file, 0x400454CA, struct.pack("16sH22x", device.encode(), 0x0001 | 0x1000))
        subprocess.run(["ip", "link", "set", device, "netns", name], check=True)
        subprocess.run(["ip", "-n", name, "address", "add", f"{address}/24", "dev", device], check=True)
        subprocess.run(["ip", "-n", name, "link", "set", device, "up", "txqueuelen", "5000"], check=True)
        return file

    def __exit__(self, *_):
        if self.delay:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            for file in self.ends:
                os.close(file)
            for name in self.names:
                subprocess.run(["ip", "netns", "del", name], check=True)

    def on_server(self, command):
        return ["ip", "netns", "exec", self.names[0], *command] if self.delay else command

    def on_client(self, command):
        return ["ip", "netns", "exec", self.names[1], *command] if self.delay else command

    def connects(self, port):
        """Whether the server answers, asked from the client's side."""
        probe = f"import socket; socket.create_connection(('{self.address}', {port}), 1).close()"
        return subprocess.run(self.on_client([sys.executable, "-c", probe]), capture_output=True).returncode == 0


def carry(ends, delay):
    """Brings every packet from each end to the other, each so many seconds later."""
    waiting = {end: collections.deque() for end in ends}
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    while True:
        now = time.monotonic()
        due = [queue[0][0] for queue in waiting.values() if queue]
        wait = max(0, min(due) - now) if due else None
        for end in select.select(ends, [], [], wait)[0]:
            at = time.monotonic() + delay
            try:
                while True:
                    waiting[other[end]].append((at, os.read(end, 65536)))
            except BlockingIOError:
                pass
        now = time.monotonic()
        for end, queue in waiting.items():
            while queue and queue[0][0] <= now:
                try:
                    os.write(end, queue.popleft()[1])
                except OSError:
                    pass


# ---- the servers


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server in the foreground, ended by its process id."""

    def __init__(self, scratch, site, line):
        self.scratch, self.site, self.line, self.port = scratch, site, line, free_port()
        self.address = line.address

    def __enter__(self):
        self.process = subprocess.Popen(self.line.on_server(self.command()), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self.line.connects(self.port):
            if time.monotonic() > deadline:
                sys.exit(f"{self.command()[0]} does not answer")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Vsftpd(Server):
    def command(self):
        (self.scratch / "empty").mkdir(exist_ok=True)
        (self.scratch / "passwords").write_text(f"{PASSWORD}\n")
        config = self.scratch / "vsftpd.conf"
        config.write_text(f"""listen=YES
listen_address={self.line.address}
listen_port={self.port}
background=NO
run_as_launching_user=YES
anonymous_enable=YES
local_enable=NO
secure_email_list_enable=YES
email_password_file={self.scratch}/passwords
anon_root={self.scratch}/site
secure_chroot_dir={self.scratch}/empty
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
anon_umask=022
seccomp_sandbox=NO
connect_from_port_20=NO
mdtm_write=YES
xferlog_enable=YES
xferlog_std_format=NO
log_ftp_protocol=YES
vsftpd_log_file={self.scratch}/log
""")
        return [shutil.which("vsftpd") or "/usr/sbin/vsftpd", str(config)]


class Sshd(Server):
    def command(self):
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.scratch / name], check=True)
        (self.scratch / "authorized").write_text((self.scratch / "user.pub").read_text())
        host = " ".join((self.scratch / "host.pub").read_text().split()[:2])
        (self.scratch / "known").write_text(f"[{self.line.address}]:{self.port} {host}\n")
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        config = self.scratch / "sshd_config"
        config.write_text(f"""ListenAddress {self.line.address}
Port {self.port}
HostKey {self.scratch}/host
AuthorizedKeysFile {self.scratch}/authorized
PasswordAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
""")
        return [shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-f", str(config)]

    def ssh(self):
        return (f"ssh -p {self.port} -i {self.scratch}/user -o BatchMode=yes "
                f"-o UserKnownHostsFile={self.scratch}/known")


# ---- who uploads


class Client:
    """Something that brings a tree to a site."""

    program = None

    def __init__(self, world, line, server, scratch, site):
        self.world, self.line, self.server = world, line, server
        self.scratch, self.site = scratch, site
        self.env = {**world.env, "HOME": str(scratch)}
        self.ready()

    @classmethod
    def lacks(cls, _):
        return None if shutil.which(cls.program) else f"{cls.program} is not installed"

    def ready(self):
        pass

    def prepare(self, tree):
        self.tree = tree

    def timed(self):
        start = time.perf_counter()
        done = subprocess.run([str(part) for part in self.line.on_client(self.command())], env=self.env,
                              cwd=self.folder(), capture_output=True, text=True)
        took = time.perf_counter() - start
        if done.returncode != 0:
            print(f"  {self.name}: exit {done.returncode}: {(done.stdout + done.stderr).strip()[-300:]}")
        return took

    def folder(self):
        return self.scratch


class LftpMirror(Client):
    name, program, server = "lftp mirror -P8", "lftp", Vsftpd

    def command(self):
        orders = (f"set net:max-retries 2; set ftp:use-feat yes; open -u {USER},{PASSWORD} "
                  f"-p {self.server.port} {self.server.address}; mirror -R -P8 {self.tree} {self.site}")
        return ["lftp", "-c", orders]


class Rclone(Client):
    program = "rclone"

    def command(self):
        return ["rclone", "--config", "/dev/null", "--transfers", "8", "--checkers", "8", "sync", self.tree,
                self.remote()]


class RcloneFtp(Rclone):
    name, server = "rclone, FTP, 8 transfers", Vsftpd

    def remote(self):
        secret = subprocess.run(["rclone", "obscure", PASSWORD], capture_output=True, text=True, check=True)
        return (f":ftp,host={self.server.address},port={self.server.port},user={USER},"
                f"pass={secret.stdout.strip()},concurrency=8:{self.site}")


class RcloneSftp(Rclone):
    name, server = "rclone, SFTP, 8 transfers", Sshd

    def remote(self):
        return (f":sftp,host={self.server.address},port={self.server.port},user=root,"
                f"key_file={self.server.scratch}/user,known_hosts_file={self.server.scratch}/known:{self.site}")


class GitFtp(Client):
    name, program, server = "git-ftp", "git-ftp", Vsftpd

    def prepare(self, tree):
        work = self.scratch / "work"
        first = not work.exists()
        shutil.copytree(tree, work, dirs_exist_ok=True)
        who = ["-c", "user.name=Dana", "-c", "user.email=dana@example.com"]
        for command in ([["init", "-q"]] if first else []) + [["add", "-A"], ["commit", "-q", "-m", "x"]]:
            subprocess.run(["git", "-C", work, *who, *command], env=self.env, check=True)
        self.action = "init" if first else "push"

    def folder(self):
        return self.scratch / "work"

    def command(self):
        return ["git", "ftp", self.action, "--user", USER, "--passwd", PASSWORD,
                f"ftp://{self.server.address}:{self.server.port}/"]


class Rsync(Client):
    name, program, server = "rsync -a over ssh", "rsync", Sshd

    def command(self):
        return ["rsync", "-a", "--delete", "-e", self.server.ssh(), f"{self.tree}/",
                f"root@{self.server.address}:{self.site}/"]


class Relhook(Client):
    """`relhook release`, of a commit that was accepted before."""

    @classmethod
    def lacks(cls, world):
        trial = world.scratch / "policy.yaml"
        some_key = " ".join((world.scratch / "rita.pub").read_text().split()[:2])
        trial.write_text(world.policy(release="site", targets=cls.target("127.0.0.1", 1, "/x", some_key)))
        done = subprocess.run([world.relhook, "policy", "lint", trial, "--keys", world.keys], env=world.env,
                              capture_output=True, text=True)
        return None if "kind" not in done.stdout + done.stderr else "this build has no such target"

    def ready(self):
        target = self.target(self.server.address, self.server.port, self.site, self.host_key())
        self.bare = self.world.server(self.scratch.name, self.world.policy(release="site", targets=target))
        self.base = ""

    def host_key(self):
        return None

    def prepare(self, tree):
        """An accepted commit with exactly this tree. The worker that the push starts finds no
        credentials and ends."""
        world, clone = self.world, self.world.clone
        credentials = self.bare / "relhook" / "credentials" / "site"
        credentials.unlink(missing_ok=True)
        for entry in clone.iterdir():
            if entry.name != ".git":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        shutil.copytree(tree, clone, dirs_exist_ok=True)
        world.git("add", "-A")
        world.git("commit", "-q", "--allow-empty", "-m", "site")
        commit = world.git("rev-parse", "HEAD")
        tag, name = world.approval(commit, self.base, "rita")
        world.git("push", "-q", self.bare, f"{commit}:refs/heads/work", f"{tag}:{name}")
        world.git("push", "-q", self.bare, f"{commit}:refs/heads/prod")
        self.base = commit
        time.sleep(1)
        credentials.parent.mkdir(mode=0o700, exist_ok=True)
        credentials.write_text(self.credentials())
        credentials.chmod(0o600)

    def command(self):
        return [self.world.relhook, "-C", self.bare, "release", "--target", "site"]


class RelhookFtp(Relhook):
    name, server = "relhook, FTP", Vsftpd

    @staticmethod
    def target(address, port, path, _):
        return f"kind: ftp\n    tls: none\n    host: {address}\n    port: {port}\n    path: {path}\n"

    def credentials(self):
        return f"user={USER}\npassword={PASSWORD}\n"


class RelhookSftp(Relhook):
    name, server = "relhook, SFTP", Sshd

    @staticmethod
    def target(address, port, path, host_key):
        return (f"kind: sftp\n    host: {address}\n    port: {port}\n    path: {path}\n"
                f"    host_keys: [{host_key}]\n")

    def host_key(self):
        return " ".join((self.server.scratch / "host.pub").read_text().split()[:2])

    def credentials(self):
        return f"user=root\nkey={self.server.scratch}/user\n"


class RelhookRsync(RelhookSftp):
    name = "relhook, rsync"

    @staticmethod
    def target(address, port, path, host_key):
        return RelhookSftp.target(address, port, path, host_key).replace("kind: sftp", "kind: rsync")


# ---- a small change on a large site


def many(world, line, tree, where):
    """20 changed files on a site of 20,000: what is touched, and what it costs beside the bare commands."""
    scratch = pathlib.Path(world.run("mktemp", "-d", world.scratch / "large-XXXXXX").strip())
    site = scratch / "site"
    site.mkdir()
    with Vsftpd(scratch, site, line) as server:
        client = RelhookFtp(world, line, server, scratch, site)
        client.prepare(tree.one)
        full = client.timed()
        client.prepare(tree.two)
        (scratch / "log").write_text("")
        took = client.timed()
        if differences(tree.two, site):
            sys.exit("the release of 20 files is not what it should be")
        touched = touched_paths(scratch / "log", site)
        wanted = set(tree.changed)
        print(f"\nuploads, {where}: {CHANGED} changed files on a site of {MANY} (whole: {full:.1f} s)")
        print(f"  paths named in the server's log: {len(touched & wanted)} of the {CHANGED}, "
              f"{len(touched - wanted)} others (goal 0)")
        bare = min(bare_commands(line, server, tree, site) for _ in range(3))
        print(f"  relhook release {took:.3f} s, the bare commands {bare:.3f} s, ratio {took / bare:.2f} (goal 2)",
              flush=True)
    shutil.rmtree(scratch)


def touched_paths(log, site):
    """The released paths that any command named."""
    paths = set()
    for row in log.read_text(errors="replace").splitlines():
        _, found, command = row.partition('FTP command: Client "')
        verb, _, path = command.rpartition('", "')[2].rstrip('"').partition(" ")
        inside = path.removeprefix(f"{site}/")
        if found and inside != path and verb not in ("CWD", "MKD") and not inside.split("/")[-1].startswith(".relhook-"):
            paths.add(inside)
    return paths


BARE = """
import ftplib, sys, time
address, port, user, password, tree, site, *names = sys.argv[1:]
start = time.perf_counter()
ftp = ftplib.FTP()
ftp.connect(address, int(port))
ftp.login(user, password)
for name in names:
    with open(f"{tree}/{name}", "rb") as content:
        ftp.storbinary(f"STOR {site}/{name}.new", content)
    ftp.rename(f"{site}/{name}.new", f"{site}/{name}")
ftp.quit()
print(time.perf_counter() - start)
"""


def bare_commands(line, server, tree, site):
    """What these files cost with nothing around: a login, and for each `EPSV`, `STOR`, `RNFR`, `RNTO`,
    one after the other on one connection."""
    told = [server.address, server.port, USER, PASSWORD, tree.two, site, *tree.changed]
    command = line.on_client([sys.executable, "-c", BARE, *map(str, told)])
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
