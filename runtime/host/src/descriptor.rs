//! What the standard asks of a descriptor before any network is lent (STANDARD.md, area DESC).

use std::collections::BTreeSet;

use adapter_spec::types::Descriptor;

/// The most bytes of any one text of a descriptor.
const MAX_TEXT: usize = 64 << 10;
/// The most entries of any one list of a descriptor.
const MAX_ENTRIES: usize = 256;

/// Whether a descriptor keeps the standard; if not, why.
pub(crate) fn check(descriptor: &Descriptor) -> Result<(), String> {
    name("name", &descriptor.name)?;
    name("framework", &descriptor.framework)?;
    version(&descriptor.version)?;
    let schema = &descriptor.settings_schema;
    if schema.len() > MAX_TEXT {
        return Err(format!("settings-schema has {} bytes; at most {MAX_TEXT} are allowed", schema.len()));
    }
    if !serde_json::from_str::<serde_json::Value>(schema).is_ok_and(|schema| schema.is_object()) {
        return Err("settings-schema is no JSON object".into());
    }
    unique("endpoints", descriptor.endpoints.iter().map(|need| need.name.as_str()))?;
    unique("service-keys", descriptor.service_keys.iter().map(|need| need.name.as_str()))?;
    unique("capabilities", descriptor.capabilities.iter().map(String::as_str))?;
    for need in &descriptor.endpoints {
        if need.reads.len() > MAX_ENTRIES || need.reads.iter().any(|read| read.is_empty() || read == "*") {
            return Err(format!(
                "endpoint {:?} must name at most {MAX_ENTRIES} reads, none of them empty or \"*\"",
                need.name
            ));
        }
    }
    Ok(())
}

/// Lower-case letters, digits and hyphens, beginning with a letter; at most 64.
fn name(field: &str, name: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() > 64 || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(good) {
        let shown: String = name.chars().take(64).collect();
        return Err(format!(
            "{field} {shown:?} is not made of at most 64 lower-case letters, digits and hyphens"
        ));
    }
    Ok(())
}

/// Three numbers with dots, then perhaps a pre-release or build part.
fn version(version: &str) -> Result<(), String> {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<_> = core.split('.').map(str::parse::<u64>).collect();
    if version.len() > 64 || numbers.len() != 3 || numbers.iter().any(Result::is_err) {
        let shown: String = version.chars().take(64).collect();
        return Err(format!("version {shown:?} is no semantic version"));
    }
    Ok(())
}

fn unique<'a>(field: &str, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() || name.len() > 128 || !seen.insert(name) {
            return Err(format!("{field} must be named, each name once and with at most 128 bytes"));
        }
        if seen.len() > MAX_ENTRIES {
            return Err(format!("{field} has more than {MAX_ENTRIES} entries"));
        }
    }
    Ok(())
}
