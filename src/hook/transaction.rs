//! What a reference transaction may do: the second lock, behind the verdict.
//!
//! git shows every step of a ref's storage here, not only moves: packing a ref reads as `0 → X`
//! while it already names X, and dropping the loose file of a packed ref reads as a deletion
//! (seen with git 2.39 and 2.47). Only what changes what the ref names is a move.

use super::input::fields;
use crate::statement::STATEMENT_PREFIX;
use crate::types::{Oid, RefName};

/// One line of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The ref.
    pub refname: RefName,
    /// What it is to become.
    pub to: To,
}

/// What a ref is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// This object.
    Object(Oid),
    /// Nothing.
    Nothing,
    /// A symbolic ref, or something that this version does not know.
    Other,
}

/// Reads a line. Names outside `refs/` (HEAD, ORIG_HEAD) are nobody's rule and give nothing; what
/// cannot be read is kept as an error text.
///
/// # Errors
/// When the line is not `<old> <new> <ref>` or the name is not a ref name.
pub fn step(line: &[u8]) -> Result<Option<Step>, String> {
    let (_, new, name) = fields(line).ok_or("a line is not `<old> <new> <ref>`")?;
    if !name.starts_with(b"refs/") {
        return Ok(None);
    }
    let refname = RefName::new(name).map_err(|error| error.to_string())?;
    let to = match Oid::from_hex_or_zero(new) {
        Ok(Some(oid)) => To::Object(oid),
        Ok(None) => To::Nothing,
        Err(_) => To::Other,
    };
    Ok(Some(Step { refname, to }))
}

/// What has to be known of the ref to tell whether the step is a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// What the ref names; nothing if it is absent or symbolic.
    pub current: Option<Oid>,
    /// What the packed refs say that it names.
    pub packed: Option<Oid>,
    /// Whether the packed refs are locked, as they are while a ref is really deleted.
    pub packed_locked: bool,
}

/// Whether the step changes what the ref names.
#[must_use]
pub fn moves(to: To, now: Now) -> bool {
    match to {
        To::Object(oid) => now.current != Some(oid),
        To::Nothing => {
            let stays_packed = now.current.is_some() && now.packed == now.current;
            now.current.is_some() && (now.packed_locked || !stays_packed)
        }
        To::Other => true,
    }
}

/// The value that `packed-refs` holds for a ref.
#[must_use]
pub fn packed_value(packed_refs: &[u8], refname: &RefName) -> Option<Oid> {
    packed_refs.split(|byte| *byte == b'\n').find_map(|line| {
        let (hex, name) = line.split_at_checked(40)?;
        let name = name.strip_prefix(b" ")?;
        if name == refname.as_bytes() {
            Oid::from_hex(hex).ok()
        } else {
            None
        }
    })
}

/// Whether a ref holds a statement.
#[must_use]
pub fn is_statement(refname: &RefName) -> bool {
    refname.is_under(STATEMENT_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(digit: &str) -> Oid {
        digit.repeat(40).parse().unwrap()
    }

    fn prod() -> RefName {
        RefName::new(b"refs/heads/prod").unwrap()
    }

    #[test]
    fn lines_are_read_and_unknown_values_are_kept_as_such() {
        let line =
            |new: &str, name: &str| step(format!("{} {new} {name}", "0".repeat(40)).as_bytes());
        let read = |new: &str| line(new, "refs/heads/prod").unwrap().unwrap().to;
        assert_eq!(read(&"a".repeat(40)), To::Object(oid("a")));
        assert_eq!(read(&"0".repeat(40)), To::Nothing);
        assert_eq!(read("ref:refs/heads/x"), To::Other);
        assert_eq!(line(&"a".repeat(40), "HEAD").unwrap(), None);
        assert!(line(&"a".repeat(40), "refs/heads//x").is_err());
        assert!(step(b"nonsense").is_err());
    }

    #[test]
    fn r_11_packing_and_pruning_move_nothing() {
        let now = Now {
            current: Some(oid("a")),
            packed: None,
            packed_locked: true,
        };
        assert!(
            !moves(To::Object(oid("a")), now),
            "pack-refs writes the value that stands"
        );
        let pruned = Now {
            packed: Some(oid("a")),
            packed_locked: false,
            ..now
        };
        assert!(
            !moves(To::Nothing, pruned),
            "the loose file goes, the packed value stays"
        );
    }

    #[test]
    fn r_11_a_real_deletion_is_a_move() {
        let loose = Now {
            current: Some(oid("a")),
            packed: None,
            packed_locked: true,
        };
        assert!(moves(To::Nothing, loose));
        assert!(
            moves(
                To::Nothing,
                Now {
                    packed: Some(oid("a")),
                    ..loose
                }
            ),
            "both are deleted"
        );
        let stale = Now {
            packed: Some(oid("b")),
            packed_locked: false,
            ..loose
        };
        assert!(moves(To::Nothing, stale), "the packed value is another");
        assert!(!moves(
            To::Nothing,
            Now {
                current: None,
                packed: None,
                packed_locked: true
            }
        ));
    }

    #[test]
    fn packed_refs_are_read_by_whole_name() {
        let a = "a".repeat(40);
        let text =
            format!("# pack-refs with: peeled\n{a} refs/heads/prod2\n{a} refs/heads/prod\n^{a}\n");
        assert_eq!(packed_value(text.as_bytes(), &prod()), Some(oid("a")));
        assert_eq!(
            packed_value(text.as_bytes(), &RefName::new(b"refs/heads/pro").unwrap()),
            None
        );
    }
}
