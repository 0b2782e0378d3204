//! What git hands to a hook: lines on standard input and push options.

use relhook::hook::{self, packed_value, step, updates};
use relhook::types::{Oid, RefChange, RefName, escape};

/// Lines that are read say the same when they are written again; ref names are git's; options
/// that pass hold nothing that could be another one.
pub fn holds(data: &[u8]) {
    match updates(data) {
        Ok(claimed) => {
            let text: Vec<u8> = claimed.iter().flat_map(line).collect();
            assert_eq!(updates(&text[..]).expect("read again"), claimed);
            assert!(claimed.iter().all(|(name, _)| is_gits(name.as_bytes())));
        }
        Err(error) => super::is_harmless(&error),
    }
    for line in data.split(|byte| *byte == b'\n') {
        if let Err(why) = step(line) {
            super::is_harmless(&why);
        }
        // Names in git's sense that this does not take only by its own bounds.
        let ours = RefName::new(line).is_ok();
        let bounded = line.len() <= 1024 && line.starts_with(b"refs/");
        assert_eq!(ours, bounded && is_gits(line), "{}", escape(line));
    }
    let prod = RefName::new(b"refs/heads/prod").expect("a name");
    let _ = packed_value(data, &prod);
    options(data);
}

fn line((name, change): &(RefName, RefChange)) -> Vec<u8> {
    let shown = |oid: Option<Oid>| oid.map_or("0".repeat(40), |oid| oid.to_string());
    let mut line = format!("{} {} ", shown(change.old()), shown(change.new_oid())).into_bytes();
    line.extend(name.as_bytes());
    line.push(b'\n');
    line
}

/// Whether libgit2, whose rules are those of git-check-ref-format, takes the name.
fn is_gits(name: &[u8]) -> bool {
    // Its binding takes text; names are bytes, and any byte above ASCII is as good as another.
    let text: String = name
        .iter()
        .map(|byte| {
            if byte.is_ascii() {
                char::from(*byte)
            } else {
                'x'
            }
        })
        .collect();
    !text.contains('\0') && git2::Reference::is_valid_name(&text)
}

/// The bytes as push options, parted by NULs.
fn options(data: &[u8]) {
    let options: Vec<&[u8]> = data.split(|byte| *byte == 0).collect();
    let get = |name: &str| match name.strip_prefix("GIT_PUSH_OPTION_")? {
        "COUNT" => Some(options.len().to_string().into_bytes()),
        number => Some(options.get(number.parse::<usize>().ok()?)?.to_vec()),
    };
    match hook::options(get) {
        Ok(read) => read.iter().zip(&options).for_each(|(option, given)| {
            assert_eq!(option, given);
            let text = std::str::from_utf8(option).expect("text");
            assert!(!text.contains(char::is_control) && text.len() <= 1024);
        }),
        Err(error) => super::is_harmless(&error),
    }
    let count = |name: &str| (name == "GIT_PUSH_OPTION_COUNT").then(|| data.to_vec());
    if let Err(error) = hook::options(count) {
        super::is_harmless(&error);
    }
}
