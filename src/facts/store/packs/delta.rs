//! An object that is stored as the changes of another one.

use super::{PackError, take};

const BROKEN: PackError = PackError::Odd("a change that does not fit what it changes");

/// How long the object that is changed is, how long the result, and the changes.
pub(super) struct Delta<'a> {
    pub base_len: usize,
    pub len: usize,
    steps: &'a [u8],
}

impl<'a> Delta<'a> {
    pub(super) fn read(mut bytes: &'a [u8]) -> Result<Self, PackError> {
        let base_len = length(&mut bytes)?;
        let len = length(&mut bytes)?;
        Ok(Self {
            base_len,
            len,
            steps: bytes,
        })
    }

    /// The result. The caller has bounded [`Self::len`].
    pub(super) fn apply(&self, base: &[u8]) -> Result<Vec<u8>, PackError> {
        if base.len() != self.base_len {
            return Err(BROKEN);
        }
        let mut out = Vec::with_capacity(self.len);
        let mut steps = self.steps;
        while let Some(step) = take(&mut steps) {
            let part = if step & 0x80 != 0 {
                copied(step, &mut steps, base)?
            } else {
                let (new, rest) = steps.split_at_checked(step.into()).ok_or(BROKEN)?;
                steps = rest;
                new
            };
            if part.is_empty() || part.len() > self.len - out.len() {
                return Err(BROKEN);
            }
            out.extend_from_slice(part);
        }
        if out.len() == self.len {
            Ok(out)
        } else {
            Err(BROKEN)
        }
    }
}

/// A part of the base: four bytes of offset and three of length, those that are zero left out.
fn copied<'b>(step: u8, steps: &mut &[u8], base: &'b [u8]) -> Result<&'b [u8], PackError> {
    let mut number = |bits: std::ops::Range<u32>| {
        let mut number = 0usize;
        for (place, bit) in bits.enumerate() {
            if step & (1 << bit) != 0 {
                number |= usize::from(take(steps).ok_or(BROKEN)?) << (8 * place);
            }
        }
        Ok::<usize, PackError>(number)
    };
    let start = number(0..4)?;
    let len = match number(4..7)? {
        0 => 0x10000,
        len => len,
    };
    base.get(start..)
        .and_then(|rest| rest.get(..len))
        .ok_or(BROKEN)
}

/// Seven bits in each byte, the lowest first.
fn length(bytes: &mut &[u8]) -> Result<usize, PackError> {
    let mut number = 0;
    for shift in (0..56).step_by(7) {
        let byte = take(bytes).ok_or(BROKEN)?;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(BROKEN)
}
