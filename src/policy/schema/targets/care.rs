//! `verify`, `drift` and `health`: what every kind of target may have.

use super::{Complaints, Fault, Fields, Node, checked, count, fields, values};
use crate::policy::{Care, Health, HealthCheck, OnDrift, TargetKind, Verify};
use crate::types::Seconds;
use std::path::PathBuf;

/// The keys of `health`.
const HEALTH: &[&str] = &["url", "status", "contains", "command", "within", "retries"];
/// The most words of a command.
const WORDS: usize = 100;
/// How long a check may take where the policy does not say.
const WITHIN: Seconds = Seconds(30);
/// How often it is repeated where the policy does not say.
const RETRIES: u32 = 3;

/// How a target is looked after; nothing where one of its keys does not fit.
pub(super) fn care(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<Care> {
    const VERIFY: [(&str, Verify); 2] = [("quick", Verify::Quick), ("deep", Verify::Deep)];
    const DRIFT: [(&str, OnDrift); 2] = [
        ("overwrite", OnDrift::Overwrite),
        ("refuse", OnDrift::Refuse),
    ];
    let verify = match fields.get("verify") {
        None => Some(Verify::default()),
        Some(entry) => fields::choice(&entry.value, "verify", &VERIFY, complaints),
    };
    let drift = match fields.get("drift") {
        None => Some(OnDrift::default()),
        Some(entry) => fields::choice(&entry.value, "drift", &DRIFT, complaints),
    };
    let health = match fields.get("health") {
        None => Some(None),
        Some(entry) => {
            let what = ("health", entry.key_at);
            Fields::read(&entry.value, what, "`health`", HEALTH, complaints)
                .and_then(|fields| health(&fields, complaints))
                .map(Some)
        }
    };
    Some(Care {
        verify: verify?,
        drift: drift?,
        health: health?,
    })
}

fn health(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<Health> {
    let within = match fields.get("within") {
        None => Some(WITHIN),
        Some(entry) => wait(&entry.value, complaints),
    };
    let retries = count(fields, "retries", 0..=100, RETRIES, complaints);
    let check = match (fields.get("url"), fields.get("command")) {
        (Some(_), None) => page(fields, complaints),
        (None, Some(entry)) => {
            for key in ["status", "contains"] {
                if let Some(entry) = fields.get(key) {
                    let why = "belongs to `url`, not to `command`".to_owned();
                    let what = key.to_owned();
                    complaints.add(entry.key_at, Fault::Value { what, why });
                }
            }
            command(&entry.value, complaints)
        }
        (None, None) | (Some(_), Some(_)) => {
            let what = "health".to_owned();
            let why = "needs either `url` or `command`".to_owned();
            complaints.add(fields.at(), Fault::Value { what, why });
            None
        }
    };
    Some(Health {
        check: check?,
        within: within?,
        retries: retries?,
    })
}

fn page(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<HealthCheck> {
    let url = fields.required("url", complaints, |node, what, complaints| {
        let text = fields::text(node, what, complaints)?;
        // What does not fit is not repeated: it may hold a password.
        match values::page(&text.value) {
            Ok(()) => Some(text),
            Err(why) => {
                let what = what.to_owned();
                complaints.add(node.at, Fault::Value { what, why });
                None
            }
        }
    });
    let status = count(fields, "status", 100..=599, 200, complaints);
    let contains = match fields.get("contains") {
        None => Some(None),
        Some(entry) => checked(&entry.value, "contains", complaints, values::excerpt).map(Some),
    };
    Some(HealthCheck::Http {
        url: url?.value,
        status: u16::try_from(status?).ok()?,
        contains: contains?.map(|text| text.value),
    })
}

fn command(node: &Node, complaints: &mut Complaints) -> Option<HealthCheck> {
    let mut words = Vec::new();
    for item in fields::list(node, "command", WORDS, complaints)? {
        words.push(fields::text(item, "command", complaints));
    }
    let words: Option<Vec<String>> = words
        .into_iter()
        .map(|word| word.map(|word| word.value))
        .collect();
    let mut words = words?.into_iter();
    let program = words.next()?;
    if let Err(why) = values::absolute(&program, false) {
        let what = "command".to_owned();
        complaints.add(node.at, Fault::Value { what, why });
        return None;
    }
    Some(HealthCheck::Command {
        program: PathBuf::from(program),
        args: words.collect(),
    })
}

fn wait(node: &Node, complaints: &mut Complaints) -> Option<Seconds> {
    let text = fields::text(node, "within", complaints)?;
    match values::wait(&text.value) {
        Ok(wait) => Some(wait),
        Err(why) => {
            let what = "within".to_owned();
            complaints.add(node.at, Fault::Value { what, why });
            None
        }
    }
}

/// Complains about `drift: refuse` and `verify: deep` for a place that cannot be looked at: with the
/// one nothing would ever be released there, and the other would promise what nobody does.
pub(super) fn suits(
    care: &Care,
    kind: &TargetKind,
    fields: &Fields<'_>,
    complaints: &mut Complaints,
) {
    match kind {
        TargetKind::Command(_) => {}
        TargetKind::Dir(_)
        | TargetKind::Ftp(_)
        | TargetKind::Sftp(_)
        | TargetKind::Rsync(_)
        | TargetKind::Svn(_)
        | TargetKind::S3(_)
        | TargetKind::Webdav(_) => return,
    }
    let mut refuse = |what: &str, value: &str| {
        let what = what.to_owned();
        let why = format!("cannot be `{value}` where the place cannot be looked at");
        complaints.add(fields.at(), Fault::Value { what, why });
    };
    if care.drift == OnDrift::Refuse {
        refuse("drift", "refuse");
    }
    if care.verify == Verify::Deep {
        refuse("verify", "deep");
    }
}
