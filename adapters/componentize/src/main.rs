//! `componentize IN.wasm OUT.component.wasm`

use std::{
    error::Error,
    ffi::OsString,
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::ExitCode,
};

use adapter_componentize::{MAX_MODULE_BYTES, componentize};

const USAGE: &str = "\
Makes a component of the core module that cargo built from an adapter's crate.

Usage:    componentize IN.wasm OUT.component.wasm
Example:  componentize target/wasm32-unknown-unknown/release/my_adapter.wasm my.component.wasm
";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [input, output] => run(Path::new(input), Path::new(output)),
        [help] if help == "--help" || help == "-h" => {
            write!(std::io::stdout(), "{USAGE}").map_err(Into::into)
        }
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nowhere is left to say that standard error is closed.
            let _ = writeln!(std::io::stderr(), "{}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(input: &Path, output: &Path) -> Result<(), Box<dyn Error>> {
    let mut module = Vec::new();
    fs::File::open(input)
        .and_then(|file| file.take(MAX_MODULE_BYTES as u64 + 1).read_to_end(&mut module))
        .map_err(|cause| format!("cannot read {}: {cause}", input.display()))?;
    let component =
        componentize(&module).map_err(|error| format!("{}: {}", input.display(), with_causes(&error)))?;

    // Under another name first, so that nobody ever reads half a component.
    let mut partial = output.as_os_str().to_owned();
    partial.push(".partial");
    fs::write(&partial, component)
        .and_then(|()| fs::rename(&partial, output))
        .map_err(|cause| format!("cannot write {}: {cause}", output.display()))?;
    Ok(())
}

/// An error and what it came from, in one line unless a cause has several. A cause that its error quotes already is not repeated.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
