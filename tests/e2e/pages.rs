//! Pages that people follow when they are in a hurry: each command that stands there is run, by whom the page
//! says, and does what the page says.

use crate::common::{
    PROD, PolicyText, Ran, World, done, in_shell, page_blocks, page_text, shown, types,
};

/// The commands of a page, in the order in which they stand there: lines of a block that begin with
/// `relhook`, behind a prompt or not, each with who types it.
fn commands(page: &str) -> Vec<(String, String)> {
    let text = page_text(page);
    let fenced = text.split("```").skip(1).step_by(2).flat_map(str::lines);
    let indented = text.lines().filter(|line| line.starts_with("    "));
    let mut all: Vec<(String, String)> = Vec::new();
    for line in fenced.chain(indented) {
        let (who, line) = line.trim().split_once("$ ").unwrap_or(("", line.trim()));
        let one = (who.to_owned(), line.to_owned());
        if line.starts_with("relhook ") && !who.contains(' ') && !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// Takes the command that begins so off the list.
#[track_caller]
fn take(commands: &mut Vec<(String, String)>, who: &str, begin: &str) -> String {
    let found = commands
        .iter()
        .position(|(by, line)| by == who && line.starts_with(begin));
    let found = found.unwrap_or_else(|| panic!("{who}$ {begin} is not on the page: {commands:?}"));
    commands.remove(found).1
}

#[test]
fn the_page_about_deputies_can_be_followed() {
    let mut page = commands("deputies.md");
    let rule = "delegation:\n      by: [reviewers]\n      to: [developers]\n      longest: 21d";
    let world = World::with(&PolicyText::usual().prod(rule));
    let [dana, dora, rita] = ["dana", "dora", "rita"].map(|name| world.person(name));
    // The page's carol is dora here, and her leave begins today.
    let delegate = take(&mut page, "rita", "relhook delegate --to")
        .replace("carol", "dora")
        .replace("2026-12-01", "$(date -u +%F)")
        .replace("2026-12-14", "$(date -u -d '+13 days' +%F)");
    let said = done(&types(&rita, &delegate));
    assert!(said.contains("Name dora your deputy"), "{said}");
    let (_, id) = said.split_once("taken in by ").unwrap();
    let id = id.lines().next().unwrap().rsplit(' ').next().unwrap();

    let tip = dana.commits("price.txt");
    dana.offers("dana/price");
    let refused = dana.pushes(&["prod"]);
    refused.refused();
    let flat: String = refused
        .said
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(flat.contains("dora in rita's stead"), "{}", refused.said);
    dora.git(&["fetch", "-q", "origin"]);
    done(&types(&dora, &take(&mut page, "carol", "relhook approve")));
    dana.pushes(&["prod"]).accepted();
    assert_eq!(world.server_ref(PROD), Some(tip));

    for begin in ["relhook status", "relhook delegate --list"] {
        let line = take(&mut page, "", begin);
        let args: Vec<&str> = line.split(' ').skip(1).collect();
        let in_clone = done(&types(&dana, &line));
        let on_server = world.relhook(&args);
        for said in [in_clone, shown(&on_server)] {
            assert!(said.contains("dora for rita on prod"), "{begin}: {said}");
            assert!(said.contains(id), "{begin}: {said}");
        }
    }

    let withdraw = take(&mut page, "rita", "relhook withdraw").replace("0a1b2c3d4e5f", id);
    done(&types(&rita, &withdraw));
    let listed = done(&types(&dana, "relhook delegate --list"));
    assert!(listed.contains("nobody stands in for anybody"), "{listed}");
    dana.commits("more.txt");
    dana.pushes(&["prod"]).refused_with("RH401");
    assert_eq!(page, [], "commands that are not tried");
}

#[test]
fn the_page_about_rollbacks_can_be_followed() {
    let mut page = commands("rollback.md");
    let rule = "rollback:\n      by: [admins]\n      required: 1";
    let world = World::with(&PolicyText::usual().prod(rule));
    let [dana, remy, paul] = ["dana", "remy", "paul"].map(|name| world.person(name));
    let ships = |file: &str| {
        let commit = dana.commits(file);
        dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
        remy.approves(&commit).accepted();
        dana.pushes(&["prod"]).accepted();
        commit
    };
    let good = ships("good.txt");
    let bad = ships("bad.txt");
    world.relhook(&["audit", "checkpoint"]).assert_ok();
    let list = take(&mut page, "", "relhook rollback --list");
    let listed = done(&types(&paul, &list));
    let entry = listed
        .lines()
        .find(|line| line.contains(&good[..7]))
        .unwrap();
    let number = entry.split_whitespace().next().unwrap();
    // By the commit, and once more by the release's number.
    let by_commit = take(&mut page, "", "relhook rollback --to 8d01e77ab12c")
        .replace("8d01e77ab12c", &good[..12]);
    let by_number = take(&mut page, "", "relhook rollback --to 41").replace("41", number);
    let approve = take(&mut page, "", "relhook approve");
    let approve = approve.replace("1f0c2ab4d5e6", &bad[..12]);
    for back in [by_commit, by_number] {
        let said = done(&types(&paul, &back));
        assert!(said.contains("Change bad.txt"), "{said}");
        assert_eq!(world.server_ref(PROD), Some(good.clone()));
        dana.pushes(&["prod"]).refused_with("RH564");
        remy.git(&["fetch", "-q", "origin"]);
        let said = done(&types(&remy, &approve));
        let flat: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("the basket is empty since noon"), "{said}");
        dana.pushes(&["prod"]).accepted();
        assert_eq!(world.server_ref(PROD), Some(bad.clone()));
        // What two statements of one second say in turn is not told apart.
        std::thread::sleep(std::time::Duration::from_millis(1100));
    }
    assert_eq!(page, [], "commands that are not tried");
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn the_rollback_that_git_alone_makes_can_be_followed() {
    let text = page_text("rollback.md");
    let (_, script) = text.split_once("```sh\n").unwrap();
    let (script, _) = script.split_once("```").unwrap();
    let world = World::with(&PolicyText::usual().prod("rollback: {by: [admins]}"));
    let [dana, remy, paul] = ["dana", "remy", "paul"].map(|name| world.person(name));
    let mut commits = Vec::new();
    for file in ["good.txt", "bad.txt"] {
        commits.push(dana.commits(file));
        dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
        remy.approves(commits.last().unwrap()).accepted();
        dana.pushes(&["prod"]).accepted();
    }
    paul.git(&["fetch", "-q", "origin"]);
    let known = format!("ref={PROD} commit={} repository=acme/site\n", commits[0]);
    done(&types(&paul, &format!("set -e\n{known}{script}")));
    assert_eq!(world.server_ref(PROD), Some(commits[0].clone()));
    world.relhook(&["audit", "replay"]).assert_ok();
}

/// A line that somebody types on the server.
fn typed_on_server(world: &World, line: &str) -> Ran {
    let mut shell = world.server_command("sh");
    shell.current_dir(world.server());
    in_shell(shell, line)
}

#[test]
fn the_page_for_the_auditor_can_be_followed() {
    let rule = "delegation: {by: [reviewers], to: [developers], longest: 21d}\n    \
                rollback: {by: [admins]}\n    emergency: {by: [developers]}";
    let world = World::with(&PolicyText::usual().prod(rule));
    let [dana, dora, rita, remy, paul] =
        ["dana", "dora", "rita", "remy", "paul"].map(|name| world.person(name));
    // A month in which everything happened: somebody stood in, it burned, it was looked at, it went back.
    let delegate = "relhook delegate --to dora --for prod --until 14d --reason leave";
    done(&types(&rita, delegate));
    let stood_in = dana.commits("price.txt");
    dana.offers("dana/price");
    dora.git(&["fetch", "-q", "origin"]);
    let approve = "relhook approve dana/price --ref prod --in-stead-of rita";
    done(&types(&dora, approve));
    dana.pushes(&["prod"]).accepted();
    let fix = dana.commits("fix.txt");
    let declare = "relhook emergency --ref prod --reason 'nobody can pay any more' --yes";
    done(&types(&dana, declare));
    dana.pushes(&["prod"]).accepted();
    world.relhook(&["audit", "checkpoint"]).assert_ok();
    remy.git(&["fetch", "-q", "origin"]);
    done(&types(&remy, &format!("relhook approve {fix} --ref prod")));
    paul.git(&["fetch", "-q", "origin"]);
    let back = format!("relhook rollback --to {stood_in} --ref prod --reason 'it charges twice'");
    done(&types(&paul, &back));
    assert_eq!(world.server_ref(PROD), Some(stood_in.clone()));
    world.relhook(&["audit", "checkpoint"]).assert_ok();

    let out = tempfile::tempdir().unwrap();
    let lines = page_blocks("auditor.md");
    let mut tried = Vec::new();
    for line in &lines {
        // The page's month is this one, and what it writes goes to a folder of its own.
        let typed = line
            .replace("2026-12-01", "$(date -u +%Y-%m-01)")
            .replace("2026-12-31", "$(date -u +%F)")
            .replace("--output ", &format!("--output {}/", out.path().display()));
        let in_clone = line.starts_with("git f")
            || tried.contains(&"relhook doctor") && line == "relhook audit replay";
        let ran = match in_clone {
            true => types(&dana, &typed),
            false => typed_on_server(&world, &typed),
        };
        let said = format!("{}{}", shown(&ran), ran.err);
        let wanted: &[&str] = match line.as_str() {
            "relhook status" => &["dora for rita on prod"],
            "relhook delegate --list" => &["dora for rita on prod"],
            line if line.contains("policy explain") => &["rita", "deputy", "in an emergency"],
            line if line.contains("policy bus-factor") => &["with every deputy named"],
            line if line.contains("for-each-ref") => &["Approve", "Roll", "emergency"],
            _other => &[],
        };
        for part in wanted {
            let part = part.to_lowercase();
            assert!(
                said.to_lowercase().contains(&part),
                "{line}: {part}: {said}"
            );
        }
        // What the tests' server is like, doctor may have something to say about, and a clone cannot tell
        // all.
        let may = match line.as_str() {
            "relhook doctor" => [0, 1, 3].as_slice(),
            "relhook audit replay" if in_clone => [0, 3].as_slice(),
            _other => [0].as_slice(),
        };
        assert!(may.contains(&ran.code), "{line}: {} {said}", ran.code);
        tried.push(line.as_str());
    }
    assert_eq!(tried.len(), 12, "{tried:?}");
    let page = std::fs::read_to_string(out.path().join("december.html")).unwrap();
    for part in [
        "nobody can pay any more",
        "it charges twice",
        &stood_in[..7],
        &fix[..7],
    ] {
        assert!(page.contains(part), "{part} is not in the report");
    }
}
