//! `relhook policy explain`: what a policy demands of a ref and of paths, in sentences.

use super::super::{Answer, Exit, Failure};
use super::file::File;
use crate::client::branch;
use crate::policy::{
    Attribution, BranchRule, Emergency, Independence, Leave, POLICY_FILE, POLICY_REF, PathRule,
    Policy, Releaser, Shows, TicketPlace,
};
use crate::types::{PersonName, RefName, RepoPath, TeamName, WindowName, escape};
use crate::ui::{paragraph, person, span};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// What `relhook policy explain` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 answered, 1 the policy is not sound, 2 usage, 3 the file cannot be read.")]
pub struct ExplainArgs {
    /// A full ref name, or a branch
    #[arg(value_name = "REF")]
    refname: OsString,
    /// Paths of the tree, as commits change them
    #[arg(value_name = "PATH")]
    paths: Vec<OsString>,
    /// The policy file; `-` reads standard input
    #[arg(long, value_name = "FILE", default_value = POLICY_FILE)]
    policy: PathBuf,
    /// Answer as JSON (relhook/policy-explain/v1)
    #[arg(long)]
    json: bool,
}

impl ExplainArgs {
    /// Explains.
    ///
    /// # Errors
    /// When the file cannot be read, or the ref is none.
    pub(super) fn run(&self) -> anyhow::Result<Answer> {
        let refname = branch(&self.refname).map_err(|error| Failure::usage(error.to_string()))?;
        let policy = match File::read(&self.policy)?.policy() {
            Ok(policy) => policy,
            Err(errors) => return Ok(Answer::refused(format!("{errors}\n"))),
        };
        let paths = self.paths.iter().cloned();
        let paths: Vec<RepoPath> = paths.map(|path| RepoPath::new(path.into_vec())).collect();
        Ok(Answer {
            text: match self.json {
                true => format!("{:#}\n", json(&policy, &refname, &paths)),
                false => text(&policy, &refname, &paths),
            },
            exit: Exit::Pass,
        })
    }
}

fn text(policy: &Policy, refname: &RefName, paths: &[RepoPath]) -> String {
    let rules = policy.rules_for(refname);
    let mut text = paragraph("", &head(policy, refname, &rules));
    for rule in &rules {
        text += &format!("\n{}\n", shown(rule));
        for sentence in sentences(policy, rule) {
            text += &paragraph("  - ", &sentence);
        }
    }
    for path in paths {
        text += &format!("\n{path}\n");
        let more: Vec<String> = rules
            .iter()
            .flat_map(|rule| rule.paths.matching(path.as_bytes()))
            .map(|one| on_top(policy, one))
            .collect();
        if more.is_empty() {
            text += &paragraph("  - ", "nothing on top of that");
        }
        for sentence in more {
            text += &paragraph("  - ", &sentence);
        }
    }
    text
}

fn head(policy: &Policy, refname: &RefName, rules: &[&BranchRule]) -> String {
    match rules.len() {
        0 if policy.protects(refname) => {
            format!("{refname}: protected, and no rule says who may change it: nobody may")
        }
        0 => format!("{refname}: no rule matches it, so anybody who can reach the server may push"),
        1 => format!("{refname}: one rule matches it"),
        many => format!("{refname}: {many} rules match it, and a push has to satisfy each of them"),
    }
}

/// What a rule demands of any change.
fn sentences(policy: &Policy, rule: &BranchRule) -> Vec<String> {
    let mut all = Vec::new();
    if rule.only_warns() {
        all.push(
            "it ONLY WARNS (`enforce: warn`): what lacks approvals goes in all the same".to_owned(),
        );
    }
    all.push(format!(
        "each commit that adds something is approved by {}",
        who(policy, rule.required, &rule.from)
    ));
    all.push(match rule.independence {
        Independence::Commit => "nobody approves a commit that they had a hand in".to_owned(),
        Independence::Range => {
            "who had a hand in any commit of a push approves none of it".to_owned()
        }
    });
    all.push("one of these approvals names the new tip itself, and nobody of them objects".into());
    if let Some(expire) = rule.expire {
        let days = span(expire.0);
        all.push(format!(
            "an approval counts for {days} after it came to the server"
        ));
    }
    all.push(match rule.attribution {
        Attribution::Signature => "every commit is signed by somebody of the policy".to_owned(),
        Attribution::SignatureOrPusher => {
            "every commit is signed by somebody of the policy, or first pushed by them".to_owned()
        }
    });
    all.extend(pushing(policy, rule));
    for path in &rule.paths {
        let globs: Vec<String> = path.patterns.iter().map(|glob| quoted(glob)).collect();
        let who = who(policy, path.required, &path.from);
        all.push(format!(
            "where it touches {}, also by {who}",
            globs.join(" or ")
        ));
    }
    all.extend(moment(policy, rule));
    all.extend(purpose(rule));
    all.extend(delegation(policy, rule));
    all.extend(emergency(policy, rule));
    let targets: Vec<String> = rule.release.iter().map(ToString::to_string).collect();
    if !targets.is_empty() {
        all.push(format!(
            "what is accepted is released to {}",
            targets.join(", ")
        ));
    }
    if rule.pattern == POLICY_REF {
        all.push("it is judged by the policy in force before the push".to_owned());
    }
    if let Some(rollback) = &rule.rollback {
        let who = who(policy, rollback.required, &rollback.by);
        all.push(format!(
            "it goes back to what was accepted before on the word of {who}"
        ));
    }
    all
}

