//! git's settings, as they are in effect for the account that pushes run as.

use super::patient::Patient;
use super::{Finding, Words};
use crate::policy::BranchRule;
use crate::setup::{HIDDEN, Setting, Settings, WANTED};
use crate::types::escape;

/// Looks at them.
pub(in crate::doctor) fn examine(patient: &Patient) -> Vec<Finding> {
    let mut found = wanted(&patient.settings, &patient.words);
    found.extend(judge(&patient.settings, &patient.words));
    if let Some(bundle) = patient.bundle() {
        let rules = &bundle.policy.rules;
        found.push(way_back(&patient.settings, rules, &patient.words));
    }
    found.push(max_input(&patient.settings, &patient.words));
    let there = |file: &str| patient.git_dir.join(file).exists();
    let dumb = patient
        .settings
        .last("receive.updateServerInfo")
        .is_some_and(is_on)
        || there("hooks/post-update");
    found.extend(other_ways(
        dumb,
        there("git-daemon-export-ok"),
        &patient.words,
    ));
    found
}

/// The names of the checks of [`WANTED`], in its order.
const WANTED_CHECKS: [&str; WANTED.len()] =
    ["push-options", "fsck-objects", "shallow-update", "reflog"];

/// What the hooks rely on, and `relhook init` puts in place.
fn wanted(settings: &Settings, words: &Words) -> Vec<Finding> {
    let pairs = WANTED_CHECKS.iter().zip(WANTED);
    let mut found: Vec<Finding> = pairs
        .map(|(check, (key, value))| {
            let set = settings.last(key);
            if set.is_some_and(|set| says(set, value)) {
                return Finding::ok(check, format!("{key} is {value}"));
            }
            if let Some(set) = set.filter(|set| key == "receive.shallowUpdate" && is_on(set)) {
                let what = format!("{key} is on: relhook refuses every push");
                return Finding::error(check, what).mend(words.unset(set));
            }
            let is = set.map_or("not set".to_owned(), |set| format!("`{}`", set.shown()));
            Finding::warning(check, format!("{key} is {is}, and has to be {value}"))
                .mend(words.config(&["--replace-all", key, value]))
        })
        .collect();
    let (key, value) = HIDDEN;
    let hidden = settings.iter().any(|set| {
        set.key == key.to_ascii_lowercase().as_bytes()
            && set.value.as_deref() == Some(value.as_bytes())
    });
    found.push(if hidden {
        Finding::ok("hide-refs", format!("no push may name {value}"))
    } else {
        Finding::warning("hide-refs", format!("{key} does not hold {value}"))
            .mend(words.config(&["--add", key, value]))
    });
    found
}

/// Whether a setting says `value`; for one of git's booleans, in whatever way.
fn says(set: &Setting, value: &str) -> bool {
    match value {
        "true" => is_on(set),
        "false" => is_off(set),
        _ => set.value.as_deref() == Some(value.as_bytes()),
    }
}

fn is_on(set: &Setting) -> bool {
    let word = set.shown().to_ascii_lowercase();
    ["true", "yes", "on", "1"].contains(&word.as_str())
}

fn is_off(set: &Setting) -> bool {
    let word = set.shown().to_ascii_lowercase();
    ["false", "no", "off", "0", ""].contains(&word.as_str())
}

/// What may be set and should not be.
pub(crate) fn judge(settings: &Settings, words: &Words) -> Vec<Finding> {
    vec![
        proc_receive(settings, words),
        deny_current_branch(settings, words),
        shared(settings, words),
        deletions(settings),
        http(settings, words),
        daemon(settings, words),
        safe_directory(settings, words),
    ]
}

fn proc_receive(settings: &Settings, words: &Words) -> Finding {
    let check = "proc-receive";
    match settings.last("receive.procReceiveRefs") {
        None => Finding::ok(check, "no proc-receive hook takes refs over"),
        Some(set) => Finding::error(
            check,
            format!(
                "receive.procReceiveRefs is `{}`: a proc-receive hook may move those refs after \
                 relhook judged them",
                set.shown()
            ),
        )
        .mend(words.unset(set)),
    }
}

fn deny_current_branch(settings: &Settings, words: &Words) -> Finding {
    let check = "update-instead";
    let set = settings.last("receive.denyCurrentBranch");
    match set.filter(|set| set.value.as_deref() == Some(b"updateInstead")) {
        None => Finding::ok(check, "a push changes no checked-out files"),
        Some(set) => Finding::error(
            check,
            "receive.denyCurrentBranch is updateInstead: files would change before the release does",
        )
        .mend(words.unset(set)),
    }
}

