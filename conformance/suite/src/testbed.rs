//! The test bed file: all that the suite is told of a framework, so that it need not know any.

use std::{collections::BTreeMap, path::Path};

use adapter_spec::types::{ContractCall, Deployment, NativeCall, SignatureScheme, Transport, Value};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most bytes of a test bed file.
const MAX_BYTES: u64 = 4 << 20;

/// Why a test bed file cannot be used.
#[derive(Debug, Error)]
pub enum TestbedError {
    /// It cannot be read.
    #[error("the test bed file {path} cannot be read")]
    Read {
        /// Where it was looked for.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It has too many bytes.
    #[error("the test bed file {path} has more than {MAX_BYTES} bytes")]
    TooLarge {
        /// Where it is.
        path: String,
    },
    /// A place was not filled in.
    #[error("the test bed file has ${{{name}}}; say what it is with --set {name}=…")]
    Place {
        /// Its name.
        name: String,
    },
    /// A file that it names has no such field.
    #[error("{path} is no JSON object with a field {field:?}")]
    Field {
        /// The file.
        path: String,
        /// The field.
        field: String,
    },
    /// It does not have the form.
    #[error("the test bed file is malformed: {0}")]
    Malformed(#[from] toml::de::Error),
}

/// A test bed. Whatever is in it is for tests only and goes into published evidence, the keys too.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Testbed {
    /// For people.
    pub name: String,
    /// Which node it is; goes into the certificate.
    pub node: Node,
    /// What `open` is given, after the adapter's own schema.
    #[serde(default)]
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// The settings of another ledger space on the same node (another channel, group or chain), where there is one.
    pub other_settings: Option<serde_json::Map<String, serde_json::Value>>,
    /// Settings that do not fit the schema, each a JSON text.
    #[serde(default)]
    pub wrong_settings: Vec<String>,
    /// What is lent.
    #[serde(default)]
    pub endpoints: Vec<LentEndpoint>,
    /// Keys that are lent under the descriptor's names.
    #[serde(default)]
    pub service_keys: Vec<LentKey>,
    /// Who can pay and write; at least one. With `fund`, the suite makes keys of its own and has the first pay them; without, every
    /// actor of a check is another party, and 12 are enough for all checks.
    #[serde(default)]
    pub parties: Vec<TestParty>,
    /// The call that gives the account `{account}` the means to write, made by the first party. Where it is not a call that
    /// does it, the control `fund` is told.
    pub fund: Option<Template>,
    /// Methods that submit transactions, in the form of the descriptor's `reads`; none of the reads may be among them.
    #[serde(default)]
    pub submits: Vec<String>,
    /// The contract that the checks call.
    pub probe: Probe,
    /// Where the preset contract is, where `plan` does not tell.
    pub preset: Option<String>,
    /// What the test bed can be told to do: `fund` (admits the key {point}, hexadecimal, of the scheme {scheme}, and gives it
    /// means), `advance` (makes {blocks} blocks), `reorganise` (drops the newest {depth}
    /// blocks, their transactions too, and makes more others), `hold` (makes no blocks by itself), `release`, `prune` (forgets the state and the
    /// blocks below {block}; with 0 it keeps again whatever it still has), `clock` (sets the node's clock {ahead} milliseconds
    /// ahead of the true time; what it was ahead before does not count).
    #[serde(default)]
    pub controls: BTreeMap<String, Vec<Command>>,
    /// Public keys with the accounts that the framework's own tools derive from them.
    #[serde(default)]
    pub vectors: Vec<Vector>,
    /// Calls whose failure the ledger reports with a code of its own, and what it must become.
    #[serde(default)]
    pub native_errors: Vec<NativeError>,
    /// What proofs are verified against.
    pub proofs: Option<Proofs>,
    /// Names of controls, probe functions and entries that the framework cannot have, each with the reason. What is
    /// neither here nor offered makes checks end as unknown. `clock` is the exception: where it is in neither, the node has no
    /// clock that matters, and time passes for the adapter alone. `header` here: how the framework makes a block's hash is not
    /// public; `trial-run`: reads are run for somebody else than who signs a write, so that they do not tell how it would end. The name of a scheme here: this ledger takes no keys of it, though others of the framework do.
    #[serde(default)]
    pub absent: BTreeMap<String, String>,
    /// What earlier versions of the adapter wrote, which this one must read.
    #[serde(default)]
    pub earlier: Vec<Earlier>,
    /// Whether participants must be admitted before they can act on the ledger, by the framework's own documents.
    pub permissioned: Option<bool>,
    /// Whether the framework takes no key without a certificate.
    #[serde(default)]
    pub certificates_required: bool,
    /// How long a transaction may take to get into a block, in looks at its receipt; each comes 20 milliseconds after the
    /// one before.
    #[serde(default = "patience")]
    pub patience: u32,
}

fn patience() -> u32 {
    500
}

/// The node behind the endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Node {
    /// The program's name and version.
    pub version: String,
    /// SHA-256 of the program, hexadecimal, where it is at hand.
    pub program_sha256: Option<String>,
    /// What identifies the chain: the first block's hash, a channel's or group's id.
    pub genesis: Option<String>,
}

