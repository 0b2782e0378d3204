//! Reading what relhook says.

use super::Ran;
use std::path::Path;

/// Puts names of the same length in the place of ids, which differ from run to run.
pub fn named(text: &str, ids: &[(&str, &str)]) -> String {
    ids.iter().fold(text.to_owned(), |text, (name, oid)| {
        let label = |length: usize| format!("{name:.<length$}");
        text.replace(oid, &label(40))
            .replace(&oid[..12], &label(12))
            .replace(&oid[..7], &label(7))
    })
}

/// Standard output, whatever the exit code.
pub fn shown(ran: &Ran) -> String {
    String::from_utf8(ran.out.clone()).unwrap()
}

/// Fails the test unless every key of the answer is described in docs/json.md.
#[track_caller]
pub fn documented(json: &serde_json::Value) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_to_string(root.join("docs/json.md")).unwrap();
    let mut open = vec![json];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Object(fields) => {
                for (key, value) in fields {
                    assert!(docs.contains(&format!("`{key}`")), "docs/json.md: {key}");
                    open.push(value);
                }
            }
            serde_json::Value::Array(items) => open.extend(items),
            _leaf => {}
        }
    }
}