fn shared(settings: &Settings, words: &Words) -> Finding {
    let check = "shared-repository";
    let alone = |set: &&Setting| {
        let word = set.shown().to_ascii_lowercase();
        !["umask", "false", "no", "off", "0", "0600", "0700", ""].contains(&word.as_str())
    };
    match settings.last("core.sharedRepository").filter(alone) {
        None => Finding::ok(check, "git gives no group a right to write"),
        Some(set) => Finding::warning(
            check,
            format!(
                "core.sharedRepository is `{}`: whoever can write the repository can go around \
                 its hooks",
                set.shown()
            ),
        )
        .mend(words.unset(set)),
    }
}

fn deletions(settings: &Settings) -> Finding {
    let on = |key| settings.last(key).is_some_and(is_on);
    let what = match (on("receive.denyDeletes"), on("receive.denyNonFastForwards")) {
        (true, true) => "git refuses deletions and moves backwards of every branch",
        (true, false) => {
            "git refuses deletions of every branch; relhook, moves backwards of protected ones"
        }
        (false, true) => {
            "git refuses moves backwards of every branch; relhook, deletions of protected ones"
        }
        (false, false) => "relhook refuses deletions and moves backwards of protected refs itself",
    };
    Finding::ok("deletions", what)
}

/// Whether git itself stands in the way of rollbacks that the policy provides for.
fn way_back(settings: &Settings, rules: &[BranchRule], words: &Words) -> Finding {
    const KEY: &str = "receive.denyNonFastForwards";
    let check = "rollback";
    let mut provided = rules.iter().filter(|rule| rule.rollback.is_some());
    match (provided.next(), settings.last(KEY).filter(|set| is_on(set))) {
        (None, _) => Finding::ok(check, "no rule lets a ref go back"),
        (Some(_), None) => Finding::ok(check, "git stands in no rollback's way"),
        (Some(rule), Some(_)) => {
            let rule = escape(rule.pattern.as_bytes());
            let what = format!(
                "{KEY} is on: git refuses the rollbacks that the rule `{rule}` provides for"
            );
            Finding::warning(check, what).mend(words.config(&["--replace-all", KEY, "false"]))
        }
    }
}

fn max_input(settings: &Settings, words: &Words) -> Finding {
    let check = "max-input-size";
    match settings
        .last("receive.maxInputSize")
        .filter(|set| !is_off(set))
    {
        Some(set) => Finding::ok(check, format!("a push is at most `{}` bytes", set.shown())),
        None => Finding::warning(
            check,
            "receive.maxInputSize is not set: one push can fill the disk, and then nothing goes in",
        )
        .mend(words.config(&["receive.maxInputSize", "1g"])),
    }
}

fn http(settings: &Settings, words: &Words) -> Finding {
    let check = "http-receive-pack";
    match settings.last("http.receivepack").filter(|set| is_on(set)) {
        None => Finding::ok(check, "over http, only whom the web server names may push"),
        Some(set) => Finding::error(
            check,
            "http.receivepack is on: git takes pushes over http from nobody in particular",
        )
        .mend(words.unset(set)),
    }
}

fn daemon(settings: &Settings, words: &Words) -> Finding {
    let check = "daemon-receive-pack";
    match settings.last("daemon.receivepack").filter(|set| is_on(set)) {
        None => Finding::ok(check, "this repository asks no git daemon to take pushes"),
        Some(set) => Finding::error(
            check,
            "daemon.receivepack is on: a git daemon takes pushes from anybody at all",
        )
        .mend(words.unset(set)),
    }
}

/// Signs that the repository is served in ways that know nobody.
fn other_ways(dumb: bool, exported: bool, words: &Words) -> Vec<Finding> {
    let unseen = "whether a web server takes WebDAV writes for it cannot be seen from here";
    let dumb = if dumb {
        Finding::warning(
            "dumb-http",
            format!("it is kept ready for web servers that only hand out files; {unseen}"),
        )
        .mend(words.own(&format!("rm -f {}/hooks/post-update", words.git_dir())))
        .mend(words.config(&["receive.updateServerInfo", "false"]))
        .advice("a write by WebDAV runs no hook: see that there is none")
    } else {
        Finding::ok(
            "dumb-http",
            "it is not kept ready for web servers that only hand out files",
        )
    };
    let exported = if exported {
        Finding::warning(
            "git-daemon",
            "git-daemon-export-ok is there: a git daemon would show it to anybody, statements and all",
        )
        .mend(words.own(&format!("rm {}/git-daemon-export-ok", words.git_dir())))
    } else {
        Finding::ok("git-daemon", "no git daemon shows it to anybody")
    };
    vec![dumb, exported]
}

