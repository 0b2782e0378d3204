//! A release window: some hours of some days of the week.

use super::{Emergencies, Zone};
use crate::types::{Seconds, TeamName, Timestamp, WindowName};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Weekday};

/// A minute of the day: 0 for midnight, 1440 for the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minute(u16);

/// The minutes of a day.
const DAY: u16 = 24 * 60;

impl Minute {
    /// The beginning of the day.
    pub const START: Self = Self(0);
    /// The end of the day.
    pub const END: Self = Self(DAY);

    /// The minute of this hour and minute; nothing past `24:00`.
    #[must_use]
    pub fn new(hour: u16, minute: u16) -> Option<Self> {
        let all = hour.checked_mul(60)?.checked_add(minute)?;
        (minute < 60 && all <= DAY).then_some(Self(all))
    }

    /// `08:00`, `24:00`.
    #[must_use]
    pub fn shown(self) -> String {
        format!("{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// Days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);
    /// The words for them, Monday first.
    pub const WORDS: [&'static str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    /// The days from one to another, both included, by their places in [`Self::WORDS`]; over the
    /// end of the week where the first comes later.
    #[must_use]
    pub fn between(first: usize, last: usize) -> Self {
        let length = (last + 7 - first % 7) % 7;
        let days = (0..=length).map(|step| 1 << ((first + step) % 7));
        Self(days.fold(0, |all, day: u8| all | day))
    }

    /// These days and those.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, day: Weekday) -> bool {
        self.0 & (1 << day.to_monday_zero_offset()) != 0
    }
}

/// Some hours of some days of the week.
#[derive(Debug, Clone)]
pub struct Window {
    /// The policy's name for it.
    pub name: WindowName,
    /// The place whose clock counts.
    pub zone: Zone,
    /// The days on which it opens.
    pub days: Days,
    /// When it opens.
    pub from: Minute,
    /// When it closes; on the next day where that is not after `from`.
    pub to: Minute,
    /// The teams that may override it.
    pub overriders: Vec<TeamName>,
    /// Whether an emergency gets past it.
    pub emergencies: Emergencies,
}

impl Window {
    /// Whether it is open at a moment: whether the clock on the wall shows a day and a time in it.
    /// Every moment has one such time, also where the clock is put forward or back.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        let wall = self.zone.wall(at);
        let minute = Minute(minute_of(wall));
        let today = self.days.has(wall.date().weekday());
        if self.from < self.to {
            return today && self.from <= minute && minute < self.to;
        }
        let yesterday = self.days.has(wall.date().weekday().previous());
        (today && self.from <= minute) || (yesterday && minute < self.to)
    }

    /// The first moment from `at` on at which it is open; nothing if there is none within
    /// [`Self::HORIZON`].
    #[must_use]
    pub fn opens(&self, at: Timestamp) -> Option<Timestamp> {
        self.next(at, true)
    }

    /// The first moment from `at` on at which it is shut; nothing if there is none within
    /// [`Self::HORIZON`].
    #[must_use]
    pub fn closes(&self, at: Timestamp) -> Option<Timestamp> {
        self.next(at, false)
    }

    /// So far ahead is looked. A window of one day a week is open once in that time, also where the
    /// one before is skipped with the hour, or the day, over which a clock is put forward.
    pub const HORIZON: Seconds = Seconds(21 * 24 * 60 * 60);

    fn next(&self, at: Timestamp, open: bool) -> Option<Timestamp> {
        if self.is_open(at) == open {
            return Some(at);
        }
        let end = at.plus(Self::HORIZON);
        let mut turns: Vec<Timestamp> = self.zone.jumps(at, end).collect();
        let first = self.zone.wall(at).date();
        for day in 0..=22_i32 {
            // The last days that can be written have no day after them.
            let Ok(date) = first.checked_add((day - 1).days()) else {
                continue;
            };
            for minute in [self.from, self.to] {
                let (one, other) = self.zone.moments(on(date, minute));
                turns.extend([one, other]);
            }
        }
        // Nothing changes but at these.
        turns.retain(|turn| *turn > at && *turn <= end);
        turns.sort_unstable();
        turns.into_iter().find(|turn| self.is_open(*turn) == open)
    }
}

fn minute_of(wall: DateTime) -> u16 {
    let part = |value: i8| u16::try_from(value).unwrap_or_default();
    part(wall.hour()) * 60 + part(wall.minute())
}

/// A minute of a date; the end of the day is the beginning of the next.
fn on(date: Date, minute: Minute) -> DateTime {
    let midnight = date.at(0, 0, 0, 0);
    let minutes = i32::from(minute.0).minutes();
    midnight.checked_add(minutes).unwrap_or(midnight)
}
