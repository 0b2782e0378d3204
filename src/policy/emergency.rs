//! Breaking the glass: who may let commits in that nobody has approved, how often, and what is owed
//! for it.

use super::PathRules;
use crate::types::{Seconds, TeamName};

/// What a rule says of emergencies.
#[derive(Debug, Clone)]
pub struct Emergency {
    /// The teams whose members may declare one.
    pub by: Vec<TeamName>,
    /// The teams of which a second person has to sign too; nobody else has to, if absent.
    pub cosign: Option<Vec<TeamName>>,
    /// How long a statement counts at most after the server first saw it.
    pub expire: Seconds,
    /// How many emergencies there may be.
    pub limit: Limit,
    /// The paths that no emergency lets anybody touch: one rule, whose teams mean nothing.
    pub except: PathRules,
    /// What the ticket that a statement names looks like; it need not name one, if absent.
    pub ticket: Option<TicketPattern>,
    /// How long there is to look at what went in.
    pub review_within: Seconds,
    /// Whether there may be another one while a review is overdue.
    pub while_overdue: Leave,
    /// Whether somebody whose own emergency is still owed may settle another one's.
    pub cross_review: Leave,
}

/// So many in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub count: u32,
    /// In how long.
    pub within: Seconds,
}

/// Whether something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// It is not.
    Refuse,
    /// It is.
    Allow,
}

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

impl Emergency {
    /// How long a statement counts where the policy does not say.
    pub const EXPIRE: Seconds = Seconds(4 * HOUR);
    /// The longest that a policy may say.
    pub const LONGEST: Seconds = Seconds(7 * DAY);
    /// How many there may be where the policy does not say.
    pub const LIMIT: Limit = Limit {
        count: 3,
        within: Seconds(30 * DAY),
    };
    /// The longest time over which they are counted. What is settled is remembered for as long.
    pub const MEMORY: Seconds = Seconds(366 * DAY);
    /// How long there is for the review where the policy does not say.
    pub const REVIEW_WITHIN: Seconds = Seconds(3 * DAY);
}

/// What a ticket's name looks like: `#` stands for digits, `*` for letters, digits, `-`, `_` and `.`,
/// at least one; everything else for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketPattern(String);

/// The longest ticket that is read, in bytes.
pub const MAX_TICKET: usize = 100;

impl TicketPattern {
    /// A pattern as the policy writes it.
    ///
    /// # Errors
    /// Why it is none.
    pub fn new(text: &str) -> Result<Self, String> {
        let plain = |ch: char| ch.is_ascii_alphanumeric() || "#*-_./:".contains(ch);
        if text.is_empty() || text.len() > MAX_TICKET || !text.chars().all(plain) {
            Err("is not like `INC-#`: letters, digits, `-_./:`, `#` for digits, `*`".to_owned())
        } else if ["**", "*#", "#*", "##"]
            .iter()
            .any(|two| text.contains(two))
        {
            Err("has two wildcards side by side".to_owned())
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a ticket's name looks like this.
    #[must_use]
    pub fn fits(&self, ticket: &str) -> bool {
        ticket.len() <= MAX_TICKET && fits(self.0.as_bytes(), ticket.as_bytes())
    }
}

/// Each wildcard takes as little as it can and more where what follows asks for it. Both texts are short,
/// and no two wildcards stand side by side.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    // The places of the text up to which what stands before in the pattern reaches.
    let mut reached = vec![false; text.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for wanted in pattern {
        let mut next = vec![false; text.len() + 1];
        for (at, byte) in text.iter().enumerate() {
            let takes = match wanted {
                b'#' => byte.is_ascii_digit(),
                b'*' => byte.is_ascii_alphanumeric() || b"-_.".contains(byte),
                plain => plain == byte,
            };
            let again = matches!(wanted, b'#' | b'*') && next.get(at) == Some(&true);
            let from = reached.get(at) == Some(&true) || again;
            if let Some(slot) = next.get_mut(at + 1) {
                *slot = takes && from;
            }
        }
        reached = next;
    }
    reached.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::TicketPattern;

    #[test]
    fn a_ticket_fits_as_a_whole() {
        let fits = |pattern: &str, ticket: &str| TicketPattern::new(pattern).unwrap().fits(ticket);
        for (pattern, ticket) in [
            ("INC-#", "INC-1"),
            ("INC-#", "INC-4200"),
            ("*-#", "a-b-7"),
            ("*-#", "OPS-12"),
            ("*", "x.y_z-1"),
            ("JIRA:*/#", "JIRA:shop/1"),
        ] {
            assert!(fits(pattern, ticket), "{pattern} {ticket}");
        }
        for (pattern, ticket) in [
            ("INC-#", "INC-"),
            ("INC-#", "inc-1"),
            ("INC-#", "INC-1x"),
            ("INC-#", " INC-1"),
            ("INC-#", "INC-\u{661}"),
            ("*-#", "-1"),
            ("*", ""),
            ("*", "a b"),
        ] {
            assert!(!fits(pattern, ticket), "{pattern} {ticket}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        for bad in ["", "a b", "**", "*#", "(x)", "\u{200b}"] {
            assert!(TicketPattern::new(bad).is_err(), "{bad}");
        }
    }
}
