//! The preset contract: entries that are inserted, updated, deleted, read, and have a history.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Call, Contract, Failure, text, unwrap, wrap};

/// The most bytes of a key.
const MAX_KEY: usize = 255;

/// Keys are 1 to 255 bytes of UTF-8; values are any bytes.
pub struct Preset;

impl Contract for Preset {
    fn invoke(&self, call: &mut Call<'_>) -> Result<Vec<u8>, Failure> {
        match call.function.as_str() {
            "insert" => {
                let [key, value] = call.take()?;
                let (key, value) = (place(key)?, value.to_vec());
                if call.get(&key).is_some() {
                    return Err(Failure::new("already-exists: the key has a value"));
                }
                call.put(&key, wrap(&value));
                Ok(Vec::new())
            }
            "update" => {
                let [key, value] = call.take()?;
                let (key, value) = (place(key)?, value.to_vec());
                existing(call, &key)?;
                call.put(&key, wrap(&value));
                Ok(Vec::new())
            }
            "delete" => {
                let [key] = call.take()?;
                let key = place(key)?;
                existing(call, &key)?;
                call.delete(&key);
                Ok(Vec::new())
            }
            "get" => {
                let [key] = call.take()?;
                let key = place(key)?;
                existing(call, &key)
            }
            "history" => {
                let [key] = call.take()?;
                let changes = call.history(&place(key)?);
                if changes.is_empty() {
                    return Err(Failure::new("not-found: the key was never written"));
                }
                let entries: Vec<_> = changes
                    .into_iter()
                    .map(|change| {
                        let mut entry = serde_json::json!({
                            "txId": change.transaction,
                            "isDelete": change.value.is_none(),
                            "block": change.block,
                        });
                        if let (Some(value), Some(fields)) = (change.value, entry.as_object_mut()) {
                            fields.insert("value".into(), STANDARD.encode(unwrap(value)).into());
                        }
                        entry
                    })
                    .collect();
                serde_json::to_vec(&entries).map_err(|error| Failure::new(error.to_string()))
            }
            _ => Err(Failure::no_function()),
        }
    }
}

/// Where the value of a key is kept. Fabric keeps keys that begin with U+0000 for itself.
fn place(key: &[u8]) -> Result<String, Failure> {
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(Failure::arguments(format!("a key has 1 to {MAX_KEY} bytes, not {}", key.len())));
    }
    Ok(format!("entry/{}", text(key)?))
}

fn existing(call: &mut Call<'_>, place: &str) -> Result<Vec<u8>, Failure> {
    let kept = call.get(place).ok_or_else(|| Failure::new("not-found: the key has no value"))?;
    Ok(unwrap(kept))
}