/// A lent endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LentEndpoint {
    /// The descriptor's name.
    pub need: String,
    /// How it is spoken to.
    pub transport: Transport,
    /// The base address.
    pub url: String,
    /// What the adapter is told of it.
    #[serde(default)]
    pub labels: Vec<(String, String)>,
    /// Authorities for `https://`, PEM.
    pub ca_pem: Option<String>,
    /// The client's certificate, PEM.
    pub client_certificate_pem: Option<String>,
    /// The client's key, PEM; a test's.
    pub client_key_pem: Option<String>,
    /// The name in the server's certificate, where it is not the address's.
    pub server_name: Option<String>,
}

/// A lent service key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LentKey {
    /// The descriptor's name.
    pub name: String,
    /// Its scheme.
    pub scheme: SignatureScheme,
    /// 32 bytes, hexadecimal; a test's.
    pub secret: String,
    /// X.509, DER, hexadecimal.
    pub certificate: Option<String>,
}

/// Somebody who can write.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TestParty {
    /// The framework's name for it, where the key alone does not decide.
    pub account: Option<String>,
    /// Its key's scheme.
    pub scheme: SignatureScheme,
    /// 32 bytes, hexadecimal; a test's.
    pub secret: String,
    /// X.509, DER, hexadecimal.
    pub certificate: Option<String>,
}

/// A call with places to fill in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Template {
    /// An operation of the framework's own; `{account}` in its JSON is filled in.
    pub native: Option<NativeCall>,
    /// Or a contract's function; `{account}` in its contract and in text arguments is filled in.
    pub invoke: Option<ContractCall>,
    /// Currency sent along.
    pub amount: Option<String>,
}

/// The contract that the checks call. Its functions have fixed meanings, see `conformance/README.md`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Probe {
    /// How it is put on the ledger.
    pub deployment: Option<Deployment>,
    /// Or where it is already.
    pub contract: Option<String>,
    /// Its interface description, given with every call.
    pub abi: Option<String>,
    /// Its functions, by the suite's names for them.
    #[serde(default)]
    pub functions: BTreeMap<String, String>,
    /// The name of the event that `add` makes.
    pub event: Option<String>,
    /// Arguments that do not fit `add`.
    #[serde(default)]
    pub unfit: Vec<Vec<Value>>,
    /// A contract that is not there, in the framework's form.
    pub missing_contract: Option<String>,
    /// A function that is not there, with the arguments of `add`.
    pub missing_function: Option<String>,
    /// The largest integer that `add` takes, decimal.
    pub largest: Option<String>,
}

/// What a test bed is told, at an address that is not lent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Command {
    /// Where.
    pub url: String,
    /// A JSON-RPC method.
    pub method: String,
    /// Its parameters, JSON, with places to fill in, e.g. `[{depth}]`.
    pub params: String,
}

impl Command {
    /// Its parameters with the places filled in.
    #[must_use]
    pub fn filled_in(&self, places: &BTreeMap<&str, String>) -> String {
        let fill =
            |params: String, (place, value): (&&str, &String)| params.replace(&format!("{{{place}}}"), value);
        places.iter().fold(self.params.clone(), fill)
    }
}

