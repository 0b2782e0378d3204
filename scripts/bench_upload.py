"""The upload part of scripts/bench: releases against git-ftp, lftp, rclone and rsync, in the same run.

2,000 small files (3.9 KiB mean, 100 folders) and three of 10 MiB, sent whole and then with 20 files
changed, to a real vsftpd and a real sshd: on the loopback, and with a round trip of 20 ms between two
network namespaces (a delay line of its own, since many kernels lack netem). After each run the site is
compared with the tree byte for byte; what a peer left wrong is said. Before that a change of 20 files on a
site of 20,000, to each kind of site: FTP's log shows what was touched, and the time is set against the
bare commands that these 20 need. `--part compress` is text over a slow line: this repository's own files, at 10 Mbit/s.

Needs root, for the namespaces. `scripts/bench --only uploads [--delay MS[,MS]] [--part NAME[,NAME]]
[--turns N]` runs this alone.
"""
import base64
import collections
import contextlib
import datetime
import fcntl
import ftplib
import hashlib
import hmac
import http.client
import math
import os
import pathlib
import random
import select
import shutil
import signal
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import time

SMALL, FOLDERS, MEAN = 2_000, 100, 3_993
BIG, BIG_SIZE = 3, 10 * 1024 * 1024
CHANGED = 20
MANY = 20_000
USER, PASSWORD = "anonymous", "correct-horse-battery"
ACCESS, SECRET = "AKIABENCHBENCHBE", "correct/horse+battery=staple"
PARTS = ("ftp", "sftp", "rsync", "compress", "large-ftp", "large-sftp", "large-rsync", "large-webdav", "large-s3")
# What a line carries in a second where it is slow, in Mbit.
SLOW = 10
# A peer that took so many times as long as the fastest is not asked again.
HOPELESS = 3


def uploads(world, relhook, delays, parts, rounds):
    """The parts, over lines with these round trips in ms; 0 is the loopback. Each is measured so many
    times, in turns, and the medians are shown."""
    if os.geteuid() != 0:
        print("uploads: skipped, network namespaces need root")
        return
    world.relhook = relhook
    parts = parts or PARTS
    large = [part for part in parts if part.startswith("large-")]
    if large:
        tree = Tree(world.scratch / "many", files=MANY, big=0)
        for milliseconds in delays:
            with Line(milliseconds) as line:
                print(f"\nuploads, {line.told()}: {CHANGED} changed files on a site of {MANY}")
                for part in large:
                    many(world, line, tree, LARGE[part], rounds)
    small = [part for part in parts if part in PEERS]
    if small:
        tree = Tree(world.scratch / "tree")
        for milliseconds in delays:
            with Line(milliseconds) as line:
                print(f"\nuploads, {line.told()}: {SMALL} small files and {BIG} of 10 MiB, then {CHANGED} changed")
                print(f"  {'':<28} {'all':>8} {'ratio':>6}   {'delta':>8} {'ratio':>6}")
                for part in small:
                    compare(world, line, tree, PEERS[part], rounds)
    if "compress" in parts:
        if not any(delays):
            print("uploads, compress: skipped, the loopback is not slow")
        text = Text(world.scratch / "text")
        for milliseconds in filter(None, delays):
            with Line(milliseconds, SLOW) as line:
                print(f"\nuploads, {line.told()}: {text.told}, then {CHANGED} changed")
                print(f"  {'':<28} {'all':>8} {'ratio':>6}   {'delta':>8} {'ratio':>6}")
                compare(world, line, text, COMPRESSING, rounds, hopeless=math.inf)


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


