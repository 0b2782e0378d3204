//! Times and spans, in whole seconds.

use std::fmt;
use std::str::FromStr;

/// A moment in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a time like 2026-12-24T00:00:00Z")]
pub struct TimestampError;

/// How a deadline stands.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Deadline {
    /// There is time.
    #[default]
    Ahead,
    /// The last quarter of the time that there was has begun.
    Near,
    /// It is past.
    Past,
}

impl Deadline {
    /// How the deadline `due` of what began at `from` stands at `now`.
    #[must_use]
    pub fn at(from: Timestamp, due: Timestamp, now: Timestamp) -> Self {
        let whole = due.0.saturating_sub(from.0);
        match due.0.saturating_sub(now.0) {
            ..=0 => Self::Past,
            left if left <= whole / 4 => Self::Near,
            _ => Self::Ahead,
        }
    }
}

/// A span in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(pub u64);

impl Timestamp {
    /// The moment so many seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_unix(self) -> i64 {
        self.0
    }

    /// The moment `span` later; the last representable one where that would overflow.
    #[must_use]
    pub fn plus(self, span: Seconds) -> Self {
        Self(self.0.saturating_add_unsigned(span.0))
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;
    /// Reads exactly `YYYY-MM-DDTHH:MM:SSZ` (RFC 3339, UTC, whole seconds).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time: jiff::Timestamp = text.parse().map_err(|_| TimestampError)?;
        let parsed = Self(time.as_second());
        if is_usual(text.as_bytes()) || parsed.to_string() == text {
            Ok(parsed)
        } else {
            Err(TimestampError)
        }
    }
}

/// Whether a time is in the one form in which each is written, as nearly all are: four digits of the year,
/// and no leap second, which is read as the second before it.
fn is_usual(text: &[u8]) -> bool {
    const FORM: &[u8; 20] = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'd' => byte.is_ascii_digit(),
        _ => byte == form,
    };
    text.len() == FORM.len() && text.iter().zip(FORM).all(fits) && text.get(17) != Some(&b'6')
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "@{}", self.0),
        }
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text::from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn reads_and_writes_one_form_only() {
        let text = "2026-12-24T00:00:00Z";
        assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        for bad in [
            "2026-12-24",
            "2026-12-24T00:00:00+01:00",
            "2026-12-24T00:00:00.5Z",
            "2016-12-31T23:59:60Z",
            "2026-12-24T24:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-12-24t00:00:00z",
            "",
        ] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }
}
