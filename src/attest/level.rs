//! Which level of SLSA's source track a move reaches. Pure.

use crate::replay::{Admission, Move};

/// A level of SLSA's source track (version 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The revision has an id, and a repository that versions it.
    One,
    /// And its branch's history is kept, with a record of who moved it when.
    Two,
    /// And the controls held without a gap.
    Three,
    /// And two people agreed on the final revision before it went in.
    Four,
}

impl Level {
    /// What a move that holds up reaches.
    #[must_use]
    pub fn of(one: &Move) -> Self {
        if !one.held {
            return Self::One;
        }
        if one.gap {
            // Between the revision before and this one the ref was where no verdict let it be, or the
            // rule was not that of a policy that was approved.
            return Self::Two;
        }
        match one.admission {
            // Nothing was enforced.
            Admission::Warned => Self::Two,
            Admission::Approved if two_agreed(one) => Self::Four,
            Admission::Approved => Self::Three,
            // Nobody had approved it when it went in, and no later review changes that.
            Admission::Emergency => Self::Two,
        }
    }

    /// The name in a verification summary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "SLSA_SOURCE_LEVEL_1",
            Self::Two => "SLSA_SOURCE_LEVEL_2",
            Self::Three => "SLSA_SOURCE_LEVEL_3",
            Self::Four => "SLSA_SOURCE_LEVEL_4",
        }
    }
}

/// Whether somebody who had no hand in anything that the move brings approved exactly the commit that it
/// leads to, and people of the policy made it. That each commit names nobody unknown, and that
/// its makers are authenticated, the rule demands of every move.
fn two_agreed(one: &Move) -> bool {
    let distinct = one.final_approvers.difference(&one.contributors).next();
    distinct.is_some() && !one.contributors.is_empty()
}
