//! Proofs that hold without any node: a block's header with enough sealers' signatures, and paths from a transaction and its receipt
//! to the header's roots.
//!
//! The anchor is JSON: `{"generation": 2, "crypto": "standard", "chain": "1", "group": "1", "sealers": [{"key": "…", "weight": 1}]}`, the
//! settings' words, with `weight` optional. A header of 2.x does not name its group, so the proof carries the signed transaction, which does.

use adapter_sdk::{
    Imports,
    types::{BlockRef, Claim, Error, ErrorCode, Event, Proof},
};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    codec,
    crypto::Crypto,
    errors::{corrupt, invalid},
    executed::Form,
    header::Header,
    merkle::{self, Level},
    quorum::{self, Sealer},
    receipt,
    rpc::Node,
    settings::{Generation, Settings},
    transaction::{Data, Fields, Signed, Unsigned, parse_id},
};

/// Kind and version of the encoding.
const KIND: (u8, u8) = (b'p', 1);
/// The largest proof, bytes.
const MAX_PROOF: usize = 1 << 20;
/// The largest anchor, bytes.
const MAX_ANCHOR: usize = 1 << 18;

/// What the verifier trusts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Anchor {
    generation: Generation,
    crypto: Crypto,
    chain: String,
    group: String,
    sealers: Vec<Sealer>,
}

impl Anchor {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let anchor: Option<Anchor> =
            if bytes.len() > MAX_ANCHOR { None } else { serde_json::from_slice(bytes).ok() };
        anchor.filter(|anchor| !anchor.sealers.is_empty()).ok_or_else(|| {
            invalid("the anchor must be JSON with `generation`, `crypto`, `chain`, `group` and `sealers`, at least one")
        })
    }

    /// The same in the form of settings, for what they are asked for.
    fn settings(&self) -> Settings {
        Settings {
            generation: self.generation,
            chain: self.chain.clone(),
            group: self.group.clone(),
            crypto: self.crypto,
            sealers: self.sealers.clone(),
            block_limit: 1,
            preset_contract: None,
            preset_table: None,
        }
    }
}

#[derive(RlpEncodable, RlpDecodable)]
struct Signature {
    sealer: u64,
    /// r and s.
    halves: Bytes,
}

/// What a proof is made of.
#[derive(RlpEncodable, RlpDecodable)]
struct Content {
    /// The header's fields.
    header: Bytes,
    /// Ascending by sealer.
    signatures: Vec<Signature>,
    /// Place in the block.
    index: u64,
    /// Of 2.x the signed bytes, of 3.x the data that its id is the hash of.
    transaction: Bytes,
    transaction_path: Vec<Level>,
    /// None for a claim that says nothing of success.
    receipt: Bytes,
    receipt_path: Vec<Level>,
}

fn no() -> Error {
    Error::new(ErrorCode::CorruptResponse, "the proof does not hold")
}

fn is_not_so(why: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("the claim is not so: {why}"))
}

/// Which transaction a claim is of.
fn subject(claim: &Claim) -> Result<B256, Error> {
    match claim {
        Claim::Included(id) | Claim::Succeeded(id) => parse_id(id),
        Claim::Event(event) => parse_id(&event.transaction),
        Claim::PresetValue(_) => Err(Error::unsupported("proofs of values: blocks have no root over them")),
        Claim::Slot(_) => Err(Error::unsupported("proofs of storage: blocks have no root over it")),
    }
}

