//! Object ids.

use std::fmt;
use std::str::FromStr;

/// A SHA-1 object id, never the all-zero one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid([u8; 20]);

/// Why text is not an object id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidError {
    /// Not exactly 40 lower-case hexadecimal digits.
    #[error("not 40 lower-case hexadecimal digits")]
    Malformed,
    /// The all-zero id, which names no object.
    #[error("the all-zero id names no object")]
    Zero,
}

impl Oid {
    /// The id with these 20 bytes.
    ///
    /// # Errors
    /// [`OidError::Zero`] for the all-zero id, [`OidError::Malformed`] for another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OidError> {
        let raw: [u8; 20] = bytes.try_into().map_err(|_| OidError::Malformed)?;
        if raw == [0; 20] {
            Err(OidError::Zero)
        } else {
            Ok(Self(raw))
        }
    }

    /// The id written as 40 lower-case hexadecimal digits, or nothing for the all-zero one.
    ///
    /// # Errors
    /// Anything else.
    pub fn from_hex_or_zero(hex: &[u8]) -> Result<Option<Self>, OidError> {
        match Self::from_hex(hex) {
            Ok(oid) => Ok(Some(oid)),
            Err(OidError::Zero) => Ok(None),
            Err(OidError::Malformed) => Err(OidError::Malformed),
        }
    }

    /// The id written as exactly 40 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// Anything else, upper case and abbreviations included.
    pub fn from_hex(hex: &[u8]) -> Result<Self, OidError> {
        if hex.len() != 40 {
            return Err(OidError::Malformed);
        }
        let mut raw = [0u8; 20];
        for (slot, pair) in raw.iter_mut().zip(hex.chunks_exact(2)) {
            let [high, low] = pair else {
                return Err(OidError::Malformed);
            };
            *slot = digit(*high)? << 4 | digit(*low)?;
        }
        Self::from_bytes(&raw)
    }

    /// The 20 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The first 7 digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(7).collect()
    }

    /// The first 12 digits: the subject in a statement's name.
    #[must_use]
    pub fn subject(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

fn digit(byte: u8) -> Result<u8, OidError> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(OidError::Malformed),
    }
}

impl FromStr for Oid {
    type Err = OidError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_hex(text.as_bytes())
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::hex(&self.0))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

impl serde::Serialize for Oid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::hex(&self.0))
    }
}

impl<'de> serde::Deserialize<'de> for Oid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text::from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_lower_case_hex_is_an_id() {
        let text = "8d01e77ab12c00000000000000000000000000ff";
        assert_eq!(text.parse::<Oid>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().parse::<Oid>(), Err(OidError::Malformed));
        assert_eq!("8d01e77".parse::<Oid>(), Err(OidError::Malformed));
        assert_eq!("0".repeat(40).parse::<Oid>(), Err(OidError::Zero));
    }
}
