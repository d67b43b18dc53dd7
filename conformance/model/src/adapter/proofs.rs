//! Proofs: a final header that a quorum of validators signed, and a path from its roots to what is claimed.

use adapter_sdk::{
    Imports,
    types::{BlockRef, Claim, Error, ErrorCode, Proof, Signature},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    blocks::{self, Checked, Which},
    errors::{corrupt, invalid},
    receipt::{self, Known},
    rpc::{self, Ask, Nodes},
    settings::Settings,
};
use crate::wire::{
    Anchor, Entry, Hash, Header, Malformed, Reader, Record, Validators, Wire, Writer, attested,
    merkle::{self, Path},
    sha256, value_key,
};

/// The kinds of claims, each a capability.
pub(super) const KINDS: [&str; 5] = ["included", "succeeded", "event", "preset-value", "slot"];
/// The most bytes of a proof that are looked at.
const MAX_PROOF: usize = 1 << 20;

/// What proves a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Evidence {
    /// Of the anchor that it is made for.
    anchor: Hash,
    header: Header,
    /// Validators by their places, ascending, with r and s.
    signatures: Vec<(u8, [u8; 64])>,
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Record(Record, Path),
    /// The entry at a place, or those around it where nothing is there.
    State(Vec<(Entry, Path)>),
}

impl Wire for Evidence {
    const KIND: [u8; 2] = [b'Z', 1];

    fn write(&self, to: &mut Writer) {
        to.fixed(&self.anchor).bytes(&self.header.encode());
        to.list(&self.signatures, |to, (place, signature)| {
            to.u8(*place).fixed(signature);
        });
        match &self.content {
            Content::Record(record, path) => path.write(to.u8(0).bytes(&record.encode())),
            Content::State(entries) => {
                to.u8(1).list(entries, |to, (entry, path)| path.write(to.bytes(&entry.encode())));
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Evidence {
            anchor: from.fixed()?,
            header: Header::decode(&from.bytes()?)?,
            signatures: from.list(|from| Ok((from.u8()?, from.fixed()?)))?,
            content: match from.u8()? {
                0 => Content::Record(Record::decode(&from.bytes()?)?, Path::read(from)?),
                1 => {
                    Content::State(from.list(|from| Ok((Entry::decode(&from.bytes()?)?, Path::read(from)?)))?)
                }
                _ => return Err(Malformed("there is no such evidence")),
            },
        })
    }
}

/// A proof of a claim that holds.
pub(super) async fn prove(settings: &Settings, nodes: &Nodes<'_>, claim: Claim) -> Result<Proof, Error> {
    let (header, content) = match &claim {
        Claim::Included(id) => of_record(settings, nodes, id, |_, _| true).await?,
        Claim::Succeeded(id) => of_record(settings, nodes, id, |_, record| record.status == 0).await?,
        Claim::Event(event) => {
            let holds = |block: &Checked, record: &Record| {
                receipt::events(block, record).any(|announced| announced == *event)
            };
            of_record(settings, nodes, &event.transaction, holds).await?
        }
        Claim::PresetValue(claimed) => {
            let key = value_key(&claimed.key);
            of_state(settings, nodes, &settings.preset_contract, &key, claimed.value.as_deref()).await?
        }
        Claim::Slot(claimed) => {
            of_state(settings, nodes, &claimed.contract, &claimed.key, claimed.value.as_deref()).await?
        }
    };
    let (validators, signatures) = attestation(settings, nodes, &header).await?;
    let anchor = Anchor { validators, preset: settings.preset_contract.clone() };
    let block = blocks::reference(&header);
    let evidence = Evidence { anchor: sha256(&[&anchor.encode()]), header, signatures, content };
    Ok(Proof { claim, block, bytes: evidence.encode() })
}

fn not_so(why: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("the claim does not hold: {why}"))
}

