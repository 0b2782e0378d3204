//! relhook-gate: what git's hooks start in a push. Arguments → hook → exit code, and nothing else.

fn main() -> std::process::ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let answer = relhook::hook::gate(&args);
    relhook::ui::emit_error(&answer.text);
    answer.exit.into()
}
