//! What a directory says, and what becomes of the policy.

use super::{Change, Conflict, Plan, Remark, Waivers, plan};
use crate::directory::{Account, AccountState, Kind, Membership, Settings, Snapshot};
use crate::policy::rewrite::{Register, RegisterPerson};
use crate::types::{PersonName, TeamName};
use std::path::Path;

const SETTINGS: &str = "version: 1\nurl: ldaps://x\nbase: dc=x\nteams: {reviewers: 'cn=r,dc=x'}\n";

/// A policy, a directory and settings in the making: what each test changes is what it is about.
struct Case {
    settings: String,
    snapshot: Snapshot,
    register: Register,
    waivers: Waivers,
}

fn name(name: &str) -> PersonName {
    PersonName::new(name)
}

fn account(login: &str) -> Account {
    Account {
        dn: format!("uid={login},dc=x"),
        id: Some(format!("id-{login}")),
        logins: vec![login.to_owned()],
        emails: vec![format!("{login}@acme.example")],
        name: None,
        human: None,
        state: AccountState::Enabled,
    }
}

/// dana, who writes, and rita and remy, who review, in policy and directory alike.
fn case() -> Case {
    let people = ["dana", "rita", "remy"];
    let person = |login: &str| RegisterPerson {
        emails: vec![format!("{login}@acme.example")],
        logins: vec![login.to_owned()],
        keys: vec![format!("openpgp:{login}")],
        ..RegisterPerson::default()
    };
    let reviewers = TeamName::new("reviewers");
    let membership = Membership {
        accounts: [1, 2].into(),
        ..Membership::default()
    };
    Case {
        settings: SETTINGS.to_owned(),
        snapshot: Snapshot {
            kind: Kind::Ldap,
            accounts: people.map(account).to_vec(),
            teams: [(reviewers.clone(), membership)].into(),
        },
        register: Register {
            people: people.map(|login| (name(login), person(login))).into(),
            teams: [
                (reviewers, [name("rita"), name("remy")].into()),
                (TeamName::new("others"), [name("dana")].into()),
            ]
            .into(),
        },
        waivers: Waivers::default(),
    }
}

impl Case {
    fn add(&mut self, account: Account) -> usize {
        self.snapshot.accounts.push(account);
        self.snapshot.accounts.len() - 1
    }

    fn reviews(&mut self, at: usize) {
        let team = self.snapshot.teams.get_mut(&TeamName::new("reviewers"));
        team.unwrap().accounts.insert(at);
    }

    fn disable(&mut self, at: usize) {
        self.snapshot.accounts[at].state = AccountState::Disabled("it is disabled");
    }

    fn plan(&self) -> Plan {
        let settings = Settings::parse(self.settings.as_bytes(), "s", Path::new("."));
        plan(
            &settings.unwrap(),
            &self.snapshot,
            &self.register,
            &self.waivers,
        )
    }

    /// The plan, which nothing speaks against.
    #[track_caller]
    fn settled(&self) -> Plan {
        let plan = self.plan();
        assert_eq!(plan.conflicts, []);
        plan
    }

    #[track_caller]
    fn conflict(&self) -> Conflict {
        let mut conflicts = self.plan().conflicts;
        assert_eq!(conflicts.len(), 1, "{conflicts:?}");
        conflicts.remove(0)
    }
}

