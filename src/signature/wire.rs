//! The SSH wire format (RFC 4251, 5): numbers and length-prefixed strings, nothing left over.

/// What is left to read.
pub(super) struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    /// A reader of these bytes.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `count` bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    /// The next 32-bit number.
    pub(super) fn number(&mut self) -> Option<u32> {
        let bytes: [u8; 4] = self.bytes(4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    }

    /// The next string: its length and so many bytes.
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.bytes(length)
    }

    /// Nothing, if nothing is left.
    pub(super) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::Wire;

    #[test]
    fn lengths_beyond_the_end_are_nothing() {
        let mut wire = Wire::new(b"\0\0\0\x02hi\xff\xff\xff\xffx");
        assert_eq!(wire.string(), Some(&b"hi"[..]));
        assert_eq!(wire.string(), None);
        let mut rest = Wire::new(b"\0\0\0\x01xy");
        assert_eq!(rest.string(), Some(&b"x"[..]));
        assert_eq!(rest.end(), None);
    }
}
