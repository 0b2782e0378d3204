//! Choices out of bytes: what proptest shrinks, a world shrinks with.

/// Gives one choice after the other; when the bytes run out, always the first.
pub struct Dice<'a> {
    bytes: &'a [u8],
}

impl<'a> Dice<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        match self.bytes.split_first() {
            Some((byte, rest)) => {
                self.bytes = rest;
                usize::from(*byte) % sides
            }
            None => 0,
        }
    }

    /// True in so many of a hundred cases; false when the bytes run out.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) >= 100 - percent
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())].clone()
    }
}