class Text:
    """This repository's own files, in two versions that differ in 20 of them."""

    def __init__(self, folder):
        self.one, self.two = folder / "one", folder / "two"
        root = pathlib.Path(__file__).parent.parent
        listed = subprocess.run(["git", "ls-files", "-z", "src", "tests", "docs"], cwd=root, check=True, capture_output=True)
        names = [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
        names = [name for name in names if (root / name).stat().st_size]
        for name in names:
            (self.one / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, self.one / name)
        shutil.copytree(self.one, self.two)
        for name in random.Random(7).sample(names, CHANGED):
            (self.two / name).write_bytes((self.two / name).read_bytes()[::-1])
        size = sum((self.one / name).stat().st_size for name in names)
        self.told = f"{len(names)} text files, {size / 1e6:.1f} MB"


def compare(world, line, tree, peers, rounds, hopeless=HOPELESS):
    """All of these, in turns."""
    results = {}
    for peer in peers:
        if peer.lacks(world):
            print(f"  {peer.name:<28} {peer.lacks(world)}")
        else:
            results[peer] = Result()
    for _ in range(rounds):
        with contextlib.ExitStack() as scenes:
            theirs = [results[peer].of(0) for peer in results if peer.is_peer and results[peer].full]
            hopeful = [peer for peer in results if not results[peer].full
                       or results[peer].of(0) < hopeless * min(theirs, default=1e9)]
            clients = [scenes.enter_context(scene(world, line, peer)) for peer in hopeful]
            for client in clients:
                client.prepare(tree.one)
                results[type(client)].full.append(client.timed())
                results[type(client)].wrong(tree.one, client.site, "all")
            for wanted in (tree.two, tree.one, tree.two):
                for client in clients:
                    client.prepare(wanted)
                    results[type(client)].delta.append(client.timed())
                    results[type(client)].wrong(wanted, client.site, "delta")
    theirs = [result for peer, result in results.items() if peer.is_peer]
    best = [min(result.of(at) for result in theirs) if theirs else None for at in (0, 1)]
    for peer, result in results.items():
        ratios = [f"{result.of(at) / best[at]:6.2f}" if best[at] else "     -" for at in (0, 1)]
        print(f"  {peer.name:<28} {result.of(0):7.2f}s {ratios[0]}   {result.of(1):7.2f}s {ratios[1]}  "
              f"{'; '.join(result.said)}", flush=True)


class Result:
    """What a peer took, and what it left wrong."""

    def __init__(self):
        self.full, self.delta, self.said = [], [], []

    def of(self, at):
        return statistics.median((self.full, self.delta)[at])

    def wrong(self, wanted, site, what):
        count = differences(wanted, site)
        said = f"{count} files wrong after {what}"
        if count and said not in self.said:
            self.said.append(said)


@contextlib.contextmanager
def scene(world, line, peer):
    """A server with an empty site, and this peer ready for it. The site stays until the end: a file system that has to
    forget thousands of files is slow for a while."""
    scratch = pathlib.Path(world.run("mktemp", "-d", world.scratch / "peer-XXXXXX").strip())
    with peer.server(scratch, line) as server:
        yield peer(world, line, server, scratch, server.site)


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
    """Two namespaces with a delay line between them, which may carry only so many Mbit/s, or this machine's loopback
    where there is no delay."""

    SERVER, CLIENT = "10.77.0.1", "10.77.0.2"

    def __init__(self, milliseconds, rate=None):
        self.delay, self.rate = milliseconds / 2 / 1000, rate
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
                carry(self.ends, self.delay, self.rate)
            finally:
                os._exit(0)
        return self

    def told(self):
        if not self.delay:
            return "loopback"
        rate = f", {self.rate} Mbit/s" if self.rate else ""
        return f"round trip of {self.delay * 2000:.0f} ms{rate}"

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


def carry(ends, delay, rate):
    """Brings every packet from each end to the other, each so many seconds later, and no more than so many Mbit/s."""
    waiting = {end: collections.deque() for end in ends}
    free = dict.fromkeys(ends, 0)
    per_byte = 8 / rate / 1e6 if rate else 0
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    while True:
        now = time.monotonic()
        due = [queue[0][0] for queue in waiting.values() if queue]
        wait = max(0, min(due) - now) if due else None
        for end in select.select(ends, [], [], wait)[0]:
            now = time.monotonic()
            try:
                while True:
                    packet = os.read(end, 65536)
                    free[end] = max(now, free[end]) + len(packet) * per_byte
                    waiting[other[end]].append((free[end] + delay, packet))
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
    """A server in the foreground, ended by its process id, and its empty site."""

    folder = "site"

    def __init__(self, scratch, line):
        self.scratch, self.line, self.port = scratch, line, free_port()
        self.site = scratch / self.folder
        self.site.mkdir(parents=True)
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
# What this machine's account has its shell do at each start is not what is measured.
SetEnv HOME={self.scratch}
""")
        return [shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-f", str(config)]

    def ssh(self):
        return (f"ssh -p {self.port} -i {self.scratch}/user -o BatchMode=yes "
                f"-o UserKnownHostsFile={self.scratch}/known")


class Nginx(Server):
    folder = "root/dav"

    def command(self):
        scratch = self.scratch
        for name in ("temp", "state"):
            (scratch / name).mkdir()
        (scratch / "openssl.cnf").write_text(f"""[req]
distinguished_name=name
x509_extensions=site
prompt=no
[name]
CN=dav
[site]
basicConstraints=critical,CA:FALSE
subjectAltName=IP:{self.line.address}
""")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-config",
                        scratch / "openssl.cnf", "-keyout", scratch / "key.pem", "-out", scratch / "cert.pem"],
                       check=True, capture_output=True)
        digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
        (scratch / "users").write_text(f"{USER}:{{SHA}}{digest}\n")
        gateways = ("proxy", "fastcgi", "uwsgi", "scgi")
        others = "".join(f"{name}_temp_path {scratch}/state/{name};\n" for name in gateways)
        config = scratch / "nginx.conf"
        config.write_text(f"""load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
user root;
daemon off;
worker_processes 1;
pid {scratch}/pid;
error_log {scratch}/error.log;
events {{}}
http {{
access_log off;
client_max_body_size 0;
keepalive_requests 100000;
client_body_temp_path {scratch}/temp;
{others}server {{
listen {self.line.address}:{self.port} ssl;
ssl_certificate {scratch}/cert.pem;
ssl_certificate_key {scratch}/key.pem;
root {scratch}/root;
location /dav {{
dav_methods PUT DELETE MKCOL COPY MOVE;
dav_ext_methods PROPFIND OPTIONS;
auth_basic site;
auth_basic_user_file {scratch}/users;
}}
}}
}}
""")
        return [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(config)]


class Store(Server):
    """The store that the tests use; see docs/decisions/s3-server.md."""

    folder = "store/site"
    rclone = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "tools/s3/bin/rclone"

    def command(self):
        return [str(self.rclone), "serve", "s3", "--vfs-cache-mode", "off", "--dir-cache-time", "20ms", "--config",
                "/dev/null", "--addr", f"{self.line.address}:{self.port}", "--auth-key", f"{ACCESS},{SECRET}",
                str(self.scratch / "store")]


# ---- who uploads


class Client:
    """Something that brings a tree to a site."""

    program = None
    is_peer = True

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


class LftpSftp(LftpMirror):
    name, server = "lftp mirror -P8, SFTP", Sshd

    def command(self):
        shell = " ".join(["ssh", "-a", "-x", *ssh_words(self.server.scratch)])
        orders = (f"set net:max-retries 2; set sftp:connect-program \"{shell}\"; open -u root, "
                  f"-p {self.server.port} sftp://{self.server.address}; mirror -R -P8 {self.tree} {self.site}")
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


class RsyncCompressed(Rsync):
    name = "rsync -az over ssh"

    def command(self):
        rsync, archive, *rest = super().command()
        return [rsync, f"{archive}z", *rest]


class Relhook(Client):
    """`relhook release`, of a commit that was accepted before."""

    is_peer = False

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
        world = self.world
        credentials = self.bare / "relhook" / "credentials" / "site"
        credentials.unlink(missing_ok=True)
        parents = ["-p", self.base] if self.base else []
        commit = world.git("commit-tree", "-S", *parents, "-m", "site", tree_object(world, tree))
        tag, name = world.approval(commit, self.base, "rita")
        world.git("push", "-q", self.bare, f"{commit}:refs/heads/work", f"{tag}:{name}")
        world.git("push", "-q", self.bare, f"{commit}:refs/heads/prod")
        self.base = commit
        time.sleep(1.5)
        credentials.parent.mkdir(mode=0o700, exist_ok=True)
        credentials.write_text(self.credentials())
        credentials.chmod(0o600)

    def command(self):
        return [self.world.relhook, "-C", self.bare, "release", "--target", "site"]


def tree_object(world, folder):
    """The id of this folder in the clone's store, where it is written once."""
    known = vars(world).setdefault("trees", {})
    if folder not in known:
        git = [f"--git-dir={world.clone}/.git", f"--work-tree={folder}"]
        world.git(*git, "add", "-A", cwd=folder)
        known[folder] = world.git(*git, "write-tree", cwd=folder)
    return known[folder]


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


class RelhookSftpCompressed(RelhookSftp):
    name = "relhook, SFTP, compressed"

    @staticmethod
    def target(*address):
        return RelhookSftp.target(*address) + "    compress: true\n"


class RelhookRsyncCompressed(RelhookRsync):
    name = "relhook, rsync, compressed"

    @staticmethod
    def target(*address):
        return RelhookRsync.target(*address) + "    compress: true\n"


COMPRESSING = [RelhookSftp, RelhookSftpCompressed, RelhookRsync, RelhookRsyncCompressed, Rsync, RsyncCompressed]
PEERS = {"ftp": [RelhookFtp, LftpMirror, RcloneFtp, GitFtp], "sftp": [RelhookSftp, LftpSftp, RcloneSftp],
         "rsync": [RelhookRsync, Rsync]}


class RelhookWebdav(Relhook):
    name, server = "relhook, WebDAV", Nginx

    @classmethod
    def lacks(cls, world):
        return super().lacks(world) if shutil.which("nginx", path="/usr/sbin:/usr/bin") else "nginx is not installed"

    def ready(self):
        shutil.copyfile(self.server.scratch / "cert.pem", self.world.keys / "dav.pem")
        super().ready()

    @staticmethod
    def target(address, port, _, __):
        return f"kind: webdav\n    url: https://{address}:{port}/dav\n    ca: keys/dav.pem\n"

    def credentials(self):
        return f"user={USER}\npassword={PASSWORD}\n"


class RelhookS3(Relhook):
    name, server = "relhook, S3", Store

    @classmethod
    def lacks(cls, world):
        return super().lacks(world) if Store.rclone.exists() else "scripts/test installs the store"

    @staticmethod
    def target(address, port, _, __):
        return f"kind: s3\n    endpoint: http://{address}:{port}\n    tls: none\n    bucket: site\n"

    def credentials(self):
        return f"access_key={ACCESS}\nsecret_key={SECRET}\n"


# ---- a small change on a large site


def many(world, line, tree, peer, rounds):
    """20 changed files on a site of 20,000: what is touched, and what it costs beside the bare commands,
    in turns."""
    if peer.lacks(world):
        print(f"  {peer.name:<18} {peer.lacks(world)}")
        return
    with scene(world, line, peer) as client:
        client.prepare(tree.one)
        full = client.timed()
        client.prepare(tree.two)
        client.timed()
        took, bare = [], []
        log = client.scratch / "log"
        for number in range(2 * rounds):
            wanted, other = (tree.two, tree.one) if number % 2 else (tree.one, tree.two)
            client.prepare(wanted)
            if log.exists():
                log.write_text("")
            took.append(client.timed())
            if differences(wanted, client.site):
                sys.exit("the release of 20 files is not what it should be")
            touched = touched_paths(log, client.site) if log.exists() else None
            command = line.on_client([sys.executable, __file__, *bare_words(client, tree, wanted)])
            ran = subprocess.run(command, capture_output=True, text=True)
            if ran.returncode:
                sys.exit(f"the bare commands of {peer.name}: {ran.stderr}")
            bare.append(float(ran.stdout))
        ours, theirs = statistics.median(took), statistics.median(bare)
        print(f"  {peer.name:<18} {ours:6.3f}s, the bare commands {theirs:6.3f}s, ratio {ours / theirs:.2f} (goal 2); "
              f"fastest {min(took):.3f}s and {min(bare):.3f}s, ratio {min(took) / min(bare):.2f} (whole: {full:.1f}s)",
              flush=True)
        if touched is not None:
            wanted = set(tree.changed)
            print(f"  {'':<18} named in the server's log: {len(touched & wanted)} of the {CHANGED}, "
                  f"{len(touched - wanted)} others (goal 0)", flush=True)


LARGE = {"large-ftp": RelhookFtp, "large-sftp": RelhookSftp, "large-rsync": RelhookRsync,
         "large-webdav": RelhookWebdav, "large-s3": RelhookS3}


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


# ---- the bare commands: what these files cost with nothing around, one after the other on one connection


def bare_words(client, tree, wanted):
    """The command line by which this file sends the changed files and says how long that took."""
    server = client.server
    return [str(word) for word in (client.name, server.address, server.port, server.scratch, wanted, *tree.changed)]


def bare(name, address, port, scratch, tree, *names):
    """Sends them."""
    files = [(name, pathlib.Path(tree, name)) for name in names]
    start = time.perf_counter()
    {RelhookFtp.name: bare_ftp, RelhookSftp.name: bare_sftp, RelhookRsync.name: bare_rsync,
     RelhookWebdav.name: bare_webdav, RelhookS3.name: bare_s3}[name](address, int(port), scratch, files)
    print(time.perf_counter() - start)


def bare_ftp(address, port, scratch, files):
    """A login, and for each file `EPSV`, `STOR`, `RNFR`, `RNTO`."""
    ftp = ftplib.FTP()
    ftp.connect(address, port)
    ftp.login(USER, PASSWORD)
    for name, path in files:
        with path.open("rb") as content:
            ftp.storbinary(f"STOR {scratch}/site/{name}.new", content)
        ftp.rename(f"{scratch}/site/{name}.new", f"{scratch}/site/{name}")
    ftp.quit()


def ssh_words(scratch):
    return ["-i", f"{scratch}/user", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={scratch}/known"]


def bare_sftp(address, port, scratch, files):
    """OpenSSH's own client: a login, and for each file `put` and `rename`."""
    batch = "".join(f"put {path} {scratch}/site/{name}.new\nrename {scratch}/site/{name}.new {scratch}/site/{name}\n"
                    for name, path in files)
    subprocess.run(["sftp", "-q", "-b", "-", *ssh_words(scratch), "-P", str(port), f"root@{address}"], input=batch,
                   text=True, check=True, stdout=subprocess.DEVNULL)


def bare_rsync(address, port, scratch, files):
    """One call of rsync that is told the files by name."""
    name, path = files[0]
    root = str(path)[:-len(name)]
    shell = " ".join(["ssh", *ssh_words(scratch), "-p", str(port)])
    subprocess.run(["rsync", "-t", "--files-from=-", "-e", shell, root, f"root@{address}:{scratch}/site/"],
                   input="\n".join(name for name, _ in files), text=True, check=True)


def bare_webdav(address, port, scratch, files):
    """For each file `PUT` and `MOVE`."""
    trust = ssl.create_default_context(cafile=f"{scratch}/cert.pem")
    dav = http.client.HTTPSConnection(address, port, context=trust)
    login = {"Authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    for name, path in files:
        move = {**login, "Destination": f"https://{address}:{port}/dav/{name}", "Overwrite": "T"}
        for method, body, fields in (("PUT", path.read_bytes(), login), ("MOVE", None, move)):
            dav.request(method, f"/dav/{name}.new", body, fields)
            answer = dav.getresponse()
            answer.read()
            if answer.status >= 300:
                sys.exit(f"{method}: {answer.status}")


def bare_s3(address, port, _, files):
    """For each file `PUT`."""
    store = http.client.HTTPConnection(address, port)
    for name, path in files:
        body = path.read_bytes()
        store.request("PUT", f"/site/{name}", body, signed(f"{address}:{port}", f"/site/{name}", body))
        answer = store.getresponse()
        answer.read()
        if answer.status >= 300:
            sys.exit(f"PUT: {answer.status}")


def signed(host, path, body):
    """The fields of a request, signed by version 4."""
    at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    fields = {"host": host, "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), "x-amz-date": at}
    names = ";".join(sorted(fields))
    lines = "".join(f"{name}:{fields[name]}\n" for name in sorted(fields))
    asked = "\n".join(["PUT", path, "", lines, names, fields["x-amz-content-sha256"]])
    scope = f"{at[:8]}/us-east-1/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(asked.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for word in (at[:8], "us-east-1", "s3", "aws4_request", text):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return {**fields, "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={names}, "
                                       f"Signature={key.hex()}"}


if __name__ == "__main__":
    bare(*sys.argv[1:])
