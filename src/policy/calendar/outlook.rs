//! What windows and freezes say of a ref at a moment, and when that changes.

use super::{Freeze, Window, Zone};
use crate::policy::{BranchRule, Policy};
use crate::types::{Seconds, Timestamp, WindowName};
use std::collections::BTreeSet;
use std::fmt;

/// So far ahead is looked for a moment at which all windows of a ref are open and no freeze holds.
const FAR: Seconds = Seconds(2 * 366 * 24 * 60 * 60);
/// So many changes are looked at on the way there.
const MOST: usize = 4000;

/// A moment, and what the clock on the wall of a place shows then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The moment.
    pub at: Timestamp,
    wall: String,
}

impl Moment {
    /// The moment, seen from a zone.
    #[must_use]
    pub fn new(zone: &Zone, at: Timestamp) -> Self {
        let wall = zone.wall(at);
        let day = super::Days::WORDS.get(
            usize::try_from(wall.date().weekday().to_monday_zero_offset()).unwrap_or_default(),
        );
        let mut capital = day.copied().unwrap_or_default().to_owned();
        if let Some(first) = capital.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let seconds = match wall.second() {
            0 => String::new(),
            seconds => format!(":{seconds:02}"),
        };
        let date = wall.date();
        Self {
            at,
            wall: format!(
                "{capital} {date} {:02}:{:02}{seconds} {}",
                wall.hour(),
                wall.minute(),
                zone.name()
            ),
        }
    }
}

impl fmt::Display for Moment {
    /// `Mon 2026-11-30 08:00 Europe/Berlin (2026-11-30T07:00:00Z)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.wall, self.at)
    }
}

/// What keeps something from going out.
#[derive(Debug, Clone, Copy)]
pub enum Closed<'a> {
    /// None of a rule's windows is open.
    Outside(&'a BranchRule),
    /// A freeze holds.
    Frozen(&'a Freeze),
}

/// What windows and freezes say of a ref.
#[derive(Debug, Clone)]
pub struct Hours<'a> {
    /// What keeps everything from going out now.
    pub closed: Vec<Closed<'a>>,
    /// When that changes: when it closes, or when it opens; nothing where that is not in sight.
    pub changes: Option<Moment>,
}

impl Hours<'_> {
    /// In words: `open until Mon …`, `shut (christmas) until Mon …`.
    #[must_use]
    pub fn shown(&self) -> String {
        let closed: Vec<String> = self.closed.iter().map(Closed::shown).collect();
        match (closed.as_slice(), &self.changes) {
            ([], Some(moment)) => format!("open until {moment}"),
            ([], None) => "open, and no end of it is in sight".to_owned(),
            (all, Some(moment)) => format!("shut ({}) until {moment}", all.join(", ")),
            (all, None) => format!("shut ({}), and no opening is in sight", all.join(", ")),
        }
    }
}

impl Closed<'_> {
    /// `the freeze christmas`, `outside office or night`.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Frozen(freeze) => format!("the freeze {}", freeze.name),
            Self::Outside(rule) => {
                let names: Vec<String> = rule.windows.iter().map(ToString::to_string).collect();
                format!("outside {}", names.join(" and "))
            }
        }
    }
}

impl BranchRule {
    /// Whether it names a window or a freeze.
    #[must_use]
    pub fn has_hours(&self) -> bool {
        !self.windows.is_empty() || !self.freezes.is_empty()
    }
}

impl Policy {
    /// What windows and freezes say at a moment of a ref that these rules protect; nothing where no
    /// rule names any.
    #[must_use]
    pub fn hours<'a>(&'a self, rules: &[&'a BranchRule], at: Timestamp) -> Option<Hours<'a>> {
        if !rules.iter().any(|rule| rule.has_hours()) {
            return None;
        }
        let closed = self.closed(rules, at, &BTreeSet::new());
        let changes = if closed.is_empty() {
            self.closes(rules, at)
        } else {
            self.opens(rules, at)
        };
        Some(Hours { closed, changes })
    }

    /// What keeps a push under these rules from going in at a moment, but for the windows and
    /// freezes that somebody has overridden.
    #[must_use]
    pub fn closed<'a>(
        &'a self,
        rules: &[&'a BranchRule],
        at: Timestamp,
        overridden: &BTreeSet<WindowName>,
    ) -> Vec<Closed<'a>> {
        let outside = rules.iter().filter(|rule| {
            let waived = |name: &WindowName| overridden.contains(name);
            !rule.windows.is_empty()
                && !rule.windows.iter().any(waived)
                && !self.windows_of(rule).any(|window| window.is_open(at))
        });
        let frozen = self
            .freezes_of(rules)
            .filter(|freeze| freeze.holds(at) && !overridden.contains(&freeze.name));
        outside
            .map(|rule| Closed::Outside(rule))
            .chain(frozen.map(Closed::Frozen))
            .collect()
    }

    /// The first moment from `at` on at which nothing keeps a push from going in; nothing where none
    /// is in sight.
    #[must_use]
    pub fn opens(&self, rules: &[&BranchRule], at: Timestamp) -> Option<Moment> {
        let end = at.plus(FAR);
        let mut now = at;
        for _ in 0..MOST {
            let Some(first) = self.closed(rules, now, &BTreeSet::new()).first().copied() else {
                return Some(Moment::new(self.zone_of(rules)?, now));
            };
            now = match first {
                Closed::Outside(rule) => {
                    let opening = self.windows_of(rule).filter_map(|window| window.opens(now));
                    opening.min()?
                }
                Closed::Frozen(freeze) => freeze.until?.at,
            };
            if now > end {
                return None;
            }
        }
        None
    }

    /// The first moment after `at`, at which nothing keeps a push from going in, at which something
    /// does; nothing where none is in sight.
    fn closes(&self, rules: &[&BranchRule], at: Timestamp) -> Option<Moment> {
        let shut = rules.iter().filter_map(|rule| self.all_shut(rule, at));
        let freezing = self.freezes_of(rules).map(|freeze| freeze.from.at);
        let first = shut.chain(freezing.filter(|from| *from > at)).min()?;
        Some(Moment::new(self.zone_of(rules)?, first))
    }

    /// When the last of a rule's windows that follow on each other closes.
    fn all_shut(&self, rule: &BranchRule, at: Timestamp) -> Option<Timestamp> {
        let end = at.plus(FAR);
        let mut now = at;
        for _ in 0..MOST {
            let Some(open) = self.windows_of(rule).find(|window| window.is_open(now)) else {
                return (now > at).then_some(now);
            };
            now = open.closes(now)?;
            if now > end {
                return None;
            }
        }
        None
    }

    fn windows_of<'a>(&'a self, rule: &'a BranchRule) -> impl Iterator<Item = &'a Window> {
        let names = rule.windows.iter();
        names.filter_map(|name| self.calendar.windows.get(name))
    }

    /// The freezes of all rules, each once.
    fn freezes_of<'a>(&'a self, rules: &[&'a BranchRule]) -> impl Iterator<Item = &'a Freeze> {
        let names: BTreeSet<&WindowName> = rules.iter().flat_map(|rule| &rule.freezes).collect();
        names
            .into_iter()
            .filter_map(|name| self.calendar.freezes.get(name))
    }

    /// The place by whose clock moments are told: that of the first window, or freeze.
    fn zone_of<'a>(&'a self, rules: &[&'a BranchRule]) -> Option<&'a Zone> {
        let mut windows = rules.iter().flat_map(|rule| self.windows_of(rule));
        let window = windows.next().map(|window| &window.zone);
        window.or_else(|| self.freezes_of(rules).next().map(|freeze| &freeze.zone))
    }
}
