//! The report's page as a browser shows it: narrow and wide, light and dark.

use super::replay::releases;
use crate::common::{PROD, World, command, run};
use relhook::audit::{Checkpoint, Hash, RollbackWord, SettledHow};
use relhook::report::{
    Approval, Change, CheckOf, EmergencyOf, InStead, Kept, Note, OverrideOf, Period, Refusal,
    ReleaseOf, Report, RollbackOf, SettledBy, Went,
};
use relhook::types::{Oid, Timestamp};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A page with the report in a frame of this width, and a script, which the report itself forbids, that
/// says how wide the report came out and which colour it is on.
fn framed(world: &World, report: &Path, width: u32) -> PathBuf {
    let path = world.path(&format!("frame-{width}.html"));
    let text = format!(
        "<!doctype html><body><iframe id=f style='width:{width}px;height:900px;border:0' src='{}'></iframe>\n\
         <pre id=said></pre><script>onload = () => {{\n\
         const d = document.getElementById('f').contentDocument, e = d.documentElement;\n\
         const wide = [...d.querySelectorAll('body *')].filter(x => !x.closest('.wide')\n\
           && x.getBoundingClientRect().right > e.clientWidth + 1).map(x => x.tagName);\n\
         const colour = getComputedStyle(d.body).backgroundColor;\n\
         const text = getComputedStyle(d.body).color;\n\
         document.getElementById('said').textContent = JSON.stringify({{ scroll: e.scrollWidth,\n\
           client: e.clientWidth, wide, colour, text, h1: d.querySelector('h1').textContent }});\n\
         }}</script>",
        report.display()
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn chromium(world: &World, more: &[&str], page: &Path) -> Vec<u8> {
    let mut chromium = command("chromium", &world.path("home/server"));
    chromium
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
        ])
        .args([
            "--allow-file-access-from-files",
            "--virtual-time-budget=5000",
        ])
        .arg(format!(
            "--user-data-dir={}",
            world.path("chromium").display()
        ))
        .args(more)
        .arg(format!("file://{}", page.display()));
    let ran = run(&mut chromium);
    ran.assert_ok();
    ran.out
}

/// What the script said.
fn said(world: &World, report: &Path, width: u32, more: &[&str]) -> serde_json::Value {
    let page = framed(world, report, width);
    let dom = chromium(world, &[&["--dump-dom"], more].concat(), &page);
    let dom = String::from_utf8(dom).unwrap();
    let (_, said) = dom.split_once("<pre id=\"said\">").unwrap();
    let (said, _) = said.split_once("</pre>").unwrap();
    serde_json::from_str(&said.replace("&gt;", ">").replace("&amp;", "&")).unwrap()
}

/// How bright a colour like `rgb(1, 2, 3)` is.
fn brightness(colour: &serde_json::Value) -> u32 {
    let digits = colour.as_str().unwrap().trim_start_matches("rgba(");
    let digits = digits.trim_start_matches("rgb(").trim_end_matches(')');
    let parts = digits.split(", ").take(3);
    parts.map(|part| part.parse::<u32>().unwrap()).sum()
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_unix(1_790_000_000 + hours * 3600)
}

/// A change as most are, by its number.
fn usual(number: u32, [writer, reviewer]: [&str; 2]) -> Change {
    let hours = i64::from(number) * 20;
    let oid: Oid = format!("{number:03x}1e77ab12c00000000000000000000000000ff")
        .parse()
        .unwrap();
    let entry = u64::from(number) * 6;
    Change {
        entry,
        time: at(hours + 5),
        refname: PROD.into(),
        old: Some(oid),
        new: oid,
        went: Went::In,
        contributors: vec![writer.into()],
        approved_by: vec![reviewer.into()],
        in_stead: BTreeSet::new(),
        let_pass: Vec::new(),
        pushed_by: Some(writer.into()),
        policy: oid,
        committed: Some(at(hours)),
        approvals: vec![Approval {
            hash: Hash::of(&[7]),
            oid,
            seen: Some(at(hours + 3)),
        }],
        evidence: vec![Hash::of(&[7]), Hash::of(&[8])],
        releases: vec![ReleaseOf {
            target: "www".into(),
            entry: entry + 2,
            time: at(hours + 6),
            finished: true,
            error: None,
            lifted_by: vec!["lena".into()],
        }],
        tickets: vec![format!("CHG-{}", 1200 + number)],
        checks: ["tests", "licence-scan"]
            .map(|check| CheckOf {
                check: check.into(),
                machine: "ci-runner".into(),
            })
            .into(),
        overridden: Vec::new(),
        rollback: None,
        emergency: None,
    }
}

