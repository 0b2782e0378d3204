//! A real Active Directory: Samba's domain controller. One story, because it takes a while to start.

use super::dc::{Dc, dn, group, user};
use super::policy;
use crate::common::ftpd::certificates;
use serde_json::Value;

const ENABLED: &str = "userAccountControl: 544\n";
const DISABLED: &str = "userAccountControl: 546\n";

#[track_caller]
fn answer(ran: &crate::common::Ran) -> Value {
    ran.assert_ok();
    super::answer(ran)
}

fn team(group: &str) -> String {
    format!(
        "keep: [root, alice]\nteams: {{reviewers: '{}'}}\n",
        dn(group)
    )
}

/// The accounts and groups that the story is about.
fn acme() -> String {
    let many: Vec<String> = (0..250).map(|number| format!("p{number:04}")).collect();
    let everybody: String = many.iter().map(|login| user(login, DISABLED)).collect();
    let members: Vec<String> = many.iter().map(|login| dn(login)).collect();
    // 0 counts from 1601: long ago.
    let expired = format!("{ENABLED}accountExpires: 1\n");
    user(
        "rita",
        &format!(
            "{ENABLED}displayName: Rita Reviewer\nproxyAddresses: SMTP:rita.r@acme.example\nproxyAddresses: x500:/o=acme\n"
        ),
    ) + &user("remy", ENABLED)
        + &user("eve", DISABLED)
        + &user("tim", &expired)
        + &user("dana", &format!("{ENABLED}employeeID: 4711\n"))
        + &user("dana-rm", &format!("{ENABLED}employeeID: 4711\n"))
        + &everybody
        + &group("deep", &[dn("remy"), dn("dana-rm")])
        + &group("inner", &[dn("deep"), dn("eve"), dn("tim")])
        + &group("reviewers", &[dn("rita"), dn("inner")])
        + &format!(
            "dn: {}\nchangetype: modify\nadd: member\nmember: {}\n\n",
            dn("deep"),
            dn("reviewers")
        )
        + &group(
            "crowd",
            &[members.as_slice(), &[dn("rita"), dn("remy")]].concat(),
        )
}

#[test]
fn active_directory_is_read_whole() {
    let mut dc = Dc::start();
    dc.modify(&acme());
    let ca = certificates().join("right.pem");
    let ldaps = "ldaps://localhost";

    // Nested groups, a circle of them, two accounts of one human, disabled and expired accounts.
    let (ran, new) = dc.sync(&policy(), ldaps, &ca, &team("reviewers"));
    let said = answer(&ran);
    assert_eq!(said["kind"], "active-directory");
    let new = std::fs::read_to_string(new).unwrap();
    assert!(
        new.contains("  reviewers: [root, alice, dana, remy, rita]\n"),
        "{new}"
    );
    assert!(new.contains("  rita:\n    name: Rita Reviewer\n    emails: [rita@acme.example, rita.r@acme.example]\n    logins: [rita, rita@acme.example]\n"), "{new}");
    assert!(
        new.contains("    logins: [dana, dana@acme.example, dana-rm, dana-rm@acme.example]\n"),
        "{new}"
    );
    assert!(!new.contains("eve") && !new.contains("tim"), "{new}");
    let rita = said["changes"].as_array().unwrap().iter();
    let mut rita = rita.filter(|change| change["person"] == "rita");
    let guid = rita.next().unwrap()["ids"][0].as_str().unwrap().to_owned();
    // The controller knows the account by the same lasting id.
    let bytes: String = guid_filter(&guid);
    assert!(
        dc.search(&format!("(objectGUID={bytes})"), "dn")
            .contains("CN=rita"),
        "{guid}"
    );

    // The next day: an account is disabled, and with it its person.
    dc.modify(&format!(
        "dn: {}\nchangetype: modify\nreplace: userAccountControl\n{DISABLED}\n",
        dn("rita")
    ));
    let (ran, again) = dc.sync(&new, ldaps, &ca, &team("reviewers"));
    let said = answer(&ran);
    assert_eq!(said["changes"].as_array().unwrap().len(), 1, "{said}");
    assert_eq!(said["changes"][0]["change"], "disabled");
    let again = std::fs::read_to_string(again).unwrap();
    assert!(again.contains("    disabled: true\n"), "{again}");

    // More members than come at once, over StartTLS; and those of a primary group, which stand in
    // no list.
    let (ran, crowd) = dc.sync(&policy(), "ldap://localhost", &ca, &team("crowd"));
    answer(&ran);
    let crowd = std::fs::read_to_string(crowd).unwrap();
    assert!(crowd.contains("reviewers: [root, alice, remy]"), "{crowd}");
    let users = format!(
        "filter: (&(objectClass=user)(sAMAccountName=dana*))\n{}",
        team("Domain Users")
    );
    let (ran, all) = dc.sync(&policy(), ldaps, &ca, &users);
    answer(&ran);
    let all = std::fs::read_to_string(all).unwrap();
    assert!(all.contains("reviewers: [root, alice, dana]"), "{all}");

    // Another authority, and the certificate that Samba makes for itself, which names no host.
    let (ran, _) = dc.sync(
        &policy(),
        ldaps,
        &certificates().join("wrong.pem"),
        &team("reviewers"),
    );
    assert_eq!(ran.code, 3, "{}", ran.err);
    let own = dc.with_its_own_certificate();
    let (ran, _) = dc.sync(&policy(), ldaps, &own, &team("reviewers"));
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("no connection to"), "{}", ran.err);
}

/// A GUID as a search filter's bytes.
fn guid_filter(guid: &str) -> String {
    let parts: Vec<&str> = guid.split('-').collect();
    let bytes = |part: &str| -> Vec<String> {
        part.as_bytes()
            .chunks(2)
            .map(|two| String::from_utf8(two.to_vec()).unwrap())
            .collect()
    };
    let mut all = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let mut part = bytes(part);
        if at < 3 {
            part.reverse();
        }
        all.extend(part);
    }
    all.iter().map(|byte| format!("\\{byte}")).collect()
}
