//! The approval that a commit carries.

use crate::statement::{ApprovingError, approving};

fn read(message: &str) -> Result<Option<(String, String)>, ApprovingError> {
    let read = approving(message.as_bytes())?;
    Ok(read.map(|read| (read.refname.to_string(), read.repository)))
}

const BOTH: &str = "Relhook-Approve: refs/heads/prod\nRelhook-Repository: acme/site\n";

fn approved() -> Result<Option<(String, String)>, ApprovingError> {
    Ok(Some(("refs/heads/prod".into(), "acme/site".into())))
}

#[test]
fn an_approval_stands_in_the_last_paragraph() {
    assert_eq!(read(&format!("Approve\n\n{BOTH}")), approved());
    let others = format!("Merge\n\ntext\n\nChange-Id: I1\n{BOTH}Signed-off-by: Rob <rob@x>\n");
    assert_eq!(read(&others), approved());
    let other_order = "t\n\nRelhook-Repository: acme/site\nRelhook-Approve: refs/heads/prod";
    assert_eq!(read(other_order), approved());
}

#[test]
fn most_commits_approve_nothing() {
    for message in [
        "",
        "title\n",
        "title\n\nprose\n",
        "title\n\nSigned-off-by: Rob <rob@x>\n",
        "relhook: approve in place\n",
        "relhook-like hooks\n",
        "docs: say how\n\nAn approval looks so:\n\n    Relhook-Approve: refs/heads/prod\n    Relhook-Repository: acme/site\n\nand that is all\n",
        "title\n\nrelhook approve now signs twice\nrelhook-check too\n",
    ] {
        assert_eq!(read(message), Ok(None), "{message:?}");
    }
}

#[test]
fn half_an_approval_is_none() {
    let missing = |key| Err(ApprovingError::Missing { key });
    assert_eq!(
        read("t\n\nRelhook-Approve: refs/heads/prod\n"),
        missing("Relhook-Repository")
    );
    assert_eq!(
        read("t\n\nRelhook-Repository: acme/site\n"),
        missing("Relhook-Approve")
    );
}

#[test]
fn v_16_twice_unknown_or_above() {
    let key = "Relhook-Approve";
    let twice = read(&format!("t\n\nRelhook-Approve: refs/heads/test\n{BOTH}"));
    assert_eq!(twice, Err(ApprovingError::Duplicate { key }));
    let unknown = read(&format!("t\n\n{BOTH}Relhook-Base: x\n"));
    assert_eq!(
        unknown,
        Err(ApprovingError::Unknown {
            key: "Relhook-Base".into()
        })
    );
    let case = read(&format!("t\n\n{}", BOTH.to_lowercase()));
    assert_eq!(
        case,
        Err(ApprovingError::Unknown {
            key: "relhook-approve".into()
        })
    );
    let line = "Relhook-Approve: refs/heads/prod".to_owned();
    let above = ApprovingError::Misplaced { line };
    assert_eq!(read(&format!("t\n\n{BOTH}\nmore\n")), Err(above.clone()));
    assert_eq!(read(&format!("t\n\n{BOTH}\n{BOTH}")), Err(above.clone()));
    assert_eq!(read(&format!("t\n\n{BOTH}\n")), Err(above));
}

#[test]
fn v_17_malformed_lines_are_refused_not_skipped() {
    for message in [
        "t\n\nRelhook-Approve:refs/heads/prod\nRelhook-Repository: acme/site\n",
        "t\n\n Relhook-Approve: refs/heads/prod\nRelhook-Repository: acme/site\n",
        "t\n\nRelhook\u{2010}Approve: refs/heads/prod\n",
        "t\n\nRelhook-Approve: refs/heads/prod\nRelhook-Repository: acme/site\n(cherry picked)\n",
        "t\n\nRelhook-Approve: prod\nRelhook-Repository: acme/site\n",
        "t\n\nRelhook-Approve: refs/heads/prod\nRelhook-Repository: ...\n",
        "t\n\nRelhook-Approve: refs/heads/prod\r\nRelhook-Repository: acme/site\r\n",
        "Relhook-Approve: refs/heads/prod\nRelhook-Repository: acme/site\n",
    ] {
        assert!(read(message).is_err(), "{message:?}");
    }
}

#[test]
fn v_09_an_approval_says_which_rollbacks_it_answers() {
    let (first, second) = ("a".repeat(40), "b".repeat(40));
    let read = |value: &str| {
        let message = format!("t\n\n{BOTH}Relhook-Answers: {value}\n");
        Ok::<_, ApprovingError>(approving(message.as_bytes())?.unwrap().answers)
    };
    let both = [first.parse().unwrap(), second.parse().unwrap()];
    assert_eq!(read(&first).unwrap(), [both[0]]);
    assert_eq!(read(&format!("{first} {second}")).unwrap(), both);
    let many = vec![first.clone(); 2].join(" ");
    for bad in [
        "",
        "abc",
        many.as_str(),
        &format!("{first}  {second}"),
        &format!("{first},{second}"),
        &first.to_uppercase(),
    ] {
        assert!(read(bad).is_err(), "{bad:?}");
    }
    let twice = format!("t\n\n{BOTH}Relhook-Answers: {first}\nRelhook-Answers: {second}\n");
    let duplicate = ApprovingError::Duplicate {
        key: "Relhook-Answers",
    };
    assert_eq!(approving(twice.as_bytes()), Err(duplicate));
}
