//! Laws that hold for any input.

use super::super::{
    Bundle, KeyFiles, PathGlobs, PathRule, PathRules, Policy, complaint::Complaints, locks_out,
    warnings, yaml,
};
use super::{SOUND, parse, with};
use crate::types::RefName;
use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Text that looks like a policy gone wrong.
fn soup() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "version: 1\n",
        "people:",
        "teams:",
        "branches:",
        "targets:",
        "  dana:",
        "refs/relhook/policy",
        "required: 1",
        "from: [a]",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ":",
        "? ",
        "&a ",
        "*a ",
        "!!int ",
        "<<: ",
        "\n",
        "  ",
        "    ",
        "'",
        "\"",
        "|\n",
        ">\n",
        "# ",
        "---\n",
        "...\n",
        "~",
        "0x10",
        "\\",
        ",",
        "%YAML 1.2\n",
        "\u{e9}",
        "\u{2028}",
        "\t",
        "\r",
        "**",
        "/",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.concat())
}

/// The sound policy with some of its bytes replaced.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (
        0..SOUND.len(),
        0..4usize,
        prop::collection::vec(any::<u8>(), 0..4),
    );
    prop::collection::vec(change, 1..4).prop_map(|changes| {
        let mut bytes = SOUND.as_bytes().to_vec();
        for (at, removed, added) in changes {
            let at = at.min(bytes.len());
            let end = (at + removed).min(bytes.len());
            bytes.splice(at..end, added);
        }
        bytes
    })
}

/// The sound policy with one word put in place of another.
fn reworded() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "prod",
        "bob",
        "1",
        "2",
        "'2'",
        "30d",
        "[reviewers]",
        "[bob]",
        "true",
        "~",
        "x y",
        "\"a\"",
        "infra/*",
        "{}",
        "1.5",
        "refs/heads/x",
    ]);
    (any::<prop::sample::Index>(), words).prop_map(|(index, word)| {
        let ends: Vec<(usize, &str)> = SOUND.match_indices([' ', '\n']).collect();
        let start = index.index(ends.len() - 1);
        format!(
            "{}{word}{}",
            &SOUND[..=ends[start].0],
            &SOUND[ends[start + 1].0..]
        )
    })
}