/// Who may name a deputy.
fn delegation(policy: &Policy, rule: &BranchRule) -> Option<String> {
    let delegation = rule.delegation.as_ref()?;
    let by = people(policy, &policy.able(&delegation.by), "or");
    let to = people(policy, &policy.able(&delegation.to), "or");
    Some(format!(
        "{by} ({}) may name {to} ({}) their deputy, for {} at most",
        joined(&delegation.by),
        joined(&delegation.to),
        span(delegation.longest.0)
    ))
}

/// Who may let in what nobody has approved, and what holds all the same. On the policy itself nobody may.
fn emergency(policy: &Policy, rule: &BranchRule) -> Vec<String> {
    let Some(emergency) = rule.emergency.as_ref() else {
        return Vec::new();
    };
    let by = people(policy, &policy.able(&emergency.by), "or");
    let mut all = vec![format!(
        "in an emergency, {by} may let in what nobody has approved ({}), and it is reviewed within {}",
        joined(&emergency.by),
        span(emergency.review_within.0)
    )];
    if let Some(teams) = &emergency.cosign {
        let who = people(policy, &policy.able(teams), "or");
        all.push(format!(
            "another one of {who} ({}) signs the emergency, too",
            joined(teams)
        ));
    }
    if let Some(ticket) = &emergency.ticket {
        let pattern = quoted(ticket.as_str());
        all.push(format!("an emergency names a ticket like {pattern}"));
    }
    let limit = &emergency.limit;
    all.push(format!(
        "there are {} emergencies at most in {}, and {} while a review is overdue",
        limit.count,
        span(limit.within.0),
        match emergency.while_overdue {
            Leave::Refuse => "none",
            Leave::Allow => "one more",
        }
    ));
    let except = emergency.except.iter();
    let except: Vec<String> = except
        .flat_map(|one| &one.patterns)
        .map(|glob| quoted(glob))
        .collect();
    if !except.is_empty() {
        let globs = except.join(" or ");
        all.push(format!("no emergency lets in what touches {globs}"));
    }
    all
}

/// When something may go in.
fn moment(policy: &Policy, rule: &BranchRule) -> Vec<String> {
    let overriders = |name: &WindowName| match policy.calendar.overriders(name) {
        [] => String::new(),
        teams => {
            let people = people(policy, &policy.able(teams), "or");
            format!(", unless {people} overrides it")
        }
    };
    let mut all = Vec::new();
    let windows = rule.windows.iter();
    let windows: Vec<String> = windows
        .map(|name| format!("`{name}`{}", overriders(name)))
        .collect();
    if !windows.is_empty() {
        all.push(format!(
            "it is pushed while a window is open: {}",
            windows.join("; ")
        ));
    }
    for name in &rule.freezes {
        let who = overriders(name);
        all.push(format!("nothing goes in during the freeze `{name}`{who}"));
    }
    all
}

/// What it is for, what was tried, and who lets it go out.
fn purpose(rule: &BranchRule) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(ticket) = &rule.ticket {
        let place = match ticket.place {
            TicketPlace::Approval => "an approval names",
            TicketPlace::Range => "a commit's message names",
            TicketPlace::Each => "each commit's message names",
            TicketPlace::Either => "an approval or a commit's message names",
        };
        let pattern = quoted(ticket.pattern.as_str());
        all.push(format!("{place} a change request like {pattern}"));
    }
    if !rule.checks.is_empty() {
        let checks: Vec<String> = rule.checks.iter().map(ToString::to_string).collect();
        all.push(format!(
            "a machine says that it passed {}",
            checks.join(" and ")
        ));
    }
    match rule.releaser {
        Releaser::Anyone => {}
        Releaser::Distinct => {
            all.push(
                "who pushes neither made nor approved it, nor had a deputy who did: a third person"
                    .to_owned(),
            );
        }
    }
    all
}

fn pushing(policy: &Policy, rule: &BranchRule) -> Option<String> {
    match (&rule.push, policy.identity.shows()) {
        (Some(teams), _) => {
            let members = policy.members(teams);
            let known = members.into_iter().filter(|name| {
                let person = policy.people.get(name);
                person.is_some_and(|person| policy.can_be_shown(person))
            });
            let known: BTreeSet<PersonName> = known.collect();
            let people = people(policy, &known, "or");
            Some(format!("it is pushed by {people} ({})", joined(teams)))
        }
        (None, Shows::Nothing) => None,
        (None, Shows::Login | Shows::SshKey | Shows::Key) => {
            Some("it is pushed by anybody of the policy whom the server can tell".to_owned())
        }
    }
}

