//! An example for vendors: a whole adapter, of a ledger that is made up. It is a notebook service whose pages are
//! never torn out, so that a note is final once it is written. The service speaks JSON over HTTP:
//!
//! - `GET /page` answers `{"number": 3, "hash": "0x…"}`, the newest page.
//! - `GET /notes/ID` answers `{"note": "…", "page": {"number": 3, "hash": "0x…"}, "line": 0}`, or 404.
//! - `POST /notes` with `{"note": "…", "signature": "…"}` answers 201, or 409 where the note is there already.
//!
//! A note is the JSON text of `Note`, signed by its author with P-256; its id is the SHA-256 of that text. An
//! application has a notebook of its own: the one at the base address that it is lent.

use adapter_sdk::{FrameworkAdapter, Imports, async_trait, descriptor, types::transport::*, types::*};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What an author signs. The salt makes equal texts differ.
#[derive(Serialize, Deserialize)]
struct Note {
    author: String,
    text: String,
    salt: String,
}

/// A note with r and s of its signature, as the service takes it.
#[derive(Serialize)]
struct Signed {
    note: String,
    signature: String,
}

/// A note in the notebook, as the service shows it.
#[derive(Deserialize)]
struct Written {
    note: String,
    page: BlockRef,
    line: u32,
}

/// The longest text of a note, in bytes.
const MAX_PAYLOAD: u32 = 4096;

/// One application's notebook.
pub struct Notebook;

adapter_sdk::export!(Notebook);

#[async_trait]
impl FrameworkAdapter for Notebook {
    fn describe() -> Descriptor {
        Descriptor {
            framework_versions: vec!["1".into()],
            schemes: vec![SignatureScheme::EcdsaP256Sha256],
            endpoints: vec![EndpointNeed {
                name: "service".into(),
                transport: Transport::Http,
                required: true,
                many: false,
                reads: vec!["GET /page".into(), "GET /notes/".into()],
                purpose: "the notebook service".into(),
            }],
            max_payload: MAX_PAYLOAD,
            ..descriptor("notebook", "0.1.0", "notebook")
        }
    }

    fn open(settings: &str) -> Result<Self, Error> {
        match serde_json::from_str(settings) {
            Ok(serde_json::Value::Object(settings)) if settings.is_empty() => Ok(Notebook),
            _ => Err(invalid("a notebook has no settings: {}")),
        }
    }

    async fn status(&self, host: &dyn Imports) -> Result<LedgerStatus, Error> {
        let head: BlockRef = read(host, "/page").await?;
        Ok(LedgerStatus { finalized: head.clone(), head, synced: true, peers: 0 })
    }

    async fn accounts(&self, _host: &dyn Imports, key: PublicKey) -> Result<Vec<String>, Error> {
        Ok(vec![author(&key)?])
    }

