//! The policy is changed like code: committed, approved, pushed.

use crate::common::{POLICY, Person, PolicyText, Words, World};

/// Commits another policy on top of the one in force; the commit.
fn change(person: &Person<'_>, change: impl Fn(&str) -> String) -> String {
    person.git(&["fetch", "-q", "origin", POLICY]);
    person.git(&["checkout", "-q", "-B", "policy", "FETCH_HEAD"]);
    let file = person.clone_dir().join("policy.yaml");
    let old = std::fs::read_to_string(&file).unwrap();
    let new = change(&old);
    assert_ne!(old, new);
    std::fs::write(&file, new).unwrap();
    person.git(&["commit", "-q", "-a", "-m", "Change the policy"]);
    person.git(&["rev-parse", "HEAD"])
}

fn approval(person: &Person<'_>, commit: &str) -> String {
    let mut words = Words::approve(person, commit);
    let base = person.world.server_ref(POLICY).unwrap();
    words.set("Relhook-Ref", POLICY).set("Relhook-Base", &base);
    person.states(&words)
}

#[test]
fn a_policy_change_needs_an_approval() {
    let world = World::new();
    let (paul, rita) = (world.person("paul"), world.person("rita"));
    let new = change(&paul, |old| format!("{old}# reviewed\n"));
    let refspec = format!("{new}:{POLICY}");
    paul.pushes(&[&refspec]).refused_with("RH401");
    paul.pushes(&[&refspec, &approval(&paul, &new)])
        .refused_with("RH401");
    paul.pushes(&["HEAD:refs/heads/draft"]).accepted();
    rita.git(&["fetch", "-q", "origin"]);
    rita.pushes(&[&approval(&rita, &new)]).accepted();
    paul.pushes(&[&refspec]).accepted();
    assert_eq!(world.server_ref(POLICY), Some(new));
}

#[test]
fn an_unsound_policy_is_refused_though_approved() {
    let world = World::new();
    let (paul, rita) = (world.person("paul"), world.person("rita"));
    let new = change(&paul, |old| format!("{old}surprise: 1\n"));
    paul.pushes(&["HEAD:refs/heads/draft"]).accepted();
    rita.git(&["fetch", "-q", "origin"]);
    let push = rita.pushes(&[&format!("{new}:{POLICY}"), &approval(&rita, &new)]);
    push.refused_with("RH8");
    push.refused_with("policy.yaml:");
}

#[test]
fn a_policy_that_locks_everybody_out_is_refused_though_approved() {
    let world = World::new();
    let (paul, rita) = (world.person("paul"), world.person("rita"));
    let new = change(&paul, PolicyText::without_admins);
    paul.pushes(&["HEAD:refs/heads/draft"]).accepted();
    rita.git(&["fetch", "-q", "origin"]);
    let push = rita.pushes(&[&format!("{new}:{POLICY}"), &approval(&rita, &new)]);
    push.refused_with("RH8");
}

#[test]
fn nobody_deletes_the_policy() {
    let world = World::new();
    let before = world.server_ref(POLICY);
    world
        .person("paul")
        .pushes(&[&format!(":{POLICY}")])
        .refused_with("RH101");
    assert_eq!(world.server_ref(POLICY), before);
}
