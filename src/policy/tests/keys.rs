//! Public keys as people write them into a policy.

use super::{complaints, parse, says, with};

const ECDSA: &str = "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBCWENTkjIVvge8/6iWlMULJguLGiVC0FkCxNRGSqK07t3KX05u+znLhmkMP9RuLQ0MP3MqRpYh2Ab2Bhw9iYFDB4rij+un1aiexlFMTB4AohQroINCr9bOy7TVVHJWK8gQ== e";
const RSA_1024: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDDmmb8Srvi4jyU1Xbx8BThTVUiRBMfytV2X6oT11Mmuza1wJp0hcE6p1T2pyW8lAv4rkOXk3mb6G3LiT15fsy/DU9o20UCPw79ao7ntOHRwI81JrZt8VcAcojmT30uw5oQBSDxlwcLvCy3lJCe8+q0EhkvS/RdbCvdQ7DCTg/QsQ== r";
const RSA_2048: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCtiM4iLmShdB1SQVesmEmR2pcQ2Xt5ZXlaf0oSvTqviZ12xjL4SW2ecK9oOdBNrMTVb1uqN8LfYOet19ib44E4cU1Vvt/p/zhNB7G04Ir99z29ryNzDBR0op+1YQg7d0pktTo8Ssa5V3/4+VIYyLnhX7wE1JFrai+uBYwnlvpgKy+zmW0eH7XiNs7CHR1i0vD0p7b2raswnuPF4j5Z7rV5aFFmTKvasKxGEOuyueKkh9wYIIPxNSxCd6sPrl1dEy1iv8zZwX6h5J75/auaKPfQWZOUAw8WEEhZImwuuewFlwdRlCSVSCsavup3KP2yMef0gQXQr9XAegUGnnOGE44z r";
const SK_ED25519: &str = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqtiAAAABHNzaDo= sk";

#[test]
fn a_small_rsa_key_is_named_as_such() {
    says(
        "openpgp:2123456789ABCDEF0123456789ABCDEF01234567",
        RSA_1024,
        "18:12: `keys`: this is an RSA key of 1024 bits: 2048 to 16384 are taken; `ssh-keygen -t ed25519` makes one that is",
    );
}

#[test]
fn the_same_key_under_two_comments_has_one_owner() {
    let key = SK_ED25519.rsplit_once(' ').unwrap().0;
    let twice = with(
        "openpgp:1123456789ABCDEF0123456789ABCDEF01234567",
        SK_ED25519,
    )
    .replace(
        "openpgp:2123456789ABCDEF0123456789ABCDEF01234567",
        &format!("{key} other"),
    );
    let lines = complaints(&twice);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("18:12: the key `SHA256:"), "{lines:?}");
    assert!(
        lines[0].ends_with("already belongs to `bob` (line 13)"),
        "{lines:?}"
    );
}

#[test]
fn keys_of_every_kind_are_read() {
    let ed25519 =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti c@x";
    let policy = parse(&with(
        "openpgp:2123456789ABCDEF0123456789ABCDEF01234567",
        ed25519,
    ))
    .unwrap();
    let carol = policy
        .people
        .values()
        .find(|person| person.name.as_str() == "carol")
        .unwrap();
    assert_eq!(
        carol.keys[0].to_string(),
        "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ"
    );
    assert_eq!(carol.ssh_keys.len(), 1);
    let long = "0".repeat(24);
    for good in [
        ECDSA.to_owned(),
        RSA_2048.to_owned(),
        SK_ED25519.to_owned(),
        format!("openpgp:2123456789abcdef0123456789abcdef01234567{long}"),
        "x509:2123456789abcdef0123456789abcdef01234567".to_owned(),
    ] {
        assert!(
            parse(&with(
                "openpgp:2123456789ABCDEF0123456789ABCDEF01234567",
                &good
            ))
            .is_ok()
        );
    }
    for bad in [
        RSA_1024,
        "openpgp:2123 4567",
        "openpgp:0x2123456789ABCDEF0123456789ABCDEF01234567",
        "x509:00",
        "gpg:2123456789ABCDEF0123456789ABCDEF01234567",
        "bob@acme.example",
        "ssh-ed25519 AAAA",
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti",
        "ssh-ed25519-cert-v01@openssh.com AAAAC3NzaC1lZDI1NTE5AAAAILM=",
    ] {
        let lines = complaints(&with(
            "openpgp:2123456789ABCDEF0123456789ABCDEF01234567",
            bad,
        ));
        assert_eq!(lines.len(), 1, "{bad}: {lines:?}");
        assert!(lines[0].starts_with("18:12: `keys`: this "), "{lines:?}");
    }
}