async fn of_record(
    settings: &Settings,
    nodes: &Nodes<'_>,
    id: &str,
    holds: impl FnOnce(&Checked, &Record) -> bool + Send,
) -> Result<(Header, Content), Error> {
    let id = receipt::parse_id(id)?;
    let Known::Block { number, index } = receipt::look(settings, nodes, &id).await? else {
        return Err(not_so("the transaction is in no block"));
    };
    let block = blocks::chain_block(settings, nodes, Which::Number(number)).await?;
    let Some(record) = block.records.get(index).filter(|record| record.id == id) else {
        return Err(corrupt("the block does not have the transaction"));
    };
    if !holds(&block, record) {
        return Err(not_so("the transaction came to something else"));
    }
    let leaves: Vec<_> = block.records.iter().map(|record| merkle::leaf(&record.encode())).collect();
    let path = Path::new(&leaves, index).ok_or_else(|| corrupt("the block does not have the transaction"))?;
    Ok((block.header.clone(), Content::Record(record.clone(), path)))
}

async fn of_state(
    settings: &Settings,
    nodes: &Nodes<'_>,
    area: &str,
    key: &[u8],
    value: Option<&[u8]>,
) -> Result<(Header, Content), Error> {
    #[derive(Deserialize)]
    struct Found {
        entries: Vec<(String, String)>,
    }
    let status = blocks::chain_status(settings, nodes).await?;
    let header = blocks::chain_header(settings, nodes, Which::Number(status.last_final())).await?;
    let params = json!({"hash": hex::encode(header.hash()), "area": area, "key": hex::encode(key)});
    let found: Found = nodes.one(Ask::new(settings, "ledger_entry", params)).await?;
    let mut entries = Vec::new();
    for (entry, path) in &found.entries {
        let entry = Entry::decode(&rpc::bytes(entry)?).map_err(|_| corrupt("an entry does not decode"))?;
        let path = rpc::bytes(path)?;
        let mut from = Reader::new(&path);
        let path = Path::read(&mut from).map_err(|_| corrupt("a path does not decode"))?;
        entries.push((entry, path));
    }
    let held =
        held(&header, &entries, area, key).ok_or_else(|| corrupt("the entries are not the state's"))?;
    if held != value {
        return Err(not_so("the state holds something else at the newest final block"));
    }
    Ok((header, Content::State(entries)))
}

/// What the state holds at a place by these entries; none where they do not tell.
#[expect(clippy::option_option, reason = "that nothing is there is something that entries tell")]
fn held<'a>(
    header: &Header,
    entries: &'a [(Entry, Path)],
    area: &str,
    key: &[u8],
) -> Option<Option<&'a [u8]>> {
    let place = (area, key);
    let at = |entry: &'a Entry| (entry.area.as_str(), entry.key.as_slice());
    let in_state =
        |(entry, path): &(Entry, Path)| path.root(merkle::leaf(&entry.encode())) == Some(header.state);
    if !entries.iter().all(in_state) {
        return None;
    }
    match entries {
        [(entry, _)] if at(entry) == place => Some(Some(&entry.value)),
        [(entry, path)] => {
            let first = path.index == 0 && place < at(entry);
            let last = path.index.checked_add(1)? == path.leaves && at(entry) < place;
            (first || last).then_some(None)
        }
        [(before, left), (after, right)] => {
            let beside = left.index.checked_add(1)? == right.index && left.leaves == right.leaves;
            (beside && at(before) < place && place < at(after)).then_some(None)
        }
        [] => (header.state == merkle::root(&[])).then_some(None),
        _ => None,
    }
}

type Signatures = Vec<(u8, [u8; 64])>;

/// Validators of the space, and their signatures under the header.
async fn attestation(
    settings: &Settings,
    nodes: &Nodes<'_>,
    header: &Header,
) -> Result<(Validators, Signatures), Error> {
    #[derive(Deserialize)]
    struct Told {
        validators: String,
    }
    #[derive(Deserialize)]
    struct Attested {
        signatures: Option<Vec<(u8, String)>>,
    }
    let told: Told = nodes.one(Ask::new(settings, "ledger_validators", json!({}))).await?;
    let validators = Validators::decode(&rpc::bytes(&told.validators)?)
        .map_err(|_| corrupt("the validators do not decode"))?;
    if sha256(&[&validators.encode()]) != header.validators {
        return Err(corrupt("the validators are not those of the header"));
    }
    let params = json!({"hash": hex::encode(header.hash())});
    let attested: Attested = nodes.one(Ask::new(settings, "ledger_attestation", params)).await?;
    let Some(given) = attested.signatures else {
        return Err(Error { retryable: true, ..not_so("the validators do not call the block final yet") });
    };
    let mut signatures = Vec::new();
    for (place, signature) in given.into_iter().take(validators.quorum.into()) {
        let signature = rpc::bytes(&signature)?;
        let signature = signature.try_into().map_err(|_| corrupt("a signature has not 64 bytes"))?;
        signatures.push((place, signature));
    }
    Ok((validators, signatures))
}

