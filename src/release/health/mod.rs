//! Whether a release works: a page is asked for, or a program is run, as the policy says.
//!
//! What is asked comes from the policy alone: a page's redirects are not followed, no proxy is
//! taken from the environment, and a program is started without a shell.

mod command;
mod page;

use super::{Order, ReleaseError};
use crate::policy::{Health, HealthCheck};
use std::time::{Duration, Instant};

/// The longest time that one try may take.
const TRY: Duration = Duration::from_secs(60);

/// Asks until the answer is good, as often and as long as the policy says.
pub(in crate::release) fn check(order: &Order, health: &Health) -> Result<(), ReleaseError> {
    let whole = Duration::from_secs(health.within.0);
    let deadline = Instant::now() + whole;
    // The tries are spread over the time that there is.
    let pause = whole / health.retries.saturating_add(1);
    let mut why = "there was no time to ask".to_owned();
    for attempt in 0..=health.retries {
        let begun = Instant::now();
        let left = deadline.saturating_duration_since(begun);
        if left.is_zero() {
            break;
        }
        let asked = match &health.check {
            HealthCheck::Http {
                url,
                status,
                contains,
            } => page::ask(url, *status, contains.as_deref(), left.min(TRY)),
            HealthCheck::Command { program, args } => {
                command::run(program, args, order, left.min(TRY))
            }
        };
        match asked {
            Ok(()) => return Ok(()),
            Err(said) => why = said,
        }
        if attempt < health.retries {
            let next = pause.saturating_sub(begun.elapsed());
            std::thread::sleep(next.min(deadline.saturating_duration_since(Instant::now())));
        }
    }
    Err(ReleaseError::Unhealthy {
        commit: order.commit,
        why,
    })
}