/// Changes that went every way there is, in long words.
fn every_way() -> Vec<Change> {
    let long = "the shop's basket loses what people put into it after the last change, and the other \
                way to mend it takes until Monday";
    let address =
        "https://tickets.acme.example/browse/CHG-1209?with=a&rather=long&address=that-has-no-gap";
    let mut all: Vec<Change> = (1..=6)
        .map(|number| {
            usual(
                number,
                [["dana", "rita"], ["dora", "remy"]][number as usize % 2],
            )
        })
        .collect();
    all[1].in_stead.insert(InStead {
        person: "remy".into(),
        of: "rita".into(),
    });
    all[2].overridden.push(OverrideOf {
        name: "year-end-freeze".into(),
        person: "lena".into(),
        reason: Some(long.into()),
    });
    all[3].let_pass.push("RH401".into());
    let mut back = usual(7, ["rita", "rita"]);
    back.approved_by.clear();
    back.rollback = Some(RollbackOf {
        by: vec![RollbackWord {
            person: "rita".into(),
            reason: long.into(),
        }],
        commits: 3,
        statements: vec![back.new],
    });
    all.push(back);
    for (number, settled) in [(8, true), (9, false)] {
        let mut one = usual(number, ["dana", "rita"]);
        one.approved_by.clear();
        one.emergency = Some(EmergencyOf {
            people: vec!["dana".into(), "lena".into()],
            reason: long.into(),
            ticket: Some(address.into()),
            waived: vec!["RH401".into()],
            due: at(260),
            settled: settled.then(|| SettledBy {
                entry: 60,
                time: at(190),
                how: SettledHow::Review,
                people: vec!["rita".into()],
            }),
        });
        all.push(one);
    }
    all
}

fn everything() -> Report {
    let note = "acme/site\n61\nm+FzUgE6gQ0x5jmMDKcPbSyqwzPEmkWqGdMSHMVv2+0=\n\n\u{2014} acme/site \
                AB12cd34EF56gh78IJ90kl12MN34op56QR78st90UV12wx34YZ56ab78CD90ef12GH34ij56KL78mn90OP12qr34\n";
    Report {
        repository: "acme/site".into(),
        period: Period {
            from: at(0),
            to: at(240),
        },
        made: at(240),
        checkpoint: Checkpoint {
            origin: "acme/site".into(),
            size: 61,
            root: [155; 32],
            note: note.into(),
        },
        key: "acme/site+9c0b83a5+BJyGh2GEDfT6nGYWapaDGnGE7UoovgzOduH/sQCNbtfe".into(),
        entries: Some((1, 61)),
        redacted: BTreeSet::new(),
        changes: every_way(),
        refusals: vec![Refusal {
            entry: 17,
            time: at(55),
            by: Some("mallory".into()),
            refs: vec![PROD.into()],
            codes: ["RH401", "RH541", "RH544", "RH545"]
                .map(str::to_owned)
                .into(),
        }],
        notes: vec![Note {
            entry: 29,
            time: at(100),
            about: Kept::Target,
            text: "somebody changed www by hand: 3 differences".into(),
        }],
    }
}

#[test]
fn a_page_in_which_everything_happened_fits_too() {
    let world = World::without_repository("none.git");
    let report = world.path("report.html");
    std::fs::write(&report, relhook::report::html(&everything())).unwrap();
    fits(&world, &report);
}

#[test]
fn the_page_fits_a_phone_and_a_desk_by_day_and_by_night() {
    let world = World::new();
    releases(&world, "index.html");
    let dana = world.person("dana");
    dana.takes("prod");
    dana.commits("a/rather/long/path/that/somebody/thought/of/index.html");
    dana.pushes(&["prod"]).refused_with("RH401");
    let report = world.path("report.html");
    let path = report.to_str().unwrap().to_owned();
    world.relhook(&["report", "--output", &path]).assert_ok();
    assert!(
        std::fs::read_to_string(&report)
            .unwrap()
            .contains(PROD.rsplit('/').next().unwrap())
    );
    fits(&world, &report);
}

/// It does on a phone and on a desk, by day and by night, and can be drawn.
#[track_caller]
fn fits(world: &World, report: &Path) {
    let dark = "--blink-settings=preferredColorScheme=0";
    let light = "--blink-settings=preferredColorScheme=1";
    for width in [390, 1280] {
        let mut grounds = Vec::new();
        for scheme in [light, dark] {
            let said = said(world, report, width, &["--window-size=1400,1000", scheme]);
            assert_eq!(said["scroll"], said["client"], "{width}: {said}");
            assert!(
                said["wide"].as_array().unwrap().is_empty(),
                "{width}: {said}"
            );
            assert_eq!(said["h1"], "acme/site: what reached production");
            let (ground, text) = (brightness(&said["colour"]), brightness(&said["text"]));
            assert!(ground.abs_diff(text) > 350, "{width}: {said}");
            grounds.push(ground);
        }
        assert!(grounds[0] > grounds[1], "{width}: {grounds:?}");
        // And it can be drawn.
        let shot = world.path(&format!("shot-{width}.png"));
        let to = format!("--screenshot={}", shot.display());
        let size = format!("--window-size={width},2000");
        chromium(world, &[&to, &size, light], report);
        assert!(std::fs::metadata(&shot).unwrap().len() > 10_000);
    }
}