/// Makes a proof.
pub(crate) async fn prove(settings: &Settings, host: &dyn Imports, claim: Claim) -> Result<Proof, Error> {
    let id = subject(&claim)?;
    let node = Node::lent(host, settings)?;
    let mut answers = node.ask(vec![node.chain(), node.receipt(id), node.transaction(id)]).await;
    answers.next_chain(settings)?;
    let found = answers.next_receipt()?.ok_or_else(|| is_not_so("the transaction is in no block"))?;
    let json: Option<Value> = answers.next_known()?;
    let transaction = json.and_then(|json| bytes_of(settings, host, id, &json));
    let transaction =
        transaction.ok_or_else(|| corrupt("getTransaction", "a transaction that does not hash to its id"))?;
    let proven = receipt::prove(&node, id, &found).await?;
    let header = &proven.block.header;
    let (form, receipt_path) = proven.receipt;
    let facts = form.facts();
    let with_receipt = match &claim {
        Claim::Included(_) => false,
        Claim::Succeeded(_) if facts.status == 0 => true,
        Claim::Succeeded(_) => return Err(is_not_so("the transaction failed")),
        Claim::Event(event) => {
            let events = receipt::events(header, id, proven.index, &facts);
            if !events.iter().any(|one| is_same(one, event)) {
                return Err(is_not_so("the transaction has no such event; give it as its receipt gives it"));
            }
            true
        }
        Claim::PresetValue(_) | Claim::Slot(_) => false,
    };
    let mut signatures: Vec<Signature> = header
        .signatures
        .iter()
        .filter_map(|(sealer, bytes)| {
            Some(Signature { sealer: *sealer, halves: Bytes::from(bytes.get(..64)?.to_vec()) })
        })
        .collect();
    signatures.sort_by_key(|signature| signature.sealer);
    signatures.dedup_by_key(|signature| signature.sealer);
    let content = Content {
        header: header.fields.clone().into(),
        signatures,
        index: proven.index.into(),
        transaction: transaction.into(),
        transaction_path: proven.path,
        receipt: if with_receipt { form.encode().into() } else { Bytes::new() },
        receipt_path: if with_receipt { receipt_path } else { Vec::new() },
    };
    Ok(Proof { claim, block: header.reference(), bytes: codec::encode(KIND.0, KIND.1, &content) })
}

/// The bytes of a transaction that its id is the hash of.
fn bytes_of(settings: &Settings, host: &dyn Imports, id: B256, json: &Value) -> Option<Vec<u8>> {
    match settings.generation {
        Generation::Two => {
            let bytes = Fields::signed_from_json(json)?;
            (settings.crypto.hash(host, &bytes) == id).then_some(bytes)
        }
        Generation::Three => {
            let data = Data::from_json(json)?;
            let shown = json.get("nonce")?.as_str()?.to_owned();
            let fits = |data: &Data| settings.crypto.hash(host, &data.hashed_bytes()) == id;
            let found = if fits(&data) { data } else { Some(data.with_nonce(shown)).filter(fits)? };
            Some(found.encode())
        }
    }
}

/// Whether two events are the same in everything that bears meaning.
fn is_same(one: &Event, claimed: &Event) -> bool {
    let extensions = claimed.extensions.is_empty() || claimed.extensions == one.extensions;
    let bare = |event: &Event| Event { extensions: Vec::new(), ..event.clone() };
    extensions && bare(one) == bare(claimed)
}

/// Checks a proof by the anchor alone.
pub(crate) fn verify(host: &dyn Imports, anchor: &[u8], proof: &Proof) -> Result<(), Error> {
    let anchor = Anchor::decode(anchor)?;
    subject(&proof.claim).map_err(|_| no())?;
    if proof.bytes.len() > MAX_PROOF {
        return Err(no());
    }
    let content: Content = codec::decode(KIND.0, KIND.1, &proof.bytes, "the proof").map_err(|_| no())?;
    holds(host, &anchor, proof, &content).ok_or_else(no)
}

