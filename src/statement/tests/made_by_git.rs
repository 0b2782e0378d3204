//! A statement that stock git makes, without relhook.

use super::*;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

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
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

const MAKE: &str = r#"
git init -q . && git commit -q --allow-empty -m base && git commit -q --allow-empty -m change
ssh-keygen -q -t ed25519 -N '' -f key
git config gpg.format ssh && git config user.signingkey "$PWD/key.pub"
commit=$(git rev-parse HEAD)
git tag -s "relhook/approve/$(git rev-parse HEAD | cut -c1-12)" "$commit" \
  -m "Approve for prod" \
  -m "Looks right." \
  -m "Relhook-Version: 1
Relhook-Decision: approve
Relhook-Repository: acme/site
Relhook-Ref: refs/heads/prod
Relhook-Base: $(git rev-parse HEAD~1)
Relhook-Commit: $commit
Relhook-Tree: $(git rev-parse 'HEAD^{tree}')"
git cat-file tag "relhook/approve/$(git rev-parse HEAD | cut -c1-12)"
"#;

const ID: &str = r#"git cat-file tag "$(git tag -l)" | sha256sum | cut -c1-16"#;

#[test]
fn git_tag_makes_a_statement() {
    let dir = TempDir::new().unwrap();
    let raw = run(dir.path(), MAKE);
    let tag = Tag::parse(&raw).unwrap();
    assert!(tag.signature.is_some());
    let statement = Statement::parse(&tag).unwrap();
    assert_eq!(statement.decision, Decision::Approve);
    assert_eq!(statement.commit, tag.object);
    assert_eq!(statement.repository, "acme/site");
    let id = String::from_utf8(run(dir.path(), ID)).unwrap();
    assert_eq!(StatementId::of(&raw).to_string(), id.trim());
}