fn team(plan: &Plan, team: &str) -> Vec<String> {
    let team = plan.register.teams.get(&TeamName::new(team));
    team.into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn nothing_changes_where_both_say_the_same() {
    let plan = case().settled();
    assert_eq!((plan.changes, plan.remarks), (vec![], vec![]));
    assert_eq!(plan.register, case().register);
}

#[test]
fn a_disabled_account_disables_and_what_it_was_in_stays() {
    let mut case = case();
    case.disable(1);
    let plan = case.settled();
    assert!(plan.register.people[&name("rita")].disabled);
    assert_eq!(plan.register.people[&name("rita")].logins, ["rita"]);
    // Still listed: what she objected to is hers to lift, or the policy's.
    assert_eq!(team(&plan, "reviewers"), ["remy", "rita"]);
    let why = "`rita`: it is disabled".to_owned();
    let person = name("rita");
    assert_eq!(plan.changes, [Change::Disabled { person, why }]);
}

#[test]
fn who_is_gone_from_the_directory_is_disabled_and_not_removed() {
    let mut case = case();
    case.snapshot.accounts.truncate(2);
    case.snapshot
        .teams
        .get_mut(&TeamName::new("reviewers"))
        .unwrap()
        .accounts = [1].into();
    let plan = case.settled();
    assert!(plan.register.people[&name("remy")].disabled);
    assert_eq!(team(&plan, "reviewers"), ["rita"]);
    case.settings.push_str("keep: [remy]\n");
    let plan = case.settled();
    assert_eq!(plan.register, case.register);
}

#[test]
fn somebody_new_comes_with_their_team_and_without_keys() {
    let mut case = case();
    let mut zoe = account("zoe");
    zoe.name = Some("Zoë Newman".into());
    let zoe = case.add(zoe);
    let plan = case.settled();
    assert_eq!(
        plan.changes,
        [],
        "an account in no team is nobody to the policy"
    );
    case.reviews(zoe);
    let plan = case.settled();
    let person = &plan.register.people[&name("zoe")];
    assert_eq!(person.full_name.as_deref(), Some("Zoë Newman"));
    assert_eq!(person.keys, Vec::<String>::new());
    assert_eq!(team(&plan, "reviewers"), ["remy", "rita", "zoe"]);
    case.disable(zoe);
    assert_eq!(case.settled().changes, [], "nor is one that never worked");
}

#[test]
fn teams_that_the_settings_do_not_name_and_keys_stay() {
    let mut case = case();
    case.snapshot
        .teams
        .get_mut(&TeamName::new("reviewers"))
        .unwrap()
        .accounts = [2].into();
    let plan = case.settled();
    assert_eq!(team(&plan, "reviewers"), ["remy"]);
    assert_eq!(team(&plan, "others"), ["dana"]);
    for (name, person) in &plan.register.people {
        assert_eq!(person.keys, case.register.people[name].keys);
    }
}

#[test]
fn i_06_two_accounts_of_one_human_are_one_person() {
    let mut case = case();
    let mut second = account("dana-release");
    case.snapshot.accounts[0].human = Some("7".into());
    second.human = Some("7".into());
    let second = case.add(second);
    case.reviews(second);
    let plan = case.settled();
    assert!(!plan.register.people.contains_key(&name("dana-release")));
    let dana = &plan.register.people[&name("dana")];
    assert_eq!(dana.logins, ["dana", "dana-release"]);
    assert_eq!(dana.emails.len(), 2);
    assert_eq!(team(&plan, "reviewers"), ["dana", "remy", "rita"]);
    assert!(
        matches!(&plan.remarks[..], [Remark::OneHuman { .. }]),
        "{:?}",
        plan.remarks
    );
    // One of the two is closed: the other goes on, without the closed one's login and team.
    case.disable(second);
    let plan = case.settled();
    assert_eq!(plan.register.people[&name("dana")].logins, ["dana"]);
    assert_eq!(team(&plan, "reviewers"), ["remy", "rita"]);
}

#[test]
fn i_06_the_settings_say_which_accounts_are_one_human() {
    let mut case = case();
    let second = case.add(account("d.release"));
    case.reviews(second);
    case.settings
        .push_str("one-human: {dana: [dana, D.Release, gone]}\n");
    let plan = case.settled();
    assert_eq!(
        plan.register.people[&name("dana")].logins,
        ["dana", "d.release"]
    );
    let missing = plan
        .remarks
        .iter()
        .any(|one| matches!(one, Remark::NoSuchLogin { .. }));
    assert!(missing, "{:?}", plan.remarks);
}

#[test]
fn i_06_two_people_of_the_policy_who_are_one_human_are_never_merged_unseen() {
    let mut case = case();
    case.snapshot.accounts[0].human = Some("7".into());
    case.snapshot.accounts[1].human = Some("7".into());
    let conflict = case.conflict();
    assert!(
        matches!(conflict, Conflict::TwoPeople { .. }),
        "{conflict:?}"
    );
    assert!(
        conflict.to_string().contains("employeeNumber 7"),
        "{conflict}"
    );
}

#[test]
fn i_07_an_address_of_two_accounts_is_one_human_or_a_mistake() {
    let mut case = case();
    let mut twin = account("mallory");
    twin.emails = vec!["Rita@acme.example".into()];
    let twin = case.add(twin);
    case.reviews(twin);
    let conflict = case.conflict();
    assert!(
        matches!(conflict, Conflict::TwoHumans { .. }),
        "{conflict:?}"
    );
    case.settings.push_str("leave-out: [mallory]\n");
    assert_eq!(case.settled().changes, []);
}

#[test]
fn an_account_that_claims_logins_and_addresses_of_two_people_is_refused() {
    let mut case = case();
    case.snapshot.accounts[0]
        .emails
        .push("rita@acme.example".into());
    let conflicts = case.plan().conflicts;
    let two = |one: &Conflict| matches!(one, Conflict::TwoPeople { .. });
    assert!(conflicts.iter().any(two), "{conflicts:?}");
}

#[test]
fn whoever_is_found_by_less_than_a_login_is_pointed_out() {
    let mut case = case();
    case.register
        .people
        .get_mut(&name("dana"))
        .unwrap()
        .logins
        .clear();
    let plan = case.settled();
    assert_eq!(plan.register.people[&name("dana")].logins, ["dana"]);
    assert!(
        matches!(&plan.remarks[..], [Remark::Weak { .. }]),
        "{:?}",
        plan.remarks
    );
}

#[test]
fn an_emptied_team_is_refused_unless_it_is_meant() {
    let mut case = case();
    case.snapshot
        .teams
        .get_mut(&TeamName::new("reviewers"))
        .unwrap()
        .accounts
        .clear();
    let conflict = case.conflict();
    assert!(
        matches!(conflict, Conflict::EmptyTeam { .. }),
        "{conflict:?}"
    );
    case.waivers.empty.insert(TeamName::new("reviewers"));
    let plan = case.settled();
    assert!(
        !plan
            .register
            .teams
            .contains_key(&TeamName::new("reviewers"))
    );
    // All of them disabled is as empty.
    let mut case = self::case();
    case.disable(1);
    case.disable(2);
    assert!(matches!(case.conflict(), Conflict::EmptyTeam { .. }));
}

#[test]
fn who_is_disabled_by_hand_stays_so_until_it_is_said() {
    let mut case = case();
    case.register
        .people
        .get_mut(&name("rita"))
        .unwrap()
        .disabled = true;
    let plan = case.settled();
    assert_eq!(plan.changes, []);
    assert!(matches!(&plan.remarks[..], [Remark::StaysDisabled { .. }]));
    case.waivers.enable.insert(name("rita"));
    let person = name("rita");
    assert_eq!(case.settled().changes, [Change::Enabled { person }]);
}

#[test]
fn i_21_addresses_that_the_directory_forgot_stay() {
    let mut case = case();
    case.snapshot.accounts[0].emails = vec!["dana.new@acme.example".into()];
    let plan = case.settled();
    let dana = &plan.register.people[&name("dana")];
    assert_eq!(dana.emails, ["dana@acme.example", "dana.new@acme.example"]);
}

#[test]
fn a_hostile_value_never_gets_into_the_policy() {
    let mut case = case();
    let hostile = &mut case.snapshot.accounts[0];
    hostile.name = Some("x\n  mallory: {}\u{1b}[2J".into());
    hostile.emails = vec![
        "a b@x".into(),
        "<a@x>".into(),
        "\u{202e}@x".into(),
        "x".into(),
    ];
    hostile.logins.push("two words".into());
    let plan = case.settled();
    assert_eq!(plan.register, case.register);
    assert_eq!(plan.remarks.len(), 6);
    for remark in &plan.remarks {
        assert!(
            remark.to_string().chars().all(|ch| !ch.is_control()),
            "{remark}"
        );
    }
    // A login that cannot be a name in the policy.
    let mut odd = account("x");
    odd.logins = vec!["*)(uid=*".into()];
    let odd = case.add(odd);
    case.reviews(odd);
    assert!(matches!(case.conflict(), Conflict::NoName { .. }));
}