fn holds(host: &dyn Imports, anchor: &Anchor, proof: &Proof, content: &Content) -> Option<()> {
    let (generation, crypto) = (anchor.generation, anchor.crypto);
    if !content.signatures.is_sorted_by(|a, b| a.sealer < b.sealer)
        || content.signatures.iter().any(|signature| signature.halves.len() != 64)
    {
        return None;
    }
    let signatures = content.signatures.iter().map(|one| (one.sealer, one.halves.to_vec())).collect();
    let header = Header::from_fields(host, generation, crypto, &content.header, signatures)?;
    let block = BlockRef { number: header.number, hash: header.hash.to_vec() };
    if proof.block != block {
        return None;
    }
    quorum::check(host, crypto, &anchor.sealers, &header, "the proof").ok()?;

    let (unsigned, id) = match generation {
        Generation::Two => {
            let signed = Signed::decode(host, generation, crypto, &content.transaction)?;
            (signed.unsigned, signed.id)
        }
        Generation::Three => {
            let data = Data::decode(&content.transaction)?;
            if data.encode() != content.transaction || !data.is_covered() {
                return None;
            }
            let id = crypto.hash(host, &data.hashed_bytes());
            (Unsigned::Three(data), id)
        }
    };
    unsigned.check(&anchor.settings(), "the proof").ok()?;
    if subject(&proof.claim).ok()? != id {
        return None;
    }
    let root = |hash: B256, path: &[Level]| merkle::root(host, generation, crypto, content.index, hash, path);
    if root(id, &content.transaction_path) != Some(header.transactions_root) {
        return None;
    }
    if let Claim::Included(_) = proof.claim {
        return (content.receipt.is_empty() && content.receipt_path.is_empty()).then_some(());
    }
    let form = Form::decode(generation, &content.receipt)?;
    if root(form.hash(host, crypto), &content.receipt_path) != Some(header.receipts_root) {
        return None;
    }
    let facts = form.facts();
    match &proof.claim {
        Claim::Succeeded(_) => (facts.status == 0).then_some(()),
        Claim::Event(event) => {
            let place = u32::try_from(content.index).ok()?;
            let events = receipt::events(&header, id, place, &facts);
            events.iter().any(|one| is_same(one, event)).then_some(())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use berth_crypto::NothingLent;
    use proptest::prelude::*;

    use super::*;
    use crate::{executed, header, transaction};

    fn anchor(generation: u8, crypto: &str) -> Vec<u8> {
        let key = "ab".repeat(64);
        serde_json::json!({
            "generation": generation, "crypto": crypto, "chain": "1", "group": "1", "sealers": [{"key": key}]
        })
        .to_string()
        .into_bytes()
    }

    fn refuses(bytes: &[u8]) -> bool {
        let id = B256::repeat_byte(1).to_string();
        [Claim::Included(id.clone()), Claim::Succeeded(id)].into_iter().all(|claim| {
            let block = BlockRef { number: 1, hash: vec![1; 32] };
            let proof = Proof { claim, block, bytes: bytes.to_vec() };
            [(2, "standard"), (2, "sm"), (3, "standard"), (3, "sm")].into_iter().all(
                |(generation, crypto)| {
                    verify(&NothingLent, &anchor(generation, crypto), &proof)
                        .is_err_and(|error| error.code == ErrorCode::CorruptResponse)
                },
            )
        })
    }

    proptest! {
        #[test]
        fn any_bytes_are_no_proof(bytes: Vec<u8>) {
            prop_assert!(refuses(&bytes));
            prop_assert!(refuses(&[&[KIND.0, KIND.1], bytes.as_slice()].concat()));
        }

        #[test]
        fn a_proof_is_read_as_it_was_written_and_parts_that_do_not_belong_together_are_refused(
            (_, header) in header::tests::fields(),
            (_, unsigned) in transaction::tests::unsigned(),
            (_, form) in executed::tests::form(),
            index: u64, signature in any::<[[u8; 32]; 2]>(),
        ) {
            let level = Level { left: vec![Bytes::from(vec![7; 32])], right: Vec::new() };
            let content = Content {
                header: header.into(),
                signatures: vec![Signature { sealer: 0, halves: signature.concat().into() }],
                index,
                transaction: unsigned.encode().into(),
                transaction_path: vec![level.clone()],
                receipt: form.encode().into(),
                receipt_path: vec![level],
            };
            let bytes = codec::encode(KIND.0, KIND.1, &content);
            let read: Content = codec::decode(KIND.0, KIND.1, &bytes, "").unwrap();
            prop_assert_eq!(codec::encode(KIND.0, KIND.1, &read), bytes.clone());
            prop_assert!(refuses(&bytes));
        }
    }
}