/// Whatever a policy is asked, it answers.
fn questioned(bytes: &[u8]) {
    match Policy::parse(bytes, "p.yaml") {
        Ok(policy) => {
            let _ = (locks_out(&policy), warnings(&policy, Some(&[])));
            let prod = RefName::new(b"refs/heads/prod").unwrap();
            assert_eq!(policy.protects(&prod), !policy.rules_for(&prod).is_empty());
            let _ = Bundle::new(policy, KeyFiles::new());
        }
        Err(errors) => {
            assert!(errors.iter().count() >= 1);
            for line in errors.lines() {
                assert!(!line.contains(['\n', '\u{1b}']), "{line:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_input_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        questioned(&bytes);
    }

    #[test]
    fn no_yaml_panics(text in soup()) {
        questioned(text.as_bytes());
    }

    #[test]
    fn no_near_policy_panics(bytes in mutated()) {
        questioned(&bytes);
    }

    /// What is accepted means the same to the typed reader: the tree hides nothing from it.
    #[test]
    fn what_is_accepted_reads_alike_everywhere(text in reworded()) {
        if parse(&text).is_ok() {
            prop_assert_eq!(tree(&text), serde_yaml::from_str::<Plain>(&text).unwrap());
        }
    }
}

#[test]
fn the_example_reads_alike_everywhere() {
    let text = include_str!("../../../policy.yaml.example");
    assert_eq!(tree(text), serde_yaml::from_str::<Plain>(text).unwrap());
    assert_eq!(tree(SOUND), serde_yaml::from_str::<Plain>(SOUND).unwrap());
}

/// YAML without places and styles.
#[derive(Debug, PartialEq)]
enum Plain {
    Text(String),
    List(Vec<Plain>),
    Map(Vec<(String, Plain)>),
}

fn tree(text: &str) -> Plain {
    let mut complaints = Complaints::about("p.yaml");
    let root = yaml::read(text, &mut complaints);
    plain(complaints.judge(root).unwrap())
}

fn plain(node: yaml::Node) -> Plain {
    match node.value {
        yaml::Value::Scalar(scalar) => Plain::Text(scalar.text),
        yaml::Value::List(items) => Plain::List(items.into_iter().map(plain).collect()),
        yaml::Value::Map(entries) => {
            let pair = |entry: yaml::Entry| (entry.key.text, plain(entry.value));
            Plain::Map(entries.into_iter().map(pair).collect())
        }
        yaml::Value::Faulty => panic!("a faulty value comes with a complaint"),
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Plain;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("text, a list or a mapping")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Plain, E> {
        Ok(Plain::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Plain, E> {
        Ok(Plain::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Plain, E> {
        Ok(Plain::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Plain, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Plain::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Plain, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Plain::Map(map))
    }
}

/// A slow matcher that says what a glob is: `*` any bytes but `/`, `?` one, `**` any components.
fn naive(pattern: &str, path: &[u8]) -> bool {
    fn parts(pattern: &[&str], path: &[&[u8]]) -> bool {
        match pattern {
            [] => path.is_empty(),
            ["**"] => !path.is_empty(),
            ["**", rest @ ..] => (0..=path.len()).any(|skip| parts(rest, &path[skip..])),
            [first, rest @ ..] => {
                !path.is_empty() && part(first.as_bytes(), path[0]) && parts(rest, &path[1..])
            }
        }
    }
    fn part(pattern: &[u8], name: &[u8]) -> bool {
        match pattern {
            [] => name.is_empty(),
            [b'*', rest @ ..] => (0..=name.len()).any(|skip| part(rest, &name[skip..])),
            [b'?', rest @ ..] => !name.is_empty() && part(rest, &name[1..]),
            [byte, rest @ ..] => name.first() == Some(byte) && part(rest, &name[1..]),
        }
    }
    let path: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let own: Vec<&str> = pattern.split('/').collect();
    let folder = pattern.strip_suffix("/**");
    let folder: Option<Vec<&str>> = folder.map(|folder| folder.split('/').collect());
    parts(&own, &path) || folder.is_some_and(|folder| parts(&folder, &path))
}

fn glob() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a", "b", "ab", "*", "**", "a*", "*b", "?", "?a", "*.x", ".", "a.", "..a",
    ]);
    prop::collection::vec(part, 1..5)
        .prop_map(|parts| parts.join("/"))
        .prop_filter("sound", |glob| {
            PathGlobs::compile(std::slice::from_ref(glob)).is_ok()
        })
}

fn path() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop::sample::select(b"ab.x\xff\n".to_vec());
    let part = prop::collection::vec(byte, 1..4);
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.join(&b'/'))
}

fn ref_glob() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["heads", "prod", "release", "*", "**", "p*", "?rod"]);
    prop::collection::vec(part, 1..4).prop_map(|parts| format!("refs/{}", parts.join("/")))
}

fn ref_name() -> impl Strategy<Value = RefName> {
    let part = prop::sample::select(vec!["heads", "prod", "release", "p", "trod"]);
    prop::collection::vec(part, 1..4)
        .prop_map(|parts| RefName::new(format!("refs/{}", parts.join("/")).as_bytes()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn globs_match_what_they_say(glob in glob(), path in path()) {
        let globs = PathGlobs::compile(std::slice::from_ref(&glob)).unwrap();
        prop_assert_eq!(globs.is_match(&path), naive(&glob, &path), "{} {:?}", glob, path);
    }

    /// One more glob never matches less.
    #[test]
    fn globs_only_grow(some in prop::collection::vec(glob(), 0..4), more in glob(), path in path()) {
        let before = PathGlobs::compile(&some).unwrap();
        let after = PathGlobs::compile(&[some, vec![more]].concat()).unwrap();
        prop_assert!(!before.is_match(&path) || after.is_match(&path));
        let any = after.patterns().iter().any(|glob| naive(glob, &path));
        prop_assert_eq!(after.is_match(&path), any);
    }
}

/// A path rule with these globs, for a number that names it.
fn path_rule(required: u32, patterns: &[String]) -> PathRule {
    PathRule {
        patterns: patterns.to_vec(),
        required,
        from: Vec::new(),
    }
}

proptest! {
    /// The one set over all rules says what each rule says.
    #[test]
    fn path_rules_match_as_each_of_them(
        all in prop::collection::vec(prop::collection::vec(glob(), 1..4), 0..5),
        path in path(),
    ) {
        let rules: Vec<PathRule> = (1u32..)
            .zip(&all)
            .map(|(required, patterns)| path_rule(required, patterns))
            .collect();
        let own = |rule: &&PathRule| PathGlobs::compile(&rule.patterns).unwrap().is_match(&path);
        let expected: Vec<u32> = rules.iter().filter(own).map(|rule| rule.required).collect();
        let together = PathRules::new(rules.clone()).unwrap();
        let matching: Vec<u32> = together.matching(&path).iter().map(|rule| rule.required).collect();
        prop_assert_eq!(matching, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Rules combine by AND: another rule takes none away, wherever it stands in the file.
    #[test]
    fn y15_another_rule_only_asks_for_more(glob in ref_glob(), first in any::<bool>(), name in ref_name()) {
        prop_assume!(glob != "refs/heads/prod");
        let before = parse(SOUND).unwrap();
        let rule = format!("  '{glob}':\n    required: 1\n    from: [reviewers]\n");
        let place = if first { "  refs/heads/prod:\n" } else { "  refs/relhook/policy:\n" };
        let after = parse(&with(place, &format!("{rule}{place}"))).unwrap();
        let patterns = |policy: &Policy| -> Vec<String> {
            policy.rules_for(&name).iter().map(|rule| rule.pattern.clone()).collect()
        };
        for pattern in patterns(&before) {
            prop_assert!(patterns(&after).contains(&pattern));
        }
        prop_assert!(!before.protects(&name) || after.protects(&name));
        prop_assert_eq!(before.people, after.people);
        prop_assert_eq!(before.teams, after.teams);
    }
}
