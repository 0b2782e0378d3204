//! A disk that is full where the release goes: nothing that is there breaks, the reason is told, and
//! when there is room again the next run ends as an undisturbed one.
//!
//! The disk is a small one of its own. Mounting it needs a test with mounts of its own, so each test
//! starts itself again with them.

use super::kinds::{folder, ftp, ssh, svn, web};
use super::mishaps::{ends, own};
use super::scene::{Scene, same};
use super::{Kind, Shows};
use crate::common::{command, run};
use std::path::Path;
use std::process::Command;

/// Set in a process that has mounts of its own.
const APART: &str = "RELHOOK_TEST_OWN_MOUNTS";

/// Runs the test of this name in a process with mounts of its own, in which sshd finds its folder.
#[track_caller]
fn again(name: &str) {
    let mut unshare = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    let script = "mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec \"$@\"";
    unshare.args(["--mount", "sh", "-c", script, "sh"]);
    unshare.arg(std::env::current_exe().unwrap());
    unshare
        .args([name, "--exact", "--nocapture"])
        .env(APART, "");
    let output = unshare.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

fn mount(options: &str, at: &Path) {
    let mut mount = command("mount", Path::new("/"));
    mount.args(["-t", "tmpfs", "-o", options, "none"]);
    run(mount.arg(at)).assert_ok();
}

/// Puts a folder, with what is in it, on a disk of this size.
fn onto_a_small_disk(folder: &Path, size: &str) {
    let aside = folder.with_extension("aside");
    let copy = |from: &Path, to: &Path| {
        let mut copy = command("cp", Path::new("/"));
        run(copy.arg("-a").arg(from.join(".")).arg(to)).assert_ok();
    };
    std::fs::create_dir(&aside).unwrap();
    copy(folder, &aside);
    mount(&format!("size={size}"), folder);
    copy(&aside, folder);
    std::fs::remove_dir_all(aside).unwrap();
}

/// Fills the disk in the middle of a release, and makes room.
fn fills<K: Kind>(reason: &str) {
    let mut scene = Scene::<K>::new();
    let disk = scene.kind.disk();
    onto_a_small_disk(&disk, "6m");
    scene.puts("uploads/theirs", "theirs");
    let big: Vec<String> = (0_u32..12)
        .map(|file| {
            let digits = (0_u32..100_000).map(|n| (n ^ file).wrapping_mul(2_654_435_761));
            digits.map(|number| format!("{number:010}")).collect()
        })
        .collect();
    let names: Vec<String> = (0..12).map(|n| format!("d{}/big{n}", n % 3)).collect();
    let old = [("index.html", "old"), ("d1/a", "old"), ("gone/x", "old")];
    let mut new = vec![("index.html", "new"), ("d1/a", "new"), ("fresh/y", "new")];
    let films = names.iter().zip(&big);
    new.extend(films.map(|(name, content)| (&**name, &**content)));
    scene.arrives(&old);

    let order = scene.ordered(&new);
    let said = scene.release(&order).unwrap_err().to_string();
    assert!(said.contains(reason), "{said}");
    scene.holds_no_half(&old, &new);
    if K::NATURE.shows == Shows::AtOnce {
        same(&scene.kind.found(), &scene.expected(&old));
    }

    mount("remount,size=80m", &disk);
    let clean = {
        let mut other = Scene::<K>::new();
        other.puts("uploads/theirs", "theirs");
        other.arrives(&old);
        other.arrives(&new);
        own(&other)
    };
    ends(&scene, &order, &new, &clean);
    // So that the folder can be removed.
    let mut umount = command("umount", Path::new("/"));
    run(umount.arg("--lazy").arg(&disk)).assert_ok();
}

macro_rules! full {
    ($($name:ident: $kind:ty, $reason:literal;)*) => {$(
        #[test]
        fn $name() {
            match std::env::var_os(APART) {
                Some(_) => fills::<$kind>($reason),
                None => again(concat!("conformance::full::", stringify!($name))),
            }
        }
    )*};
}

// What each server says of it: some have no word for it, or want it to be known to their logs alone.
full! {
    u_07_dir: folder::Dir, "No space left";
    u_07_command: folder::Program, "No space left";
    u_07_ftp: ftp::Plain, "451 Failure writing to local file";
    u_07_ftps: ftp::Explicit, "451 Failure writing to local file";
    u_07_proftpd: ftp::Pro, "space";
    u_07_pureftpd: ftp::Pure, "451 Error during write to file";
    u_07_sftp: ssh::Sftp<false>, "no other word for a full disk";
    u_07_rsync: ssh::Rsync<false>, "No space left";
    u_07_s3: web::Bucket, "InternalError";
    u_07_s3_pointer: web::Pointer, "InternalError";
    u_07_webdav_nginx: web::Nginx, "its own log says why, a full disk for instance";
    u_07_webdav_apache: web::Apache, "507 the disk or the quota is full";
    u_07_svn: svn::Svn, "space";
}
