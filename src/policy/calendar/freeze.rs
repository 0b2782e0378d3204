//! A freeze: from one moment to another, nothing goes out.

use super::{Emergencies, Zone};
use crate::types::{TeamName, Timestamp, WindowName};
use jiff::civil::DateTime;

/// From one moment to another, nothing goes out.
#[derive(Debug, Clone)]
pub struct Freeze {
    /// The policy's name for it.
    pub name: WindowName,
    /// The place whose clock counts.
    pub zone: Zone,
    /// When it begins.
    pub from: Edge,
    /// When it ends: with a change of the policy where it is absent.
    pub until: Option<Edge>,
    /// The teams that may override it.
    pub overriders: Vec<TeamName>,
    /// Whether an emergency gets past it.
    pub emergencies: Emergencies,
}

/// When a freeze begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// What the clock on the wall shows then.
    pub wall: DateTime,
    /// The moment.
    pub at: Timestamp,
}

impl Edge {
    /// Where a freeze begins. A time that the clock shows twice is the first of them; one that it
    /// skips, the moment at which it does: a freeze lasts as long as it can be read.
    #[must_use]
    pub fn beginning(zone: &Zone, wall: DateTime) -> Self {
        let (at, _) = zone.moments(wall);
        Self { wall, at }
    }

    /// Where a freeze ends. A time that the clock shows twice is the second of them.
    #[must_use]
    pub fn ending(zone: &Zone, wall: DateTime) -> Self {
        let (_, at) = zone.moments(wall);
        Self { wall, at }
    }
}

impl Freeze {
    /// Whether it holds at a moment.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from.at <= at && self.until.is_none_or(|until| at < until.at)
    }
}