/// `2 of dana, bob or carol (owners)`.
fn who(policy: &Policy, required: u32, from: &[TeamName]) -> String {
    let able = policy.able(from);
    let people = people(policy, &able, "or");
    format!("{required} of {people} ({})", joined(from))
}

/// What a path rule demands on top.
fn on_top(policy: &Policy, path: &PathRule) -> String {
    let globs: Vec<String> = path.patterns.iter().map(|glob| quoted(glob)).collect();
    let who = who(policy, path.required, &path.from);
    format!("falls under {}: also approved by {who}", globs.join(" or "))
}

fn people(policy: &Policy, names: &BTreeSet<PersonName>, word: &str) -> String {
    let names: Vec<String> = names.iter().map(|name| person(policy, name)).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} {word} {last}", head.join(", ")),
    }
}

fn joined(teams: &[TeamName]) -> String {
    let teams: Vec<String> = teams.iter().map(ToString::to_string).collect();
    teams.join(", ")
}

fn quoted(glob: &str) -> String {
    format!("`{}`", escape(glob.as_bytes()))
}

fn shown(rule: &BranchRule) -> String {
    escape(rule.pattern.as_bytes())
}

fn json(policy: &Policy, refname: &RefName, paths: &[RepoPath]) -> Value {
    let rules = policy.rules_for(refname);
    let one_path = |path: &RepoPath| {
        let matching = rules.iter().flat_map(|rule| {
            let matching = rule.paths.matching(path.as_bytes()).into_iter();
            matching.map(|path| demand(policy, rule, path))
        });
        json!({ "path": path.to_string(), "on_top": matching.collect::<Vec<_>>() })
    };
    json!({
        "schema": "relhook/policy-explain/v1",
        "ref": refname.to_string(),
        "protected": policy.protects(refname),
        "rules": rules.iter().map(|rule| of_rule(policy, rule)).collect::<Vec<_>>(),
        "paths": paths.iter().map(one_path).collect::<Vec<_>>(),
    })
}

fn of_rule(policy: &Policy, rule: &BranchRule) -> Value {
    json!({
        "rule": shown(rule),
        "only_warns": rule.only_warns(),
        "required": rule.required,
        "from": rule.from,
        "able": policy.able(&rule.from),
        "independence": match rule.independence {
            Independence::Commit => "commit",
            Independence::Range => "range",
        },
        "attribution": match rule.attribution {
            Attribution::Signature => "signature",
            Attribution::SignatureOrPusher => "signature-or-pusher",
        },
        "expire_seconds": rule.expire.map(|expire| expire.0),
        "push": rule.push,
        "rollback": rule.rollback.as_ref().map(|rollback| json!({
            "required": rollback.required,
            "by": rollback.by,
        })),
        "on_top": rule.paths.iter().map(|path| demand(policy, rule, path)).collect::<Vec<_>>(),
        "windows": rule.windows,
        "freezes": rule.freezes,
        "delegation": rule.delegation.as_ref().map(|delegation| json!({
            "by": delegation.by,
            "to": delegation.to,
            "longest_seconds": delegation.longest.0,
        })),
        "emergency": rule.emergency.as_ref().map(of_emergency),
        "ticket": rule.ticket.as_ref().map(|ticket| ticket.pattern.as_str()),
        "checks": rule.checks,
        "releaser": match rule.releaser {
            Releaser::Anyone => "anyone",
            Releaser::Distinct => "distinct",
        },
        "releases_to": rule.release,
    })
}

fn of_emergency(emergency: &Emergency) -> Value {
    let except = emergency.except.iter();
    let except = except
        .flat_map(|one| &one.patterns)
        .map(|glob| escape(glob.as_bytes()));
    json!({
        "by": emergency.by,
        "cosign": emergency.cosign,
        "ticket": emergency.ticket.as_ref().map(|ticket| ticket.as_str()),
        "expire_seconds": emergency.expire.0,
        "limit": { "count": emergency.limit.count, "within_seconds": emergency.limit.within.0 },
        "except": except.collect::<Vec<_>>(),
        "review_within_seconds": emergency.review_within.0,
        "while_overdue": leave(emergency.while_overdue),
        "cross_review": leave(emergency.cross_review),
    })
}

fn leave(leave: Leave) -> &'static str {
    match leave {
        Leave::Refuse => "refuse",
        Leave::Allow => "allow",
    }
}

fn demand(policy: &Policy, rule: &BranchRule, path: &PathRule) -> Value {
    let patterns: Vec<String> = path
        .patterns
        .iter()
        .map(|glob| escape(glob.as_bytes()))
        .collect();
    json!({
        "rule": shown(rule),
        "patterns": patterns,
        "required": path.required,
        "from": path.from,
        "able": policy.able(&path.from),
    })
}
