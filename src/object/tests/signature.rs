//! Which bytes a signature covers, and which blocks are none.

use super::*;

const PGP: &str = "-----BEGIN PGP SIGNATURE-----\n\
    Version: GnuPG v2\n\
    Comment: anything\n\
    \n\
    iHUEABYKAB0WIQR2\n\
    AAA=\n\
    =1aZ/\n\
    -----END PGP SIGNATURE-----\n";

/// What GnuPG 2.2 writes.
const GNUPG: &str = "-----BEGIN PGP SIGNATURE-----\n\
    \n\
    iIYEABYIAC4WIQTIinVGKoh0WA8IisIL1uqyr+ynhwUCawUXYhAccm9iQGV4YW1w\n\
    bGUub3JnAAoJEAvW6rKv7KeHgj4A/RllQ0JQF9W4qs18OZOBDkeJB/O3sJsgOiBo\n\
    CIhoKbsqAPwJSqhCgenCvl9LYCvpFdkCbb4iB6Ajzm9w+1fegRJhDw==\n\
    =mRg1\n\
    -----END PGP SIGNATURE-----\n";

fn signed(armor: &str) -> Result<Commit, ObjectError> {
    signed_with(&gpgsig(armor), "title\n")
}

fn signed_with(header: &str, message: &str) -> Result<Commit, ObjectError> {
    let tree = format!("tree {TREE}");
    Commit::parse(&commit_of(&[&tree, AUTHOR, COMMITTER, header], message))
}

