//! What holds for every program that a release runs.

use super::*;
use crate::types::TargetName;
use tempfile::TempDir;

fn desk() -> (TempDir, Desk) {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), &TargetName::new("site")).unwrap();
    (dir, desk)
}

fn shell<'a>(dir: &'a Path, script: &str, input: Input<'a>) -> Call<'a> {
    Call {
        program: Path::new("/bin/sh"),
        args: ["-c", script].map(OsString::from).to_vec(),
        dir,
        env: vec![("MORE".into(), "x y".into())],
        input,
        limit: Duration::from_secs(30),
        writes: Writes::Anything,
    }
}

fn output(desk: &Desk, call: Call<'_>) -> (Result<Ended, ReleaseError>, String) {
    let mut text = Vec::new();
    let ended = run(desk, call, &mut |bytes| {
        text.extend_from_slice(bytes);
        Ok(())
    });
    (ended, String::from_utf8(text).unwrap())
}

#[test]
fn u_12_a_program_has_an_environment_of_its_own_and_its_secret_on_standard_input() {
    let (dir, desk) = desk();
    let script = "cat; env | cut -d= -f1 | sort | tr '\\n' ' '; pwd";
    let call = shell(dir.path(), script, Input::Secret(b"secret\n"));
    let (ended, text) = output(&desk, call);
    assert!(ended.unwrap().is_well());
    let here = dir.path().display();
    assert_eq!(
        text,
        format!("secret\nHOME LC_ALL MORE PATH PWD TZ {here}\n")
    );
}

#[test]
fn messages_are_kept_and_shown_without_control_characters() {
    let (dir, desk) = desk();
    let script = "printf 'one\\n\\033[31mtwo\\n\\n' >&2; exit 7";
    let (ended, text) = output(&desk, shell(dir.path(), script, Input::Nothing));
    let ended = ended.unwrap();
    assert_eq!((ended.code, text.as_str()), (Some(7), ""));
    assert_eq!(
        ended.told(),
        "it ended with the exit code 7: one / \\x1b[31mtwo"
    );
    let (ended, _) = output(&desk, shell(dir.path(), "kill -TERM $$", Input::Nothing));
    assert_eq!(
        ended.unwrap().told(),
        "signal 15 ended it, without a message"
    );
}

#[test]
fn u_17_what_a_program_writes_has_a_limit_that_what_it_starts_has_too() {
    let (dir, desk) = desk();
    let bytes = 2 * MESSAGES_LIMIT + 4096;
    let script = "sleep 0.3; sh -c 'head -c 40000000 /dev/zero >big'; echo $?";
    let mut call = shell(dir.path(), script, Input::Nothing);
    call.writes = Writes::UpTo(bytes);
    let (ended, text) = output(&desk, call);
    assert!(ended.unwrap().is_well());
    assert_ne!(text, "0\n");
    assert_eq!(fs::metadata(dir.path().join("big")).unwrap().len(), bytes);
}

#[test]
fn a_program_that_takes_too_long_is_stopped_with_all_that_it_started() {
    let (dir, desk) = desk();
    let script = "sleep 100 & echo $!; sleep 100";
    let mut call = shell(dir.path(), script, Input::Nothing);
    call.limit = Duration::from_millis(500);
    let (ended, text) = output(&desk, call);
    assert!(
        matches!(ended, Err(ReleaseError::ProgramTime { .. })),
        "{ended:?}"
    );
    assert!(is_gone(&text), "{text}");
}

#[test]
fn what_a_program_leaves_behind_ends_with_it() {
    let (dir, desk) = desk();
    let script = "sleep 100 & echo $!";
    let (ended, text) = output(&desk, shell(dir.path(), script, Input::Nothing));
    assert!(ended.unwrap().is_well());
    assert!(is_gone(&text), "{text}");
}

/// Whether a process ends within a moment.
fn is_gone(pid: &str) -> bool {
    let stat = format!("/proc/{}/stat", pid.trim());
    (0..100).any(|_| {
        let text = fs::read_to_string(&stat).unwrap_or_default();
        let gone = text.is_empty() || text.contains(") Z ");
        if !gone {
            std::thread::sleep(Duration::from_millis(20));
        }
        gone
    })
}

#[test]
fn what_is_wrong_with_its_output_stops_a_program() {
    let (dir, desk) = desk();
    let call = shell(dir.path(), "yes", Input::Nothing);
    let ended = run(&desk, call, &mut |_| {
        Err(ReleaseError::Order("enough".into()))
    });
    assert_eq!(
        ended.unwrap_err().to_string(),
        "what is to be released cannot be told: enough"
    );
    let call = shell(dir.path(), "yes >&2", Input::Nothing);
    let (ended, _) = output(&desk, call);
    assert!(
        matches!(ended, Err(ReleaseError::ProgramFailed { .. })),
        "{ended:?}"
    );
}

#[test]
fn a_program_that_still_runs_is_ended_before_another_begins() {
    for place in [Place::Only, Place::First, Place::Second] {
        let (dir, desk) = desk();
        let messages = Messages::open(&desk, place, Path::new("/x")).unwrap();
        let orphan = shell(dir.path(), "sleep 100", Input::Nothing);
        let mut orphan = spawn(&desk, orphan, &messages).unwrap();
        messages.belong_to(Pid::from_child(&orphan));
        drop(messages);
        let (ended, text) = output(&desk, shell(dir.path(), "echo next", Input::Nothing));
        assert!(ended.unwrap().is_well());
        assert_eq!(text, "next\n");
        assert_eq!(orphan.wait().unwrap().signal(), Some(9), "{place:?}");
    }
}

#[test]
fn two_programs_are_at_work_and_the_second_is_told_what_to_do_when_it_is_time() {
    let (dir, desk) = desk();
    let waits = || shell(dir.path(), "read word && echo $word", Input::Later);
    let mut second = start(&desk, Place::Second, waits()).unwrap();
    let first = shell(dir.path(), "echo first", Input::Nothing);
    let first = start(&desk, Place::First, first).unwrap();
    let mut text = Vec::new();
    let mut take = |bytes: &[u8]| {
        text.extend_from_slice(bytes);
        Ok(())
    };
    assert!(first.finish(&mut take).unwrap().is_well());
    second.tell(b"second\n");
    assert!(second.finish(&mut take).unwrap().is_well());
    assert_eq!(text, b"first\nsecond\n");
    // One that nobody waits for is ended, and one that is told nothing reads nothing.
    drop(start(&desk, Place::Second, waits()).unwrap());
    let untold = start(&desk, Place::Second, waits()).unwrap();
    assert!(!untold.finish(&mut |_| Ok(())).unwrap().is_well());
}

#[test]
fn a_program_that_is_not_there_is_said() {
    let (dir, desk) = desk();
    let mut call = shell(dir.path(), "", Input::Nothing);
    call.program = Path::new("/nowhere/deploy");
    let (ended, _) = output(&desk, call);
    assert!(
        matches!(ended, Err(ReleaseError::Program { .. })),
        "{ended:?}"
    );
    assert!(find("sh").is_ok());
    assert!(find("no-such-program-anywhere").is_err());
}
