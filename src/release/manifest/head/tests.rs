//! What a head is, and what is none.

use super::super::ManifestFault;
use super::*;

fn seal() -> (tempfile::TempDir, Seal) {
    let folder = tempfile::tempdir().unwrap();
    let seal = Seal::open(folder.path()).unwrap();
    (folder, seal)
}

fn manifest(files: &str, dirs: &str) -> Manifest {
    let text = format!(
        concat!(
            r#"{{"schema":"relhook/manifest/v2","repository":"acme/site","ref":"refs/heads/prod","#,
            r#""commit":"{}","sequence":12,"released":"2027-01-15T08:00:00Z","tool":"1","#,
            r#""files":[{}],"dirs":[{}]}}"#
        ),
        "07".repeat(20),
        files,
        dirs
    );
    Manifest::parse(text.as_bytes()).unwrap()
}

fn file(path: &str, digit: &str) -> String {
    format!(
        r#"{{"path":"{path}","kind":"file","blob":"{}","size":1,"sha256":"{}"}}"#,
        digit.repeat(40),
        digit.repeat(64)
    )
}

fn sample() -> (Manifest, Head) {
    let base = manifest(
        &[file("a", "1"), file("d/b", "2"), file("z", "3")].join(","),
        r#""d""#,
    );
    let print = Print::of(b"base");
    let now = manifest(
        &[file("a", "1"), file("n", "5"), file("z", "4")].join(","),
        "",
    );
    let head = Head::between(&base, print, &now);
    assert_eq!(head.over(&base).unwrap(), now);
    (base, head)
}

#[test]
fn the_written_form_is_the_documented_one() {
    let (_folder, seal) = seal();
    let (_, head) = sample();
    let bytes = head.to_bytes(&seal).unwrap();
    let record = Record::read(&bytes, &seal).unwrap();
    assert_eq!(record, Record::Parts(Box::new(head.clone())));
    let text = String::from_utf8(seal.opened(&bytes).unwrap().to_vec()).unwrap();
    let expected = format!(
        concat!(
            r#"{{"schema":"relhook/manifest/v3","repository":"acme/site","ref":"refs/heads/prod","#,
            r#""commit":"{}","sequence":12,"released":"2027-01-15T08:00:00Z","tool":"1","#,
            r#""base":{{"sha256":"{}","size":4}},"files":[{},{}],"gone":["d/b"],"dirs":[]}}"#,
            "\n"
        ),
        "07".repeat(20),
        hex(&Sha256::digest(b"base")),
        file("n", "5"),
        file("z", "4")
    );
    assert_eq!(text, expected);
    assert!(is_base(&head.base.base_name()));
    // Whoever reads whole manifests alone does not take it for one.
    assert!(matches!(
        Manifest::read(&bytes, &seal),
        Err(ManifestFault::Broken(_))
    ));
    assert_eq!(
        Manifest::claimed_owner(&bytes).as_deref(),
        Some("acme/site")
    );
}

#[test]
fn what_relhook_does_not_write_is_refused() {
    let (_folder, seal) = seal();
    let (_, head) = sample();
    let mut body = serde_json::to_vec(&head).unwrap();
    body.push(b'\n');
    let good = String::from_utf8(body).unwrap();
    let digits = hex(&Sha256::digest(b"base"));
    let (short, upper) = (&digits[..62], digits.to_uppercase());
    let climbing = format!("../{}", &digits[3..]);
    assert_ne!(upper, digits);
    for (from, to) in [
        ("manifest/v3", "manifest/v4"),
        ("\"n\"", "\"../n\""),
        ("\"d/b\"", "\"/d/b\""),
        ("\"d/b\"", "\".relhook-x\""),
        (digits.as_str(), short),
        (digits.as_str(), upper.as_str()),
        (digits.as_str(), climbing.as_str()),
        ("\"gone\"", "\"missing\""),
        ("\"sequence\"", "\"extra\":1,\"sequence\""),
        ("\"dirs\":[]", "\"dirs\":[\"n/x\"]"),
        ("]}\n", "]\n"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from}");
        let sealed = seal.sealed(bad.as_bytes()).unwrap();
        assert!(Record::read(&sealed, &seal).is_err(), "{from} → {to}");
    }
    let sealed = seal.sealed(good.as_bytes()).unwrap();
    assert!(Record::read(&sealed, &seal).is_ok());
}

#[test]
fn a_head_over_another_base_has_to_make_sense() {
    let (_, head) = sample();
    // `n` of the head would lie in a file of this base.
    let other = manifest(&file("n/deeper", "1"), "");
    assert!(head.over(&other).is_err());
}

#[test]
fn only_names_of_bases_are_names_of_bases() {
    assert!(is_base(".relhook-base-0123456789abcdef.json"));
    for name in [
        ".relhook-base-0123456789abcde.json",
        ".relhook-base-0123456789ABCDEF.json",
        ".relhook-base-0123456789abcdef.tmp",
        ".relhook-base-../../../../x.json",
        "relhook-base-0123456789abcdef.json",
        ".relhook-manifest.json",
    ] {
        assert!(!is_base(name), "{name}");
    }
}

#[test]
fn a_new_base_is_due_when_the_head_is_not_small_beside_it() {
    let (_, head) = sample();
    assert!(head.is_small(0));
    let files: Vec<String> = (0..300).map(|n| file(&format!("f{n}"), "1")).collect();
    let whole = manifest(&files.join(","), "");
    let head = Head::between(&manifest("", ""), Print::of(b""), &whole);
    assert!(!head.is_small(300) && head.is_small(20_000));
}

#[test]
fn where_a_blob_is_is_found_without_reading_the_base_and_nowhere_else() {
    let named = |digits: &str| -> BTreeSet<Oid> {
        let blobs = digits.chars().map(|digit| digit.to_string().repeat(40));
        blobs
            .map(|blob| Oid::from_hex(blob.as_bytes()).unwrap())
            .collect()
    };
    let evil = r#"\"blob\":\"11"#;
    let files = [
        file("a", "1"),
        file(&format!("b{evil}{}", "1".repeat(38)), "2"),
        file(r#"{\"path\":\"c"#, "1"),
        format!(
            r#"{{"path":{{"hex":"e9"}},"kind":"file","blob":"{}","size":1,"sha256":"{}"}}"#,
            "1".repeat(40),
            "1".repeat(64)
        ),
        file("z", "3"),
    ];
    let base = manifest(&files.join(","), "");
    let now = manifest(
        &[
            file("a", "4"),
            file("n", "3"),
            files[1].clone(),
            files[2].clone(),
        ]
        .join(","),
        "",
    );
    let head = Head::between(&base, Print::of(b"base"), &now);
    let bytes = serde_json::to_vec(&base).unwrap();
    let whole = head.over(&base).unwrap();
    for blobs in ["1", "2", "3", "4", "5", "13", "12345"] {
        let blobs = named(blobs);
        let wanted = whole
            .kinds()
            .into_iter()
            .filter(|(.., blob)| blobs.contains(blob));
        let wanted: BTreeSet<RepoPath> = wanted.map(|(path, ..)| path).collect();
        let in_base = places(&bytes, &blobs).unwrap();
        let found = head.places(in_base, &blobs).unwrap().into_iter();
        assert_eq!(found.collect::<BTreeSet<_>>(), wanted, "{blobs:?}");
    }
    let cut = bytes.get(10..).unwrap();
    let begin = memmem::find(cut, b"{\"path\":").unwrap();
    let headless = cut.get(begin + 1..).unwrap();
    assert!(places(headless, &named("1")).is_err());
}
