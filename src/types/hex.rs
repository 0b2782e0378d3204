//! Bytes as hexadecimal digits.

/// The bytes, each as two lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut digits = vec![0; bytes.len() * 2];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    // All of them are ASCII.
    String::from_utf8(digits).unwrap_or_default()
}

fn digit(value: u8) -> u8 {
    if value < 10 {
        b'0' + value
    } else {
        b'a' - 10 + value
    }
}

#[cfg(test)]
mod tests {
    use super::hex;

    #[test]
    fn every_byte_is_two_digits() {
        assert_eq!(hex(b""), "");
        assert_eq!(hex(&[0x00, 0x09, 0x0a, 0x9f, 0xff]), "00090a9fff");
    }
}