/// A key and its accounts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Vector {
    /// The key's scheme.
    pub scheme: SignatureScheme,
    /// SEC1 uncompressed point, hexadecimal.
    pub point: String,
    /// X.509, DER, hexadecimal, where the framework has certificates.
    pub certificate: Option<String>,
    /// Its accounts.
    pub accounts: Vec<String>,
    /// Who says so: a tool with its version, a document with its section.
    pub source: String,
}

/// What proofs are verified against, and proofs that were made elsewhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Proofs {
    /// The anchor of the test bed's ledger, in the framework's form, hexadecimal.
    pub anchor: String,
    /// Anchors that decode and by which nothing of this ledger holds: another chain's, one with other keys.
    #[serde(default)]
    pub other_anchors: Vec<OtherAnchor>,
    /// Where the storage of the probe has the text that `put` keeps, byte for byte; hexadecimal.
    pub text_slot: Option<String>,
    /// Proofs that were made beforehand, with what `verify` must say to them. With fewer signatures than the quorum at least,
    /// where the framework's blocks are signed.
    #[serde(default)]
    pub vectors: Vec<ProofVector>,
}

/// An anchor of something else.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OtherAnchor {
    /// What is different.
    pub what: String,
    /// In the framework's form, hexadecimal.
    pub anchor: String,
}

/// A proof that was made beforehand.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProofVector {
    /// What is particular.
    pub what: String,
    /// Whether it holds.
    pub holds: bool,
    /// The anchor, hexadecimal, where it is not the test bed's own.
    pub anchor: Option<String>,
    /// The proof.
    pub proof: adapter_spec::types::Proof,
}

/// What an earlier version of the same major version of the adapter wrote, on any ledger: each in hexadecimal.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Earlier {
    /// That version.
    pub version: String,
    /// The id of a transaction, with the tracking of its envelope.
    pub transaction: Option<String>,
    /// Its tracking.
    pub tracking: Option<String>,
    /// A cursor of events.
    pub cursor: Option<String>,
    /// A continuation.
    pub continuation: Option<String>,
    /// Values of the state, by key.
    #[serde(default)]
    pub state: BTreeMap<String, String>,
}

/// A framework's error and the standard's.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NativeError {
    /// The code or message as it comes from the node: of JSON-RPC the error object, of gRPC the status, as JSON.
    pub answer: serde_json::Value,
    /// The endpoint method that it answers.
    pub method: String,
    /// The standard's code.
    pub code: adapter_spec::types::ErrorCode,
    /// Whether a retry helps.
    pub retryable: Option<bool>,
    /// `never` or `unknown`, where the method submits.
    pub effect: Option<adapter_spec::types::Effect>,
}

impl Testbed {
    /// Reads a test bed from TOML text. `${name}` anywhere in it is replaced by the place of that name; a key that ends
    /// with `-file` is replaced by what it names, relative to `folder`: a text file, or with `#field` a field of a JSON
    /// file. `program-sha256-of` names a file and becomes `program-sha256`.
    ///
    /// # Errors
    /// When it does not have the form; the error names the place.
    pub fn from_toml(
        text: &str,
        folder: &Path,
        places: &BTreeMap<String, String>,
    ) -> Result<Self, TestbedError> {
        let mut text = text.to_owned();
        for (name, value) in places {
            text = text.replace(&format!("${{{name}}}"), value);
        }
        if let Some((_, rest)) = text.split_once("${") {
            let name = rest.split('}').next().unwrap_or_default().to_owned();
            return Err(TestbedError::Place { name });
        }
        let mut table = toml::Value::Table(toml::from_str(&text)?);
        resolve_files(&mut table, folder)?;
        Ok(table.try_into()?)
    }

