//! XML from servers, read as a stream of closed elements: no tree, no entity but the five of XML
//! itself, no document type, and a bound on how deep it goes. How long it may be is the bound on
//! the answer that it came in.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// How deep elements may lie in one another.
const DEPTH_LIMIT: usize = 32;

/// The most text that one element may hold, in bytes: more than any name or sum has.
const TEXT_LIMIT: usize = 64 * 1024;

/// Which elements go by their names; others are called `?`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::release) enum Namespace {
    /// All of them.
    Any,
    /// WebDAV's.
    Dav,
}

/// Reads a document, and calls `closed` for each element at its end, with the local names of the
/// elements that it lies in, itself last, and the text that stands right in it.
///
/// # Errors
/// A sentence, when it is not well-formed or does not keep to the bounds.
pub(in crate::release) fn read(
    bytes: &[u8],
    namespace: Namespace,
    closed: &mut dyn FnMut(&[&str], &str),
) -> Result<(), String> {
    let mut reader = NsReader::from_reader(bytes);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_end_names = true;
    let mut open: Vec<(String, String)> = Vec::new();
    let mut ended = false;
    loop {
        let (space, event) = reader.read_resolved_event().map_err(broken)?;
        match event {
            Event::Start(start) => {
                if ended || open.len() >= DEPTH_LIMIT {
                    return Err("its XML is nested too deeply, or has two roots".into());
                }
                let ours = match (namespace, space) {
                    (Namespace::Any, _) => true,
                    (Namespace::Dav, ResolveResult::Bound(space)) => space.as_ref() == b"DAV:",
                    (Namespace::Dav, ResolveResult::Unbound | ResolveResult::Unknown(_)) => false,
                };
                let name = match std::str::from_utf8(start.local_name().as_ref()) {
                    Ok(name) if ours => name.to_owned(),
                    Ok(_) | Err(_) => "?".to_owned(),
                };
                open.push((name, String::new()));
            }
            Event::End(_) => {
                let names: Vec<&str> = open.iter().map(|(name, _)| name.as_str()).collect();
                let text = open.last().map_or("", |(_, text)| text.trim());
                closed(&names, text);
                open.pop();
                ended = open.is_empty();
            }
            Event::Text(text) => add(&mut open, &text.decode().map_err(broken)?)?,
            Event::CData(text) => add(&mut open, &text.decode().map_err(broken)?)?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(broken)?;
                let name = reference.decode().map_err(broken)?;
                match (character, resolve_predefined_entity(&name)) {
                    (Some(character), _) => add(&mut open, character.encode_utf8(&mut [0; 4]))?,
                    (None, Some(text)) => add(&mut open, text)?,
                    (None, None) => return Err("its XML has an entity of its own".into()),
                }
            }
            Event::DocType(_) => return Err("its XML has a document type".into()),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    if ended {
        Ok(())
    } else {
        Err("its XML ends too soon".into())
    }
}

fn broken(error: impl std::fmt::Display) -> String {
    let why = crate::types::escape(error.to_string().as_bytes());
    format!("it is not XML: {why}")
}

fn add(open: &mut [(String, String)], text: &str) -> Result<(), String> {
    match open.last_mut() {
        Some((_, whole)) if whole.len() + text.len() <= TEXT_LIMIT => {
            whole.push_str(text);
            Ok(())
        }
        Some(_) => Err("its XML has an element with too much text".into()),
        None if text.trim().is_empty() => Ok(()),
        None => Err("its XML has text outside of any element".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, namespace: Namespace) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        read(text.as_bytes(), namespace, &mut |names, text| {
            found.push(format!("{}={text}", names.join("/")));
        })?;
        Ok(found)
    }

    #[test]
    fn elements_come_with_their_names_and_texts() {
        let text = "<?xml version=\"1.0\"?><!-- x --><a xmlns=\"DAV:\"><b> 1&amp;&#x41;<![CDATA[<]]> </b><c/>\
            <x:b xmlns:x=\"urn:x\">2</x:b></a>\n";
        assert_eq!(
            all(text, Namespace::Dav).unwrap(),
            ["a/b=1&A<", "a/c=", "a/?=2", "a="]
        );
        assert_eq!(
            all(text, Namespace::Any).unwrap(),
            ["a/b=1&A<", "a/c=", "a/b=2", "a="]
        );
        assert_eq!(all("<a/>", Namespace::Dav).unwrap(), ["?="]);
    }

    #[test]
    fn u_17_hostile_documents_are_refused() {
        let deep = "<a>".repeat(100_000);
        let long = format!("<a>{}</a>", "x".repeat(70_000));
        for bad in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>x",
            "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>",
            "<!DOCTYPE a><a/>",
            "<a>&e;</a>",
            "<a>&#0;</a>",
            "<a>&#xD800;</a>",
            "<a b=\"",
            "\u{1b}[2J",
            &deep,
            &long,
        ] {
            let error = all(bad, Namespace::Any).unwrap_err();
            assert!(!error.contains('\u{1b}') && error.len() < 400, "{error}");
        }
        assert!(read(b"<a>\xff</a>", Namespace::Any, &mut |_, _| {}).is_err());
    }
}
