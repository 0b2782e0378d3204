//! What stock git makes without relhook, by the very commands of docs/statements.md.

use super::*;
use crate::object::Commit;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const PAGE: &str = include_str!("../../../docs/statements.md");

/// A server, a clone whose `prod` is one commit ahead, and a key to sign with.
const SETUP: &str = r#"
git init -q --bare site.git
git init -q -b prod work
cd work
git remote add origin ../site.git
git commit -q --allow-empty -m base
git push -q origin prod
git commit -q --allow-empty -m change
git branch topic
ssh-keygen -q -t ed25519 -N '' -f key
printf 'rob@example.org namespaces="git" %s\n' "$(cat key.pub)" > signers
git config gpg.format ssh
git config user.signingkey "$PWD/key.pub"
git config gpg.ssh.allowedSignersFile "$PWD/signers"
repository=acme/site
ref=refs/heads/prod
"#;

/// The page's commands, in its order; the merge is made in a branch that has not got `topic`.
fn script() -> String {
    let blocks = PAGE.split("```sh\n").skip(1);
    let blocks: Vec<&str> = blocks
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(blocks.len(), 6);
    assert!(blocks[5].starts_with("git merge"));
    let before = blocks[..5].concat();
    format!(
        "{SETUP}{before}\ngit checkout -q -b trunk prod~2\n{}",
        blocks[5]
    )
}

fn run(dir: &Path, script: &str) -> Vec<u8> {
    let output = Command::new("sh")
        .args(["-ec", script])
        .current_dir(dir)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Rob")
        .env("GIT_AUTHOR_EMAIL", "rob@example.org")
        .env("GIT_COMMITTER_NAME", "Rob")
        .env("GIT_COMMITTER_EMAIL", "rob@example.org")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    output.stdout
}

#[test]
fn the_documented_commands_make_what_is_read() {
    let dir = TempDir::new().unwrap();
    let shown = String::from_utf8(run(dir.path(), &script())).unwrap();
    let server = dir.path().join("site.git");

    let listed = run(
        &server,
        "git for-each-ref --format='%(refname)' refs/relhook",
    );
    let name = RefName::new(listed.trim_ascii()).unwrap();
    let place = StatementRef::parse(&name).unwrap();
    let raw = run(&server, &format!("git cat-file tag {name}"));
    assert_eq!(StatementRef::of(place.commit, &raw), place);
    assert!(shown.contains(&format!("{}\n", place.id)), "{shown}");

    let tag = Tag::parse(&raw).unwrap();
    assert!(tag.signature.is_some());
    let statement = Statement::parse(&tag).unwrap();
    assert_eq!(statement.decision, Decision::Approve);
    assert_eq!(statement.commit, place.commit);
    assert_eq!(statement.repository, "acme/site");
    let base = run(&server, "git rev-parse prod");
    assert_eq!(
        statement.base,
        Some(Oid::from_hex(base.trim_ascii()).unwrap())
    );

    for branch in ["prod", "trunk"] {
        let raw = run(
            &dir.path().join("work"),
            &format!("git cat-file commit {branch}"),
        );
        let commit = Commit::parse(&raw).unwrap();
        assert!(commit.signature.is_some());
        let read = approving(&commit.message).unwrap().unwrap();
        assert_eq!(read.refname.to_string(), "refs/heads/prod");
        assert_eq!(read.repository, "acme/site");
    }
}

#[test]
fn the_documented_tag_is_one() {
    let example = PAGE.split("```\n").nth(1).unwrap();
    let (text, _) = example.split_once("-----BEGIN").unwrap();
    let tag = Tag::parse(text.as_bytes()).unwrap();
    let statement = Statement::parse(&tag).unwrap();
    let message = compose(
        &statement,
        "Approve 8d01e77 for prod",
        "Looks right; tried on staging.",
    );
    assert_eq!(message.unwrap().into_bytes(), tag.message);
    for key in key::STATEMENT {
        assert!(PAGE.contains(&format!("| `{key}` |")), "{key}");
    }
}
