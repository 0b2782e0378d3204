//! People come, go, and have two accounts; and what that does to what they signed.

use super::slapd::{Slapd, group, group_dn, person, person_dn};
use super::{answer, sync};
use crate::common::{POLICY, PROD, Words, World};

/// The people of the usual policy, in a directory.
fn acme() -> Slapd {
    let people = ["dana", "dora", "rita", "remy", "vera", "paul"];
    let people: String = people.iter().map(|login| person(login, "")).collect();
    let members = ["rita", "remy", "vera"].map(person_dn);
    Slapd::start(&(people + &group("reviewers", &members)))
}

fn settings(directory: &Slapd) -> String {
    let reviewers = group_dn("reviewers");
    directory.settings(&format!("teams: {{reviewers: '{reviewers}'}}\n"))
}

fn disable(directory: &Slapd, login: &str) {
    let dn = person_dn(login);
    directory.modify(&format!(
        "dn: {dn}\nchangetype: modify\nadd: shadowExpire\nshadowExpire: 1\n"
    ));
}

#[test]
fn i_21_a_disabled_account_stops_counting_once_the_change_is_approved() {
    let (world, directory) = (World::new(), acme());
    let (dana, paul, rita) = (
        world.person("dana"),
        world.person("paul"),
        world.person("rita"),
    );
    let vera = world.person("vera");
    let work = dana.commits("a change");
    dana.pushes(&[&format!("{work}:refs/heads/draft")])
        .accepted();
    vera.git(&["fetch", "-q", "origin"]);
    vera.pushes(&[&vera.states(&Words::approve(&vera, &work))])
        .accepted();
    rita.git(&["fetch", "-q", "origin"]);
    let mut no = Words::approve(&rita, &work);
    no.set("Relhook-Decision", "reject")
        .set("Relhook-Reason", "not yet");
    let objection = rita.states(&no);
    rita.pushes(&[&objection]).accepted();
    // Full names are new; nobody's word changes.
    let first = sync(&paul, &settings(&directory), &["--dry-run", "--json"]);
    first.assert_ok();
    assert_eq!(answer(&first)["statements"].as_array().unwrap().len(), 0);

    disable(&directory, "vera");
    disable(&directory, "rita");
    let ran = sync(&paul, &settings(&directory), &[]);
    ran.assert_ok();
    let said = String::from_utf8(ran.out).unwrap();
    let short = &work[..7];
    for line in [
        "vera is disabled (`vera`: it has expired)".to_owned(),
        format!("vera's approval no longer counts: `{short}` for {PROD}"),
        "relhook approve origin/directory-sync --ref refs/relhook/policy".to_owned(),
    ] {
        assert!(said.contains(&line), "{line} in\n{said}");
    }
    // Rita's objection is not lifted by closing her account.
    assert!(!said.contains("objection"), "{said}");
    // In force only when it is approved: paul made it, so somebody else has to. Rita still can,
    // for the policy in force does not know of it.
    paul.pushes(&["directory-sync"]).accepted();
    paul.pushes(&[&format!("directory-sync:{POLICY}")])
        .refused_with("RH401");
    rita.git(&["fetch", "-q", "origin"]);
    let commit = paul.git(&["rev-parse", "directory-sync"]);
    let mut yes = Words::approve(&rita, &commit);
    let base = world.server_ref(POLICY).unwrap();
    yes.set("Relhook-Ref", POLICY).set("Relhook-Base", &base);
    rita.pushes(&[&rita.states(&yes)]).accepted();
    paul.pushes(&[&format!("directory-sync:{POLICY}")])
        .accepted();
    // Vera's yes is worth nothing now, and Rita's no still is.
    let push = dana.pushes(&[&format!("{work}:{PROD}")]);
    push.refused_with("RH401");
    push.refused_with("RH404");
    push.refused_with("rita is disabled");
    // A second look finds nothing more to do.
    let again = sync(&paul, &settings(&directory), &["--json"]);
    again.assert_ok();
    assert_eq!(answer(&again)["outcome"]["did"], "unchanged");
}

#[test]
fn i_06_a_developers_and_a_release_managers_account_are_one_human() {
    let world = World::new();
    let people = ["dora", "rita", "remy", "vera", "paul"];
    let people: String = people.iter().map(|login| person(login, "")).collect();
    let entries = people
        + &person("dana", "employeeNumber: 4711\n")
        + &person("dana-rm", "employeeNumber: 4711\n")
        + &group(
            "reviewers",
            &["rita", "remy", "vera", "dana-rm"].map(person_dn),
        );
    let directory = Slapd::start(&entries);
    let paul = world.person("paul");
    let ran = sync(&paul, &settings(&directory), &["--dry-run", "--json"]);
    ran.assert_ok();
    let said = answer(&ran);
    let changes = said["changes"].to_string();
    assert!(!changes.contains("added"), "{changes}");
    assert!(
        changes.contains(r#""come":["dana"],"gone":[]"#),
        "{changes}"
    );
    assert!(
        said["remarks"].to_string().contains("employeeNumber 4711"),
        "{said}"
    );
}

#[test]
fn an_emptied_group_changes_nothing_unless_it_is_meant() {
    let (world, directory) = (World::new(), acme());
    let paul = world.person("paul");
    let (dn, only) = (group_dn("reviewers"), person_dn("dana"));
    // groupOfNames has to have a member: one that is nobody's account.
    directory.modify(&format!(
        "dn: {dn}\nchangetype: modify\nreplace: member\nmember: ou=groups,dc=acme,dc=example\n"
    ));
    let ran = sync(&paul, &settings(&directory), &["--json"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let said = answer(&ran);
    assert!(
        said["conflicts"][0]["hint"]
            .to_string()
            .contains("--allow-empty reviewers"),
        "{said}"
    );
    assert!(
        paul.try_git(&["rev-parse", "--verify", "-q", "directory-sync"])
            .code
            != 0
    );
    // Even then the rules ask for a team that would not be there.
    let ran = sync(
        &paul,
        &settings(&directory),
        &["--allow-empty", "reviewers"],
    );
    assert_eq!(ran.code, 1, "{}", ran.err);
    let said = String::from_utf8(ran.out).unwrap();
    assert!(said.contains("there is no team `reviewers`"), "{said}");
    // Somebody new in it, and nobody else: sound, though worth a warning.
    directory.modify(&format!(
        "dn: {dn}\nchangetype: modify\nreplace: member\nmember: {only}\n"
    ));
    let ran = sync(&paul, &settings(&directory), &["--dry-run"]);
    let said = String::from_utf8(ran.out).unwrap();
    assert!(
        said.contains("team reviewers: +dana -remy -rita -vera"),
        "{said}"
    );
}

#[test]
fn the_branch_of_somebody_elses_work_is_left_alone() {
    let (world, directory) = (World::new(), acme());
    let paul = world.person("paul");
    paul.git(&["branch", "directory-sync"]);
    let ran = sync(&paul, &settings(&directory), &[]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("--branch"), "{}", ran.err);
    sync(&paul, &settings(&directory), &["--branch", "from-ldap"]).assert_ok();
    let parent = paul.git(&["rev-parse", "from-ldap^"]);
    assert_eq!(Some(parent), world.server_ref(POLICY));
    let changed = paul.git(&["diff", "--name-only", "from-ldap^", "from-ldap"]);
    assert_eq!(changed, "policy.yaml");
}