fn safe_directory(settings: &Settings, words: &Words) -> Finding {
    let check = "safe-directory";
    let all = settings
        .iter()
        .find(|set| set.key == b"safe.directory" && set.value.as_deref() == Some(b"*"));
    match all {
        None => Finding::ok(check, "git works in repositories of this account only, or in named ones"),
        Some(set) => Finding::warning(
            check,
            format!(
                "safe.directory is `*` in {}: this account runs the hooks and settings of anybody's \
                 repository",
                set.origin.as_deref().map_or("the settings".into(), |file| {
                    use std::os::unix::ffi::OsStrExt;
                    escape(file.as_os_str().as_bytes())
                })
            ),
        )
        .mend(words.unset(set)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;
    use std::path::Path;

    fn state(check: &str, set: &[(&str, &str)]) -> State {
        let mut said = String::new();
        for (key, value) in set {
            said.push_str(&format!("local\0file:config\0{key}\n{value}\0"));
        }
        let settings = Settings::parse(said.as_bytes(), Path::new("/srv/x.git")).unwrap();
        let words = Words::new(Path::new("/srv/x.git"));
        let mut found = wanted(&settings, &words);
        found.extend(judge(&settings, &words));
        found.push(max_input(&settings, &words));
        found.iter().find(|one| one.check == check).unwrap().state
    }

    #[test]
    fn what_the_hooks_rely_on_has_to_be_set() {
        assert_eq!(state("fsck-objects", &[]), State::Warning);
        assert_eq!(
            state("fsck-objects", &[("receive.fsckobjects", "no")]),
            State::Warning
        );
        assert_eq!(
            state("fsck-objects", &[("receive.fsckobjects", "yes")]),
            State::Ok
        );
        assert_eq!(
            state("shallow-update", &[("receive.shallowupdate", "false")]),
            State::Ok
        );
        assert_eq!(
            state("shallow-update", &[("receive.shallowupdate", "1")]),
            State::Error
        );
        assert_eq!(
            state("reflog", &[("core.logallrefupdates", "true")]),
            State::Warning
        );
        assert_eq!(
            state("hide-refs", &[("receive.hiderefs", "refs/x")]),
            State::Warning
        );
        assert_eq!(
            state(
                "hide-refs",
                &[
                    ("receive.hiderefs", HIDDEN.1),
                    ("receive.hiderefs", "refs/x")
                ]
            ),
            State::Ok
        );
    }

    #[test]
    fn h_10_ways_that_know_nobody_are_found() {
        let words = Words::new(Path::new("/srv/x.git"));
        let states = |dumb, exported| {
            let found = other_ways(dumb, exported, &words);
            found.iter().map(|one| one.state).collect::<Vec<_>>()
        };
        assert_eq!(states(false, false), [State::Ok, State::Ok]);
        assert_eq!(states(true, true), [State::Warning, State::Warning]);
    }

    #[test]
    fn what_leads_past_the_rule_is_found() {
        for (check, key, value, bad) in [
            (
                "proc-receive",
                "receive.procreceiverefs",
                "refs/heads",
                State::Error,
            ),
            (
                "update-instead",
                "receive.denycurrentbranch",
                "updateInstead",
                State::Error,
            ),
            (
                "shared-repository",
                "core.sharedrepository",
                "group",
                State::Warning,
            ),
            (
                "http-receive-pack",
                "http.receivepack",
                "true",
                State::Error,
            ),
            (
                "daemon-receive-pack",
                "daemon.receivepack",
                "1",
                State::Error,
            ),
            ("safe-directory", "safe.directory", "*", State::Warning),
        ] {
            assert_eq!(state(check, &[]), State::Ok, "{check}");
            assert_eq!(state(check, &[(key, value)]), bad, "{check}");
        }
        assert_eq!(
            state("shared-repository", &[("core.sharedrepository", "umask")]),
            State::Ok
        );
        assert_eq!(
            state("safe-directory", &[("safe.directory", "/srv/x.git")]),
            State::Ok
        );
        assert_eq!(state("max-input-size", &[]), State::Warning);
        assert_eq!(
            state("max-input-size", &[("receive.maxinputsize", "1g")]),
            State::Ok
        );
    }
}
