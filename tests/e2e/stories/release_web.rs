//! docs/targets/s3.md, webdav.md, ftp.md and sftp.md, followed: an accepted push reaches a bucket, a
//! WebDAV server, an FTP site and an SFTP host, through the hooks and the worker.

use super::release::{recorded, ships};
use crate::common::davd::{self, Dav, Davd};
use crate::common::ftpd::{self, Ftpd, Tls, authority};
use crate::common::s3d::{ACCESS, BUCKET, S3d, SECRET};
use crate::common::sftpd::Sftpd;
use crate::common::{PolicyText, World};
use crate::hosting::sshd::account;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The policy that a page shows, with these pieces of it replaced by the test's own, for a server
/// whose certificate the authority `right` signed.
fn paged(page: &str, target: &str, places: &[(&str, &str)]) -> World {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/targets/{page}.md"));
    let text = fs::read_to_string(path).unwrap();
    let block = text.split("<!-- block: policy -->\n```yaml\n").nth(1);
    let mut block = block.unwrap().split("```").next().unwrap().to_owned();
    for (old, new) in places {
        assert!(block.contains(old), "{old} is not in\n{block}");
        block = block.replace(old, new);
    }
    let world = World::without_relhook();
    let mut policy = PolicyText::usual().prod(&format!("release: [{target}]"));
    policy.yaml += &block;
    policy.keys.insert("site.pem".into(), authority("right"));
    world.write_policy(&policy);
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    world
}

fn credentials(world: &World, target: &str, lines: &str) {
    let folder = world.server().join("relhook/credentials");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(target);
    fs::write(&file, lines).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn an_approved_push_reaches_a_bucket() {
    let store = S3d::secure();
    let world = paged(
        "s3",
        "bucket",
        &[
            ("https://s3.eu-central-1.amazonaws.com", &store.endpoint()),
            ("region: eu-central-1", "ca: keys/site.pem"),
            ("acme-site", BUCKET),
        ],
    );
    let push = ships(&world, "early.html");
    assert!(push.said.contains("RH610"), "{}", push.said);
    let lines = format!("access_key={ACCESS}\nsecret_key={SECRET}\n");
    credentials(&world, "bucket", &lines);
    let push = ships(&world, "index.html");
    assert!(push.said.contains("bucket: released"), "{}", push.said);
    let site = store.bucket().join("www");
    assert!(site.join("index.html").exists() && site.join("early.html").exists());
    assert!(
        store
            .head("www/index.html")
            .contains("cache-control: no-cache")
    );
    assert_eq!(recorded(&world), ["failed", "started", "finished"]);
    world.relhook(&["audit", "verify"]).assert_ok();
    let log = world.log_text();
    assert!(!log.contains(SECRET) && !push.said.contains(SECRET));
}

#[test]
fn an_approved_push_reaches_a_webdav_server() {
    let server = Davd::start(Dav::Nginx);
    let places = [
        ("https://dav.acme.example/htdocs", server.url()),
        ("connections: 4", "ca: keys/site.pem".into()),
    ];
    let places = places.each_ref().map(|(old, new)| (*old, new.as_str()));
    let world = paged("webdav", "dav", &places);
    let lines = format!("user={}\npassword={}\n", davd::USER, davd::PASSWORD);
    credentials(&world, "dav", &lines);
    let push = ships(&world, "index.html");
    assert!(push.said.contains("dav: released"), "{}", push.said);
    assert!(server.site().join("index.html").exists());
    assert_eq!(recorded(&world), ["started", "finished"]);
    let again = world.relhook(&["release"]);
    assert!(again.text().contains("dav: holds"), "{again:?}");
}

#[test]
fn an_approved_push_reaches_an_ftps_site() {
    let site = Ftpd::start(Tls::Explicit);
    let (path, port) = (site.site().display().to_string(), site.port);
    let places = [
        ("ftp.acme.example", "localhost"),
        (
            "    path: /htdocs",
            &format!("    path: {path}\n    port: {port}\n    ca: keys/site.pem"),
        ),
    ];
    let world = paged("ftp", "site", &places);
    let lines = format!("user={}\npassword={}\n", ftpd::USER, ftpd::PASSWORD);
    credentials(&world, "site", &lines);
    let push = ships(&world, "index.html");
    assert!(push.said.contains("site: released"), "{}", push.said);
    assert!(site.site().join("index.html").exists());
    assert_eq!(recorded(&world), ["started", "finished"]);
}

#[test]
fn an_approved_push_reaches_an_sftp_host() {
    let host = Sftpd::start();
    let (path, port) = (host.site().display().to_string(), host.port.to_string());
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    let places = [
        ("host: www.acme.example", "host: 127.0.0.1"),
        ("/srv/www/htdocs", &path),
        (key, &host.host_key().to_string()),
        ("port: 22", &format!("port: {port}")),
    ];
    let world = paged("sftp", "site", &places);
    let lines = format!("user={}\nkey={}\n", account(), host.key().display());
    credentials(&world, "site", &lines);
    let push = ships(&world, "index.html");
    assert!(push.said.contains("site: released"), "{}", push.said);
    assert!(host.site().join("index.html").exists());
    assert_eq!(recorded(&world), ["started", "finished"]);
}
