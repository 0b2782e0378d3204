//! relhook-lock: what git asks before a ref moves. Arguments → hook → exit code, and nothing else.

fn main() -> std::process::ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let answer = relhook::hook::lock(&args);
    relhook::ui::emit_error(&answer.text);
    answer.exit.into()
}
