//! relhook: arguments → command → exit code, and nothing else.

fn main() -> std::process::ExitCode {
    relhook::cli::main(std::env::args_os())
}
