//! Running other programs, always with standard input closed.

use std::{
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::failure::{Failure, OrFail as _, Outcome};

/// Runs a command whose output goes to the terminal; anything but success is a failure.
pub fn run(command: &mut Command) -> Outcome<()> {
    let status = command.stdin(Stdio::null()).status().or_fail(cannot_start(command))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{}` failed ({status})", line(command))))
    }
}

/// Runs a command and gives its standard output; its standard error is shown only in the failure.
pub fn read(command: &mut Command) -> Outcome<String> {
    let output = command.stdin(Stdio::null()).output().or_fail(cannot_start(command))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("`{}` failed ({}): {}", line(command), output.status, said.trim())))
    }
}

/// Runs a command that writes little, and ends it when it takes longer than `limit`.
pub fn run_within(command: &mut Command, limit: Duration) -> Outcome<()> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().or_fail(cannot_start(command))?;
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().or_fail("cannot wait for a program")? {
            let mut said = String::new();
            if let Some(mut stderr) = child.stderr.take() {
                // What it said is only for the message.
                let _ = stderr.read_to_string(&mut said);
            }
            let last = said.trim().lines().next_back().unwrap_or("it gave no reason").trim();
            let last = last.strip_prefix("error: ").unwrap_or(last).to_string();
            return if status.success() { Ok(()) } else { Err(Failure::new(last)) };
        }
        if Instant::now() >= deadline {
            // It may have ended by itself just now.
            let _ = child.kill();
            let _ = child.wait();
            return Err(Failure::new(format!("no end after {} s", limit.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether a program can be started at all.
pub fn exists(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

fn line(command: &Command) -> String {
    // The whole path of a program would hide what it was asked to do.
    let program = Path::new(command.get_program());
    let mut line = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", command.get_program().to_string_lossy())
}
