//! Reading and writing the user's files, with bounds.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::failure::Failure;

/// The most bytes of a file that is read whole: settings, code, interface descriptions, envelopes.
const MOST: u64 = 16 << 20;

/// A file's bytes.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    read_at_most(path, MOST)
}

/// A file's bytes, at most so many.
pub(crate) fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::host(format!("{} cannot be read", path.display()), &error).next("Check the path.")
    };
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > most {
        let why = format!("{} has more than {most} bytes", path.display());
        return Err(Failure::host(why, &std::io::Error::from(std::io::ErrorKind::FileTooLarge))
            .next("Check that it is the right file."));
    }
    Ok(bytes)
}

/// The text itself, or that of the file behind `@`.
pub(crate) fn text_or_file(text: &str) -> Result<String, Failure> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.into()) };
    String::from_utf8(read(Path::new(path))?)
        .map_err(|error| Failure::host(format!("{path} is no text in UTF-8"), &error).next("Check the path."))
}

/// The same where there may be none.
pub(crate) fn optional_text(text: Option<&String>) -> Result<Option<String>, Failure> {
    text.map(|text| text_or_file(text)).transpose()
}

/// JSON from a file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T, Failure> {
    serde_json::from_slice(&read(path)?).map_err(|error| {
        Failure::host(format!("{} is no {what}", path.display()), &error)
            .next("Check that it is the right file.")
    })
}

/// Writes JSON to a file that only this user can read; whole, or not at all.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_vec_pretty(value)
        .map_err(|error| Failure::host(format!("{} cannot be written", path.display()), &error))?;
    write(path, &json)
}

/// Writes a file that only this user can read, and has it on the disk; whole, or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_with_mode(path, bytes, 0o600)
}

/// The same for a file that anybody may read.
pub(crate) fn write_public(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_with_mode(path, bytes, 0o644)
}

fn write_with_mode(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let partial = path.with_extension("partial");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(&partial).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    });
    written.map_err(|error| {
        // It may never have been made.
        let _ = fs::remove_file(&partial);
        Failure::host(format!("{} cannot be written", path.display()), &error)
            .next("Name a file in a folder that you can write to.")
    })
}