/// The bytes of a proof with other signatures: validators by their places, with r and s. None where they do not decode.
///
/// Of no use to an honest adapter; proofs that must not hold are made with it.
pub fn with_signatures(
    proof: &[u8],
    change: impl FnOnce(Vec<(u8, [u8; 64])>) -> Vec<(u8, [u8; 64])>,
) -> Option<Vec<u8>> {
    let evidence = Evidence::decode(proof).ok()?;
    Some(Evidence { signatures: change(evidence.signatures), ..evidence }.encode())
}

/// Checks a proof against an anchor.
pub(super) fn verify(host: &dyn Imports, anchor: &[u8], proof: &Proof) -> Result<(), Error> {
    let trusted = Anchor::decode(anchor).map_err(|_| invalid("the anchor does not decode"))?;
    let broken =
        |why: &str| Error::new(ErrorCode::CorruptResponse, format!("the proof does not hold: {why}"));
    if proof.bytes.len() > MAX_PROOF {
        return Err(broken("it is longer than proofs are"));
    }
    let evidence = Evidence::decode(&proof.bytes).map_err(|_| broken("it does not decode"))?;
    let Evidence { header, signatures, content, .. } = &evidence;
    let hash = header.hash();
    let Validators { chain, space, quorum, .. } = &trusted.validators;
    if evidence.anchor != sha256(&[anchor]) {
        return Err(broken("it is made for another anchor"));
    }
    if (&header.chain, &header.space) != (chain, space)
        || header.validators != sha256(&[&trusted.validators.encode()])
    {
        return Err(broken("the header is of another ledger, space or set of validators"));
    }
    if proof.block != (BlockRef { number: header.number, hash: hash.to_vec() }) {
        return Err(broken("the header is another block's"));
    }
    if signatures.len() != usize::from(*quorum) || !signatures.is_sorted_by(|a, b| a.0 < b.0) {
        return Err(broken("the signatures are not those of one quorum"));
    }
    if !holds(&proof.claim, &trusted.preset, header, content) {
        return Err(broken("the evidence is not of this claim"));
    }
    for (place, signature) in signatures {
        let signature = Signature { bytes: signature.to_vec(), recovery_id: None };
        let key = trusted.validators.key(*place).ok_or_else(|| broken("there is no such validator"))?;
        if !host.verify(&key, &attested(&hash), &signature) {
            return Err(broken("a signature is not the validator's"));
        }
    }
    Ok(())
}

/// Whether the evidence under a trusted header is evidence of the claim.
fn holds(claim: &Claim, preset: &str, header: &Header, content: &Content) -> bool {
    let state = |area: &str, key: &[u8], value: &Option<Vec<u8>>| match content {
        Content::State(entries) => held(header, entries, area, key) == Some(value.as_deref()),
        Content::Record(..) => false,
    };
    let record = |id: &str| match content {
        Content::Record(record, path) => {
            let in_block = path.root(merkle::leaf(&record.encode())) == Some(header.records);
            (in_block && hex::encode(record.id) == id).then_some(record)
        }
        Content::State(_) => None,
    };
    match claim {
        Claim::Included(id) => record(id).is_some(),
        Claim::Succeeded(id) => record(id).is_some_and(|record| record.status == 0),
        Claim::Event(event) => record(&event.transaction).is_some_and(|record| {
            let block = blocks::reference(header);
            let mut events = record.events.iter();
            events.any(|announced| receipt::event(announced, &record.id, block.clone()) == *event)
        }),
        Claim::PresetValue(claimed) => state(preset, &value_key(&claimed.key), &claimed.value),
        Claim::Slot(claimed) => state(&claimed.contract, &claimed.key, &claimed.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_bytes_decode_or_are_an_error(bytes: Vec<u8>) {
            let _ = Evidence::decode(&[&Evidence::KIND, bytes.as_slice()].concat());
            let _ = Anchor::decode(&[&Anchor::KIND, bytes.as_slice()].concat());
        }
    }
}
