//! Release windows and freezes: when something may go out, by the clock on the wall of a place.
//!
//! Pure: a zone's rules are part of the program, so that a server without a time-zone database and
//! a clone with another one say the same.

mod freeze;
mod outlook;
#[cfg(test)]
mod tests;
mod window;
mod zone;

pub use freeze::{Edge, Freeze};
pub use outlook::{Closed, Hours, Moment};
pub use window::{Days, Minute, Window};
pub use zone::{Zone, zone_rules};

use crate::types::{TeamName, WindowName};
use std::collections::BTreeMap;

/// What a closed window or a freeze means for an emergency that stands in for approvals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Emergencies {
    /// It waits, as everything does; or somebody overrides.
    #[default]
    Wait,
    /// It passes, and that is noted.
    Pass,
}

/// The release windows and freezes of a policy. No window is named like a freeze.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    /// When something may go out.
    pub windows: BTreeMap<WindowName, Window>,
    /// When nothing may.
    pub freezes: BTreeMap<WindowName, Freeze>,
}

impl Calendar {
    /// The teams that may override the window or freeze of this name.
    #[must_use]
    pub fn overriders(&self, name: &WindowName) -> &[TeamName] {
        let window = self.windows.get(name).map(|window| &window.overriders);
        let freeze = || self.freezes.get(name).map(|freeze| &freeze.overriders);
        window.or_else(freeze).map_or(&[], Vec::as_slice)
    }
}