fn refused(armor: &str) -> ArmorError {
    match signed(armor) {
        Err(ObjectError::Armor(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn tag(content: &str) -> Result<Tag, ObjectError> {
    let tagger = AUTHOR.replace("author", "tagger");
    let raw = format!("object {ONE}\ntype commit\ntag v1\n{tagger}\n\n{content}");
    Tag::parse(raw.as_bytes())
}

#[test]
fn the_three_formats() {
    let pgp = signed(PGP).unwrap().signature.unwrap();
    assert_eq!(pgp.format, SignatureFormat::OpenPgp);
    assert_eq!(pgp.armor, PGP.as_bytes());
    let real = signed(GNUPG).unwrap().signature.unwrap();
    assert_eq!(real.armor, GNUPG.as_bytes());
    assert_eq!(
        signed(ARMOR).unwrap().signature.unwrap().format,
        SignatureFormat::Ssh
    );
    let x509 = ARMOR.replace("SSH SIGNATURE", "SIGNED MESSAGE");
    assert_eq!(
        signed(&x509).unwrap().signature.unwrap().format,
        SignatureFormat::X509
    );
}

#[test]
fn one_empty_line_behind_the_block_is_borne_in_a_header() {
    let header = format!("{}\n ", gpgsig(PGP));
    let signature = signed_with(&header, "title\n").unwrap().signature.unwrap();
    assert_eq!(signature.armor, PGP.as_bytes());
    assert!(
        !signature
            .payload
            .windows(6)
            .any(|window| window == b"gpgsig")
    );
    assert!(signed_with(&format!("{}\n \n ", gpgsig(PGP)), "title\n").is_err());
}

#[test]
fn s_02_a_block_in_the_message_signs_nothing() {
    let tree = format!("tree {TREE}");
    let message = format!("title\n\n{}\n", gpgsig(ARMOR));
    let commit = Commit::parse(&commit_of(&[&tree, AUTHOR, COMMITTER], &message)).unwrap();
    assert_eq!(commit.signature, None);
}

#[test]
fn s_03_nothing_hides_behind_a_nul() {
    assert_eq!(
        signed_with(&gpgsig(ARMOR), "title\0unsigned\n"),
        Err(ObjectError::Nul)
    );
    assert_eq!(tag(&format!("v1\0\n{ARMOR}")), Err(ObjectError::Nul));
}

#[test]
fn s_04_s_05_the_other_hash_has_no_header_here() {
    for header in [
        gpgsig(ARMOR).replace("gpgsig", "gpgsig-sha256"),
        format!(
            "{}\n{}",
            gpgsig(ARMOR),
            gpgsig(ARMOR).replace("gpgsig", "gpgsig-sha256")
        ),
    ] {
        let error = signed_with(&header, "title\n").unwrap_err();
        let header = "gpgsig-sha256".to_owned();
        assert_eq!(error, ObjectError::UnknownHeader { header });
    }
}

#[test]
fn s_06_two_signature_headers() {
    let header = format!("{}\n{}", gpgsig(ARMOR), gpgsig(PGP));
    let error = signed_with(&header, "title\n").unwrap_err();
    let header = "gpgsig".to_owned();
    assert_eq!(error, ObjectError::HeaderPlace { header });
}

#[test]
fn s_07_two_blocks_in_one_header() {
    assert_eq!(refused(&format!("{ARMOR}{ARMOR}")), ArmorError::Several);
    assert_eq!(
        refused(&format!("{ARMOR}{PGP}")),
        ArmorError::End {
            line: "-----END PGP SIGNATURE-----".into()
        }
    );
}

#[test]
fn s_08_nothing_follows_the_last_line() {
    let end = |line: &str| ArmorError::End { line: line.into() };
    assert_eq!(
        refused(&format!("{ARMOR}commit: evil\n")),
        end("commit: evil")
    );
    for tail in ["commit: evil\n", "commit: evil", "\n", " \n"] {
        let error = tag(&format!("v1\n{ARMOR}{tail}")).unwrap_err();
        assert!(
            matches!(error, ObjectError::Armor(ArmorError::End { .. })),
            "{tail:?}: {error}"
        );
    }
    let cut = tag(&format!("v1\n{}", ARMOR.trim_end())).unwrap_err();
    assert_eq!(cut, end("-----END SSH SIGNATURE-----").into());
}

#[test]
fn s_09_armor_headers_are_no_part_of_what_is_signed() {
    let other = PGP.replace("Comment: anything", "Comment: else");
    let (one, two) = (signed(PGP).unwrap(), signed(&other).unwrap());
    assert_eq!(
        one.signature.unwrap().payload,
        two.signature.unwrap().payload
    );
    for line in [
        "Charset: UTF-8",
        "Hash: SHA256",
        "Comment:x",
        "Comment: \u{7f}",
        "Comment: \u{e9}",
    ] {
        let error = refused(&PGP.replace("Comment: anything", line));
        assert!(
            matches!(error, ArmorError::Header { .. }),
            "{line}: {error}"
        );
    }
    let error = refused(&ARMOR.replace("U1NI", "Comment: x\n\nU1NI"));
    assert_eq!(
        error,
        ArmorError::Base64 {
            line: "Comment: x".into()
        }
    );
}

#[test]
fn s_19_a_text_signature_survives_other_line_ends() {
    let place = ObjectError::CarriageReturn {
        place: "the signed content",
    };
    assert_eq!(tag(&format!("v1\r\n{ARMOR}")), Err(place.clone()));
    assert_eq!(signed_with(&gpgsig(ARMOR), "title\r\n"), Err(place));
    let tree = format!("tree {TREE}");
    assert!(Commit::parse(&commit_of(&[&tree, AUTHOR, COMMITTER], "title\r\n")).is_ok());
    assert!(tag("v1\r\n").is_ok());
}

#[test]
fn s_20_a_message_with_its_own_content_signs_nothing_here() {
    let opaque = PGP.replace("PGP SIGNATURE", "PGP MESSAGE");
    let begin = ArmorError::Begin {
        line: "-----BEGIN PGP MESSAGE-----".into(),
    };
    assert_eq!(refused(&opaque), begin);
    assert_eq!(tag(&format!("v1\n{opaque}")), Err(begin.into()));
    let clear = PGP.replace("BEGIN PGP SIGNATURE", "BEGIN PGP SIGNED MESSAGE");
    assert!(matches!(refused(&clear), ArmorError::Begin { .. }));
    assert_eq!(
        tag(&format!("v1\n{clear}")).unwrap().signature,
        None,
        "git sees none either"
    );
}

#[test]
fn s_23_odd_bytes_never_reach_what_verifies() {
    for odd in ["\u{c}", "\t", " ", "\u{1}", "-", "é", "=AAA"] {
        let error = refused(&ARMOR.replace("AAAA\n5zzz", &format!("AA{odd}AA\n5zzz")));
        assert!(
            matches!(error, ArmorError::Base64 { .. }),
            "{odd:?}: {error}"
        );
    }
    for (from, to) in [
        ("AAAA\n", "\nAAAA\n"),
        ("5zzz==", "5zzz==\nAAAA"),
        ("AAAA\n5zzz", "AA==\n5zzz"),
    ] {
        let error = refused(&ARMOR.replacen(from, to, 1));
        assert!(
            matches!(error, ArmorError::Base64 { .. }),
            "{to:?}: {error}"
        );
    }
    assert_eq!(
        refused(&ARMOR.replace("5zzz==", "5zzz=")),
        ArmorError::Incomplete
    );
    assert_eq!(
        refused(&ARMOR.replace("5zzz==", "5zz===")),
        ArmorError::Incomplete
    );
    assert_eq!(
        refused(&PGP.replace("Comment: anything\n\n", "")),
        ArmorError::Incomplete
    );
    let empty = "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n";
    assert_eq!(refused(empty), ArmorError::Incomplete);
    let large = ARMOR.replace("AAAA\n", &format!("{}\n", "A".repeat(64)).repeat(300));
    assert_eq!(
        refused(&large),
        ArmorError::TooLarge {
            limit: MAX_SIGNATURE_BYTES
        }
    );
}

#[test]
fn the_last_line_belongs_to_the_first() {
    let crossed = ARMOR.replace("END SSH SIGNATURE", "END PGP SIGNATURE");
    assert!(matches!(refused(&crossed), ArmorError::End { .. }));
    let trailing = ARMOR.replace("BEGIN SSH SIGNATURE-----", "BEGIN SSH SIGNATURE----- ");
    assert!(matches!(refused(&trailing), ArmorError::Begin { .. }));
    assert_eq!(
        tag(&format!("v1\n{trailing}")).unwrap_err().to_string(),
        "the signature is not one clean block: its first line is `-----BEGIN SSH SIGNATURE----- `"
    );
    assert!(matches!(
        refused("-----BEGIN SSH SIGNATURE-----"),
        ArmorError::End { .. }
    ));
    assert!(matches!(refused("x"), ArmorError::Begin { .. }));
}

#[test]
fn what_git_signs_is_what_is_read() {
    let git = Git::new();
    git.ssh_key();
    git.run(&["commit", "-q", "--allow-empty", "-S", "-m", "base"]);
    git.run(&["tag", "-s", "v1", "-m", "one\n\ntext"]);
    git.run(&["checkout", "-q", "-b", "side"]);
    git.run(&["commit", "-q", "--allow-empty", "-S", "-m", "side"]);
    git.run(&["tag", "-s", "v2", "-m", "two"]);
    git.run(&["checkout", "-q", "-b", "other", "v1"]);
    git.run(&["commit", "-q", "--allow-empty", "-m", "unsigned"]);
    git.run(&[
        "-c",
        "i18n.commitEncoding=ISO-8859-1",
        "merge",
        "-q",
        "--no-ff",
        "-S",
        "-m",
        "merge",
        "v2",
    ]);
    for name in ["HEAD", "v1^{}", "v2^{}"] {
        let commit = Commit::parse(&git.raw("commit", name)).unwrap();
        let signature = commit.signature.unwrap();
        assert!(git.ssh_verifies(&signature), "{name}");
        let other = SignatureBlock {
            payload: b"x".to_vec(),
            ..signature
        };
        assert!(!git.ssh_verifies(&other), "{name}");
    }
    assert_eq!(
        Commit::parse(&git.raw("commit", "HEAD^"))
            .unwrap()
            .signature,
        None
    );
    for name in ["v1", "v2"] {
        let tag = Tag::parse(&git.raw("tag", name)).unwrap();
        assert_eq!(tag.name, name.as_bytes());
        assert!(git.ssh_verifies(&tag.signature.unwrap()), "{name}");
    }
    let text = Tag::parse(&git.raw("tag", "v1")).unwrap().message;
    assert_eq!(text, b"one\n\ntext\n");
}
