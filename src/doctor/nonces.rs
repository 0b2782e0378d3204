//! For signed pushes: the secret that git makes its nonces with, and how long signing may take.

use super::patient::Patient;
use super::words::path;
use super::{Finding, Words};
use crate::certificate::{MAX_AGE, MIN_SEED_BYTES};
use crate::policy::{IdentitySource, Policy};
use crate::setup::nonces::{SEED, SLOP, SLOP_SECONDS, is_strong, others_can_read};
use crate::setup::{Setting, Settings};

/// Looks at them, where the policy asks for signed pushes.
pub(in crate::doctor) fn examine(patient: &Patient, policy: &Policy) -> Vec<Finding> {
    if policy.identity != IdentitySource::SignedPush {
        return Vec::new();
    }
    let set = patient.settings.last(SEED);
    let shown = set
        .and_then(|set| set.origin.as_deref())
        .is_some_and(|file| others_can_read(file).unwrap_or(true));
    vec![
        seed(set, shown, &patient.words),
        slop(&patient.settings, &patient.words),
    ]
}

/// The secret: whoever knows it makes nonces of their own, for pushes that were never asked for.
fn seed(set: Option<&Setting>, shown: bool, words: &Words) -> Finding {
    let check = "nonce-seed";
    let again = || words.relhook(&["init"]);
    let Some(set) = set else {
        let what = format!("{SEED} is not set: git asks nobody for a signed push, so none gets in");
        return Finding::error(check, what).mend(again());
    };
    if !is_strong(set) {
        let what = format!("{SEED} is shorter than {MIN_SEED_BYTES} bytes: it could be guessed");
        return Finding::error(check, what).mend(again());
    }
    match &set.origin {
        Some(file) if shown => {
            let what = format!(
                "{SEED} is a secret, and others can read the file that holds it: they can make \
                 nonces of their own"
            );
            Finding::error(check, what).mend(words.own(&format!("chmod 600 {}", path(file))))
        }
        Some(_) | None => Finding::ok(check, "the secret for nonces is long, and nobody else's"),
    }
}

/// Without any leeway a push over http fails: there, asking and sending are two visits.
fn slop(settings: &Settings, words: &Words) -> Finding {
    let check = "nonce-slop";
    let limit = MAX_AGE;
    match settings.last(SLOP).map(|set| (set, set.shown().parse())) {
        None => Finding::warning(
            check,
            format!("{SLOP} is not set: over http no push gets in"),
        )
        .mend(words.relhook(&["init"])),
        Some((_, Ok(seconds))) if (0..=limit).contains(&seconds) => {
            Finding::ok(check, format!("signing may take {seconds} seconds"))
        }
        Some((set, Ok(_) | Err(_))) => {
            let what = format!(
                "{SLOP} is `{}`; relhook takes up to {limit} seconds",
                set.shown()
            );
            Finding::warning(check, what).mend(words.config(&["--replace-all", SLOP, SLOP_SECONDS]))
        }
    }
}