    async fn begin(
        &self,
        host: &dyn Imports,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, Error> {
        if call.payload() > u64::from(MAX_PAYLOAD) {
            return Err(Error::new(ErrorCode::TooLarge, format!("{MAX_PAYLOAD} bytes at most")));
        }
        if options.amount.is_some() || options.at.is_some() {
            return Err(Error::unsupported("currency, or reading at an earlier page"));
        }
        match call {
            Call::Evaluate(call) => {
                let written = find(host, argument(&call, "read")?).await?;
                Ok(Step::Answer(text(&written)?))
            }
            Call::Invoke(call) => {
                let text = argument(&call, "add")?.to_owned();
                let [Party { account: None, keys }] = parties.as_slice() else {
                    return Err(invalid("a note has one author, known by the key alone"));
                };
                let [key] = keys.as_slice() else { return Err(invalid("an author has one key")) };
                let note = encode(&Note { author: author(key)?, text, salt: hex::encode(options.salt) })?;
                Ok(Step::Sign(SignRequest {
                    continuation: note.clone(),
                    items: vec![SignItem { key: key.clone(), input: SigningInput::Message(note) }],
                    valid_until: Validity::Unbounded,
                    max_fee: None,
                    summary: "write a note".into(),
                }))
            }
            Call::Deploy(_) | Call::Native(_) => Err(Error::unsupported("this kind of call")),
        }
    }

    async fn resume(
        &self,
        host: &dyn Imports,
        note: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, Error> {
        let point = serde_json::from_slice::<Note>(&note).ok().and_then(|note| hex::decode(note.author).ok());
        let point = point.ok_or_else(|| invalid("this continuation is not one of begin's"))?;
        let key = PublicKey { scheme: SignatureScheme::EcdsaP256Sha256, point, certificate: None };
        let signature = match signatures.as_slice() {
            [one] if host.verify(&key, &SigningInput::Message(note.clone()), one) => hex::encode(&one.bytes),
            _ => return Err(invalid("one signature is wanted, by the note's author")),
        };
        let transaction = id(host, &note);
        let note = String::from_utf8(note).map_err(|e| invalid(&e.to_string()))?;
        let bytes = encode(&Signed { note, signature })?;
        Ok(Step::Send(Envelope {
            transaction,
            bytes,
            valid_until: Validity::Unbounded,
            tracking: Vec::new(),
        }))
    }

    async fn send(&self, host: &dyn Imports, envelope: Envelope) -> Result<(), SendFailure> {
        let answer = exchange(host, "POST", "/notes", envelope.bytes).await?;
        match answer.status {
            201 | 409 => Ok(()),
            400..=499 => {
                Err(SendFailure { error: refused(ErrorCode::Rejected, &answer), effect: Effect::Never })
            }
            _ => {
                Err(SendFailure { error: refused(ErrorCode::Unavailable, &answer), effect: Effect::Unknown })
            }
        }
    }

    async fn receipt(&self, host: &dyn Imports, note: String, _tracking: Vec<u8>) -> Result<Receipt, Error> {
        let receipt = Receipt {
            transaction: note,
            inclusion: Inclusion::Unknown,
            block: None,
            index: None,
            outcome: None,
            created: None,
            events: Vec::new(),
            fee: None,
            extensions: Vec::new(),
        };
        match find(host, &receipt.transaction).await {
            Ok(written) => Ok(Receipt {
                inclusion: Inclusion::Final,
                outcome: Some(Ok(text(&written)?)),
                block: Some(written.page),
                index: Some(written.line),
                ..receipt
            }),
            Err(error) if error.code == ErrorCode::NotFound => Ok(receipt),
            Err(error) => Err(error),
        }
    }
}

/// One exchange with the service.
async fn exchange(
    host: &dyn Imports,
    method: &str,
    path: &str,
    body: Vec<u8>,
) -> Result<HttpResponse, Failure> {
    let lent = host.lent_as("service").into_iter().next();
    let endpoint = lent.ok_or_else(|| Failure::Refused("no notebook service is lent".into()))?.endpoint;
    let headers = vec![("content-type".into(), "application/json".into())];
    let (method, path) = (method.into(), path.into());
    let answers =
        host.http(vec![HttpRequest { endpoint, method, path, headers, body, sensitive: false }]).await;
    answers.into_iter().next().unwrap_or_else(|| Err(Failure::Interrupted("no answer from the host".into())))
}

/// What the service shows at a path.
async fn read<T: DeserializeOwned>(host: &dyn Imports, path: &str) -> Result<T, Error> {
    let answer = exchange(host, "GET", path, Vec::new()).await?;
    match answer.status {
        200 => serde_json::from_slice(&answer.body).map_err(|e| corrupt(&e.to_string())),
        404 => Err(refused(ErrorCode::NotFound, &answer)),
        _ => Err(refused(ErrorCode::Unavailable, &answer)),
    }
}

/// The note with this id; what the service shows is checked against it.
async fn find(host: &dyn Imports, note: &str) -> Result<Written, Error> {
    if note.len() != 64 || !note.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(invalid("a note's id is 64 hexadecimal digits in lower case"));
    }
    let written: Written = read(host, &format!("/notes/{note}")).await?;
    if id(host, written.note.as_bytes()) == note { Ok(written) } else { Err(corrupt("it is another note")) }
}

fn id(host: &dyn Imports, note: &[u8]) -> String {
    hex::encode(host.hash(HashAlgorithm::Sha256, note))
}

/// The name under which a key writes: its point.
fn author(key: &PublicKey) -> Result<String, Error> {
    match (key.scheme, key.point.as_slice()) {
        (SignatureScheme::EcdsaP256Sha256, [4, rest @ ..]) if rest.len() == 64 => Ok(hex::encode(&key.point)),
        _ => Err(invalid("an author's key is for P-256, a point of 65 bytes")),
    }
}

/// The one text that a function of the contract `notebook` takes.
fn argument<'a>(call: &'a ContractCall, function: &str) -> Result<&'a str, Error> {
    if call.contract != "notebook" || call.function != function {
        return Err(Error::new(
            ErrorCode::NotFound,
            "the contract notebook has add to invoke and read to evaluate",
        ));
    }
    match call.arguments.as_slice() {
        [Value::Text(text)] if call.private_arguments.is_empty() => Ok(text),
        _ => Err(invalid("one text is wanted, and nothing private")),
    }
}

fn text(written: &Written) -> Result<Output, Error> {
    let note: Note = serde_json::from_str(&written.note).map_err(|e| corrupt(&e.to_string()))?;
    Ok(Output { raw: note.text.into(), json: None })
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|e| Error::new(ErrorCode::Internal, e.to_string()))
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument, message)
}

fn corrupt(what: &str) -> Error {
    Error::new(ErrorCode::CorruptResponse, format!("the service's answer: {what}"))
}

/// The service's own word on a request that it did not carry out.
fn refused(code: ErrorCode, answer: &HttpResponse) -> Error {
    let error = Error::new(code, "the service did not do it").with_native(answer.status.to_string());
    Error { retryable: code == ErrorCode::Unavailable, ..error }
}
