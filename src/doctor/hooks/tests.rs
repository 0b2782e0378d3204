//! What is said of hooks.

use super::*;
use crate::doctor::State;

fn sound() -> Facts {
    let file = |name| HookFile {
        name,
        path: format!("hooks/{name}"),
        stands: Stands::AsInstalled {
            program: "/usr/bin/relhook".into(),
        },
    };
    Facts {
        elsewhere: None,
        layout: Layout::Plain,
        files: Layout::Plain
            .places()
            .iter()
            .map(|place| file(place.shim.name))
            .collect(),
        programs: vec![Program::Runs {
            path: "/usr/bin/relhook".into(),
            version: VERSION_LINE.into(),
        }],
        runs: Some(true),
        others: Vec::new(),
        trial: Trial::Held {
            codes: vec!["RH401".into()],
        },
    }
}

fn bad(facts: &Facts) -> Vec<(&'static str, State)> {
    let found = judge(facts, &Words::new(Path::new("/srv/x.git")));
    let bad = found.iter().filter(|one| one.state != State::Ok);
    bad.map(|one| (one.check, one.state)).collect()
}

#[test]
fn h_01_h_02_a_hook_that_git_would_pass_over_is_an_error() {
    assert_eq!(bad(&sound()), []);
    for stands in [
        Stands::Absent,
        Stands::Empty,
        Stands::NotExecutable,
        Stands::Dangling,
        Stands::NoFile,
        Stands::Foreign,
    ] {
        let mut facts = sound();
        facts.files[0].stands = stands.clone();
        assert_eq!(bad(&facts), [("pre-receive", State::Error)], "{stands:?}");
        let found = judge(&facts, &Words::new(Path::new("/srv/x.git")));
        let mend = &found
            .iter()
            .find(|one| one.check == "pre-receive")
            .unwrap()
            .mend;
        assert_eq!(mend.last().unwrap(), "relhook -C /srv/x.git init");
    }
    let mut facts = sound();
    facts.files[1].stands = Stands::Altered;
    assert_eq!(bad(&facts), [("post-receive", State::Warning)]);
}

#[test]
fn h_16_a_refusal_has_to_reach_git() {
    let of = |trial| {
        let mut facts = sound();
        facts.trial = trial;
        bad(&facts)
    };
    let refname = || "refs/heads/prod".to_owned();
    let error = [("refusal", State::Error)];
    assert_eq!(of(Trial::WentIn { refname: refname() }), error);
    assert_eq!(of(Trial::MovedByHand { refname: refname() }), error);
    assert_eq!(
        of(Trial::RefusedOtherwise { said: "no".into() }),
        [("refusal", State::Warning)]
    );
    assert_eq!(
        of(Trial::NotTried("x".into())),
        [("refusal", State::Unknown)]
    );
}

#[test]
fn h_15_a_program_that_is_gone_or_another_is_found() {
    let of = |program| {
        let mut facts = sound();
        facts.programs = vec![program];
        bad(&facts)
    };
    let path = || "/x".to_owned();
    assert_eq!(
        of(Program::Fails {
            path: path(),
            why: "gone".into()
        }),
        [("program", State::Error)]
    );
    assert_eq!(
        of(Program::Runs {
            path: path(),
            version: "relhook 0.0.1".into()
        }),
        [("program", State::Warning)]
    );
}

#[test]
fn h_04_other_hooks_are_told_with_the_file_that_says_so() {
    let mut facts = sound();
    facts.elsewhere = Some(Elsewhere {
        shown: "/dev/null".into(),
        scope: "global".into(),
        file: "/home/git/.gitconfig".into(),
        mend: "mend".into(),
    });
    facts.runs = Some(false);
    facts.others = vec!["pre-receive.d".into()];
    assert_eq!(
        bad(&facts),
        [
            ("hooks-path", State::Error),
            ("hooks-run", State::Error),
            ("other-hooks", State::Warning)
        ]
    );
    let found = judge(&facts, &Words::new(Path::new("/srv/x.git")));
    assert!(found[0].what.contains("/home/git/.gitconfig"));
}
