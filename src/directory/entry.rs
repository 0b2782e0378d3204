//! One entry of an answer, read without trusting its shape.

use crate::types::escape;
use ldap3::ResultEntry;
use ldap3::asn1::{PL, StructureTag};
use std::collections::BTreeMap;

/// The most values of one attribute in one answer.
const MAX_VALUES: usize = 100_000;
/// The longest value, in bytes.
const MAX_VALUE: usize = 64 * 1024;

/// A part of an attribute that the server gives out in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// The place of its first value among all.
    pub from: usize,
    /// Whether there are more values behind it.
    pub more: bool,
    /// The values.
    pub values: &'a [Vec<u8>],
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its name.
    pub dn: String,
    /// Its attributes, names in lower case, options included.
    attributes: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    /// Reads an answer's entry.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(answer: ResultEntry) -> Result<Self, String> {
        let shape = || "an entry of another shape".to_owned();
        let tag = answer.0;
        let parts = (tag.id == 4).then(|| constructed(tag)).flatten();
        let mut parts = parts.ok_or_else(shape)?.into_iter();
        let dn = parts.next().and_then(text).ok_or_else(shape)?;
        let list = parts.next().and_then(constructed).ok_or_else(shape)?;
        let mut attributes: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for attribute in list {
            let mut pair = constructed(attribute).ok_or_else(shape)?.into_iter();
            let name = pair.next().and_then(text).ok_or_else(shape)?;
            let values = pair.next().and_then(constructed).ok_or_else(shape)?;
            let values: Option<Vec<Vec<u8>>> = values.into_iter().map(primitive).collect();
            let values = values.ok_or_else(shape)?;
            if values.len() > MAX_VALUES || values.iter().any(|value| value.len() > MAX_VALUE) {
                return Err(format!("`{}` holds too much", escape(name.as_bytes())));
            }
            let all = attributes.entry(name.to_ascii_lowercase());
            all.or_default().extend(values);
        }
        Ok(Self { dn, attributes })
    }

    /// An attribute's values, as bytes.
    pub(super) fn raw(&self, name: &str) -> &[Vec<u8>] {
        let values = self.attributes.get(&name.to_ascii_lowercase());
        values.map_or(&[], Vec::as_slice)
    }

    /// An attribute's values that are text.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.raw(name).iter();
        values.filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// An attribute's first value that is text.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }

    /// The part of an attribute that the answer holds, if the server gives it out in parts.
    pub(super) fn part(&self, name: &str) -> Option<Part<'_>> {
        let prefix = format!("{};range=", name.to_ascii_lowercase());
        let mut all = self.attributes.iter();
        all.find_map(|(key, values)| {
            let (from, to) = key.strip_prefix(&prefix)?.split_once('-')?;
            let plain = |digits: &str| digits.parse::<usize>().ok();
            Some(Part {
                from: plain(from)?,
                more: to != "*" && plain(to).map(|_| true)?,
                values,
            })
        })
    }
}

fn constructed(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

fn text(tag: StructureTag) -> Option<String> {
    String::from_utf8(primitive(tag)?).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ldap3::asn1::TagClass;

    fn tag(id: u64, payload: PL) -> StructureTag {
        let class = TagClass::Universal;
        StructureTag { class, id, payload }
    }

    /// An answer's entry with these attributes.
    pub(in crate::directory) fn answer(dn: &str, attributes: &[(&str, &[&[u8]])]) -> ResultEntry {
        let octets = |bytes: &[u8]| tag(4, PL::P(bytes.to_vec()));
        let attribute = |(name, values): &(&str, &[&[u8]])| {
            let values = values.iter().map(|value| octets(value)).collect();
            tag(
                16,
                PL::C(vec![octets(name.as_bytes()), tag(17, PL::C(values))]),
            )
        };
        let list = attributes.iter().map(attribute).collect();
        let parts = vec![octets(dn.as_bytes()), tag(16, PL::C(list))];
        ResultEntry::new(tag(4, PL::C(parts)))
    }

    #[test]
    fn names_are_folded_and_odd_values_kept_apart() {
        let entry = answer("cn=x", &[("Mail", &[b"a@x", b"\xff"]), ("mail", &[b"b@x"])]);
        let entry = Entry::read(entry).unwrap();
        assert_eq!(entry.texts("MAIL").collect::<Vec<_>>(), ["a@x", "b@x"]);
        assert_eq!(entry.raw("mail").len(), 3);
        assert_eq!(entry.first("nothing"), None);
    }

    #[test]
    fn a_part_says_from_where_to_where() {
        let read = |name: &str| Entry::read(answer("cn=x", &[(name, &[b"cn=y"])])).unwrap();
        let values: &[Vec<u8>] = &[b"cn=y".to_vec()];
        let part = |from, more| Some(Part { from, more, values });
        assert_eq!(read("Member;Range=0-0").part("member"), part(0, true));
        assert_eq!(
            read("member;range=1500-*").part("member"),
            part(1500, false)
        );
        for odd in [
            "member",
            "member;range=x-1",
            "member;range=1",
            "uniquemember;range=0-*",
        ] {
            assert_eq!(read(odd).part("member"), None, "{odd}");
        }
    }

    #[test]
    fn an_answer_of_another_shape_is_refused() {
        for odd in [
            tag(5, PL::C(Vec::new())),
            tag(4, PL::P(Vec::new())),
            tag(4, PL::C(Vec::new())),
            tag(
                4,
                PL::C(vec![
                    tag(4, PL::P(b"\xff".to_vec())),
                    tag(16, PL::C(Vec::new())),
                ]),
            ),
            tag(
                4,
                PL::C(vec![
                    tag(4, PL::P(b"x".to_vec())),
                    tag(16, PL::P(Vec::new())),
                ]),
            ),
            tag(
                4,
                PL::C(vec![
                    tag(4, PL::P(b"x".to_vec())),
                    tag(16, PL::C(vec![tag(16, PL::C(Vec::new()))])),
                ]),
            ),
        ] {
            assert!(Entry::read(ResultEntry::new(odd)).is_err());
        }
    }
}
