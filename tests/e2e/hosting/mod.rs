//! Real servers in front of real repositories: what a page of docs/hosting says is what is tested.
//!
//! Each test takes the marked blocks of its page, puts the test's own paths and ports in, starts
//! the server from Debian's package with them on the loopback, and has people play the same story
//! through real pushes over that server's protocol.

mod forge;
mod gitolite;
mod nginx;
mod page;
mod served;
mod signed_push;
mod ssh_accounts;
mod ssh_auth_info;
mod ssh_git;
mod ssh_shared;
pub mod sshd;

pub use page::Page;
pub use served::{Daemon, Served, perish};

use crate::common::{PROD, Person, PolicyText, World, shown};

/// The usual policy with this source of the pusher's identity.
pub fn policy(source: &str) -> PolicyText {
    PolicyText::usual().replacing("source: RELHOOK_USER", &format!("source: {source}"))
}

/// The story: an unapproved push is refused, a self-approved one is refused, and one that a
/// distinct person approved goes in. The log names who pushed each.
///
/// `connect` makes a person's `origin` lead to the server, with what they need to log in there.
/// The log's logins have to be the people's names, as in [`PolicyText::usual`], or keys.
#[track_caller]
pub fn plays_the_story(world: &World, connect: impl Fn(&Person<'_>)) {
    let [dana, remy, rita] = ["dana", "remy", "rita"].map(|name| world.person(name));
    for person in [&dana, &remy, &rita] {
        connect(person);
        person.git(&["fetch", "-q", "origin"]);
    }
    let fix = dana.commits("index.html");
    dana.offers("fix");
    dana.pushes(&["prod"]).refused_with("RH401");

    let own = remy.commits("about.html");
    remy.offers("own");
    remy.approves(&own).accepted();
    remy.pushes(&["prod"]).refused_with("RH401");

    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    assert_eq!(world.server_ref(PROD), Some(fix));

    let told = ["dana rejected", "remy rejected", "dana accepted"];
    assert_eq!(pushes_in_log(world, PROD), told);
    // The statements and offers in between came from those who pushed them.
    let who = pushers(world);
    assert!(who.contains(&"rita".to_owned()), "{who:?}");
    assert!(
        who.iter()
            .all(|name| ["dana", "remy", "rita"].contains(&name.as_str()))
    );
    assert_eq!(world.relhook(&["audit", "verify"]).code, 0);
    // Who they were is seen again, and it is said how much of it is the server's word.
    let replay = world.relhook(&["audit", "replay"]);
    replay.assert_ok();
    assert!(shown(&replay).contains("pushes: "), "{}", shown(&replay));
}

/// Who pushed each thing that was judged, in the log's order.
pub fn pushers(world: &World) -> Vec<String> {
    let told = |entry: &serde_json::Value| {
        let login = entry["login"].as_str().unwrap_or_default();
        let openpgp = login.len() == 40 && login.bytes().all(|byte| byte.is_ascii_hexdigit());
        let key = login.starts_with("SHA256:") || openpgp;
        assert!(key || entry["person"] == entry["login"], "{entry}");
        entry["person"].as_str().unwrap_or("nobody").to_owned()
    };
    verdicts(world).iter().map(told).collect()
}

/// `<person> <outcome>` of each judged push that names `refname`, in the log's order, as
/// `relhook audit log` tells it.
pub fn pushes_in_log(world: &World, refname: &str) -> Vec<String> {
    let named = |entry: &&serde_json::Value| {
        let mut updates = entry["updates"].as_array().unwrap().iter();
        updates.any(|update| update["ref"] == refname)
    };
    let told = |entry: &serde_json::Value| {
        let person = entry["person"].as_str().unwrap_or("nobody");
        format!("{person} {}", entry["outcome"].as_str().unwrap())
    };
    verdicts(world).iter().filter(named).map(told).collect()
}

fn verdicts(world: &World) -> Vec<serde_json::Value> {
    let log = world.relhook(&["audit", "log", "--json", "-n", "0"]).text();
    let entries = log.lines().map(|line| serde_json::from_str(line).unwrap());
    entries
        .filter(|entry: &serde_json::Value| entry["kind"] == "verdict")
        .collect()
}