    /// Reads a test bed file; see [`from_toml`](Self::from_toml).
    ///
    /// # Errors
    /// See [`TestbedError`].
    pub fn read(path: &Path, places: &BTreeMap<String, String>) -> Result<Self, TestbedError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        Testbed::from_toml(&read_bounded(path)?, folder, places)
    }

    /// Whether the suite can have accounts of its own.
    #[must_use]
    pub fn makes_accounts(&self) -> bool {
        self.fund.is_some() || self.controls.contains_key("fund")
    }

    pub(crate) fn has_entry(&self, name: &str) -> bool {
        match name {
            "other-settings" => self.other_settings.is_some(),
            "wrong-settings" => !self.wrong_settings.is_empty(),
            "vectors" => !self.vectors.is_empty(),
            "native-errors" => !self.native_errors.is_empty(),
            "submits" => !self.submits.is_empty(),
            "unfit" => !self.probe.unfit.is_empty(),
            "missing-contract" => self.probe.missing_contract.is_some(),
            "missing-function" => self.probe.missing_function.is_some(),
            "event" => self.probe.event.is_some(),
            "largest" => self.probe.largest.is_some(),
            "proofs" => self.proofs.is_some(),
            "other-anchors" => self.proofs.as_ref().is_some_and(|proofs| !proofs.other_anchors.is_empty()),
            "proof-vectors" => self.proofs.as_ref().is_some_and(|proofs| !proofs.vectors.is_empty()),
            "earlier" => !self.earlier.is_empty(),
            "fund" => self.makes_accounts(),
            "two-parties" => self.makes_accounts() || self.parties.len() > 1,
            _ => false,
        }
    }

    pub(crate) fn offers(&self, kind: &str, name: &str, offered: bool) -> Result<(), crate::check::Unmet> {
        if offered {
            return Ok(());
        }
        Err(match self.absent.get(name) {
            Some(reason) => crate::check::Unmet::NotApplicable(reason.clone()),
            None => crate::check::Unmet::Unknown(format!("the test bed has no {kind} {name:?}")),
        })
    }
}

fn read_bounded(path: &Path) -> Result<String, TestbedError> {
    let shown = path.display().to_string();
    let read = |source| TestbedError::Read { path: shown.clone(), source };
    if std::fs::metadata(path).map_err(read)?.len() > MAX_BYTES {
        return Err(TestbedError::TooLarge { path: shown });
    }
    std::fs::read_to_string(path).map_err(read)
}

/// Replaces every `name-file` by `name` with what the file has.
fn resolve_files(value: &mut toml::Value, folder: &Path) -> Result<(), TestbedError> {
    match value {
        toml::Value::Array(items) => items.iter_mut().try_for_each(|item| resolve_files(item, folder)),
        toml::Value::Table(table) => {
            let named: Vec<_> = table.keys().filter(|key| key.ends_with("-file")).cloned().collect();
            for key in named {
                let Some(toml::Value::String(file)) = table.remove(&key) else { continue };
                let name = key.trim_end_matches("-file").to_owned();
                table.insert(name, toml::Value::String(file_content(&file, folder)?));
            }
            if let Some(toml::Value::String(file)) = table.remove("program-sha256-of") {
                table.insert("program-sha256".into(), toml::Value::String(digest_of(&folder.join(file))?));
            }
            table.iter_mut().try_for_each(|(_, item)| resolve_files(item, folder))
        }
        _ => Ok(()),
    }
}

/// SHA-256 of a file of any length, hexadecimal.
fn digest_of(path: &Path) -> Result<String, TestbedError> {
    use sha2::{Digest as _, Sha256};
    let read = |source| TestbedError::Read { path: path.display().to_string(), source };
    let mut file = std::fs::File::open(path).map_err(read)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match std::io::Read::read(&mut file, &mut buffer).map_err(read)? {
            0 => return Ok(hex::encode(digest.finalize())),
            length => digest.update(buffer.get(..length).unwrap_or_default()),
        }
    }
}

fn file_content(file: &str, folder: &Path) -> Result<String, TestbedError> {
    let (path, field) = file.split_once('#').map_or((file, None), |(path, field)| (path, Some(field)));
    let text = read_bounded(&folder.join(path))?;
    let Some(field) = field else { return Ok(text.trim().to_owned()) };
    let missing = || TestbedError::Field { path: path.into(), field: field.into() };
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|_| missing())?;
    match json.get(field) {
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(value) => Ok(value.to_string()),
        None => Err(missing()),
    }
}
